"""Every distinct way to set a rigid cluster on a fixed ligand, best contacts first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray
from pymatgen.core import Molecule
from scipy.optimize import linear_sum_assignment
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from pomdft.structures.connectivity import closest_pair
from pomdft.structures.contacts import ContactField
from pomdft.structures.symmetry import axial_operations

FloatArray = NDArray[np.float64]

#: Atoms of a cluster nearer to the ligand than its lowest atom plus this take part in docking.
_FRONT_ANGSTROM: Final = 4.0
#: Poses that differ by less (root mean square, angstrom) after symmetry are one.
DUPLICATE_RMSD_ANGSTROM: Final = 0.25
#: Ligand atoms further from the site than the cluster's size plus this are out of its reach.
_REACH_ANGSTROM: Final = 7.0
_N_AZIMUTHS: Final = 12
_N_POLISHED: Final = 12


@dataclass(frozen=True, eq=False)
class Pose:
    """One placement of a cluster on a ligand.

    Attributes
    ----------
    positions : ndarray, shape (m, 3), float64
        Metal positions in the ligand's frame, in angstrom.
    score : float
        Contact score: larger is better (see `ContactField`).
    orientation : str
        Part of the cluster that points down, lateral anchor and azimuth in degrees.
    """

    positions: FloatArray
    score: float
    orientation: str


def find_poses(ligand: Molecule, particle: Molecule) -> list[Pose]:
    """Return every distinct placement of a cluster over a docked ligand, best first.

    The cluster is lowered along -z over each lateral anchor (centre, contact oxygens, their
    midpoints), vertex, edge or face first, at each azimuth, until the first contact reaches its
    M-O distance; the best are polished as rigid bodies in the contact field.

    Parameters
    ----------
    ligand : pymatgen Molecule
        As from `dock_ligand`.
    particle : pymatgen Molecule

    Returns
    -------
    list of Pose
        Clashing ones, symmetry duplicates and those that slid off the site left out.
    """
    metals = [s.specie.symbol for s in particle]
    ligand_symbols = [s.specie.symbol for s in ligand]
    ligand_xyz = np.asarray(ligand.cart_coords, dtype=float)
    contacts = list(ligand.properties["site"]["oxygen_indices"])
    span = 2 * float(np.linalg.norm(particle.cart_coords, axis=1).max()) + _REACH_ANGSTROM
    near = np.flatnonzero(np.linalg.norm(ligand_xyz, axis=1) < span)
    field = ContactField(
        [ligand_symbols[i] for i in near],
        ligand_xyz[near],
        [ligand.site_properties["role"][i] for i in near],
        [k for k, i in enumerate(near) if i in contacts],
        len(metals),
    )
    anchors = _lateral_anchors(ligand_xyz[contacts], len(metals))
    azimuths = [0.0] if len(metals) == 1 else np.arange(_N_AZIMUTHS) * 360.0 / _N_AZIMUTHS
    rough: list[Pose] = []
    for label, turned in cluster_orientations(metals, np.asarray(particle.cart_coords)):
        for azimuth in azimuths:
            spun = Rotation.from_euler("z", azimuth, degrees=True).apply(turned)
            front = np.flatnonzero(spun[:, 2] < spun[:, 2].min() + _FRONT_ANGSTROM)
            for anchor_name, anchor in anchors:
                xyz = spun + np.array([anchor[0], anchor[1], 0.0])
                height = field.touching_height([metals[k] for k in front], xyz[front])
                xyz = xyz + np.array([0.0, 0.0, height])
                score = field.score([metals[k] for k in front], xyz[front])
                rough.append(Pose(xyz, score, f"{label}/{anchor_name}/az{azimuth:03.0f}"))
    rough.sort(key=lambda p: (-round(p.score, 6), p.orientation))
    # Protons and cations break the symmetry of the cage only slightly: poses that the cage makes
    # alike are one binding mode.
    cage = [
        i for i, r in enumerate(ligand.site_properties["role"]) if r not in ("proton", "cation")
    ]
    symmetry = axial_operations([ligand_symbols[i] for i in cage], ligand_xyz[cage])
    seeds = _drop_duplicates(rough, metals, symmetry, DUPLICATE_RMSD_ANGSTROM, _N_POLISHED)
    polished = []
    for pose in seeds:
        xyz = field.polish(metals, pose.positions)
        polished.append(Pose(xyz, field.score(metals, xyz), pose.orientation))
    polished.sort(key=lambda p: (-round(p.score, 4), p.orientation))
    kept = _drop_duplicates(polished, metals, symmetry, 2 * DUPLICATE_RMSD_ANGSTROM, None)
    free = [p for p in kept if not _clashes(ligand_symbols, ligand_xyz, metals, p.positions)]
    # Polishing can let a cluster slide over the rim; it is then no longer at this site.
    on_site = [p for p in free if len(metals) == 1 or p.positions[:, 2].mean() > 0]
    return on_site or free


def cluster_orientations(
    metals: Sequence[str], positions: FloatArray
) -> list[tuple[str, FloatArray]]:
    """Return a cluster turned so that each distinct vertex, edge or face points to -z.

    Parameters
    ----------
    metals : sequence of str
    positions : ndarray, shape (m, 3), float64
        Centred, in angstrom.

    Returns
    -------
    list of (str, ndarray)
        Label ("atom", "vertex", "edge", "face3", "face4" ...) and turned positions.
    """
    if len(metals) == 1:
        return [("atom", positions - positions[0])]
    bond = _shortest_distance(positions)
    directions: list[tuple[str, FloatArray]] = []
    # A planar cluster has no hull of its own; joggled by Qhull (QJ) it has two faces.
    planar = np.linalg.matrix_rank(positions, tol=0.05 * bond) < 3
    hull = ConvexHull(positions, qhull_options="QJ" if planar else None)
    planes: list[FloatArray] = []
    for equation in hull.equations:
        if not any(np.allclose(equation, p, atol=0.05) for p in planes):
            planes.append(equation)
            on_plane = np.abs(positions @ equation[:3] + equation[3]) < 0.1 * bond
            directions.append((f"face{int(on_plane.sum())}", equation[:3]))
    for i in hull.vertices:
        directions.append(("vertex", positions[i] / np.linalg.norm(positions[i])))
    for simplex in hull.simplices:
        for a, b in ((0, 1), (1, 2), (0, 2)):
            i, j = simplex[a], simplex[b]
            middle = positions[i] + positions[j]
            # The short diagonal of a rhombus lies across its centre: no edge.
            outside = np.linalg.norm(middle) > 0.2 * bond
            if outside and np.linalg.norm(positions[i] - positions[j]) < 1.15 * bond:
                directions.append(("edge", middle / np.linalg.norm(middle)))
    seen: set[tuple[Any, ...]] = set()
    turned: list[tuple[str, FloatArray]] = []
    for kind, direction in directions:
        label = kind
        along = positions @ direction
        lateral = np.linalg.norm(positions - along[:, None] * direction, axis=1)
        key = (
            label,
            *sorted(
                (round(float(a), 1) + 0.0, round(float(r), 1), s)
                for a, r, s in zip(along, lateral, metals, strict=True)
            ),
        )
        if key not in seen:
            seen.add(key)
            if len(set(metals)) > 1:
                lowest = along > along.max() - 0.3 * bond
                named = sorted({m for m, is_low in zip(metals, lowest, strict=True) if is_low})
                label = f"{label}-{''.join(named)}"
            turned.append((label, _turn_down(direction, positions)))
    return turned


def _turn_down(direction: FloatArray, positions: FloatArray) -> FloatArray:
    """Rotate positions so that `direction` becomes -z and azimuth is fixed by the cluster."""
    rotation, _ = Rotation.align_vectors([[0.0, 0.0, -1.0]], [direction])
    xyz = rotation.apply(positions)
    lateral = np.round(np.linalg.norm(xyz[:, :2], axis=1), 3)
    low = np.round(xyz[:, 2], 2) == np.round(xyz[:, 2], 2).min()
    pool = np.flatnonzero(low & (lateral > 0.1))
    if len(pool) == 0:
        pool = np.flatnonzero(lateral > 0.1)
    if len(pool):
        first = xyz[pool[0]]
        angle = -np.arctan2(first[1], first[0])
        xyz = Rotation.from_euler("z", angle).apply(xyz)
    return np.asarray(xyz, dtype=float)


def _shortest_distance(positions: FloatArray) -> float:
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    return float(distances[distances > 0.1].min())


def _lateral_anchors(contacts: FloatArray, n_metal: int) -> list[tuple[str, FloatArray]]:
    """Return named lateral positions: centre, and for small metals also oxygens and bridges."""
    anchors = [("hollow", np.zeros(2))]
    if n_metal > 4:
        return anchors
    anchors += [(f"top{k}", xyz[:2]) for k, xyz in enumerate(contacts)]
    for a in range(len(contacts)):
        for b in range(a):
            if np.linalg.norm(contacts[a] - contacts[b]) < 3.6:
                anchors.append((f"bridge{b}-{a}", (contacts[a, :2] + contacts[b, :2]) / 2))
    return anchors


def _drop_duplicates(
    poses: Sequence[Pose],
    metals: Sequence[str],
    symmetry: Sequence[FloatArray],
    tolerance: float,
    limit: int | None,
) -> list[Pose]:
    """Keep the first of every group of poses that a symmetry operation maps on each other."""
    kinds = np.array([atomic_numbers[s] for s in metals])
    forbidden = np.where(kinds[:, None] != kinds[None, :], 1e6, 0.0)
    kept: list[Pose] = []
    images: list[FloatArray] = []
    profiles: list[FloatArray] = []
    for pose in poses:
        if limit is not None and len(kept) >= limit:
            break
        heights = np.sort(pose.positions[:, 2])
        same = False
        for profile, image in zip(profiles, images, strict=True):
            if np.sqrt(np.mean((profile - heights) ** 2)) > 2 * tolerance:
                continue
            squared = ((image[:, None] - pose.positions[None]) ** 2).sum(axis=2) + forbidden
            rows, columns = linear_sum_assignment(squared)
            if np.sqrt(squared[rows, columns].mean()) < tolerance:
                same = True
                break
        if same:
            continue
        kept.append(pose)
        for matrix in symmetry:
            images.append(pose.positions @ matrix.T)
            profiles.append(heights)
    return kept


def _clashes(
    ligand_symbols: Sequence[str],
    ligand_xyz: FloatArray,
    metals: Sequence[str],
    metal_xyz: FloatArray,
) -> bool:
    pair = closest_pair([*ligand_symbols, *metals], np.vstack([ligand_xyz, metal_xyz]))
    return pair is not None and pair[2] < 0.75 and pair[1] >= len(ligand_symbols)
