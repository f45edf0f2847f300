"""Monte Carlo against its peers: the same sites, model, occupation and temperature for all.

Nearest-neighbour pairs on a periodic fcc cell, E = J sum s_i s_j with s = +-1. Times are for a try
of an unlike pair, in processor time of one core, with our equilibrated occupation as everyone's
start (smol equilibrates its own); the acceptance stands in the name. Runs take turns, and the best
of three counts.
"""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable
from typing import Any

import ase.build
import numpy as np

from benchmarks.timing import Row
from pomdft.kernels.lattice import Lattice
from pomdft.kernels.model import LatticeModel
from pomdft.kernels.montecarlo_inputs import gather_replicas
from pomdft.kernels.montecarlo_run import Simulation, prepare
from pomdft.units import BOLTZMANN_EV_PER_K

COUPLING_EV = 0.01
SIZES = {"1452 sites": (11, 11, 12), "104 544 sites": (44, 44, 54)}


def build_cell(repeats: tuple[int, int, int]) -> tuple[ase.Atoms, Lattice]:
    """Return a periodic fcc cell and the lattice of the same sites."""
    atoms = ase.build.bulk("Au", "fcc", a=4.08).repeat(repeats)
    index = np.arange(np.prod(repeats)).reshape(repeats)
    steps = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, -1, 0), (1, 0, -1), (0, 1, -1)]
    table = [
        np.roll(index, (sign * a, sign * b, sign * c), (0, 1, 2)).ravel()
        for a, b, c in steps
        for sign in (1, -1)
    ]
    neighbours = np.stack(table, axis=1).astype(np.int32)
    return atoms, Lattice(atoms.positions / (4.08 / np.sqrt(2.0)), neighbours, "periodic fcc")


def pair_model() -> LatticeModel:
    """Return E = J sum s_i s_j as half bonds."""
    half = np.empty((2, 2, 13))
    half[0, 0] = half[1, 1] = COUPLING_EV / 2
    half[0, 1] = half[1, 0] = -COUPLING_EV / 2
    return LatticeModel(half)


def start(lattice: Lattice, kelvin: float, engine: str, n_replicas: int, sweeps: int) -> Simulation:
    """Return our engine, equilibrated."""
    gathered, stream = gather_replicas(
        lattice,
        pair_model(),
        [0.5, 0.5],
        np.full(n_replicas, kelvin),
        site_ev=None,
        half_bond_ev=None,
        seed=1,
        streams=None,
        replicas=None,
    )
    simulation = prepare(lattice, gathered, stream, move="any", engine=engine, seed=1, n_threads=1)
    simulation.state.n_measured = 0
    simulation.advance(sweeps)
    simulation.state.sums.accepted[:] = simulation.state.sums.proposed[:] = 0
    return simulation


def our_rate(simulation: Simulation, sweeps: int) -> tuple[float, float]:
    """Return tries of unlike pairs a second, and all tries a second, of all replicas."""
    before = int(simulation.state.sums.proposed.sum())
    begin = time.process_time()
    simulation.advance(sweeps)
    spent = time.process_time() - begin
    tries = sweeps * simulation.state.tables.n_sites * simulation.state.n_replicas
    return (int(simulation.state.sums.proposed.sum()) - before) / spent, tries / spent


def our_acceptance(simulation: Simulation) -> float:
    """Return accepted over proposed since the equilibration."""
    sums = simulation.state.sums
    return float(sums.accepted.sum() / sums.proposed.sum())


Peer = Callable[[int], float]


def clease_peer(atoms: ase.Atoms, species: Any, kelvin: float) -> Peer:
    """Return CLEASE's Montecarlo on the cell."""
    import tempfile

    from clease.calculator import attach_calculator
    from clease.montecarlo import Montecarlo
    from clease.settings import CEBulk, Concentration

    with tempfile.TemporaryDirectory() as folder:
        settings = CEBulk(
            crystalstructure="fcc",
            a=4.08,
            supercell_factor=8,
            concentration=Concentration(basis_elements=[["Au", "Cu"]]),
            db_name=f"{folder}/a.db",
            max_cluster_dia=[3.0],
        )
        names = settings.all_cf_names
        eci = dict.fromkeys(names, 0.0)
        # CLEASE counts each pair's correlation as an average over the 6 pairs of an atom.
        eci[next(n for n in names if n.startswith("c2"))] = 6.0 * COUPLING_EV
        occupied = atoms.copy()
        occupied.symbols = np.where(species == 0, "Au", "Cu")
        ready = attach_calculator(settings, atoms=occupied, eci=eci)
    run = Montecarlo(ready, kelvin)

    def rate(steps: int) -> float:
        begin = time.process_time()
        run.run(steps=steps, call_observers=False)
        rate.acceptance = run.current_accept_rate  # type: ignore[attr-defined]
        return steps / (time.process_time() - begin)

    return rate


def icet_peer(atoms: ase.Atoms, species: Any, kelvin: float) -> Peer:
    """Return icet's mchammer on the cell."""
    from icet import ClusterExpansion, ClusterSpace
    from mchammer.calculators import ClusterExpansionCalculator
    from mchammer.ensembles import CanonicalEnsemble

    space = ClusterSpace(ase.build.bulk("Au", "fcc", a=4.08), [3.0], ["Au", "Cu"])
    expansion = ClusterExpansion(space, [0.0, 0.0, COUPLING_EV])
    occupied = atoms.copy()
    occupied.symbols = np.where(species == 0, "Au", "Cu")
    calculator = ClusterExpansionCalculator(occupied, expansion)
    run = CanonicalEnsemble(
        occupied, calculator, kelvin, random_seed=1, ensemble_data_write_interval=10**9
    )

    def rate(steps: int) -> float:
        begin = time.process_time()
        run.run(steps)
        return steps / (time.process_time() - begin)

    return rate


def smol_peer(atoms: ase.Atoms, repeats: tuple[int, int, int], kelvin: float) -> Peer:
    """Return smol's Sampler on the cell; it begins with a random occupation of its own."""
    from pymatgen.core import Structure
    from smol.cofe import ClusterExpansion, ClusterSubspace
    from smol.moca import Ensemble, Sampler

    cell = ase.build.bulk("Au", "fcc", a=4.08).cell[:]
    primitive = Structure(cell, [{"Au": 0.5, "Cu": 0.5}], [[0.0, 0.0, 0.0]])
    subspace = ClusterSubspace.from_cutoffs(primitive, {2: 3.0}, basis="sinusoid")
    # smol counts the pair's correlation as the mean over the 6 pairs of an atom.
    expansion = ClusterExpansion(subspace, np.array([0.0, 0.0, 6.0 * COUPLING_EV]))
    ensemble = Ensemble.from_cluster_expansion(expansion, np.diag(repeats))
    run = Sampler.from_ensemble(ensemble, temperature=kelvin, step_type="swap", seeds=[1])
    half = np.arange(len(atoms), dtype=np.int32) % 2
    run.run(20_000, np.random.default_rng(0).permutation(half), thin_by=100)

    def rate(steps: int) -> float:
        begin = time.process_time()
        run.run(steps, thin_by=100)
        return steps / (time.process_time() - begin)

    return rate


def numba_peer(lattice: Lattice, species: Any, kelvin: float) -> Peer:
    """Return the loop one would write with Numba: any `LatticeModel`, unlike sites from lists."""
    import numba

    @numba.njit(cache=False)
    def local(neighbours, degree, half, species, i, s, skip):  # type: ignore[no-untyped-def]
        total = 0.0
        for m in range(degree[i]):
            j = neighbours[i, m]
            if j != skip:
                t = species[j]
                total += half[s, t, degree[i]] + half[t, s, degree[j]]
        return total

    @numba.njit(cache=False)
    def sweep(neighbours, degree, half, species, lists, beta, steps):  # type: ignore[no-untyped-def]
        accepted = 0
        first, second = lists
        for _ in range(steps):
            a = np.random.randint(len(first))  # noqa: NPY002
            b = np.random.randint(len(second))  # noqa: NPY002
            i, j = first[a], second[b]
            change = (
                local(neighbours, degree, half, species, i, 1, j)
                - local(neighbours, degree, half, species, i, 0, j)
                + local(neighbours, degree, half, species, j, 0, i)
                - local(neighbours, degree, half, species, j, 1, i)
            )
            if change <= 0 or np.random.random() < np.exp(-beta * change):  # noqa: NPY002
                species[i], species[j] = 1, 0
                first[a], second[b] = j, i
                accepted += 1
        return accepted

    occupied = species.astype(np.int8)
    lists = (np.flatnonzero(occupied == 0), np.flatnonzero(occupied == 1))
    beta = 1.0 / (BOLTZMANN_EV_PER_K * kelvin)
    fixed = (lattice.neighbours, lattice.coordination, pair_model().half_bond_ev, occupied, lists)
    sweep(*fixed, beta, 10)

    def rate(steps: int) -> float:
        begin = time.process_time()
        accepted = sweep(*fixed, beta, steps)
        rate.acceptance = accepted / steps  # type: ignore[attr-defined]
        return steps / (time.process_time() - begin)

    return rate


WORKS = {
    # label: (temperature, acceptance it gives about)
    "86 % accepted": 3000.0,
    "1 to 3 % accepted": 150.0,
}
# Times a try at the marks, by engine, size and temperature.
MARKS = {
    ("chain", "1452 sites", 3000.0): 1 / 45e6,
    ("chain", "1452 sites", 150.0): 1 / 123e6,
    ("chain", "104 544 sites", 3000.0): 1 / 24e6,
    ("chain", "104 544 sites", 150.0): 1 / 39e6,
    ("replicas", "1452 sites", 3000.0): 1 / 343e6,
    ("replicas", "1452 sites", 150.0): 1 / 804e6,
}
LIMITS = {
    ("chain", "1452 sites"): {"CLEASE": 400.0, "Numba": 7.0},
    ("chain", "104 544 sites"): {"CLEASE": 2000.0},
    ("replicas", "1452 sites"): {"CLEASE": 3000.0},
}
TRIES = {"Numba": 400_000, "CLEASE": 8000, "icet": 2000, "smol": 8000}
PEERS = {"Numba": "numba", "CLEASE": "clease", "icet": "mchammer", "smol": "smol"}


def build_peers(
    atoms: ase.Atoms,
    repeats: tuple[int, int, int],
    lattice: Lattice,
    species: Any,
    kelvin: float,
) -> dict[str, Peer | str]:
    """Return the peers that are installed, or why one is left out."""
    built: dict[str, Peer | str] = {}
    for name, module in PEERS.items():
        if importlib.util.find_spec(module) is None:
            built[name] = "not installed"
        elif name == "smol" and len(lattice) > 10_000:
            built[name] = "left out: minutes to set up a cell of this size"
        elif name == "smol":
            built[name] = smol_peer(atoms, repeats, kelvin)
        elif name == "Numba":
            built[name] = numba_peer(lattice, species, kelvin)
        elif name == "CLEASE":
            built[name] = clease_peer(atoms, species, kelvin)
        else:
            built[name] = icet_peer(atoms, species, kelvin)
    return built


def take_turns(
    ours: dict[str, tuple[Simulation, int]], peers: dict[str, Peer | str], steps: int
) -> tuple[dict[str, list[float]], dict[str, float | str]]:
    """Return seconds a try, the best of three turns: ours (unlike, all) by engine, the peers'."""
    mine = {engine: [np.inf, np.inf] for engine in ours}
    theirs: dict[str, float | str] = {
        name: why if isinstance(why, str) else np.inf for name, why in peers.items()
    }
    for _ in range(3):
        for engine, (simulation, sweeps) in ours.items():
            rates = our_rate(simulation, sweeps)
            mine[engine] = [min(t, 1.0 / r) for t, r in zip(mine[engine], rates, strict=True)]
        for name, peer in peers.items():
            before = theirs[name]
            if not isinstance(peer, str) and not isinstance(before, str):
                theirs[name] = min(before, 1.0 / peer(TRIES[name] // steps))
    return mine, theirs


def rows() -> list[Row]:
    """Return our engines against the peers, tries of unlike pairs."""
    found: list[Row] = []
    for size, repeats in SIZES.items():
        big = bool(np.prod(repeats) > 10_000)
        atoms, lattice = build_cell(repeats)
        for label, kelvin in WORKS.items():
            chain = start(lattice, kelvin, "chain", 1, 20 if big else 1000)
            ours = {"chain": (chain, 3 if big else 300)}
            if not big:
                ours["replicas"] = (start(lattice, kelvin, "replicas", 32, 1000), 150)
            species = chain.state.species[0].copy()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                peers = build_peers(atoms, repeats, lattice, species, kelvin)
                mine, theirs = take_turns(ours, peers, 10 if big else 1)
            for engine, (simulation, _) in ours.items():
                unlike, every = mine[engine]
                acceptance = our_acceptance(simulation)
                shown = dict(theirs)
                for name, peer in peers.items():
                    accepted = getattr(peer, "acceptance", None)
                    if accepted is not None and abs(accepted - acceptance) > 0.05:
                        shown[name] = f"other acceptance: {accepted:.3f}"
                work = f"Metropolis swap tries, {engine}, {size}, {label} ({acceptance:.3f})"
                if engine == "replicas":
                    work += ", unlike pairs"
                limits = LIMITS[engine, size]
                for peer_name, least in limits.items():
                    against = peer_name if peer_name == "CLEASE" else "Numba"
                    found.append(
                        Row(
                            work,
                            "try",
                            unlike,
                            against,
                            shown,
                            at_least=least,
                            mark_seconds=MARKS[engine, size, kelvin] if engine == "chain" else None,
                        )
                    )
                if engine == "replicas":
                    found.append(
                        Row(
                            work.replace("unlike pairs", "all tries, as in the mark"),
                            "try",
                            every,
                            "CLEASE",
                            shown,
                            mark_seconds=MARKS[engine, size, kelvin],
                        )
                    )
    return found
