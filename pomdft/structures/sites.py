"""Where on a POM a metal can sit: vacancy, terminal face, bridging face, edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from pomdft.errors import InputError, UnknownNameError
from pomdft.structures.connectivity import ADDENDA, Connectivity, find_connectivity

FloatArray = NDArray[np.float64]

SITE_NAMES: Final = ("vacancy", "terminal-face", "bridging-face", "edge")
_SYNONYMS: Final = {
    "vacancy-down": "vacancy",
    "terminal": "terminal-face",
    "terminal-face-down": "terminal-face",
    "bridging": "bridging-face",
    "bridging-face-down": "bridging-face",
    "pom-edge": "edge",
}


@dataclass(frozen=True, eq=False)
class ContactSite:
    """A patch of oxygens that a metal can bind to.

    Attributes
    ----------
    name : str
        One of `SITE_NAMES`.
    centre : ndarray, shape (3,), float64
        Centroid of the contact oxygens, in angstrom.
    normal : ndarray, shape (3,), float64
        Unit vector out of the POM.
    oxygens : tuple of int
        Contact atoms.
    opening_angstrom : float
        Largest distance between two of the contact atoms.
    """

    name: str
    centre: FloatArray
    normal: FloatArray
    oxygens: tuple[int, ...]
    opening_angstrom: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as kept in a molecule's properties."""
        return {
            "centre_angstrom": [round(float(v), 6) + 0.0 for v in self.centre],
            "normal": [round(float(v), 6) + 0.0 for v in self.normal],
            "opening_angstrom": round(self.opening_angstrom, 4),
            "oxygen_indices": list(self.oxygens),
        }


def split_site_name(site: str) -> tuple[str, int]:
    """Return site name and rank of a string such as ``"terminal-face:2"`` (ranks from 1).

    Raises
    ------
    UnknownNameError
        If the name is not a site.
    InputError
        If the rank is not a positive whole number.
    """
    name, _, rank = str(site).partition(":")
    name = _SYNONYMS.get(name, name)
    if name not in SITE_NAMES:
        raise UnknownNameError("site", str(site), SITE_NAMES)
    if rank and not (rank.isdigit() and int(rank) > 0):
        raise InputError(f"site: {site!r} has no valid rank.", "Write e.g. 'terminal-face:2'.")
    return name, int(rank or 1)


def find_vacancy(
    symbols: Sequence[str], positions: FloatArray, found: Connectivity | None = None
) -> ContactSite | None:
    """Return the vacancy of a lacunary POM, None for an intact one.

    The contact oxygens are the unshared ones and, where a whole triad is gone, the heteroatom's
    oxygen that lost all its addenda.
    """
    found = found or find_connectivity(symbols, positions)
    unshared = found.indices("unshared")
    if not unshared:
        return None
    bare = [
        i
        for i in found.indices("on-heteroatom")
        if not any(symbols[j] in ADDENDA for j in found.neighbours[i])
    ]
    centre = positions[unshared].mean(axis=0)
    middle = positions[found.indices("addendum")].mean(axis=0)
    normal = _plane_normal(positions[unshared], centre - middle)
    return _site("vacancy", positions, normal, unshared, [*unshared, *bare])


def find_sites(symbols: Sequence[str], positions: FloatArray, name: str) -> list[ContactSite]:
    """Return the symmetry-distinct contact patches of one kind, the preferred one first.

    Parameters
    ----------
    symbols : sequence of str, length n
    positions : ndarray, shape (n, 3), float64
        Bare anion, in angstrom.
    name : str
        One of `SITE_NAMES`.

    Returns
    -------
    list of ContactSite
        Larger faces first, then those furthest from the vacancy; empty where there is none.
    """
    found = find_connectivity(symbols, positions)
    vacancy = find_vacancy(symbols, positions, found)
    if name == "vacancy":
        return [] if vacancy is None else [vacancy]
    finder = {"terminal-face": _terminal_faces, "bridging-face": _bridging_faces, "edge": _edges}
    candidates = finder[name](positions, found)
    oxygens = np.array([i for i, s in enumerate(symbols) if s == "O"])
    distinct: dict[tuple[float, ...], tuple[tuple[float, ...], ContactSite]] = {}
    for site in candidates:
        print_ = _fingerprint(site, positions, oxygens)
        back = 0.0 if vacancy is None else float(site.normal @ vacancy.normal)
        key = (-len(site.oxygens), _hindrance(site, positions, oxygens), round(back, 2), *print_)
        if print_ not in distinct or key < distinct[print_][0]:
            distinct[print_] = (key, site)
    return [site for _, site in sorted(distinct.values(), key=lambda kv: kv[0])]


def _terminal_faces(positions: FloatArray, found: Connectivity) -> list[ContactSite]:
    """Return flat faces of the hull of the terminal oxygens."""
    terminal = found.indices("terminal")
    if len(terminal) < 4:
        return []
    hull = ConvexHull(positions[terminal])
    planes: list[tuple[FloatArray, set[int]]] = []
    for equation, simplex in zip(hull.equations, hull.simplices, strict=True):
        for plane, members in planes:
            if np.allclose(plane, equation, atol=0.12):
                members.update(int(s) for s in simplex)
                break
        else:
            planes.append((equation, {int(s) for s in simplex}))
    sites = []
    for plane, members in planes:
        atoms = sorted(terminal[k] for k in members)
        site = _site("terminal-face", positions, plane[:3], atoms, atoms)
        # A facet that spans a vacancy has nothing under it; neighbours are 3-5 angstrom apart.
        if site.opening_angstrom < 7.5:
            sites.append(site)
    return sites


def _bridging_faces(positions: FloatArray, found: Connectivity) -> list[ContactSite]:
    """Return triangles of neighbouring bridging oxygens."""
    bridging = found.indices("edge-bridging", "corner-bridging")
    middle = positions[found.indices("addendum")].mean(axis=0)
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    sites = []
    for trio in combinations(bridging, 3):
        if max(distances[a, b] for a, b in combinations(trio, 2)) > 3.4:
            continue
        atoms = list(trio)
        outward = positions[atoms].mean(axis=0) - middle
        normal = _plane_normal(positions[atoms], outward)
        if normal @ outward / np.linalg.norm(outward) > 0.8:
            sites.append(_site("bridging-face", positions, normal, atoms, atoms))
    return sites


def _edges(positions: FloatArray, found: Connectivity) -> list[ContactSite]:
    """Return pairs of terminal oxygens with the bridge between their addenda."""
    middle = positions[found.indices("addendum")].mean(axis=0)
    sites = []
    for i in found.indices("edge-bridging", "corner-bridging"):
        ends = [
            t
            for m in found.neighbours[i]
            for t in found.neighbours[m]
            if found.roles[t] == "terminal"
        ]
        if len(ends) == 2:
            outward = positions[i] - middle
            along = positions[ends[1]] - positions[ends[0]]
            normal = outward - (outward @ along) / (along @ along) * along
            atoms = sorted([i, *ends])
            normal = normal / np.linalg.norm(normal)
            sites.append(_site("edge", positions, normal, atoms, atoms))
    return sites


def _site(
    name: str, positions: FloatArray, normal: FloatArray, centred: list[int], atoms: list[int]
) -> ContactSite:
    xyz = positions[atoms]
    opening = float(np.linalg.norm(xyz[:, None] - xyz[None], axis=2).max())
    unit = normal / np.linalg.norm(normal)
    return ContactSite(name, positions[centred].mean(axis=0), unit, tuple(atoms), opening)


def _plane_normal(points: FloatArray, outward: FloatArray) -> FloatArray:
    """Return the unit normal of the best plane through points, on the side of `outward`."""
    if len(points) < 3:
        return np.asarray(outward / np.linalg.norm(outward), dtype=float)
    normal = np.linalg.svd(points - points.mean(axis=0))[2][2]
    along = float(normal @ outward)
    if abs(along) < 1e-6:
        # A ring: both sides are alike; take the one with positive largest component.
        along = float(normal[int(np.argmax(np.abs(normal)))])
    return np.asarray(normal * np.sign(along), dtype=float)


def _hindrance(site: ContactSite, positions: FloatArray, oxygens: NDArray[np.intp]) -> int:
    """Count other oxygens that stand above the plane of the site, near its axis."""
    others = np.setdiff1d(oxygens, site.oxygens)
    relative = positions[others] - site.centre
    height = relative @ site.normal
    lateral = np.linalg.norm(relative - height[:, None] * site.normal, axis=1)
    return int(((height > 0.4) & (lateral < 3.2)).sum())


def _fingerprint(
    site: ContactSite, positions: FloatArray, oxygens: NDArray[np.intp]
) -> tuple[float, ...]:
    """Return numbers that are alike for symmetry-equivalent sites and frame-free."""
    relative = positions[oxygens] - site.centre
    height = relative @ site.normal
    distance = np.linalg.norm(relative, axis=1)
    moments = [np.mean(distance), np.std(distance), np.mean(height), np.mean(height**3) / 20]
    near = np.sort(distance)[:10]
    return tuple(round(float(v) * 5) / 5 for v in (*moments, near.sum()))


def site_frame(site: ContactSite, positions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the rotation and origin that put a site's normal along +z.

    Parameters
    ----------
    site : ContactSite
    positions : ndarray, shape (n, 3), float64

    Returns
    -------
    rotation : ndarray, shape (3, 3), float64
        Rows are the new axes: ``new = (old - origin) @ rotation.T``. The x axis points to the
        contact atom furthest from the normal.
    origin : ndarray, shape (3,), float64
        The site's centre.
    """
    relative = positions[list(site.oxygens)] - site.centre
    lateral = relative - (relative @ site.normal)[:, None] * site.normal
    furthest = int(np.argmax(np.round(np.linalg.norm(lateral, axis=1), 3)))
    x = lateral[furthest]
    if np.linalg.norm(x) < 1e-3:
        helper = np.eye(3)[int(np.argmin(np.abs(site.normal)))]
        x = helper - (helper @ site.normal) * site.normal
    x = x / np.linalg.norm(x)
    return np.vstack([x, np.cross(site.normal, x), site.normal]), site.centre
