"""A model for continuum water is never computed in vacuum."""

from __future__ import annotations

import pytest
from pymatgen.core import Molecule

from pomdft.calculations.levels import load_level
from pomdft.calculations.models import make_model
from pomdft.errors import InputError
from pomdft.flows.jobs import GpawStaticMaker
from pomdft.flows.preparation import plan_affinity
from pomdft.schemas.level import Level
from pomdft.structures.convert import copy_molecule
from pomdft.structures.docking import dock_ligand
from pomdft.structures.poms import build_pom


@pytest.mark.parametrize("preset", ["lcao", "xtb"])
def test_vacuum_levels_are_refused(preset: str) -> None:
    with pytest.raises(InputError, match="continuum water"):
        make_model(build_pom("W5O18", "solvated"), load_level(preset), label="W5O18")
    emt = Level(name="emt", method="emt")
    with pytest.raises(InputError, match="lcao-water"):
        make_model(build_pom("W5O18", "solvated"), emt, label="W5O18")


def test_the_model_keeps_its_charge_in_water() -> None:
    model = make_model(build_pom("W5O18", "solvated"), load_level("lcao-water"), label="W5O18")
    assert model.charge == -6
    # A neutral molecule may be in water too, and the bare anion without the mark in vacuum.
    make_model(build_pom("W5O18"), load_level("lcao-water"), label="H6-W5O18")
    make_model(build_pom("W5O18", None), load_level("lcao"), label="W5O18")


def test_ghosts_have_no_cavity() -> None:
    molecule = Molecule(["He", "H", "H"], [[0, 0, 0], [0, 0, 1.4], [0, 0, 2.2]])
    with pytest.raises(InputError, match="ghost"):
        make_model(molecule, load_level("lcao-water"), label="He", ghosts=[1, 2])


def test_docked_anions_and_their_complexes_keep_charge_and_spin() -> None:
    assert dock_ligand("W5O18", "vacancy", "solvated").charge == -6
    level = load_level("lcao-water")
    plan = plan_affinity("W5O18", "Pd", "M4", "vacancy", "solvated", level=level)
    assert (plan.ligand.charge, plan.complexes[0].charge) == (-6, -6)
    assert plan.complexes[0].spin_multiplicity == plan.cluster.spin_multiplicity == 3
    request = GpawStaticMaker(level=level, box=plan.box).request(plan.complexes[0], "Pd4")
    assert request.model.charge == -6
    assert sum(request.model.magnetic_moments_bohr_magneton or ()) == pytest.approx(2.0)


def test_copies_keep_what_pymatgen_forgets() -> None:
    ion = Molecule(["Cu"], [[0, 0, 0]], charge=2, spin_multiplicity=2)
    assert ion.copy().charge != ion.charge
    copy = copy_molecule(ion)
    assert (copy.charge, copy.spin_multiplicity) == (2, 2)
    copy[0].coords = [1.0, 0.0, 0.0]
    assert ion[0].coords.tolist() == [0.0, 0.0, 0.0]
