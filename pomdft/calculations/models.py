"""From molecules to calculation models: one cell for a complex and its fragments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Molecule

from pomdft.errors import InputError, StructureError
from pomdft.schemas.level import Level
from pomdft.schemas.model import AtomicModel, as_vectors
from pomdft.structures.clusters import build_cluster

Array = NDArray[np.float64]

#: Metals whose d shell is open in a neutral cluster: their clusters are spin-polarised.
OPEN_SHELL_METALS = frozenset(
    {"Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni"}
    | {"Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd"}
    | {"La", "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt"}
)
#: The box is laid out for this metal, the largest of the late ones, so that it is the same for
#: all metals and the ligand's own calculation is shared between them.
_BOX_METAL = "Ag"
#: Height of the lowest metal atoms above the docking plane, angstrom, with some room.
_CONTACT_HEIGHT = 2.2
#: Atoms may come this much nearer to a face than the level's vacuum before the box grows.
_SLACK = 0.5


@dataclass(frozen=True)
class Box:
    """An orthorhombic cell and where the docking centre sits in it.

    Attributes
    ----------
    edges_angstrom : tuple of float
        Cell edges.
    origin_angstrom : tuple of float
        Position of the molecules' origin in the cell.
    """

    edges_angstrom: tuple[float, float, float]
    origin_angstrom: tuple[float, float, float]

    @property
    def cell_angstrom(self) -> tuple[tuple[float, float, float], ...]:
        """Lattice vectors as rows."""
        x, y, z = self.edges_angstrom
        return ((x, 0.0, 0.0), (0.0, y, 0.0), (0.0, 0.0, z))

    def place(self, positions: Array) -> Array:
        """Return positions in the cell from positions in the docking frame."""
        return positions + np.array(self.origin_angstrom, dtype=np.float64)


def lay_out_box(ligand: Molecule, cluster: str, level: Level, *, swings: bool = False) -> Box:
    """Return the cell for a docked ligand and any metal's cluster of one kind.

    It depends on the ligand, the kind of cluster and the level only, so that complexes of all
    metals, and the ligand alone, lie on one grid.

    Parameters
    ----------
    ligand : pymatgen Molecule
        In the docking frame: docking centre at the origin, metal at +z.
    cluster : str
        Kind of cluster, e.g. "M4".
    level : Level
        Gives vacuum and grid multiple.
    swings : bool
        Leave room for a cluster that hangs on one atom: it may turn to any side.
    """
    extent = build_cluster(_BOX_METAL, cluster).cart_coords
    radius = float(np.linalg.norm(extent - extent.mean(axis=0), axis=1).max())
    side, height = (2.0 * radius, 2.0 * radius) if swings else (radius, 1.8 * radius)
    low = np.minimum(ligand.cart_coords.min(axis=0), [-side, -side, 0.0])
    high = np.maximum(ligand.cart_coords.max(axis=0), [side, side, _CONTACT_HEIGHT + height])
    return _box_around(low, high, level)


def fit_box(box: Box, molecules: Iterable[Molecule], level: Level) -> Box:
    """Return the box, grown where an atom of the molecules would come too near to a face."""
    positions = np.vstack([molecule.cart_coords for molecule in molecules])
    inside = box.place(positions)
    least = level.vacuum_angstrom - _SLACK
    edges = np.array(box.edges_angstrom)
    if (inside.min(axis=0) >= least).all() and ((edges - inside).min(axis=0) >= least).all():
        return box
    origin = np.array(box.origin_angstrom)
    low = np.minimum(positions.min(axis=0), level.vacuum_angstrom - origin)
    high = np.maximum(positions.max(axis=0), edges - origin - level.vacuum_angstrom)
    return _box_around(low, high, level)


def _box_around(low: Array, high: Array, level: Level) -> Box:
    multiple = level.grid_multiple_angstrom
    edges = np.ceil((high - low + 2 * level.vacuum_angstrom) / multiple - 1e-6) * multiple
    origin = 0.5 * edges - 0.5 * (low + high)
    # Whole grid lines: the docking centre always falls on the same place between grid points.
    origin = np.round(origin / (multiple / 4)) * (multiple / 4)
    x, y, z = (round(float(edge), 6) for edge in edges)
    a, b, c = (round(float(value), 6) for value in origin)
    return Box((x, y, z), (a, b, c))


def make_model(
    molecule: Molecule,
    level: Level,
    box: Box | None = None,
    *,
    label: str,
    ghosts: Iterable[int] = (),
    frozen: Iterable[int] = (),
) -> AtomicModel:
    """Return a molecule as a calculation model.

    Parameters
    ----------
    molecule : pymatgen Molecule
        With charge and spin multiplicity.
    level : Level
        Decides the spin treatment; its method decides whether a cell is needed.
    box : Box, optional
        Cell; by default one around the molecule.
    label : str
        What a person calls it.
    ghosts, frozen : iterable of int
        See `AtomicModel`. Ghosts carry no charge and no spin.

    Raises
    ------
    InputError
        The molecule is meant for a continuum solvent (charge model "solvated") and the level has
        none: an anion of high charge in vacuum means nothing.
    """
    check_solvent(molecule, level, label, ghosts := tuple(ghosts))
    positions = np.asarray(molecule.cart_coords, dtype=np.float64)
    cell = None
    if level.method == "gpaw":
        box = box or _box_around(positions.min(axis=0), positions.max(axis=0), level)
        positions = box.place(positions)
        cell = box.cell_angstrom
    symbols = tuple(site.specie.symbol for site in molecule)
    charge = round(float(molecule.charge))
    if abs(charge - molecule.charge) > 1e-6:
        raise StructureError(f"{label}: charge {molecule.charge} is not a whole number.")
    ghost_set = set(ghosts)
    return AtomicModel(
        label=label,
        symbols=symbols,
        positions_angstrom=as_vectors(np.round(positions, 6)),
        cell_angstrom=cell,
        charge=charge,
        magnetic_moments_bohr_magneton=_initial_moments(molecule, level, ghost_set),
        ghosts=tuple(sorted(ghost_set)),
        frozen=tuple(sorted(frozen)),
    )


def check_solvent(molecule: Molecule, level: Level, label: str, ghosts: Iterable[int] = ()) -> None:
    """Refuse a molecule that the level's surroundings do not suit.

    Parameters
    ----------
    molecule : pymatgen Molecule
        ``properties["solvent"]`` says what it is meant for.
    level : Level
    label : str
        For the message.
    ghosts : iterable of int
        Ghost atoms; a continuum has no place for them.

    Raises
    ------
    InputError
    """
    wanted = molecule.properties.get("solvent")
    if wanted is not None and level.solvent != wanted:
        raise InputError(
            f"{label}: the model is an ion for continuum {wanted}, but level {level.name} is for "
            f"{'vacuum' if level.solvent is None else level.solvent}.",
            "Choose a level with a solvent, such as lcao-water, or charge_model protonated or "
            "alkali.",
        )
    if level.solvent is not None and tuple(ghosts):
        raise InputError(
            f"{label}: there are no ghost atoms in continuum {level.solvent}.",
            "Set counterpoise: false.",
        )


def _initial_moments(
    molecule: Molecule, level: Level, ghosts: set[int]
) -> tuple[float, ...] | None:
    """Return moments that add up to the multiplicity, on the metal where there is one."""
    multiplicity = molecule.spin_multiplicity or 1
    symbols = [site.specie.symbol for site in molecule]
    real = [i for i in range(len(symbols)) if i not in ghosts]
    fragments = molecule.site_properties.get("fragment", ["ligand"] * len(symbols))
    metal = [i for i in real if fragments[i] == "metal"]
    open_shell = multiplicity > 1 or any(symbols[i] in OPEN_SHELL_METALS for i in metal)
    if level.spin == "off" or (level.spin == "auto" and not open_shell):
        return None
    carriers = metal or real
    # A small moment breaks the spin symmetry; the SCF finds zero again where that is lower.
    total = max(float(multiplicity - 1), 0.0)
    share = total / len(carriers)
    return tuple(share if i in set(carriers) else 0.0 for i in range(len(symbols)))
