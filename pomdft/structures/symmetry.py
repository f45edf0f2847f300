"""Point-group operations of molecules in the frames that the builders use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import permutations, product

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray
from pymatgen.core import Molecule
from pymatgen.symmetry.analyzer import PointGroupAnalyzer
from scipy.spatial.transform import Rotation

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@lru_cache(maxsize=1)
def builder_operations() -> FloatArray:
    """Return the operations of Oh and of D6h about z, identity first, shape (m, 3, 3)."""
    cubic = [
        np.diag(signs) @ np.eye(3)[list(order)]
        for order in permutations(range(3))
        for signs in product((1.0, -1.0), repeat=3)
    ]
    turns = [Rotation.from_euler("z", 60.0 * k, degrees=True).as_matrix() for k in range(6)]
    flips = [np.diag(d) for d in ((1, 1, 1), (1, -1, 1), (1, 1, -1), (1, -1, -1))]
    hexagonal = [turn @ flip for turn in turns for flip in flips]
    distinct: list[FloatArray] = [np.eye(3)]
    for matrix in (*cubic, *hexagonal):
        if not any(np.allclose(matrix, seen, atol=1e-6) for seen in distinct):
            distinct.append(np.asarray(matrix, dtype=float))
    return np.array(distinct)


def matching_operations(
    symbols: Sequence[str],
    positions: FloatArray,
    candidates: Iterable[FloatArray],
    tolerance: float = 0.1,
) -> list[tuple[FloatArray, IntArray]]:
    """Return those operations about the origin that map a molecule on itself.

    Parameters
    ----------
    symbols : sequence of str, length n
    positions : ndarray, shape (n, 3), float64
    candidates : iterable of ndarray, shape (3, 3)
    tolerance : float
        In angstrom.

    Returns
    -------
    list of (ndarray, ndarray)
        Matrix R and permutation p with ``R @ positions[i] ~ positions[p[i]]``.
    """
    kinds = np.array([atomic_numbers[s] for s in symbols])
    other_kind = np.where(kinds[:, None] != kinds[None, :], np.inf, 0.0)
    found = []
    for matrix in candidates:
        image = positions @ np.asarray(matrix).T
        distance = np.linalg.norm(image[:, None] - positions[None], axis=2) + other_kind
        partner = np.argmin(distance, axis=1)
        if distance[np.arange(len(partner)), partner].max() > tolerance:
            continue
        if len(set(partner.tolist())) == len(partner):
            found.append((np.asarray(matrix, dtype=float), partner.astype(np.intp)))
    return found


def symmetrise(
    vectors: FloatArray, operations: Sequence[tuple[FloatArray, IntArray]]
) -> FloatArray:
    """Average per-atom vectors (positions, gradients) over a group, shape (n, 3)."""
    total = np.zeros_like(vectors)
    for matrix, partner in operations:
        total[partner] += vectors @ matrix.T
    return np.asarray(total / len(operations), dtype=float)


def axial_operations(symbols: Sequence[str], positions: FloatArray) -> list[FloatArray]:
    """Return the symmetry operations of a molecule that keep the z axis and its direction.

    Parameters
    ----------
    symbols : sequence of str, length n
    positions : ndarray, shape (n, 3), float64
        In angstrom.

    Returns
    -------
    list of ndarray, shape (3, 3)
        Identity first, then rotations about z and mirrors through it.
    """
    angles = [2 * np.pi * k / n for n in (2, 3, 4, 6) for k in range(1, n)]
    candidates = [np.eye(3), *(Rotation.from_euler("z", a).as_matrix() for a in angles)]
    radius = np.linalg.norm(positions[:, :2], axis=1)
    azimuth = np.arctan2(positions[:, 1], positions[:, 0])
    off_axis = np.flatnonzero(radius > 0.3)
    for i in off_axis[:1]:
        alike = (np.abs(positions[:, 2] - positions[i, 2]) < 0.1) & (
            np.abs(radius - radius[i]) < 0.1
        )
        alike &= np.array([s == symbols[i] for s in symbols])
        for twice in azimuth[i] + azimuth[alike]:
            mirror = np.eye(3)
            mirror[:2, :2] = [[np.cos(twice), np.sin(twice)], [np.sin(twice), -np.cos(twice)]]
            candidates.append(mirror)
    kept: list[FloatArray] = []
    for matrix, _ in matching_operations(symbols, positions, candidates):
        if not any(np.allclose(matrix, seen, atol=1e-3) for seen in kept):
            kept.append(matrix)
    return kept


def point_group(symbols: Sequence[str], positions: FloatArray, tolerance: float = 0.2) -> str:
    """Return the Schoenflies symbol of a molecule, by pymatgen's analyser.

    Parameters
    ----------
    symbols : sequence of str, length n
    positions : ndarray, shape (n, 3), float64
    tolerance : float
        In angstrom.
    """
    molecule = Molecule(list(symbols), positions, charge_spin_check=False)
    return str(PointGroupAnalyzer(molecule, tolerance=tolerance).sch_symbol)
