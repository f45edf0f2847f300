"""The Keggin family: alpha-[XM12O40], its gamma isomer and their lacunary children.

Twelve MO6 octahedra in four edge-sharing triads surround one XO4 tetrahedron; triads share
corners. Coordinates are made from the group Td and set to bond lengths by `framework.refine`.

References
----------
Keggin, Proc. R. Soc. A 144, 75 (1934), doi:10.1098/rspa.1934.0035 (the structure);
Baker and Figgis, J. Am. Chem. Soc. 92, 3794 (1970), doi:10.1021/ja00715a047 (isomers).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pomdft.structures.connectivity import find_connectivity
from pomdft.structures.framework import HETEROATOM_BOND, refine
from pomdft.structures.geometry import Framework, remove_addenda

FloatArray = NDArray[np.float64]

#: Distance of the addenda from the heteroatom in the rough start (angstrom).
_SHELL = 3.55


def td_orbit(point: tuple[float, float, float]) -> FloatArray:
    """Return all images of a point under the group Td.

    Parameters
    ----------
    point : tuple of float
        Cartesian, with the twofold axes of Td along x, y and z.

    Returns
    -------
    ndarray, shape (m, 3), float64
        Distinct images in a fixed order; m divides 24.
    """
    images: list[tuple[float, ...]] = []
    for signs in product((1.0, -1.0), repeat=3):
        if np.prod(signs) < 0:
            continue
        for order in permutations(range(3)):
            image = tuple(signs[k] * point[order[k]] for k in range(3))
            if not any(np.allclose(image, seen, atol=1e-6) for seen in images):
                images.append(image)
    return np.array(images)


@lru_cache(maxsize=64)
def build_alpha(heteroatom: str, addendum: str) -> Framework:
    """Build alpha-[XM12O40], Td, heteroatom at the origin.

    Parameters
    ----------
    heteroatom, addendum : str
        Element symbols.

    Returns
    -------
    Framework
        Order: X, 12 M, then O: 4 on X, 12 edge, 12 corner, 12 terminal.
    """
    positions = refine(*_rough_alpha(heteroatom, addendum))
    symbols, _ = _rough_alpha(heteroatom, addendum)
    return Framework(symbols, positions)


def _rough_alpha(heteroatom: str, addendum: str) -> tuple[tuple[str, ...], FloatArray]:
    w = _SHELL / np.sqrt(2)
    t = HETEROATOM_BOND[heteroatom][0] / np.sqrt(3)
    # Triads sit on the +++ type corners, where the heteroatom's oxygens point.
    orbits = [
        (heteroatom, np.zeros((1, 3))),
        (addendum, td_orbit((w, w, 0.0))),
        ("O", td_orbit((t, t, t))),
        ("O", td_orbit((0.60 * w, 0.60 * w, 1.36 * w))),
        ("O", td_orbit((0.45 * w, 0.45 * w, -1.18 * w))),
        ("O", td_orbit((1.47 * w, 1.47 * w, 0.0))),
    ]
    symbols = tuple(s for s, xyz in orbits for _ in xyz)
    return symbols, np.vstack([xyz for _, xyz in orbits])


def nearest_addenda(parent: Framework, direction: Sequence[float] | FloatArray) -> list[int]:
    """Return the three addenda that lie furthest along a direction."""
    addenda = parent.indices(*{s for s in parent.symbols if s in ("W", "Mo")})
    along = parent.positions[addenda] @ np.array(direction)
    return [addenda[k] for k in np.argsort(-along, kind="stable")[:3]]


@lru_cache(maxsize=64)
def build_alpha_monolacunary(heteroatom: str, addendum: str) -> Framework:
    """Build alpha-[XM11O39], Cs: one addendum and its terminal oxygen are gone."""
    parent = build_alpha(heteroatom, addendum)
    return remove_addenda(parent, nearest_addenda(parent, (1.0, 1.0, 0.0))[:1])


@lru_cache(maxsize=64)
def build_a_trilacunary(heteroatom: str, addendum: str) -> Framework:
    """Build A-alpha-[XM9O34], C3v: three corner-sharing addenda of three triads are gone."""
    parent = build_alpha(heteroatom, addendum)
    return remove_addenda(parent, nearest_addenda(parent, (1.0, 1.0, -1.0)))


@lru_cache(maxsize=64)
def build_b_trilacunary(heteroatom: str, addendum: str) -> Framework:
    """Build B-alpha-[XM9O34], C3v: one edge-sharing triad is gone."""
    parent = build_alpha(heteroatom, addendum)
    return remove_addenda(parent, nearest_addenda(parent, (1.0, 1.0, 1.0)))


@lru_cache(maxsize=64)
def build_gamma(heteroatom: str, addendum: str) -> Framework:
    """Build gamma-[XM12O40], C2v: two triads of the alpha isomer turned by 60 degrees.

    The corner oxygens that a turned triad shared are put half-way between where its own
    rotation and its neighbours want them.
    """
    parent = build_alpha(heteroatom, addendum)
    xyz = parent.positions
    found = find_connectivity(parent.symbols, xyz)
    corners = ((1.0, 1.0, 1.0), (1.0, -1.0, -1.0))
    wanted: list[list[FloatArray]] = [[] for _ in parent.symbols]
    free_corners: list[FloatArray] = []
    moved: set[int] = set()
    for corner in corners:
        axis = np.array(corner) / np.sqrt(3)
        turn = Rotation.from_rotvec(np.pi / 3 * axis)
        triad = nearest_addenda(parent, corner)
        members = sorted({i for m in triad for i in found.neighbours[m]} | set(triad))
        for i in members:
            image = turn.apply(xyz[i].copy())
            if found.roles[i] == "corner-bridging":
                free_corners.append(image)
            else:
                wanted[i].append(image)
                moved.add(i)
    positions = xyz.copy()
    for i in moved:
        positions[i] = wanted[i][0]
    positions = _settle_corners(positions, found.indices("corner-bridging"), free_corners)
    return Framework(parent.symbols, refine(parent.symbols, positions))


def _settle_corners(
    positions: FloatArray, corners: list[int], images: list[FloatArray]
) -> FloatArray:
    """Give each corner oxygen the mean of its own place and the rotated ones that fall near it."""
    settled = positions.copy()
    claims: dict[int, list[FloatArray]] = {i: [] for i in corners}
    for image in images:
        nearest = min(corners, key=lambda i: float(np.linalg.norm(positions[i] - image)))
        claims[nearest].append(image)
    for i, places in claims.items():
        if places:
            own = [positions[i]] if len(places) == 1 else []
            settled[i] = np.mean([*places, *own], axis=0)
    return settled


@lru_cache(maxsize=64)
def build_gamma_dilacunary(heteroatom: str, addendum: str) -> Framework:
    """Build gamma-[XM10O36], C2v: the edge-sharing addenda of the two turned triads are gone."""
    parent = build_gamma(heteroatom, addendum)
    first = nearest_addenda(parent, (1.0, 0.0, 0.0))
    return remove_addenda(parent, first[:2])
