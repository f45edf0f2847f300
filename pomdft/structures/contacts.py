"""Metal-oxygen contacts: typical distances, a score for docking, and counting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

FloatArray = NDArray[np.float64]

#: Metal-oxygen distance (angstrom) of a neutral or nearly neutral metal on an oxide's oxygen, as
#: PBE gives it for small clusters on oxides; other metals: sum of covalent radii (Cordero et al.,
#: Dalton Trans. 2832 (2008), doi:10.1039/b801115j).
METAL_OXYGEN_ANGSTROM: Final[dict[str, float]] = {
    "Cu": 1.98,
    "Ag": 2.32,
    "Au": 2.18,
    "Ni": 1.95,
    "Pd": 2.12,
    "Pt": 2.10,
    "Co": 1.96,
    "Rh": 2.08,
    "Ir": 2.08,
    "Fe": 1.98,
    "Ru": 2.08,
    "Os": 2.08,
    "Zn": 2.02,
}
#: A metal-oxygen distance counts as a contact up to this factor times the typical one.
CONTACT_FACTOR: Final = 1.2
#: How much an oxygen of each role wants a metal, relative to an unshared one: its basicity falls
#: from unshared to bridging to terminal.
_AFFINITY: Final = {
    "unshared": 1.0,
    "on-heteroatom": 0.5,
    "corner-bridging": 0.5,
    "edge-bridging": 0.5,
    "terminal": 0.45,
    "ligand-atom": 1.0,
}
_WIDTH: Final = 0.30
_WALL: Final = 12.0
#: Length (angstrom) that makes rotations and translations alike for the optimiser.
_LEVER: Final = 2.0
#: Metals that one donor atom binds well: an oxide's oxygen and sulphur bridge two, an amine, a
#: phosphine or a carbonyl oxygen has one lone pair to give; each further metal costs.
_CAPACITY: Final = {"S": 2.0}
_OXIDE_CAPACITY: Final = 2.0
_SURPLUS_COST: Final = 0.3
#: Donors that a metal atom binds at full strength: an atom or ion of its own takes a square of
#: four, one in a cluster two; xTB-relaxed poses (Ag, Pd, Pt on W5O18) rank the same way.
_COORDINATION_ALONE: Final = 4
_COORDINATION_IN_CLUSTER: Final = 2
_CROWDED_WORTH: Final = 0.2
#: Elements that bind a metal through a lone pair.
DONORS: Final = ("O", "N", "S", "P")


def contact_distance(metal: str, donor: str = "O") -> float:
    """Return the typical distance of a metal to a donor atom, in angstrom."""
    if donor == "O" and metal in METAL_OXYGEN_ANGSTROM:
        return METAL_OXYGEN_ANGSTROM[metal]
    return float(covalent_radii[atomic_numbers[metal]] + covalent_radii[atomic_numbers[donor]])


def closest_approach(metal: str, other: str) -> float:
    """Return how near a metal atom may come to an atom it does not bind, in angstrom."""
    if other == "H":
        return 2.25
    radii = covalent_radii[atomic_numbers[metal]] + covalent_radii[atomic_numbers[other]]
    return float(radii + 0.15)


def count_contacts(
    symbols: Sequence[str], positions: ArrayLike, metals: Sequence[str], metal_positions: ArrayLike
) -> int:
    """Return the number of metal-donor pairs (O, N, S, P) within contact distance.

    Parameters
    ----------
    symbols : sequence of str, length n
        Ligand atoms.
    positions : array_like, shape (n, 3)
        In angstrom.
    metals : sequence of str, length m
    metal_positions : array_like, shape (m, 3)
        In angstrom.

    Returns
    -------
    int
    """
    xyz = np.asarray(positions, dtype=float)
    metal_xyz = np.asarray(metal_positions, dtype=float)
    count = 0
    for donor in DONORS:
        atoms = [i for i, s in enumerate(symbols) if s == donor]
        if not atoms:
            continue
        distance = np.linalg.norm(metal_xyz[:, None] - xyz[atoms][None], axis=2)
        limit = CONTACT_FACTOR * np.array([contact_distance(m, donor) for m in metals])
        count += int((distance < limit[:, None]).sum())
    return count


class ContactField:
    """Score of metal positions over a fixed ligand: wells at donors, walls elsewhere.

    Parameters
    ----------
    symbols : sequence of str, length n
        Ligand atoms.
    positions : ndarray, shape (n, 3), float64
        In angstrom, contact normal along +z.
    roles : sequence of str, length n
    contacts : sequence of int
        Atoms of the site; donors elsewhere count half.
    n_metal : int
        Atoms of the metal that comes.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        positions: FloatArray,
        roles: Sequence[str],
        contacts: Sequence[int],
        n_metal: int = 4,
    ) -> None:
        self.coordination = _COORDINATION_ALONE if n_metal == 1 else _COORDINATION_IN_CLUSTER
        has_proton = {
            i
            for i in range(len(symbols))
            if symbols[i] in DONORS
            and any(
                symbols[j] == "H" and np.linalg.norm(positions[j] - positions[i]) < 1.2
                for j in range(len(symbols))
            )
        }
        donors = [s in DONORS for s in symbols]
        # A protonated oxygen of the framework has lost its lone pair.
        depth = [
            _AFFINITY.get(roles[i], 0.3)
            * (1.0 if i in set(contacts) else 0.5)
            * (0.3 if i in has_proton and roles[i] != "ligand-atom" else 1.0)
            if donors[i]
            else 0.0
            for i in range(len(symbols))
        ]
        self.symbols = list(symbols)
        self.positions = positions
        self.capacity = np.array(
            [
                _CAPACITY.get(s, 1.0) if r == "ligand-atom" else _OXIDE_CAPACITY
                for s, r in zip(symbols, roles, strict=True)
            ]
        )
        self.depth = np.array(depth)
        self._reach: dict[str, FloatArray] = {}

    def reach(self, metal: str) -> FloatArray:
        """Return the wanted (donor) or smallest (other) distance to each atom, shape (n,)."""
        if metal not in self._reach:
            self._reach[metal] = np.array(
                [
                    contact_distance(metal, s) if s in DONORS else closest_approach(metal, s)
                    for s in self.symbols
                ]
            )
        return self._reach[metal]

    def touching_height(self, metals: Sequence[str], positions: FloatArray) -> float:
        """Return the shift along z at which a cluster coming from above first touches.

        Parameters
        ----------
        metals : sequence of str, length m
        positions : ndarray, shape (m, 3), float64

        Returns
        -------
        float
            In angstrom, to add to the z coordinates.
        """
        reach = np.array([self.reach(m) for m in metals])
        lateral = ((positions[:, None, :2] - self.positions[None, :, :2]) ** 2).sum(axis=2)
        under = reach**2 - lateral
        touching = under > 0
        if not touching.any():
            return float(2.5 - positions[:, 2].min())
        drop = self.positions[None, :, 2] - positions[:, None, 2]
        heights = np.where(touching, drop + np.sqrt(np.where(touching, under, 0.0)), -np.inf)
        return float(heights.max())

    def energy(self, metals: Sequence[str], positions: FloatArray) -> float:
        """Return minus the score: Gaussian wells at donors and quadratic walls, arbitrary units."""
        return self.energy_and_gradient(metals, positions)[0]

    def energy_and_gradient(
        self, metals: Sequence[str], positions: FloatArray
    ) -> tuple[float, FloatArray]:
        """Return the energy and its derivative by the metal positions, shape (m, 3)."""
        reach = np.array([self.reach(m) for m in metals])
        vectors = positions[:, None] - self.positions[None]
        distance = np.linalg.norm(vectors, axis=2)
        excess = distance - reach
        outside = np.maximum(excess, 0.0)
        inside = np.minimum(excess, 0.0)
        bonds = np.exp(-0.5 * (outside / _WIDTH) ** 2)
        # Of each donor's bonds the strongest count, up to its capacity; more of them cost.
        rank = np.argsort(np.argsort(-bonds, axis=0, kind="stable"), axis=0)
        worth = self.depth * np.where(rank < self.capacity, 1.0, -_SURPLUS_COST)
        # A metal atom of a cluster is content with few donors: more of them count little.
        wish = np.argsort(np.argsort(-worth * bonds, axis=1, kind="stable"), axis=1)
        worth = worth * np.where(wish < self.coordination, 1.0, _CROWDED_WORTH)
        energy = float(_WALL * (inside**2).sum() - (worth * bonds).sum())
        slope = 2.0 * _WALL * inside + worth * bonds * outside / _WIDTH**2
        gradient = ((slope / np.maximum(distance, 1e-9))[..., None] * vectors).sum(axis=1)
        return energy, gradient

    def score(self, metals: Sequence[str], positions: FloatArray) -> float:
        """Return the contact score: larger is better."""
        return -self.energy(metals, positions)

    def polish(self, metals: Sequence[str], positions: FloatArray) -> FloatArray:
        """Move a cluster as a rigid body to the nearest optimum of the score.

        Parameters
        ----------
        metals : sequence of str, length m
        positions : ndarray, shape (m, 3), float64
            In angstrom.

        Returns
        -------
        ndarray, shape (m, 3), float64
        """
        low = positions[:, 2] < positions[:, 2].min() + 4.0
        front = [m for m, is_low in zip(metals, low, strict=True) if is_low]
        pivot = positions[low].mean(axis=0)
        n_free = 3 if len(metals) == 1 else 6

        def moved(x: FloatArray, xyz: FloatArray) -> FloatArray:
            turned = xyz - pivot
            if n_free == 6:
                turned = Rotation.from_rotvec(x[3:] / _LEVER).apply(turned)
            return np.asarray(turned + pivot + x[:3], dtype=float)

        def cost(x: FloatArray) -> tuple[float, FloatArray]:
            xyz = moved(x, positions[low])
            energy, gradient = self.energy_and_gradient(front, xyz)
            force = gradient.sum(axis=0)
            if n_free == 3:
                return energy, force
            torque = np.cross(xyz - pivot - x[:3], gradient).sum(axis=0)
            return energy, np.concatenate(
                [force, _left_jacobian(x[3:] / _LEVER).T @ torque / _LEVER]
            )

        best = minimize(
            cost,
            np.zeros(n_free),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 30, "maxfun": 40},
        )
        return moved(best.x, positions)


def _left_jacobian(turn: FloatArray) -> FloatArray:
    """Return how a rotated vector turns when its rotation vector changes, shape (3, 3)."""
    angle = float(np.linalg.norm(turn))
    if angle < 1e-8:
        return np.eye(3)
    axis = turn / angle
    cross = np.cross(np.eye(3), axis)
    sine = np.sin(angle) / angle
    jacobian = sine * np.eye(3) + (1 - sine) * np.outer(axis, axis)
    return np.asarray(jacobian + (1 - np.cos(angle)) / angle * cross, dtype=float)
