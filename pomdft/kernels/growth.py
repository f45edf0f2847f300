"""Growth of particles: atoms are deposited in a given order, with moves on the surface between.

The sites are those of a lattice larger than the particle; atoms sit on some of them and the
coordination number of each counts its occupied neighbours only. This is a kinetic model, not an
ensemble: the order of arrival and the number of moves between arrivals decide what mixes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pomdft.errors import KernelInputError, UnknownNameError
from pomdft.kernels import compiled, reference_growth
from pomdft.kernels.checks import check_array, check_range, check_scalar
from pomdft.kernels.lattice import Lattice
from pomdft.kernels.model import LatticeModel
from pomdft.kernels.montecarlo_inputs import check_count, check_seed
from pomdft.kernels.montecarlo_run import count_threads
from pomdft.kernels.montecarlo_state import minus_log2_table
from pomdft.kernels.ordering_statistics import describe_ordering
from pomdft.units import BOLTZMANN_EV_PER_K

SWAPS = ("none", "surface", "any")
_NUCLEUS = -2  # stands for the first atom while the others are counted
_COUNTS = ("hops_tried", "hops", "swaps_tried", "swaps", "galvanic_exchanges", "without_a_place")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GrowthResult:
    """Grown particles of R replicas on the n sites of a lattice.

    Parameters
    ----------
    lattice : Lattice
        Sites.
    n_species : int
        Number of species S of the model.
    species : ndarray of int8, shape (R, n)
        Species on each site, -1 for none.
    arrival : ndarray of int32, shape (R, n)
        When the atom arrived: 0 for the first; -1 where there is none or it was there before.
        Numbers beyond the given sequence belong to atoms that galvanic exchange displaced and that
        were deposited again.
    energies_ev : ndarray of float64, shape (R,)
        Energy of each particle (eV); negative = bound.
    hops_tried, hops, swaps_tried, swaps, galvanic_exchanges, without_a_place : ndarray of int64
        Numbers of moves, shape (R,); `without_a_place` counts atoms that met a full lattice.
    """

    lattice: Lattice
    n_species: int
    species: npt.NDArray[np.int8]
    arrival: npt.NDArray[np.int32]
    energies_ev: Floats
    hops_tried: npt.NDArray[np.int64]
    hops: npt.NDArray[np.int64]
    swaps_tried: npt.NDArray[np.int64]
    swaps: npt.NDArray[np.int64]
    galvanic_exchanges: npt.NDArray[np.int64]
    without_a_place: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.species)

    def __repr__(self) -> str:
        atoms = (self.species >= 0).sum(axis=1)
        return f"GrowthResult({len(self)} particles of {atoms.min()} to {atoms.max()} atoms)"

    def particle(self, replica: int) -> tuple[Lattice, npt.NDArray[np.uint8]]:
        """Return the occupied sites of one replica as a lattice of their own, and their species.

        Parameters
        ----------
        replica : int
            Which.

        Returns
        -------
        lattice : Lattice
            Occupied sites only, with the coordination and shells they have in the particle.
        species : ndarray of uint8, shape (n_atoms,)
            Their species.
        """
        return occupied_lattice(self.lattice, self.species[replica])

    def ordering(self, replica: int) -> tuple[Floats, Floats, Floats]:
        """Return surface composition (S,), shell profile (n_shells, S), Warren-Cowley (S, S)."""
        lattice, species = self.particle(replica)
        surface, shells, pairs = describe_ordering(lattice, species[None], self.n_species)
        return surface[0], shells[0], pairs[0]

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row for each replica: energy, atoms, moves, overall and surface fractions."""
        rows = []
        for r in range(len(self)):
            surface, _, pairs = self.ordering(r)
            atoms = self.species[r][self.species[r] >= 0]
            row: dict[str, float] = {"energy_ev": self.energies_ev[r], "n_atoms": len(atoms)}
            row |= {name: getattr(self, name)[r] for name in _COUNTS}
            for s in range(self.n_species):
                row[f"fraction_{s}"] = float((atoms == s).mean())
                row[f"surface_fraction_{s}"] = surface[s]
            for t in range(1, self.n_species):
                for s in range(t):
                    row[f"warren_cowley_{s}{t}"] = pairs[s, t]
            rows.append(row)
        return pd.DataFrame(rows)


def occupied_lattice(
    lattice: Lattice, species: npt.ArrayLike
) -> tuple[Lattice, npt.NDArray[np.uint8]]:
    """Return the occupied sites as a lattice of their own, and their species.

    Parameters
    ----------
    lattice : Lattice
        All sites.
    species : array_like of int, shape (n,)
        Species, -1 where there is no atom.

    Returns
    -------
    lattice : Lattice
        Sites with an atom, in the same order.
    species : ndarray of uint8, shape (n_atoms,)
        Their species.

    Raises
    ------
    KernelInputError
        Wrong dtype or shape, or no site is occupied.
    """
    checked = check_array("species", species, np.int64, (len(lattice),))
    sites = np.flatnonzero(checked >= 0)
    if not len(sites):
        raise KernelInputError("species: no site is occupied.")
    new = np.full(len(lattice) + 1, -1, np.int32)
    new[sites] = np.arange(len(sites), dtype=np.int32)
    neighbours = new[lattice.neighbours[sites]]
    # Absent neighbours (-1) took the last entry, which is -1; move them to the right.
    order = np.argsort(neighbours < 0, axis=1, kind="stable")
    table = np.ascontiguousarray(np.take_along_axis(neighbours, order, 1))
    part = Lattice(lattice.positions[sites], table, f"grown on {lattice.shape}")
    return part, checked[sites].astype(np.uint8)


def _gather_sequences(
    sequence: npt.ArrayLike, n_species: int, replicas: int | None, n_streams: int
) -> npt.NDArray[np.int64]:
    given = np.asarray(sequence)
    given = given[None] if given.ndim == 1 else given
    atoms = check_array("sequence", given, np.int64, (None, None))
    check_range("sequence", atoms, 0, n_species)
    wanted = 1 if replicas is None else check_count("replicas", replicas, 1, 2**20)
    lengths = {"sequence": len(atoms), "replicas": wanted, "streams": n_streams}
    count = max(lengths.values())
    for name, length in lengths.items():
        if length not in (1, count):
            raise KernelInputError(
                f"{name}: is for {length} replicas, but another input is for {count}."
            )
    return np.broadcast_to(atoms, (count, atoms.shape[1]))


def grow(
    lattice: Lattice,
    model: LatticeModel,
    sequence: npt.ArrayLike,
    *,
    temperature_k: float = 298.15,
    moves_per_atom: int = 100,
    swap: str = "surface",
    least_contacts: int = 3,
    initial: npt.ArrayLike | None = None,
    atom_ev: npt.ArrayLike | None = None,
    galvanic: npt.ArrayLike | None = None,
    seed: int = 0,
    replicas: int | None = None,
    streams: npt.ArrayLike | None = None,
    n_threads: int | None = None,
) -> GrowthResult:
    """Deposit atoms in the given order on the surface of a growing particle.

    Each atom lands on a random empty site with at least `least_contacts` occupied neighbours (where
    there is none, on one with the most). Then random surface atoms try to hop to a neighbouring
    empty site or to swap with a bonded atom, accepted as in Metropolis Monte Carlo.

    Parameters
    ----------
    lattice : Lattice
        Sites; more than there are atoms, so that the particle does not feel its edge.
    model : LatticeModel
        Half bonds; coordination numbers count occupied neighbours. Without site terms.
    sequence : array_like of int, shape (m,) or (R, m)
        Species in the order of arrival.
    temperature_k : float
        Temperature of the moves (K).
    moves_per_atom : int
        Moves tried after each arrival.
    swap : {"none", "surface", "any"}
        Whether a surface atom may swap with no, another surface, or any bonded atom.
    least_contacts : int
        Occupied neighbours that a site must have for an atom to land on it or hop there, 1 to 11.
    initial : array_like of int, shape (n,), optional
        Species of a particle that is there before, -1 for empty; otherwise the first atom of the
        sequence takes the site nearest to the middle of the lattice.
    atom_ev : array_like of float, shape (S, 13), optional
        Energy (eV) of an atom by species and number of occupied neighbours, such as the binding of
        a ligand to surface atoms; negative = bound.
    galvanic : array_like of float, shape (S, S), optional
        ``galvanic[s, t]``: probability that an arriving s replaces the surface atom of species t
        that it meets instead of landing beside it; the displaced atom is deposited again after all
        others. At most one of ``[s, t]`` and ``[t, s]`` may be above zero.
    seed : int
        Key of the random numbers.
    replicas : int, optional
        Number of replicas where the sequence does not say it.
    streams : array_like of int, shape (R,), optional
        Stream of random numbers of each replica (default: its index).
    n_threads : int, optional
        Threads over replicas; ``OMP_NUM_THREADS`` or the cores allowed where not given.

    Returns
    -------
    GrowthResult
        Grown particles.

    Raises
    ------
    KernelInputError
        An argument has the wrong dtype, shape or content; the message names it.
    UnknownNameError
        `swap` is not known.
    """
    n, s = len(lattice), model.n_species
    seed = check_seed(seed)
    if model.site_ev is not None:
        raise KernelInputError(
            "model: has site terms, but the surface of a growing particle moves.",
            "Give atom_ev by species and coordination number instead.",
        )
    if swap not in SWAPS:
        raise UnknownNameError("swap", swap, SWAPS)
    given = np.zeros(1, np.int64) if streams is None else np.atleast_1d(np.asarray(streams))
    stream = check_array("streams", given, np.int64, (None,))
    check_range("streams", stream, 0, 2**32)
    atoms = _gather_sequences(sequence, s, replicas, len(stream))
    count = len(atoms)
    stream = np.arange(count) if streams is None else np.broadcast_to(stream, (count,))
    species = np.full((count, n), -1, np.int8)
    arrival = np.full((count, n), -1, np.int32)
    nucleus = initial is None
    if initial is None:
        middle = lattice.positions.mean(axis=0)
        centre = int(np.argmin(((lattice.positions - middle) ** 2).sum(axis=1)))
        species[:, centre] = atoms[:, 0]
        arrival[:, centre] = _NUCLEUS
        atoms = atoms[:, 1:]
    else:
        start = check_array("initial", initial, np.int64, (n,))
        check_range("initial", start, -1, s)
        if (start < 0).all():
            raise KernelInputError("initial: has no atoms.", "Leave it out to start from one.")
        species[:] = start
    if (species[0] >= 0).sum() + atoms.shape[1] > n:
        raise KernelInputError(
            f"lattice: has {n} sites for {(species[0] >= 0).sum() + atoms.shape[1]} atoms.",
            "Take a larger one.",
        )
    per_atom = np.zeros((s, 13)) if atom_ev is None else atom_ev
    table = check_array("atom_ev", per_atom, np.float64, (s, 13))
    chance = check_array(
        "galvanic", np.zeros((s, s)) if galvanic is None else galvanic, np.float64, (s, s)
    )
    if chance.min() < 0 or chance.max() > 1 or ((chance > 0) & (chance.T > 0)).any():
        raise KernelInputError(
            f"galvanic: {chance.tolist()} must be probabilities, at most one of [s, t] and [t, s] "
            "above zero."
        )
    # Displaced atoms come again; rings of three species could go on for ever but for the capacity.
    queue = np.zeros((count, max(1, atoms.shape[1] * (4 if chance.any() else 1))), np.uint8)
    queue[:, : atoms.shape[1]] = atoms
    counts = np.zeros((count, len(_COUNTS)), np.int64)
    energy = np.zeros(count)
    kelvin = check_scalar("temperature_k", temperature_k, low=0.0)
    compiled.select("growth", reference_growth).run(
        lattice.neighbours,
        model.half_bond_ev,
        table,
        chance,
        minus_log2_table(),
        seed,
        BOLTZMANN_EV_PER_K * kelvin * np.log(2.0) / 2**25,
        check_count("moves_per_atom", moves_per_atom, 0, 2**31 - 1),
        SWAPS.index(swap),
        check_count("least_contacts", least_contacts, 1, 11),
        stream.astype(np.uint32),
        species,
        arrival,
        queue,
        atoms.shape[1],
        counts,
        energy,
        min(count_threads(n_threads), count),
    )
    if nucleus:
        arrival = np.where(arrival == _NUCLEUS, 0, arrival + (arrival >= 0)).astype(np.int32)
    return GrowthResult(
        lattice, s, species, arrival, energy, **dict(zip(_COUNTS, counts.T.copy(), strict=True))
    )
