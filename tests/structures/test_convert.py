import numpy as np
import pytest
from ase import Atoms
from pymatgen.core import Lattice, Molecule, Structure

from pomdft.errors import ChargeError, StructureError
from pomdft.structures.convert import (
    copy_molecule,
    to_atoms,
    to_molecule,
    to_structure,
    with_positions,
)
from pomdft.structures.docking import build_complexes
from pomdft.structures.slabs import build_slab


def test_round_trip_of_a_complex() -> None:
    molecule = build_complexes("W5O18", "Pd")[0]
    atoms = to_atoms(molecule)
    assert atoms.info["charge"] == 0
    assert atoms.info["spin_multiplicity"] == 3
    assert list(atoms.arrays["fragment"][-4:]) == ["metal"] * 4
    back = to_molecule(atoms)
    assert [s.specie for s in back] == [s.specie for s in molecule]
    assert np.array_equal(back.cart_coords, molecule.cart_coords)
    assert back.site_properties == molecule.site_properties
    assert back.properties == molecule.properties
    assert (back.charge, back.spin_multiplicity) == (molecule.charge, molecule.spin_multiplicity)


def test_round_trip_of_a_slab() -> None:
    slab = build_slab("Ru", "0001", (2, 2), layers=3)
    atoms = to_atoms(slab)
    assert atoms.pbc.all()
    back = to_structure(atoms)
    assert np.allclose(back.lattice.matrix, slab.lattice.matrix)
    assert np.allclose(back.cart_coords, slab.cart_coords)
    assert back.site_properties == slab.site_properties


def test_changing_a_copy_leaves_the_original() -> None:
    molecule = Molecule(["O", "H"], [[0, 0, 0], [0, 0, 1]], charge=-1, properties={"name": "oh"})
    moved = with_positions(molecule, [[0, 0, 0], [0, 0, 0.97]])
    moved.properties["name"] = "other"
    assert molecule.properties["name"] == "oh"
    assert moved.charge == -1
    to_atoms(molecule).info["properties"]["name"] = "third"
    assert molecule.properties["name"] == "oh"


def test_bad_input() -> None:
    lattice = Lattice.cubic(4)
    disordered = Structure(lattice, [{"Au": 0.5, "Ag": 0.5}], [[0, 0, 0]])
    with pytest.raises(StructureError, match="partly occupied"):
        to_atoms(disordered)
    with pytest.raises(StructureError, match="cell"):
        to_structure(Atoms("Au"))
    with pytest.raises(ChargeError, match="spin_multiplicity: 1"):
        to_molecule(Atoms("Au"), charge=0, spin_multiplicity=1)


def test_a_copy_keeps_charge_and_spin() -> None:
    molecule = Molecule(["O", "O"], [[0, 0, 0], [0, 0, 1.3]], charge=-1, spin_multiplicity=4)
    copied = copy_molecule(molecule)
    assert (copied.charge, copied.spin_multiplicity) == (-1, 4)
    assert copied is not molecule
