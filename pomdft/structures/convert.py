"""The one place where pymatgen molecules and structures become ASE atoms, and back."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from ase import Atoms
from pymatgen.core import Lattice, Molecule, Structure

from pomdft.errors import StructureError

#: Keys of ``atoms.info`` that this module writes and reads.
CHARGE_KEY: Final = "charge"
SPIN_KEY: Final = "spin_multiplicity"
PROPERTIES_KEY: Final = "properties"
_OWN_ARRAYS = frozenset({"numbers", "positions"})


def to_atoms(structure: Molecule | Structure) -> Atoms:
    """Turn a pymatgen molecule or structure into ASE atoms.

    Parameters
    ----------
    structure : pymatgen Molecule or Structure
        Ordered: each site holds one element.

    Returns
    -------
    ase.Atoms
        Same order. ``info["charge"]`` is the total charge in units of e,
        ``info["spin_multiplicity"]`` is 2S+1 where the input has one, ``info["properties"]``
        a copy of the input's properties. Site properties become arrays of the same name.

    Raises
    ------
    StructureError
        If a site is disordered.
    """
    if not structure.is_ordered:
        raise StructureError(
            "The structure has partly occupied or mixed sites.",
            "Choose one of the disordered components (e.g. with pymatgen's "
            "OrderDisorderedStructureTransformation) first.",
        )
    symbols = [site.specie.symbol for site in structure]
    atoms = Atoms(symbols, positions=np.array(structure.cart_coords, dtype=float).reshape(-1, 3))
    if isinstance(structure, Structure):
        atoms.set_cell(structure.lattice.matrix)
        atoms.set_pbc(structure.lattice.pbc)
    atoms.info[CHARGE_KEY] = structure.charge or 0
    multiplicity = getattr(structure, "spin_multiplicity", None)
    if multiplicity is not None:
        atoms.info[SPIN_KEY] = int(multiplicity)
    if structure.properties:
        atoms.info[PROPERTIES_KEY] = dict(structure.properties)
    for name, values in structure.site_properties.items():
        if name in _OWN_ARRAYS:
            continue
        atoms.set_array(name, np.asarray(["" if v is None else v for v in values]))
    return atoms


def to_molecule(
    atoms: Atoms,
    charge: float | None = None,
    spin_multiplicity: int | None = None,
) -> Molecule:
    """Turn ASE atoms into a pymatgen molecule; the cell is dropped.

    Parameters
    ----------
    atoms : ase.Atoms
    charge : float, optional
        Total charge in units of e; by default ``atoms.info["charge"]``, else 0.
    spin_multiplicity : int, optional
        2S+1; by default ``atoms.info["spin_multiplicity"]``, else the lowest that fits.

    Returns
    -------
    pymatgen Molecule
        Same order; per-atom arrays become site properties.

    Raises
    ------
    ChargeError
        If charge and multiplicity do not fit the electron count.
    """
    from pomdft.structures.charges import check_electron_count

    charge = atoms.info.get(CHARGE_KEY, 0) if charge is None else charge
    multiplicity = atoms.info.get(SPIN_KEY) if spin_multiplicity is None else spin_multiplicity
    symbols = atoms.get_chemical_symbols()
    check_electron_count(symbols, charge, multiplicity)
    return Molecule(
        symbols,
        atoms.positions.copy(),
        charge=charge,
        spin_multiplicity=multiplicity,
        site_properties=_site_properties(atoms),
        properties=dict(atoms.info.get(PROPERTIES_KEY, {})),
    )


def to_structure(atoms: Atoms) -> Structure:
    """Turn periodic ASE atoms into a pymatgen structure.

    Parameters
    ----------
    atoms : ase.Atoms
        With a three-dimensional cell.

    Returns
    -------
    pymatgen Structure
        Same order; per-atom arrays become site properties, ``info["charge"]`` the charge.

    Raises
    ------
    StructureError
        If the cell has no volume.
    """
    if atoms.cell.rank < 3:
        raise StructureError(
            "The atoms have no three-dimensional cell.", "Set one, or use Molecule."
        )
    return Structure(
        Lattice(atoms.cell.array.copy(), pbc=tuple(bool(p) for p in atoms.pbc)),
        atoms.get_chemical_symbols(),
        atoms.positions.copy(),
        charge=atoms.info.get(CHARGE_KEY, 0),
        coords_are_cartesian=True,
        site_properties=_site_properties(atoms),
        properties=dict(atoms.info.get(PROPERTIES_KEY, {})),
    )


def _site_properties(atoms: Atoms) -> dict[str, list[Any]]:
    """Return per-atom arrays as lists of plain Python values."""
    return {
        name: values.tolist() for name, values in atoms.arrays.items() if name not in _OWN_ARRAYS
    }


def copy_molecule(molecule: Molecule) -> Molecule:
    """Return a copy with charge and multiplicity, which pymatgen's own ``copy`` loses."""
    return with_positions(molecule, molecule.cart_coords)


def with_positions(molecule: Molecule, positions: Any) -> Molecule:
    """Return a copy of a molecule at other positions, everything else kept.

    Parameters
    ----------
    molecule : pymatgen Molecule
    positions : array_like, shape (n, 3)
        In angstrom.

    Returns
    -------
    pymatgen Molecule
    """
    return Molecule(
        [site.specie for site in molecule],
        np.asarray(positions, dtype=float),
        charge=molecule.charge,
        spin_multiplicity=molecule.spin_multiplicity,
        site_properties=dict(molecule.site_properties),
        properties=dict(molecule.properties),
        # Ghosts have no electrons, which pymatgen's check does not know.
        charge_spin_check=False,
    )
