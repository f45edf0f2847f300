"""Real GPAW in continuum water: solvation energies, forces, charge, a checkpointed relaxation."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Molecule

from pomdft.calculations.levels import load_level
from pomdft.calculations.models import Box, make_model
from pomdft.calculations.perform import perform
from pomdft.schemas.beef import ensemble_coefficients
from pomdft.schemas.calculation import CalculationInput, CalculationResult, Property
from pomdft.schemas.level import Level
from pomdft.settings import Settings
from pomdft.store.results import ResultStore
from pomdft.structures.solutes import build_solute

pytestmark = [
    pytest.mark.gpaw,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("mpiexec") is None, reason="no MPI launcher"),
]

BOX = Box((7.2, 7.2, 7.2), (3.6, 3.6, 3.4))


def level(solvent: str | None) -> Level:
    changes = {"name": "tiny", "solvent": solvent, "dispersion": None}
    return load_level("lcao-water", {**changes, "parameters": {"h": 0.225}})


@pytest.fixture
def run(own_settings: Path):
    store = ResultStore(own_settings)

    def compute(
        molecule: Molecule,
        solvent: str | None = "water",
        cores: int = 1,
        properties: tuple[Property, ...] = (),
    ) -> CalculationResult:
        settings = Settings(store=own_settings, cores=cores)
        if solvent is None:
            molecule.properties.pop("solvent", None)
        model = make_model(molecule, level(solvent), BOX, label="test")
        request = CalculationInput.create("energy", model, level(solvent), properties)
        return perform(request, store, settings)

    return compute


def test_ensemble_needs_nothing_but_the_density(run) -> None:
    """The terms of the ensemble in water are those in vacuum but for how the density changes."""
    wet = run(build_solute("H2O"), properties=("beef-ensemble",))
    dry = run(build_solute("H2O"), None, properties=("beef-ensemble",))
    assert set(wet.extras) == {"beef_contributions_ev", "solvent"}
    inside, outside = (np.array(r.extras["beef_contributions_ev"]) for r in (wet, dry))
    assert inside.shape == (32,)
    np.testing.assert_allclose(inside, outside, rtol=0.02, atol=0.5)
    shifts = ensemble_coefficients() @ (inside - outside)
    assert 0.001 < shifts.std() < 0.1


def test_open_shell_ion_in_an_anion(run) -> None:
    """Additional electrons and a whole moment do not both fit into the first density of copper."""
    corners = 1.6 * np.array([[1, 1, 0.5], [-1, -1, 0.5], [1, -1, -0.5], [-1, 1, -0.5]])
    molecule = Molecule(
        ["Cu", *["Cl"] * 4],
        [[0.0, 0.0, 0.0], *corners],
        charge=-2,
        spin_multiplicity=2,
        site_properties={"fragment": ["metal", *["ligand"] * 4]},
    )
    molecule.properties["solvent"] = "water"
    found = run(molecule)
    assert found.magnetic_moment_bohr_magneton == pytest.approx(1.0, abs=0.1)


def test_water_is_solvated_as_published_and_forces_are_slopes(run) -> None:
    """Hydration free energy of water: -6.3 kcal/mol = -0.27 eV in experiment.

    C. P. Kelly, C. J. Cramer, D. G. Truhlar, J. Chem. Theory Comput. 1, 1133 (2005),
    doi:10.1021/ct050164b; the model, fitted to neutral molecules, is good to 0.05 eV
    (doi:10.1063/1.4900838).
    """
    wet = run(build_solute("H2O"))
    dry = run(build_solute("H2O"), None)
    assert wet.energy_ev - dry.energy_ev == pytest.approx(-0.27, abs=0.05)
    cavity = wet.extras["solvent"]
    assert 40.0 < cavity["cavity_surface_angstrom2"] < 60.0
    # 18.4 mN/m over the surface of the cavity.
    assert cavity["surface_energy_ev"] == pytest.approx(
        18.4e-3 / 16.0217663 * cavity["cavity_surface_angstrom2"], rel=1e-6
    )
    energies = []
    for shift in (0.02, -0.02):
        moved = build_solute("H2O")
        moved[1].coords = moved[1].coords + np.array([shift, 0.0, 0.0])
        energies.append(run(moved).energy_ev)
    slope = (energies[0] - energies[1]) / 0.04
    assert wet.forces_ev_per_angstrom[1][0] == pytest.approx(-slope, abs=0.15)


def test_an_ion_is_solvated_far_more_than_water(run) -> None:
    """Hydronium: -104 kcal/mol = -4.5 eV in experiment (Kelly et al.); this model gives less."""
    wet = run(build_solute("H3O+"), cores=2)
    dry = run(build_solute("H3O+"), None)
    assert wet.n_ranks == 2
    assert -4.7 < wet.energy_ev - dry.energy_ev < -2.5
