"""Who is bonded to whom in a polyoxometalate, and what each atom therefore is.

Roles are found from distances alone, so they are the same for a generated POM, a crystal
structure and a user's file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from ase.neighborlist import neighbor_list
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from pomdft.errors import StructureError

FloatArray = NDArray[np.float64]

#: Metals that build the oxide cage, with their formal oxidation state in it.
ADDENDA: Final[dict[str, int]] = {"W": 6, "Mo": 6, "V": 5, "Nb": 5, "Ta": 5}
#: Counter-cations, with the charge each brings.
CATIONS: Final[dict[str, int]] = {"Li": 1, "Na": 1, "K": 1, "Rb": 1, "Cs": 1}
#: Longest addendum-oxygen contact counted as a bond (angstrom): W-O to a heteroatom's oxygen
#: reaches 2.5, the next oxygen outside the octahedron is beyond 3.2.
ADDENDUM_BOND_ANGSTROM: Final = 2.75
#: No two atoms may be closer than this fraction of the sum of their covalent radii.
OVERLAP_FRACTION: Final = 0.7

OXYGEN_ROLES: Final = (
    "on-heteroatom",
    "edge-bridging",
    "corner-bridging",
    "terminal",
    "unshared",
    "central",
)


@dataclass(frozen=True)
class Connectivity:
    """Bonds and roles of the atoms of one molecule.

    Attributes
    ----------
    neighbours : tuple of tuple of int
        Bonded atoms of each atom, ascending.
    roles : tuple of str
        One per atom. Oxygen: see `OXYGEN_ROLES` ("central" is the six-bonded oxygen of a
        Lindqvist ion); others: "addendum", "heteroatom", "proton", "cation".
    """

    neighbours: tuple[tuple[int, ...], ...]
    roles: tuple[str, ...]

    def count(self, role: str) -> int:
        """Return how many atoms have `role`."""
        return self.roles.count(role)

    def indices(self, *roles: str) -> list[int]:
        """Return the atoms that have one of `roles`, ascending."""
        return [i for i, r in enumerate(self.roles) if r in roles]


def bond_cutoffs(symbols: Sequence[str]) -> FloatArray:
    """Return the largest bonded distance of each pair, in angstrom.

    Parameters
    ----------
    symbols : sequence of str, length n

    Returns
    -------
    ndarray, shape (n, n), float64
        Zero where the two elements never bond inside a POM (two metals, two oxygens, ...).
    """
    radii = np.array([covalent_radii[atomic_numbers[s]] for s in symbols])
    is_oxygen = np.array([s == "O" for s in symbols])
    cutoffs = 1.25 * (radii[:, None] + radii[None, :])
    is_addendum = np.array([s in ADDENDA for s in symbols])
    cutoffs[is_addendum[:, None] & is_oxygen[None, :]] = ADDENDUM_BOND_ANGSTROM
    cutoffs[is_oxygen[:, None] & is_addendum[None, :]] = ADDENDUM_BOND_ANGSTROM
    cutoffs[is_oxygen[:, None] == is_oxygen[None, :]] = 0.0
    is_cation = np.array([s in CATIONS for s in symbols])
    cutoffs[is_cation, :] = 0.0
    cutoffs[:, is_cation] = 0.0
    return np.asarray(cutoffs, dtype=float)


def find_connectivity(symbols: Sequence[str], positions: ArrayLike) -> Connectivity:
    """Find bonds and roles of a POM from elements and positions.

    An oxygen on one addendum is terminal, unless that addendum has several: then the one most
    nearly trans to its bond towards the inside (the heteroatom's or the central oxygen) is
    terminal and the others are unshared, which is what a vacancy leaves behind. Two addenda
    that share two oxygens share an edge, else a corner.

    Parameters
    ----------
    symbols : sequence of str, length n
    positions : array_like, shape (n, 3)
        In angstrom.

    Returns
    -------
    Connectivity

    Raises
    ------
    StructureError
        If a position is not finite.
    """
    xyz = np.asarray(positions, dtype=float)
    if not np.isfinite(xyz).all():
        raise StructureError("Atom positions are not finite.", "Check the coordinates for NaN.")
    bonded = bonded_pairs(symbols, xyz)
    neighbours: list[list[int]] = [[] for _ in symbols]
    for i, j in bonded:
        neighbours[i].append(j)
        neighbours[j].append(i)
    for bonds in neighbours:
        bonds.sort()
    roles = [_role_of_non_oxygen(s) for s in symbols]
    addendum_bonds = [[j for j in bonds if symbols[j] in ADDENDA] for bonds in neighbours]
    for i, symbol in enumerate(symbols):
        if symbol != "O":
            continue
        if any(roles[j] == "heteroatom" for j in neighbours[i]):
            roles[i] = "on-heteroatom"
        elif len(addendum_bonds[i]) > 2:
            roles[i] = "central"
    for i, symbol in enumerate(symbols):
        if symbol != "O" or roles[i]:
            continue
        addenda = addendum_bonds[i]
        if len(addenda) == 2:
            shared = set(neighbours[addenda[0]]) & set(neighbours[addenda[1]])
            roles[i] = "edge-bridging" if len(shared) > 1 else "corner-bridging"
        else:
            roles[i] = "terminal"
    _mark_unshared(symbols, xyz, neighbours, roles)
    return Connectivity(tuple(tuple(b) for b in neighbours), tuple(roles))


def bonded_pairs(symbols: Sequence[str], positions: FloatArray) -> list[tuple[int, int]]:
    """Return bonded pairs (i < j) of a POM."""
    tree = cKDTree(positions)
    pairs = tree.query_pairs(3.2, output_type="ndarray")
    if len(pairs) == 0:
        return []
    kinds = sorted(set(symbols))
    kind_of = np.array([kinds.index(s) for s in symbols])
    cutoffs = bond_cutoffs(kinds)[kind_of[pairs[:, 0]], kind_of[pairs[:, 1]]]
    distances = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
    bonded = pairs[distances < cutoffs]
    return sorted((int(min(p)), int(max(p))) for p in bonded)


def _role_of_non_oxygen(symbol: str) -> str:
    if symbol == "O":
        return ""
    if symbol == "H":
        return "proton"
    if symbol in ADDENDA:
        return "addendum"
    return "cation" if symbol in CATIONS else "heteroatom"


def _mark_unshared(
    symbols: Sequence[str], xyz: FloatArray, neighbours: list[list[int]], roles: list[str]
) -> None:
    """Tell an addendum's one terminal oxygen from those that a vacancy left unshared."""
    for m, symbol in enumerate(symbols):
        if symbol not in ADDENDA:
            continue
        single = [j for j in neighbours[m] if roles[j] == "terminal"]
        if len(single) < 2:
            continue
        inner = [j for j in neighbours[m] if roles[j] in ("on-heteroatom", "central")]
        if inner:
            inward = np.mean([xyz[j] - xyz[m] for j in inner], axis=0)
        else:
            inward = np.mean([xyz[j] for j in range(len(symbols)) if symbols[j] in ADDENDA], axis=0)
            inward = inward - xyz[m]
        cosines = [_cosine(xyz[j] - xyz[m], inward) for j in single]
        terminal = single[int(np.argmin(cosines))]
        for j in single:
            if j != terminal:
                roles[j] = "unshared"


def _cosine(a: FloatArray, b: FloatArray) -> float:
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 else 0.0


def check_no_overlap(
    symbols: Sequence[str],
    positions: ArrayLike,
    fraction: float = OVERLAP_FRACTION,
    what: str = "structure",
) -> None:
    """Refuse a structure in which two atoms overlap.

    Parameters
    ----------
    symbols : sequence of str, length n
    positions : array_like, shape (n, 3)
        In angstrom.
    fraction : float
        Smallest allowed distance as a share of the sum of covalent radii.
    what : str
        Named in the message.

    Raises
    ------
    StructureError
        If any position is not finite or two atoms are too close.
    """
    pair = closest_pair(symbols, positions)
    if pair is None:
        return
    i, j, ratio, distance = pair
    if ratio < fraction:
        raise StructureError(
            f"Atoms {i} ({symbols[i]}) and {j} ({symbols[j]}) of the {what} are "
            f"{distance:.2f} angstrom apart, {ratio:.2f} of the sum of their covalent radii.",
            f"Keep atoms at least {fraction} of that sum apart.",
        )


def check_no_periodic_overlap(atoms: Atoms, what: str = "structure") -> None:
    """Refuse a periodic structure in which two atoms, or an atom and an image, overlap.

    Parameters
    ----------
    atoms : ase.Atoms
        With its cell.
    what : str
        Named in the message.

    Raises
    ------
    StructureError
        As in `check_no_overlap`.
    """
    check_no_overlap(atoms.get_chemical_symbols(), atoms.positions, what=what)
    limits = OVERLAP_FRACTION * covalent_radii[atoms.numbers]
    first, second, distance = neighbor_list("ijd", atoms, limits.tolist())
    if len(first):
        worst = int(np.argmin(distance))
        i, j = int(first[worst]), int(second[worst])
        raise StructureError(
            f"Atoms {i} ({atoms.symbols[i]}) and {j} ({atoms.symbols[j]}) of the {what} are "
            f"{distance[worst]:.2f} angstrom apart across the cell boundary.",
            "Use a larger cell.",
        )


def closest_pair(
    symbols: Sequence[str], positions: ArrayLike
) -> tuple[int, int, float, float] | None:
    """Return the pair of atoms closest relative to their covalent radii.

    Returns
    -------
    tuple (i, j, ratio, distance) or None
        `ratio` is distance over the sum of covalent radii (dimensionless), `distance` in
        angstrom; None if no two atoms are within 3 angstrom.

    Raises
    ------
    StructureError
        If a position is not finite.
    """
    xyz = np.asarray(positions, dtype=float)
    if not np.isfinite(xyz).all():
        raise StructureError("Atom positions are not finite.", "Check the coordinates for NaN.")
    pairs = cKDTree(xyz).query_pairs(3.0, output_type="ndarray")
    if len(pairs) == 0:
        return None
    radii = np.array([covalent_radii[atomic_numbers[s]] for s in symbols])
    distances = np.linalg.norm(xyz[pairs[:, 0]] - xyz[pairs[:, 1]], axis=1)
    ratios = distances / (radii[pairs[:, 0]] + radii[pairs[:, 1]])
    worst = int(np.argmin(ratios))
    i, j = sorted(int(k) for k in pairs[worst])
    return i, j, float(ratios[worst]), float(distances[worst])
