"""A carbon support: a hydrogen-capped graphene patch over or under a bare or protected cluster."""

from __future__ import annotations

from typing import Final

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from numpy.typing import NDArray
from pymatgen.core import Molecule

from pomdft.errors import InputError, StructureError, UnknownNameError
from pomdft.structures.connectivity import check_no_overlap
from pomdft.structures.poses import Pose, cluster_orientations
from pomdft.structures.sites import ContactSite

FloatArray = NDArray[np.float64]

#: Supports by name.
SUPPORTS: Final = ("graphene",)
#: Carbon-carbon and carbon-hydrogen bonds of graphene patches (angstrom).
CC_ANGSTROM: Final = 1.422
CH_ANGSTROM: Final = 1.09
#: Space between metal and graphene beyond the sum of covalent radii (angstrom): metals hold
#: to graphene by weak chemisorption and dispersion.
_GAP_ANGSTROM: Final = 0.25
#: Between kind of cluster and support in a name such as "M4-on-graphene".
_ON: Final = "-on-"


def build_graphene_patch(n_rings: int = 3) -> Molecule:
    """Build a hexagonal graphene patch with hydrogen-capped edges in the plane z = 0.

    Parameters
    ----------
    n_rings : int
        1 benzene, 2 coronene C24H12, 3 circumcoronene C54H18, ...

    Returns
    -------
    pymatgen Molecule
        Carbon first, then hydrogen; site property ``role`` and ``fragment`` "support".

    Raises
    ------
    InputError
        If `n_rings` is not between 1 and 8.
    """
    if not 1 <= n_rings <= 8:
        raise InputError(f"n_rings: {n_rings} is not between 1 and 8.", "Use 2 or 3.")
    a = CC_ANGSTROM * np.sqrt(3)
    first = np.array([a, 0.0])
    second = np.array([a / 2, a * np.sqrt(3) / 2])
    # Centres of hexagons within n_rings - 1 steps of the middle one; their corners are carbons.
    corners = [
        CC_ANGSTROM * np.array([np.cos(t), np.sin(t)]) for t in np.pi / 6 + np.pi / 3 * np.arange(6)
    ]
    points: dict[tuple[float, float], FloatArray] = {}
    reach = n_rings - 1
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            if abs(i + j) > reach:
                continue
            for corner in corners:
                point = i * first + j * second + corner
                points.setdefault((round(point[0], 3) + 0.0, round(point[1], 3) + 0.0), point)
    carbon = np.array([points[k] for k in sorted(points)])
    distance = np.linalg.norm(carbon[:, None] - carbon[None], axis=2)
    hydrogen = []
    for k in range(len(carbon)):
        bonded = np.flatnonzero((distance[k] > 0.1) & (distance[k] < 1.6))
        if len(bonded) == 2:
            away = 2 * carbon[k] - carbon[bonded[0]] - carbon[bonded[1]]
            hydrogen.append(carbon[k] + CH_ANGSTROM * away / np.linalg.norm(away))
    flat = np.vstack([carbon, np.array(hydrogen)])
    symbols = ["C"] * len(carbon) + ["H"] * len(hydrogen)
    return Molecule(
        symbols,
        np.column_stack([flat, np.zeros(len(flat))]),
        charge=0,
        spin_multiplicity=1,
        site_properties={"role": ["support"] * len(flat), "fragment": ["support"] * len(flat)},
        properties={"name": f"graphene-C{len(carbon)}H{len(hydrogen)}"},
    )


def split_support(cluster: str) -> tuple[str, str | None]:
    """Return kind of cluster and support, None without one: ``M4-on-graphene``.

    Raises
    ------
    UnknownNameError
        Unknown support.
    """
    kind, on, support = cluster.partition(_ON)
    if not on:
        return cluster, None
    check_support(support)
    return kind, support


def dock_patch(charge_model: str | None) -> Molecule:
    """Return a patch that stands for a ligand: in the plane z = 0, its middle at the origin.

    Parameters
    ----------
    charge_model : str or None
        Kept as a property; the patch is neutral in all of them.

    Returns
    -------
    pymatgen Molecule
        Site property ``fragment`` "ligand"; `properties` as of a conventional ligand.
    """
    patch = build_graphene_patch()
    count = len(patch)
    face = ContactSite("face", np.zeros(3), np.array([0.0, 0.0, 1.0]), (), 0.0)
    return Molecule(
        [atom.specie for atom in patch],
        patch.cart_coords,
        charge=0,
        spin_multiplicity=1,
        site_properties={"role": ["support"] * count, "fragment": ["ligand"] * count},
        properties={
            "name": SUPPORTS[0],
            "family": "support",
            "charge_model": charge_model,
            "formal_charge": 0,
            "charge_arithmetic": f"{SUPPORTS[0]} +0",
            "n_protons": 0,
            "n_cations": 0,
            "cation": None,
            "protonated_oxygens": [],
            "solvent": "water" if charge_model == "solvated" else None,
            "vacancy": None,
            "site": {**face.to_dict(), "name": "face", "rank": 1},
        },
    )


def lay_on_patch(particle: Molecule) -> Pose:
    """Return the placement of a cluster on a patch at z = 0: largest face down, in the middle.

    Parameters
    ----------
    particle : pymatgen Molecule
        Metal atoms only.
    """
    symbols = [atom.specie.symbol for atom in particle]
    radii = np.array([covalent_radii[atomic_numbers[symbol]] for symbol in symbols])
    xyz = _turn_face_down(symbols, np.asarray(particle.cart_coords, dtype=float))
    carbon_radius = covalent_radii[atomic_numbers["C"]]
    height = float((radii + carbon_radius + _GAP_ANGSTROM - xyz[:, 2]).max())
    return Pose(xyz + np.array([0.0, 0.0, height]), 0.0, "face-down")


def _turn_face_down(metals: list[str], positions: FloatArray) -> FloatArray:
    """Return a cluster turned about its middle so that the face with most atoms looks down."""
    centred: FloatArray = positions - positions.mean(axis=0)
    best, face = 0, centred
    for label, turned in cluster_orientations(metals, centred):
        size = int(label.partition("-")[0].removeprefix("face")) if label.startswith("face") else 0
        if size > best:
            best, face = size, turned
    return face


def _rings_under(metals: FloatArray) -> int:
    """Return the size of a patch that reaches a bond length beyond the metal, at least 3."""
    lateral = metals[:, :2] - metals[:, :2].mean(axis=0)
    needed = float(np.linalg.norm(lateral, axis=1).max()) + CC_ANGSTROM
    # A patch of n rings reaches (n - 1) 3/2 bonds, and half a ring, from its middle to a side.
    return max(3, int(np.ceil((needed / CC_ANGSTROM - 0.5) / 1.5)) + 1)


def add_support(molecule: Molecule, n_rings: int | None = None) -> Molecule:
    """Put a graphene patch over the metal of a cluster or complex, on the side away from a ligand.

    A bare cluster is first turned to lay its largest face on the patch.

    Parameters
    ----------
    molecule : pymatgen Molecule
        With metal atoms (site property ``fragment``); a ligand lies on their -z side.
    n_rings : int, optional
        Size of the patch, see `build_graphene_patch`; by default 3, or as many as let the patch
        reach beyond the metal on every side.

    Returns
    -------
    pymatgen Molecule
        The given atoms (a complex at the same coordinates), then the support, parallel to xy above
        the metal.

    Raises
    ------
    StructureError
        If there is no metal.
    """
    fragments = list(molecule.site_properties.get("fragment", []))
    metals = [i for i, f in enumerate(fragments) if f == "metal"]
    if not metals:
        raise StructureError("support: the structure has no metal atoms.", "Dock a metal first.")
    carbon_radius = covalent_radii[atomic_numbers["C"]]
    xyz = np.asarray(molecule.cart_coords, dtype=float)
    symbols = [s.specie.symbol for s in molecule]
    if len(metals) == len(symbols):
        xyz = _turn_face_down(symbols, xyz) * np.array([1.0, -1.0, -1.0])
    patch = build_graphene_patch(_rings_under(xyz[metals]) if n_rings is None else n_rings)
    height = max(
        xyz[i, 2] + covalent_radii[atomic_numbers[symbols[i]]] + carbon_radius + _GAP_ANGSTROM
        for i in metals
    )
    above = xyz[:, 2] > height - 2.8
    above[metals] = False
    if above.any():
        # The ligand reaches past the metal: lift the patch clear of it.
        height = max(height, float(xyz[above, 2].max()) + 2.8)
    centre = xyz[metals].mean(axis=0)
    shift = np.array([centre[0], centre[1], height])
    positions = np.vstack([xyz, patch.cart_coords + shift])
    all_symbols = [*symbols, *(s.specie.symbol for s in patch)]
    check_no_overlap(all_symbols, positions, what="supported complex")
    site_properties = {
        key: [*molecule.site_properties[key], *patch.site_properties[key]]
        for key in ("role", "fragment")
    }
    properties = dict(molecule.properties)
    properties["support"] = patch.properties["name"]
    properties["name"] = f"{properties.get('name', 'cluster')}-{patch.properties['name']}"
    return Molecule(
        all_symbols,
        positions,
        charge=molecule.charge,
        spin_multiplicity=molecule.spin_multiplicity,
        site_properties=site_properties,
        properties=properties,
    )


def check_support(name: str | None) -> None:
    """Refuse a support that cannot be built.

    Raises
    ------
    UnknownNameError
    """
    if name is not None and name not in SUPPORTS:
        raise UnknownNameError("support", str(name), SUPPORTS)


def add_named_support(molecule: Molecule, name: str | None) -> Molecule:
    """Return the molecule on the named support, or itself for None.

    Raises
    ------
    UnknownNameError
        Unknown support.
    """
    check_support(name)
    return molecule if name is None else add_support(molecule)
