"""Equations of state, and bulk equilibria with EMT as the level."""

import numpy as np
import pytest

from pomdft.calculations.levels import load_level
from pomdft.calculations.periodic import fix_grid
from pomdft.errors import CalculationError, UnknownNameError
from pomdft.flows.bulk import BulkMaker, find_bulk, fit_equation_of_state, fit_minimum, lattice_of
from pomdft.schemas.level import Level
from pomdft.store.results import ResultStore
from pomdft.structures.crystals import Lattice, build_crystal

EMT = Level(name="emt", method="emt", relax=False)


def murnaghan(volumes, v0=15.0, e0=-3.0, b0=0.9, b1=5.0):
    x = (v0 / volumes) ** (2 / 3)
    return e0 + 9 * v0 * b0 / 16 * ((x - 1) ** 3 * b1 + (x - 1) ** 2 * (6 - 4 * x))


def test_fit_finds_the_parameters_it_was_made_with():
    volumes = np.linspace(13.5, 16.8, 5)
    fit = fit_equation_of_state(list(volumes), list(murnaghan(volumes)))
    assert fit.volume_angstrom3 == pytest.approx(15.0, abs=1e-4)
    assert fit.energy_ev == pytest.approx(-3.0, abs=1e-6)
    assert fit.bulk_modulus_gpa == pytest.approx(0.9 * 160.2177, rel=1e-3)
    assert fit.residual_ev < 1e-6


def test_fit_refuses_a_minimum_outside_and_points_with_a_step():
    volumes = np.linspace(15.5, 18.0, 5)
    with pytest.raises(CalculationError, match="outside of the volumes"):
        fit_equation_of_state(list(volumes), list(murnaghan(volumes)))
    volumes = np.linspace(13.5, 16.8, 5)
    energies = murnaghan(volumes) + np.array([0, 0, 0.03, 0, 0])
    with pytest.raises(CalculationError, match="off the equation of state"):
        fit_equation_of_state(list(volumes), list(energies))


def test_parabola():
    x = np.array([1.58, 1.60, 1.62])
    place, value = fit_minimum(x, 3.0 * (x - 1.605) ** 2 - 7.0)
    assert place == pytest.approx(1.605)
    assert value == pytest.approx(-7.0)
    with pytest.raises(CalculationError, match="no minimum"):
        fit_minimum(x, -((x - 1.6) ** 2))


@pytest.mark.parametrize("metal", ["Cu", "Au"])
def test_equilibrium_is_where_stress_vanishes(metal, tmp_path):
    from ase.build import bulk
    from ase.calculators import emt

    found = BulkMaker(level=EMT, store=str(tmp_path)).find_equilibrium(metal)
    atoms = bulk(metal, "fcc", a=found.lattice_constant_angstrom)
    atoms.calc = emt.EMT()
    assert abs(atoms.get_stress()[0]) < 0.01 * found.bulk_modulus_gpa / 160.2
    assert atoms.get_potential_energy() == pytest.approx(found.energy_ev_per_atom, abs=1e-3)
    assert lattice_of(found) == Lattice("fcc", found.lattice_constant_angstrom)


def test_equilibrium_is_computed_once_a_level(tmp_path):
    maker = BulkMaker(level=EMT, store=str(tmp_path))
    first = maker.find_equilibrium("Ag")
    store = ResultStore(tmp_path)
    keys = store.calculation_keys()
    assert set(first.calculations.values()) == set(keys)
    assert maker.find_equilibrium("Ag") == first
    assert store.calculation_keys() == keys
    assert find_bulk("Ag", EMT, str(tmp_path)) == first
    assert find_bulk("Ag", load_level("pw-slab"), str(tmp_path)) is None


def test_only_close_packed_metals(tmp_path):
    with pytest.raises(UnknownNameError, match="fcc or hcp metal"):
        BulkMaker(level=EMT, store=str(tmp_path)).find_equilibrium("Fe")


def test_one_grid_for_all_volumes():
    level = load_level("pw-bulk")
    small, large = (build_crystal("Au", Lattice("fcc", a)) for a in (4.0, 4.4))
    fixed = fix_grid(level, small)
    assert fixed.parameters["kpts"]["size"] == [11, 11, 11]
    assert fix_grid(fixed, large) == fixed
    assert fix_grid(level, large) != fixed


def test_hexagonal_metal_finds_its_axis_ratio(tmp_path, monkeypatch):
    from ase.build import bulk
    from ase.calculators import emt

    # EMT knows no hcp metal; hcp copper is close to ideal.
    hexagonal = Lattice("hcp", 2.55, 1.62)
    monkeypatch.setattr("pomdft.flows.bulk.experimental_lattice", lambda metal: hexagonal)
    found = BulkMaker(level=EMT, store=str(tmp_path)).find_equilibrium("Cu")
    assert found.symmetry == "hcp"
    assert found.c_over_a == pytest.approx(np.sqrt(8 / 3), abs=0.01)
    a = found.lattice_constant_angstrom
    atoms = bulk("Cu", "hcp", a=a, c=a * found.c_over_a)
    atoms.calc = emt.EMT()
    stress = atoms.get_stress()
    assert np.abs(stress[:3]).max() < 0.01 * found.bulk_modulus_gpa / 160.2
    assert atoms.get_potential_energy() / 2 == pytest.approx(found.energy_ev_per_atom, abs=1e-3)
