"""How a Monte Carlo run goes: which engine, in which parts, and what is made of its sums."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError, UnknownNameError
from pomdft.kernels import compiled, reference_montecarlo
from pomdft.kernels.lattice import Lattice
from pomdft.kernels.montecarlo_inputs import Replicas
from pomdft.kernels.montecarlo_result import MonteCarloResult, Trajectory
from pomdft.kernels.montecarlo_state import (
    FLIP,
    LANES,
    SWAP_ANY,
    SWAP_NEIGHBOURS,
    MonteCarloState,
    build_state,
)
from pomdft.kernels.montecarlo_tables import (
    QuantisedModel,
    ReducedModel,
    quantise_model,
    reduce_model,
    tabulate_sites,
)
from pomdft.kernels.ordering_statistics import compose_shells, compose_surface, order_pairs
from pomdft.units import BOLTZMANN_EV_PER_K

ENGINES = ("auto", "chain", "replicas")
MOVES = {"any": SWAP_ANY, "neighbours": SWAP_NEIGHBOURS, "flip": FLIP}
# From this many replicas on, 32 of them in vector registers beat one chain after the other.
_MANY = 8
# 16-bit fields are taken where they move no energy by more than this share of k T.
_TOLERANCE = 0.1
# Steps of a block, or of a chain, between looks at signals: about a second's work.
_PART = 10_000_000
_CHECKS = 4
_MAX_RECORDED = 4_000_000_000

Floats = npt.NDArray[np.float64]


@dataclass(eq=False)
class Simulation:
    """A state together with the models it was built from."""

    model: ReducedModel
    quantised: QuantisedModel
    state: MonteCarloState
    engine: str
    n_threads: int
    sweep: int = 0
    drift_ev: float = 0.0
    residuals_ev: list[Floats] = field(default_factory=list)

    def advance(self, n_sweeps: int) -> None:
        """Do sweeps in parts of about a second, so that an interrupt is seen."""
        core = compiled.select("montecarlo", reference_montecarlo)
        level = compiled.simd_level()
        units = self.state.n_replicas if self.engine == "chain" else len(self.state.species)
        width = max(1, _PART // (self.state.tables.n_sites * -(-units // self.n_threads)))
        end = self.sweep + n_sweeps
        while self.sweep < end:
            step = min(width, end - self.sweep)
            core.advance(self.state, self.sweep, step, level, self.n_threads)
            self.sweep += step

    def simulated_energies(self) -> Floats:
        """Return the energies of the walkers as simulated (eV), shape (R,)."""
        counts = self.state.counts
        if self.state.mode == FLIP:
            occupations = self.state.occupations()
            counts = np.stack([(occupations == s).sum(axis=1) for s in range(4)], axis=1)
        offset = counts[:, : self.state.n_species] @ self.quantised.offset_ev
        energies: Floats = (
            self.model.origin_ev + offset + self.quantised.resolution_ev * self.state.energy
        )
        return energies

    def check(self, keep: bool) -> Floats:
        """Compare with the energies recomputed in full, and return these (eV), by walker."""
        full = self.model.energies(self.state.occupations())
        residual = full - self.simulated_energies()
        self.drift_ev = max(self.drift_ev, float(np.abs(residual).max()))
        if keep:
            self.residuals_ev.append(residual[self.state.walker])
        return full


def count_threads(n_threads: int | None) -> int:
    """Return the number of threads: as given, ``OMP_NUM_THREADS``, or the cores allowed.

    Raises
    ------
    KernelInputError
        Not a whole number from 1 to 1024.
    """
    if n_threads is None:
        asked = os.environ.get("OMP_NUM_THREADS", "")
        if asked.isdigit() and int(asked) > 0:
            return min(int(asked), 1024)
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if isinstance(n_threads, bool) or not isinstance(n_threads, int | np.integer):
        raise KernelInputError(f"n_threads: is {n_threads!r}, must be a whole number.")
    if not 1 <= n_threads <= 1024:
        raise KernelInputError(f"n_threads: {n_threads} is outside 1 to 1024.")
    return int(n_threads)


def choose_engine(engine: str, model: ReducedModel, kelvin: Floats, *, swaps: bool) -> str:
    """Return the engine that runs: many replicas whose energies 16 bits represent well enough.

    Raises
    ------
    UnknownNameError
        `engine` is not known.
    """
    if engine not in ENGINES:
        raise UnknownNameError("engine", engine, ENGINES)
    if engine != "auto":
        return engine
    if len(kelvin) < _MANY:
        return "chain"
    error = quantise_model(model, "replicas", swaps).error_ev
    warm = kelvin[kelvin > 0]
    coldest = float(warm.min()) if len(warm) else 0.0
    return "replicas" if error <= _TOLERANCE * BOLTZMANN_EV_PER_K * coldest else "chain"


def prepare(
    lattice: Lattice,
    replicas: Replicas,
    stream: npt.NDArray[np.uint32],
    *,
    move: str,
    engine: str,
    seed: int,
    n_threads: int | None,
) -> Simulation:
    """Return a simulation ready to advance.

    Raises
    ------
    UnknownNameError
        `engine` or `move` is not known.
    """
    if move not in MOVES:
        raise UnknownNameError("move", move, MOVES)
    tables = tabulate_sites(lattice)
    model = reduce_model(tables, replicas.half_bond_ev, replicas.site_ev)
    kelvin = replicas.temperatures_k
    swaps = move != "flip"
    chosen = choose_engine(engine, model, kelvin, swaps=swaps)
    quantised = quantise_model(model, chosen, swaps)
    state = build_state(
        tables,
        quantised,
        replicas.species,
        kelvin,
        engine=chosen,
        mode=MOVES[move],
        seed=seed,
        stream=stream,
    )
    units = len(replicas) if chosen == "chain" else -(-len(replicas) // LANES)
    threads = min(count_threads(n_threads), units)
    return Simulation(model, quantised, state, chosen, threads)


def set_ladders(
    simulation: Simulation, replicas: Replicas, ladders: npt.ArrayLike | None, every: int
) -> None:
    """Let replicas that differ in temperature only exchange it.

    Raises
    ------
    KernelInputError
        `ladders` has another length than the replicas, or joins replicas of different composition
        or energies.
    """
    count = len(replicas)
    counts = simulation.state.counts
    stacked = [a for a in (replicas.half_bond_ev, replicas.site_ev) if a is not None and len(a) > 1]
    keys: dict[bytes, int] = {}
    same = np.empty(count, np.int64)
    for r in range(count):
        key = counts[r].tobytes() + b"".join(a[r].tobytes() for a in stacked)
        same[r] = keys.setdefault(key, len(keys))
    if ladders is None:
        label = same
    else:
        label = np.asarray(ladders)
        if label.shape != (count,) or label.dtype.kind not in "iu":
            raise KernelInputError(
                f"ladders: got shape {label.shape} and dtype {label.dtype}, wanted ({count},) "
                "whole numbers."
            )
        if any(len(np.unique(same[label == x])) > 1 for x in np.unique(label)):
            raise KernelInputError(
                "ladders: joins replicas of different composition or energies.",
                "Only the temperature may differ along a ladder.",
            )
    order = np.lexsort((replicas.temperatures_k, label)).astype(np.int32)
    starts = np.flatnonzero(np.diff(label[order])) + 1
    simulation.state.ladder = order
    simulation.state.ladder_start = np.concatenate([[0], starts, [count]]).astype(np.int32)
    simulation.state.exchange_every = every


def simulate(
    simulation: Simulation,
    replicas: Replicas,
    *,
    n_sweeps: int,
    n_equilibration: int,
    count_every: int,
    record_every: int | None,
    chemical_potentials_ev: Floats | None = None,
) -> MonteCarloResult:
    """Run a prepared simulation and return its averages."""
    state = simulation.state
    state.first_measured, state.n_measured = n_equilibration, n_sweeps
    state.count_every = count_every
    count, n = len(replicas), state.tables.n_sites
    records = 0 if record_every is None else n_sweeps // record_every
    if records * count * n > _MAX_RECORDED:
        raise KernelInputError(
            f"record_every: {records} records of {count} x {n} sites take more than 4 GB.",
            "Record less often.",
        )
    simulation.advance(n_equilibration)
    sums = state.sums
    for array in (sums.accepted, sums.proposed, sums.exchanges, sums.exchanged):
        array[:] = 0
    marks = {n_sweeps * (k + 1) // _CHECKS for k in range(_CHECKS)}
    recorded = (
        set() if record_every is None else set(range(record_every, n_sweeps + 1, record_every))
    )
    snapshots, energies = [], []
    done = 0
    for mark in sorted(marks | recorded):
        simulation.advance(mark - done)
        done = mark
        full = simulation.check(keep=mark in marks)
        if mark in recorded:
            snapshots.append(state.occupations()[state.walker])
            energies.append(full[state.walker])
    trajectory = None
    if record_every is not None:
        trajectory = Trajectory(
            n_equilibration + np.asarray(sorted(recorded), np.int64),
            np.asarray(snapshots, np.uint8).reshape(records, count, n),
            np.asarray(energies).reshape(records, count),
        )
    return summarise(
        simulation, replicas, (n_sweeps + n_equilibration) * n, trajectory, chemical_potentials_ev
    )


def summarise(
    simulation: Simulation,
    replicas: Replicas,
    attempts: int,
    trajectory: Trajectory | None,
    chemical_potentials_ev: Floats | None,
) -> MonteCarloResult:
    """Return the averages of what was summed, by slot."""
    state, sums, quantised = simulation.state, simulation.state.sums, simulation.quantised
    s, q = state.n_species, quantised.resolution_ev
    kelvin = replicas.temperatures_k
    composed = sums.cell_counts.sum(axis=1) / np.maximum(sums.counted, 1)[:, None]
    mean = sums.reference + sums.total / sums.samples
    energy = simulation.model.origin_ev + q * mean + np.mean(simulation.residuals_ev, axis=0)
    energy = energy + composed @ quantised.offset_ev
    if chemical_potentials_ev is not None:
        energy = energy + (composed * chemical_potentials_ev).sum(axis=1)
    variance = np.maximum(sums.square / sums.samples - (sums.total / sums.samples) ** 2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        capacity = q**2 * variance / (BOLTZMANN_EV_PER_K * kelvin**2)
        parts = sums.part_sum / sums.part_samples
        n_parts = (sums.part_samples > 0).sum(axis=1)
        error = q * np.sqrt(
            np.nansum((parts - (sums.total / sums.samples)[:, None]) ** 2, axis=1)
            / (n_parts * np.maximum(n_parts - 1, 1))
        )
        acceptance = sums.accepted / sums.proposed
        exchanged = sums.exchanged / sums.exchanges
    return MonteCarloResult(
        temperatures_k=kelvin,
        mean_energy_ev=energy,
        energy_error_ev=np.where(n_parts >= 8, error, np.nan),
        heat_capacity_ev_per_k=np.where(kelvin > 0, capacity, np.nan),
        composition=composed / state.tables.n_sites,
        surface_composition=compose_surface(sums.cell_counts, state.tables.cell_degree),
        shell_profile=compose_shells(sums.cell_counts, state.tables.cell_shell),
        warren_cowley=order_pairs(sums.pair_counts, sums.cell_counts)[:, :s, :s],
        acceptance=acceptance,
        proposed=sums.proposed.copy(),
        final_species=state.occupations()[state.walker],
        exchange_acceptance=exchanged,
        attempts=attempts,
        engine=simulation.engine,
        resolution_ev=q,
        move_error_ev=quantised.error_ev,
        energy_drift_ev=simulation.drift_ev,
        trajectory=trajectory,
    )
