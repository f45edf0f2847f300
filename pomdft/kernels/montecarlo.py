"""Lattice Monte Carlo: canonical swaps, grand-canonical flips, tempering and annealing.

Two engines stand behind each function. ``chain`` runs one replica after the other with 32-bit
fields and picks only unlike atoms; ``replicas`` runs 32 side by side in vector registers with
16-bit fields, all offered the same pairs of sites. Both work in whole multiples of a resolution
that the result states, so the same seed gives the same trajectory on every machine, code path and
number of threads, and for each replica whatever the others are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError
from pomdft.kernels.checks import check_array, check_scalar
from pomdft.kernels.lattice import Lattice
from pomdft.kernels.model import LatticeModel
from pomdft.kernels.montecarlo_inputs import (
    check_count,
    check_seed,
    check_temperatures,
    gather_replicas,
)
from pomdft.kernels.montecarlo_result import AnnealingResult, MonteCarloResult, Trajectory
from pomdft.kernels.montecarlo_run import prepare, set_ladders, simulate
from pomdft.kernels.montecarlo_state import scale_temperatures

__all__ = [
    "AnnealingResult",
    "MonteCarloResult",
    "Trajectory",
    "anneal",
    "run_canonical",
    "run_grand_canonical",
]


def run_canonical(
    lattice: Lattice,
    model: LatticeModel,
    composition_or_initial: npt.ArrayLike,
    temperatures_k: npt.ArrayLike,
    *,
    n_sweeps: int,
    n_equilibration: int = 0,
    seed: int = 0,
    site_ev: npt.ArrayLike | None = None,
    half_bond_ev: npt.ArrayLike | None = None,
    move: str = "any",
    tempering: bool = False,
    exchange_every: int = 10,
    ladders: npt.ArrayLike | None = None,
    replicas: int | None = None,
    streams: npt.ArrayLike | None = None,
    engine: str = "auto",
    n_threads: int | None = None,
    count_every: int = 10,
    record_every: int | None = None,
) -> MonteCarloResult:
    """Sample occupations of fixed composition by swaps of unlike atoms.

    Every input of a replica may be given once or for each of R replicas. A sweep is as many tries
    as there are sites: of unlike pairs by the chain engine, of any two sites by the replica engine
    (tries of like atoms change nothing and do not enter `MonteCarloResult.acceptance`).

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbours of a particle or slab.
    model : LatticeModel
        Half bonds and site terms; 2 to 4 species.
    composition_or_initial : array_like
        Fractions (float, shape (S,) or (R, S); rounded to whole atoms by largest remainder and
        placed at random), numbers of atoms (int, the same shapes), or occupations (int, shape
        (n,) or (R, n)).
    temperatures_k : array_like of float, shape () or (R,)
        Temperatures (K); 0 accepts nothing uphill.
    n_sweeps : int
        Sweeps that are averaged; the energy after each.
    n_equilibration : int
        Sweeps before.
    seed : int
        Key of the random numbers, 0 to 2^64 - 1.
    site_ev : array_like of float, shape (n, S) or (R, n, S), optional
        Site terms (eV) in place of the model's.
    half_bond_ev : array_like of float, shape (S, S, 13) or (R, S, S, 13), optional
        Half bonds (eV) in place of the model's, such as members of an ensemble.
    move : {"any", "neighbours"}
        Whether any two atoms are swapped or bonded ones only.
    tempering : bool
        Whether replicas that differ in temperature only exchange it (parallel tempering [1]_);
        results are by temperature.
    exchange_every : int
        Sweeps between exchanges.
    ladders : array_like of int, shape (R,), optional
        Replicas with the same number form a ladder; by default all that differ in temperature only.
    replicas : int, optional
        Number of replicas where nothing else says it.
    streams : array_like of int, shape (R,), optional
        Stream of random numbers of each replica (default: its index).
    engine : {"auto", "chain", "replicas"}
        Auto takes ``replicas`` for 8 or more where `MonteCarloResult.move_error_ev` stays below a
        tenth of k T at the lowest temperature.
    n_threads : int, optional
        Threads over replicas; ``OMP_NUM_THREADS`` or the cores allowed where not given.
    count_every : int
        Sweeps between counts of surface, shells and neighbours.
    record_every : int, optional
        Sweeps between records of all occupations.

    Returns
    -------
    MonteCarloResult
        Averages of each replica.

    Raises
    ------
    KernelInputError
        An argument has the wrong dtype, shape or content; the message names it.
    UnknownNameError
        `move` or `engine` is not known.

    Notes
    -----
    The replica engine offers all replicas the same pairs; each accepts with random numbers of its
    own. Given the pairs, replicas move independently and each keeps its own Boltzmann distribution,
    so their product stays stationary: averages of different replicas are uncorrelated.

    References
    ----------
    .. [1] K. Hukushima, K. Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996).
       https://doi.org/10.1143/JPSJ.65.1604
    """
    if move == "flip":
        raise KernelInputError("move: flips change the composition.", "Use run_grand_canonical.")
    seed = check_seed(seed)
    gathered, stream = gather_replicas(
        lattice,
        model,
        composition_or_initial,
        check_temperatures(temperatures_k, positive=tempering),
        site_ev=site_ev,
        half_bond_ev=half_bond_ev,
        seed=seed,
        streams=streams,
        replicas=replicas,
    )
    simulation = prepare(
        lattice, gathered, stream, move=move, engine=engine, seed=seed, n_threads=n_threads
    )
    if tempering:
        set_ladders(simulation, gathered, ladders, check_count("exchange_every", exchange_every, 1))
    return simulate(
        simulation,
        gathered,
        n_sweeps=check_count("n_sweeps", n_sweeps, 1),
        n_equilibration=check_count("n_equilibration", n_equilibration, 0),
        count_every=check_count("count_every", count_every, 1),
        record_every=None if record_every is None else check_count("record_every", record_every, 1),
    )


def run_grand_canonical(
    lattice: Lattice,
    model: LatticeModel,
    chemical_potentials_ev: npt.ArrayLike,
    temperatures_k: npt.ArrayLike,
    *,
    n_sweeps: int,
    n_equilibration: int = 0,
    initial: npt.ArrayLike | None = None,
    seed: int = 0,
    site_ev: npt.ArrayLike | None = None,
    half_bond_ev: npt.ArrayLike | None = None,
    replicas: int | None = None,
    streams: npt.ArrayLike | None = None,
    engine: str = "auto",
    n_threads: int | None = None,
    record_every: int | None = None,
) -> MonteCarloResult:
    """Sample occupations at given chemical potentials by changes of single atoms' species.

    All sites stay occupied (the semi-grand canonical ensemble), with weights
    exp(-(E - sum_s mu_s N_s) / k T).

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbours of a particle or slab.
    model : LatticeModel
        Half bonds and site terms; 2 to 4 species.
    chemical_potentials_ev : array_like of float, shape (S,) or (R, S)
        Chemical potentials (eV); only differences matter.
    temperatures_k : array_like of float, shape () or (R,)
        Temperatures (K).
    n_sweeps : int
        Sweeps of as many flips as there are sites; averages are taken after each.
    n_equilibration : int
        Sweeps before.
    initial : array_like, optional
        Composition or occupations as in `run_canonical`; equal fractions by default.
    seed, site_ev, half_bond_ev, replicas, streams, engine, n_threads, record_every
        As in `run_canonical`.

    Returns
    -------
    MonteCarloResult
        `mean_energy_ev` is that of E; `heat_capacity_ev_per_k` is from the fluctuations of
        E - sum_s mu_s N_s at constant chemical potentials.

    Raises
    ------
    KernelInputError
        An argument has the wrong dtype, shape or content; the message names it.
    UnknownNameError
        `engine` is not known.
    """
    seed = check_seed(seed)
    s, n = model.n_species, len(lattice)
    potentials = np.asarray(chemical_potentials_ev)
    potentials = potentials[None] if potentials.ndim == 1 else potentials
    potentials = check_array("chemical_potentials_ev", potentials, np.float64, (None, s))
    start = np.full(s, 1.0 / s) if initial is None else initial
    gathered, stream = gather_replicas(
        lattice,
        model,
        start,
        check_temperatures(temperatures_k),
        site_ev=site_ev,
        half_bond_ev=half_bond_ev,
        seed=seed,
        streams=streams,
        replicas=replicas,
        extra=len(potentials),
    )
    site = np.zeros((1, n, s)) if gathered.site_ev is None else gathered.site_ev
    tilted = replace(gathered, site_ev=site - potentials[:, None, :])
    simulation = prepare(
        lattice, tilted, stream, move="flip", engine=engine, seed=seed, n_threads=n_threads
    )
    return simulate(
        simulation,
        tilted,
        n_sweeps=check_count("n_sweeps", n_sweeps, 1),
        n_equilibration=check_count("n_equilibration", n_equilibration, 0),
        count_every=1,
        record_every=None if record_every is None else check_count("record_every", record_every, 1),
        chemical_potentials_ev=np.broadcast_to(potentials, (len(gathered), s)),
    )


def anneal(
    lattice: Lattice,
    model: LatticeModel,
    composition_or_initial: npt.ArrayLike,
    *,
    start_k: float = 3000.0,
    end_k: float = 50.0,
    n_steps: int = 60,
    n_sweeps: int = 20,
    seed: int = 0,
    site_ev: npt.ArrayLike | None = None,
    half_bond_ev: npt.ArrayLike | None = None,
    move: str = "any",
    replicas: int | None = None,
    streams: npt.ArrayLike | None = None,
    engine: str = "auto",
    n_threads: int | None = None,
) -> AnnealingResult:
    """Look for occupations of lowest energy by simulated annealing.

    The temperature falls geometrically; sweeps at 0 K come last. Of the occupations at the ends of
    the sweeps the one of lowest energy is kept for each replica.

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbours of a particle or slab.
    model : LatticeModel
        Half bonds and site terms; 2 to 4 species.
    composition_or_initial : array_like
        As in `run_canonical`.
    start_k, end_k : float
        First and last temperature above 0 K.
    n_steps : int
        Number of temperatures.
    n_sweeps : int
        Sweeps at each.
    seed, site_ev, half_bond_ev, move, replicas, streams, engine, n_threads
        As in `run_canonical`; `replicas` is 32 where nothing else says it.

    Returns
    -------
    AnnealingResult
        Lowest energy and its occupation for each replica.

    Raises
    ------
    KernelInputError
        An argument has the wrong dtype, shape or content; the message names it.
    UnknownNameError
        `move` or `engine` is not known.

    References
    ----------
    S. Kirkpatrick, C. D. Gelatt, M. P. Vecchi, Science 220, 671 (1983).
    https://doi.org/10.1126/science.220.4598.671
    """
    if move == "flip":
        raise KernelInputError("move: flips change the composition.", "Use any or neighbours.")
    seed = check_seed(seed)
    warm = check_scalar("start_k", start_k, low=1e-3)
    cold = check_scalar("end_k", end_k, low=1e-3, high=warm)
    schedule = np.geomspace(warm, cold, check_count("n_steps", n_steps, 1))
    sweeps = check_count("n_sweeps", n_sweeps, 1)
    counted = [composition_or_initial, site_ev, half_bond_ev, streams]
    stacked = any(
        a is not None and np.ndim(a) == rank for a, rank in zip(counted, (2, 3, 4, 1), strict=True)
    )
    gathered, stream = gather_replicas(
        lattice,
        model,
        composition_or_initial,
        np.array([cold]),
        site_ev=site_ev,
        half_bond_ev=half_bond_ev,
        seed=seed,
        streams=streams,
        replicas=32 if replicas is None and not stacked else replicas,
    )
    simulation = prepare(
        lattice, gathered, stream, move=move, engine=engine, seed=seed, n_threads=n_threads
    )
    state = simulation.state
    state.first_measured = 2**62
    state.keep_best()
    for kelvin in [*schedule, 0.0]:
        state.acceptance = scale_temperatures(
            np.full(len(gathered), kelvin), simulation.quantised.resolution_ev
        )
        simulation.advance(sweeps)
    species = state.occupations(state.best_species)
    return AnnealingResult(simulation.model.energies(species), species, schedule)
