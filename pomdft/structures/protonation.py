"""Where the protons of the `protonated` charge model sit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pomdft.errors import ChargeError
from pomdft.structures.connectivity import Connectivity, find_connectivity

FloatArray = NDArray[np.float64]

#: O-H bond length (angstrom) of a hydroxide bridging two addenda.
OH_ANGSTROM: Final = 0.975
#: Classes of oxygen in the order in which they take a proton; terminal ones never do.
PROTONATION_ORDER: Final = ("corner-bridging", "edge-bridging", "unshared")


def rank_proton_sites(found: Connectivity, contacts: Collection[int]) -> list[list[int]]:
    """Return oxygens that may take a proton, in classes, the first class filled first.

    Parameters
    ----------
    found : Connectivity
    contacts : collection of int
        Oxygens that a metal is to bind; they come last.

    Returns
    -------
    list of list of int
        Corner-bridging, edge-bridging, unshared, then the contacts (bridging or unshared) -
        terminal oxygens and those of a heteroatom in its cage are not offered.
    """
    classes = [[i for i in found.indices(role) if i not in contacts] for role in PROTONATION_ORDER]
    last = [i for i in sorted(contacts) if found.roles[i] in PROTONATION_ORDER]
    return [c for c in [*classes, last] if c]


def choose_protonated_oxygens(
    found: Connectivity,
    positions: FloatArray,
    count: int,
    contacts: Collection[int] = (),
    contact_centre: FloatArray | None = None,
) -> list[int]:
    """Choose the oxygens that take a proton: far from each other and from the contact.

    The classes of `rank_proton_sites` are filled in order. Within one class the choice
    minimises the Coulomb repulsion of point protons (with one more at the contact centre,
    which stands for the metal), by greedy placing and pairwise exchange: deterministic.

    Parameters
    ----------
    found : Connectivity
    positions : ndarray, shape (n, 3), float64
        In angstrom.
    count : int
        How many protons.
    contacts : collection of int
        Oxygens that a metal is to bind.
    contact_centre : ndarray, shape (3,), optional
        Where the metal will be, in angstrom.

    Returns
    -------
    list of int
        Ascending.

    Raises
    ------
    ChargeError
        If there are not enough oxygens.
    """
    classes = rank_proton_sites(found, contacts)
    available = sum(len(c) for c in classes)
    if count > available:
        raise ChargeError(
            f"charge_model: {count} protons are needed but only {available} bridging and "
            "unshared oxygens can take one.",
            "Use charge_model='alkali' or 'solvated'.",
        )
    chosen: list[int] = []
    for members in classes:
        wanted = min(count - len(chosen), len(members))
        if wanted == len(members):
            chosen += members
        elif wanted > 0:
            chosen += spread_out(positions, members, wanted, chosen, contact_centre)
    return sorted(chosen)


def spread_out(
    positions: FloatArray,
    members: Sequence[int],
    count: int,
    fixed: Sequence[int],
    repeller: FloatArray | None,
) -> list[int]:
    """Choose `count` of `members` with the least mutual Coulomb repulsion.

    Parameters
    ----------
    positions : ndarray, shape (n, 3), float64
    members, fixed : sequence of int
        Candidates, and atoms already chosen.
    count : int
    repeller : ndarray, shape (3,), optional
        One more point of like charge.

    Returns
    -------
    list of int
    """
    members = list(members)
    xyz = positions[members]
    with np.errstate(divide="ignore"):
        pair = 1.0 / np.linalg.norm(xyz[:, None] - xyz[None, :], axis=2)
    np.fill_diagonal(pair, 0.0)
    single = np.zeros(len(members))
    for point in [positions[i] for i in fixed] + ([] if repeller is None else [repeller]):
        single += 1.0 / np.maximum(np.linalg.norm(xyz - point, axis=1), 0.5)
    inside = np.zeros(len(members), dtype=bool)
    for _ in range(count):
        cost = np.where(inside, np.inf, single + pair @ inside)
        inside[int(np.argmin(np.round(cost, 8)))] = True
    for _ in range(100):
        field = single + pair @ inside
        change = field[None, :] - field[:, None] - pair
        change[~inside, :] = np.inf
        change[:, inside] = np.inf
        best = int(np.argmin(np.round(change, 8)))
        out, into = divmod(best, len(members))
        if change[out, into] > -1e-7:
            break
        inside[out], inside[into] = False, True
    return [m for m, is_in in zip(members, inside, strict=True) if is_in]


def proton_positions(
    found: Connectivity, positions: FloatArray, oxygens: Sequence[int]
) -> FloatArray:
    """Return where protons go: along the outward bisector of each oxygen's bonds.

    Parameters
    ----------
    found : Connectivity
    positions : ndarray, shape (n, 3), float64
        In angstrom.
    oxygens : sequence of int
        One proton each.

    Returns
    -------
    ndarray, shape (len(oxygens), 3), float64
        In angstrom. An oxygen with one bond gets a bent M-O-H of 115 degrees, turned outwards.
    """
    centre = positions.mean(axis=0)
    placed = np.empty((len(oxygens), 3))
    for k, i in enumerate(oxygens):
        bonds = [_unit(positions[j] - positions[i]) for j in found.neighbours[i]]
        outward = _unit(positions[i] - centre)
        away = -np.sum(bonds, axis=0)
        if len(bonds) == 1:
            side = outward - (outward @ bonds[0]) * bonds[0]
            if np.linalg.norm(side) < 0.1:
                side = _unit(np.cross(bonds[0], [0.3, 0.5, 0.8]))
            angle = np.radians(115.0)
            direction = np.cos(angle) * bonds[0] + np.sin(angle) * _unit(side)
        else:
            direction = _unit(away) if np.linalg.norm(away) > 0.2 else outward
        placed[k] = positions[i] + OH_ANGSTROM * direction
    return placed


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector), dtype=float)


def protonate(
    symbols: Sequence[str],
    positions: FloatArray,
    count: int,
    contacts: Collection[int] = (),
    contact_centre: FloatArray | None = None,
) -> tuple[list[int], FloatArray]:
    """Choose oxygens for `count` protons and place them.

    Returns
    -------
    oxygens : list of int
        Which oxygen carries each proton.
    protons : ndarray, shape (count, 3), float64
        In angstrom, in the same order.
    """
    found = find_connectivity(symbols, positions)
    oxygens = choose_protonated_oxygens(found, positions, count, contacts, contact_centre)
    return oxygens, proton_positions(found, positions, oxygens)
