"""What a Monte Carlo run is given, checked and broadcast over the replicas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError
from pomdft.kernels.checks import check_array, check_range, check_scalar
from pomdft.kernels.lattice import Lattice
from pomdft.kernels.model import LatticeModel
from pomdft.kernels.random_philox import shuffled_order

Floats = npt.NDArray[np.float64]
Species = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Replicas:
    """Checked inputs of R replicas.

    Parameters
    ----------
    temperatures_k : ndarray of float64, shape (R,)
        Temperatures (K).
    species : ndarray of uint8, shape (R, n)
        Initial occupations.
    half_bond_ev : ndarray of float64, shape (R or 1, S, S, 13)
        Half bonds (eV).
    site_ev : ndarray of float64, shape (R or 1, n, S), or None
        Site terms (eV).
    """

    temperatures_k: Floats
    species: Species
    half_bond_ev: Floats
    site_ev: Floats | None

    def __len__(self) -> int:
        return len(self.temperatures_k)


def check_count(name: str, value: int, low: int, high: int = 2**62) -> int:
    """Return a whole number within closed bounds.

    Raises
    ------
    KernelInputError
        Not a whole number, or outside the bounds.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise KernelInputError(f"{name}: is {value!r}, must be a whole number.")
    if not low <= value <= high:
        raise KernelInputError(f"{name}: {value} is outside {low} to {high}.")
    return int(value)


def check_temperatures(value: npt.ArrayLike, *, positive: bool = False) -> Floats:
    """Return temperatures (K) as float64, shape (R or 1,).

    Raises
    ------
    KernelInputError
        Not finite, negative, or zero where `positive`.
    """
    kelvin = check_array("temperatures_k", np.atleast_1d(np.asarray(value)), np.float64, (None,))
    if kelvin.min() < 0 or (positive and kelvin.min() == 0):
        raise KernelInputError(
            f"temperatures_k: {kelvin.min()} must be {'above' if positive else 'at least'} 0."
        )
    return kelvin


def _check_stacked(name: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> Floats:
    """Return one array or one for each replica, with a leading axis."""
    array = np.asarray(value)
    if array.ndim == len(shape):
        array = array[None]
    return check_array(name, array, np.float64, (None, *shape))


def gather_replicas(
    lattice: Lattice,
    model: LatticeModel,
    composition_or_initial: npt.ArrayLike,
    temperatures_k: Floats,
    *,
    site_ev: npt.ArrayLike | None,
    half_bond_ev: npt.ArrayLike | None,
    seed: int,
    streams: npt.ArrayLike | None,
    replicas: int | None,
    extra: int = 1,
) -> tuple[Replicas, npt.NDArray[np.uint32]]:
    """Return the replicas of a run and the stream of random numbers of each.

    Parameters
    ----------
    lattice, model : Lattice, LatticeModel
        What is simulated.
    composition_or_initial : array_like
        Fractions (float, shape (S,) or (R, S)), numbers of atoms (int, the same shapes), or
        occupations (int, shape (n,) or (R, n)).
    temperatures_k : ndarray of float64, shape (R or 1,)
        Temperatures (K).
    site_ev, half_bond_ev : array_like, optional
        In place of the model's; one, or one for each replica.
    seed : int
        Key of the random numbers.
    streams : array_like of int, shape (R,), optional
        Stream of each replica; its index if not given.
    replicas : int, optional
        Number of replicas where no input has a replica axis.
    extra : int
        Length of the replica axis of an input checked elsewhere.

    Returns
    -------
    Replicas
        Broadcast over the replicas.
    ndarray of uint32, shape (R,)
        Streams.

    Raises
    ------
    KernelInputError
        An argument has the wrong dtype, shape or content; the message names it.
    """
    n, s = len(lattice), model.n_species
    if s < 2:
        raise KernelInputError("model: has one species; Monte Carlo needs at least two.")
    model.check_sites(n)
    bond = (
        model.half_bond_ev[None]
        if half_bond_ev is None
        else _check_stacked("half_bond_ev", half_bond_ev, (s, s, 13))
    )
    site = model.site_ev if site_ev is None else site_ev
    sites = None if site is None else _check_stacked("site_ev", site, (n, s))
    given = np.asarray(composition_or_initial)
    if given.ndim == 1:
        given = given[None]
    if given.ndim != 2 or given.shape[1] not in (s, n):
        raise KernelInputError(
            f"composition_or_initial: got shape {np.shape(composition_or_initial)}, wanted "
            f"({s},) or (replicas, {s}) for a composition, ({n},) or (replicas, {n}) for species."
        )
    lengths = {
        "composition_or_initial": len(given),
        "temperatures_k": len(temperatures_k),
        "half_bond_ev": len(bond),
        "site_ev": 1 if sites is None else len(sites),
        "streams": 1 if streams is None else len(np.atleast_1d(np.asarray(streams))),
        "replicas": 1 if replicas is None else check_count("replicas", replicas, 1, 2**20),
        "chemical_potentials_ev": extra,
    }
    count = max(lengths.values())
    for name, length in lengths.items():
        if length not in (1, count):
            raise KernelInputError(
                f"{name}: is for {length} replicas, but another input is for {count}."
            )
    stream = np.arange(count) if streams is None else np.atleast_1d(np.asarray(streams))
    numbers = check_array("streams", stream, np.int64, (None,))
    check_range("streams", numbers, 0, 2**32)
    words: npt.NDArray[np.uint32] = np.broadcast_to(numbers, (count,)).astype(np.uint32)
    if given.shape[1] == n and (n != s or given.dtype.kind in "iu"):
        start = check_array("composition_or_initial", given, np.int64, (None, n))
        check_range("composition_or_initial", start, 0, s)
        species = np.broadcast_to(start, (count, n)).astype(np.uint8)
    else:
        atoms = np.broadcast_to(_count_atoms(given, n), (count, s))
        species = np.empty((count, n), np.uint8)
        for r in range(count):
            order = shuffled_order(seed, int(words[r]), n)
            species[r, order] = np.repeat(np.arange(s, dtype=np.uint8), atoms[r])
    kelvin = np.broadcast_to(temperatures_k, (count,)).copy()
    return Replicas(kelvin, species, bond, sites), words


def _count_atoms(composition: npt.NDArray[np.generic], n: int) -> npt.NDArray[np.int64]:
    """Return numbers of atoms, int64, shape (R, S): fractions by largest remainder."""
    name = "composition_or_initial"
    if composition.dtype.kind in "iu":
        atoms = check_array(name, composition, np.int64, (None, None))
        if atoms.min() < 0 or (atoms.sum(axis=1) != n).any():
            raise KernelInputError(
                f"{name}: {atoms.tolist()} must be numbers of atoms that add up to {n}."
            )
        return atoms
    fractions = check_array(name, composition, np.float64, (None, None))
    if fractions.min() < 0 or (np.abs(fractions.sum(axis=1) - 1.0) > 1e-6).any():
        raise KernelInputError(
            f"{name}: {fractions.tolist()} must be fractions from 0 to 1 that add up to 1."
        )
    atoms = np.floor(fractions * n + 1e-9).astype(np.int64)
    order = np.argsort(atoms - fractions * n, axis=1, kind="stable")
    for row, left, first in zip(atoms, n - atoms.sum(axis=1), order, strict=True):
        row[first[:left]] += 1
    return atoms


def check_seed(seed: int) -> int:
    """Return the seed, 0 to 2^64 - 1.

    Raises
    ------
    KernelInputError
        Not a whole number, or outside the range.
    """
    return check_count("seed", seed, 0, 2**64 - 1)


__all__ = [
    "Replicas",
    "check_count",
    "check_scalar",
    "check_seed",
    "check_temperatures",
    "gather_replicas",
]
