"""A ligand on a periodic metal surface."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from ase import Atoms
from ase.build import bcc100, bcc110, bcc111, fcc100, fcc110, fcc111, hcp0001
from ase.data import atomic_numbers, reference_states
from numpy.typing import NDArray
from pymatgen.core import Lattice, Molecule, Structure
from scipy.spatial.transform import Rotation

from pomdft.errors import InputError, StructureError, UnknownNameError
from pomdft.structures.clusters import nearest_neighbour
from pomdft.structures.connectivity import check_no_periodic_overlap
from pomdft.structures.contacts import ContactField, count_contacts
from pomdft.structures.docking import dock_ligand

FloatArray = NDArray[np.float64]

#: Facets that can be built, by crystal structure.
FACETS: Final = {
    "fcc": {"111": fcc111, "100": fcc100, "110": fcc110},
    "bcc": {"110": bcc110, "100": bcc100, "111": bcc111},
    "hcp": {"0001": hcp0001},
}
#: Periodic images of the ligand stay at least this far apart (angstrom).
IMAGE_DISTANCE_ANGSTROM: Final = 6.0
_N_SHIFTS: Final = 4
_AZIMUTH_STEP: Final = 15


def build_slab(
    metal: str,
    facet: str = "111",
    size: tuple[int, int] = (1, 1),
    layers: int = 4,
    vacuum_angstrom: float = 10.0,
) -> Structure:
    """Build a bare metal slab at the experimental lattice constant.

    Parameters
    ----------
    metal : str
        fcc (facets 111, 100, 110), bcc (110, 100, 111) or hcp (0001) element.
    facet : str
    size : tuple of int
        Repeats along the two surface vectors.
    layers : int
    vacuum_angstrom : float
        On each side.

    Returns
    -------
    pymatgen Structure
        Site properties ``role`` and ``fragment`` are "metal".

    Raises
    ------
    UnknownNameError
        Unknown metal or facet.
    InputError
        Sizes that are not positive.
    """
    atoms = _ase_slab(metal, facet, size, layers)
    atoms.center(vacuum=vacuum_angstrom, axis=2)
    return Structure(
        Lattice(atoms.cell.array.copy()),
        atoms.get_chemical_symbols(),
        atoms.positions.copy(),
        coords_are_cartesian=True,
        site_properties={"role": ["metal"] * len(atoms), "fragment": ["metal"] * len(atoms)},
        properties={"name": f"{metal}{facet}", "metal": metal, "facet": str(facet)},
    )


def _ase_slab(metal: str, facet: str, size: tuple[int, int], layers: int) -> Atoms:
    nearest_neighbour(metal)
    state = reference_states[atomic_numbers[metal]]
    makers = FACETS[state["symmetry"]]
    if str(facet) not in makers:
        raise UnknownNameError(f"facet of {state['symmetry']} {metal}", str(facet), makers)
    if layers < 1 or min(size) < 1:
        raise InputError(f"layers: {layers}, size: {size} have to be positive.")
    lattice = {"a": state["a"]}
    if state["symmetry"] == "hcp":
        lattice["c"] = state["a"] * state["c/a"]
    atoms = makers[str(facet)](metal, (*size, layers), vacuum=0.0, **lattice)
    if not isinstance(atoms, Atoms):
        raise InputError(f"facet: {facet} of {metal} gave no slab.")
    return atoms


def build_slab_complexes(
    ligand: str,
    metal: str,
    facet: str = "111",
    site: str = "vacancy",
    charge_model: str | None = "protonated",
    *,
    layers: int = 3,
    vacuum_angstrom: float = 10.0,
    cation: str = "Na",
    n_cations: int | None = None,
    n_best: int = 4,
) -> list[Structure]:
    """Put a ligand on a periodic metal surface, every distinct azimuth and surface site.

    Parameters
    ----------
    ligand, site, charge_model, cation, n_cations
        As in `docking.build_complexes`; the site faces the surface.
    metal, facet, layers
        As in `build_slab`; the cell is made large enough that images of the ligand are at least
        6 angstrom apart.
    vacuum_angstrom : float
        Between the ligand and the next slab above, at least 6.
    n_best : int

    Returns
    -------
    list of pymatgen Structure
        Best contacts first: ligand atoms, then metal. Surface normal along +z.

    Raises
    ------
    UnknownNameError, InputError
        As in `build_slab` and `docking.build_complexes`.
    StructureError
        If atoms overlap.
    """
    if n_best < 1:
        raise InputError(f"n_best: {n_best} is not positive.", "Ask for at least one.")
    if not vacuum_angstrom >= IMAGE_DISTANCE_ANGSTROM:
        raise InputError(
            f"vacuum_angstrom: {vacuum_angstrom} is below {IMAGE_DISTANCE_ANGSTROM}.",
            "Leave at least that much between images.",
        )
    base = dock_ligand(ligand, site, charge_model, cation=cation, n_cations=n_cations)
    ligand_xyz = np.asarray(base.cart_coords, dtype=float)
    unit = _ase_slab(metal, facet, (1, 1), layers)
    repeats = _repeats(unit, ligand_xyz)
    slab = _ase_slab(metal, facet, repeats, layers)
    slab.positions[:, 2] -= slab.positions[:, 2].max()
    symbols = [s.specie.symbol for s in base]
    field = ContactField(
        symbols,
        ligand_xyz,
        list(base.site_properties["role"]),
        list(base.properties["site"]["oxygen_indices"]),
    )
    patch = _surface_patch(slab)
    centre = slab.cell.array[:2].sum(axis=0) / 2
    trials: list[tuple[float, str, FloatArray]] = []
    seen: set[tuple[float, float]] = set()
    for a in range(_N_SHIFTS):
        for b in range(_N_SHIFTS):
            shift = centre + (a * unit.cell.array[0] + b * unit.cell.array[1]) / _N_SHIFTS
            for azimuth in range(0, 360, _AZIMUTH_STEP):
                turn = Rotation.from_euler("z", azimuth, degrees=True)
                # The ligand hangs upside down: in its own frame the surface comes from above.
                around = turn.inv().apply(patch - shift) * np.array([1.0, -1.0, -1.0])
                around = around[np.linalg.norm(around[:, :2], axis=1) < 8.0]
                height = field.touching_height([metal] * len(around), around)
                around[:, 2] += height
                score = field.score([metal] * len(around), around)
                key = (round(score, 3), round(height, 3))
                if key in seen:
                    continue
                seen.add(key)
                upside = turn.apply(ligand_xyz * np.array([1.0, -1.0, -1.0]))
                placed = upside + shift + np.array([0.0, 0.0, height])
                trials.append((score, f"shift{a}{b}/az{azimuth:03d}", placed))
    trials.sort(key=lambda t: (-round(t[0], 4), t[1]))
    settings = {
        "metal": metal,
        "facet": str(facet),
        "layers": layers,
        "repeats": list(repeats),
        "vacuum_angstrom": vacuum_angstrom,
    }
    return [
        _assemble(
            base,
            slab,
            placed,
            {**settings, "orientation": label, "contact_score": round(score, 4)},
        )
        for score, label, placed in trials[:n_best]
    ]


def _repeats(unit: Atoms, ligand: FloatArray) -> tuple[int, int]:
    """Return how often to repeat the surface cell so that ligand images keep their distance."""
    lateral = ligand[:, :2]
    diameter = float(np.linalg.norm(lateral[:, None] - lateral[None], axis=2).max())
    first, second = unit.cell.array[:2, :2]
    angle = np.arccos(first @ second / np.linalg.norm(first) / np.linalg.norm(second))
    # Across a slanted cell the shortest translation is one of its edges only from 60 to 120 deg.
    wanted = (diameter + IMAGE_DISTANCE_ANGSTROM) / max(np.sin(angle), np.sqrt(3) / 2)
    if abs(np.degrees(angle) - 60) < 1 or abs(np.degrees(angle) - 120) < 1:
        wanted = diameter + IMAGE_DISTANCE_ANGSTROM
    return (
        int(np.ceil(wanted / np.linalg.norm(first))),
        int(np.ceil(wanted / np.linalg.norm(second))),
    )


def _surface_patch(slab: Atoms) -> FloatArray:
    """Return the two upper layers of a slab and its neighbour cells' edges."""
    top = slab.positions[slab.positions[:, 2] > -2.8]
    shifts = [
        i * slab.cell.array[0] + j * slab.cell.array[1] for i in (-1, 0, 1) for j in (-1, 0, 1)
    ]
    return np.vstack([top + s for s in shifts])


def _assemble(
    ligand: Molecule,
    slab: Atoms,
    placed: FloatArray,
    settings: dict[str, Any],
) -> Structure:
    vacuum = float(settings["vacuum_angstrom"])
    surface = f"{settings['metal']}{settings['facet']}"
    cell = slab.cell.array.copy()
    bottom = float(slab.positions[:, 2].min())
    cell[2] = [0.0, 0.0, float(placed[:, 2].max()) - bottom + vacuum]
    lift = np.array([0.0, 0.0, vacuum / 2 - bottom])
    symbols = [*(s.specie.symbol for s in ligand), *slab.get_chemical_symbols()]
    xyz = np.vstack([placed + lift, slab.positions + lift])
    check_no_periodic_overlap(
        Atoms(symbols, positions=xyz, cell=cell, pbc=True),
        what=f"{ligand.properties['name']} on {surface}",
    )
    n_ligand, n_metal = len(ligand), len(slab)
    contacts = count_contacts(
        symbols[:n_ligand], xyz[:n_ligand], symbols[n_ligand:], xyz[n_ligand:]
    )
    properties = dict(ligand.properties)
    site = properties.pop("site")
    properties.update(
        settings,
        name=f"{properties['name']}-{surface}",
        ligand=ligand.properties["name"],
        cluster="slab",
        metal_charge=0,
        site=str(site["name"]),
        site_frame=site,
        contacts=contacts,
    )
    structure = Structure(
        Lattice(cell),
        symbols,
        xyz,
        charge=ligand.charge,
        coords_are_cartesian=True,
        site_properties={
            "role": [*ligand.site_properties["role"], *["metal"] * n_metal],
            "fragment": [*ligand.site_properties["fragment"], *["metal"] * n_metal],
        },
        properties=properties,
    )
    gap = image_distance(structure)
    if gap < IMAGE_DISTANCE_ANGSTROM:
        raise StructureError(
            f"Images of {ligand.properties['name']} are {gap:.1f} angstrom apart.",
            "Report this: the cell should have been made larger.",
        )
    structure.properties["image_distance_angstrom"] = round(gap, 3)
    return structure


def image_distance(structure: Structure) -> float:
    """Return the shortest distance between the ligand and its lateral images, in angstrom."""
    fragments = structure.site_properties["fragment"]
    xyz = structure.cart_coords[[i for i, f in enumerate(fragments) if f == "ligand"]]
    first, second = structure.lattice.matrix[:2]
    shortest = np.inf
    for i in (-1, 0, 1):
        for j in (0, 1):
            if (i, j) in ((0, 0), (-1, 0)):
                continue
            other = xyz + i * first + j * second
            shortest = min(shortest, np.linalg.norm(xyz[:, None] - other[None], axis=2).min())
    return float(shortest)
