"""The functional's uncertainty of lattice constants and cohesive energies."""

import numpy as np
import pytest
from ase.units import GPa

from pomdft.calculations.levels import load_level
from pomdft.cli.recomputation import find_command
from pomdft.errors import CorruptDocumentError, InputError
from pomdft.flows.bulk import BulkMaker, fit_equation_of_state
from pomdft.flows.bulk_ensemble import BulkEnsembleMaker, shift_equation_of_state
from pomdft.flows.metals import make_metal_flows, run_metal_flows
from pomdft.schemas.beef import ensemble_coefficients
from pomdft.schemas.bulk import BulkMetal
from pomdft.schemas.level import Level
from pomdft.schemas.metal_study import MetalStudy
from pomdft.settings import load_settings
from pomdft.store.checks import check_document
from pomdft.store.documents import load_reference_documents
from pomdft.store.reference import load_provenance, read_archived
from pomdft.store.results import ResultStore

VOLUMES = 17.0 * (1.0 + np.array([-0.03, -0.015, 0.0, 0.015, 0.03])) ** 3


def birch(volumes, energy, volume, modulus_gpa, derivative):
    """E(V) of F. Birch, doi:10.1103/PhysRev.71.809."""
    f = (volume / volumes) ** (2 / 3)
    b = modulus_gpa * GPa
    return energy + 9 / 16 * volume * b * ((f - 1) ** 3 * derivative + (f - 1) ** 2 * (6 - 4 * f))


def test_a_functional_without_error_shifts_nothing():
    energies = birch(VOLUMES, -3.7, 17.1, 170.0, 5.5)
    shifts = shift_equation_of_state(VOLUMES, energies, np.zeros((5, 32)))
    for shift in (shifts.relative_length, shifts.energy_ev, shifts.bulk_modulus_gpa):
        np.testing.assert_array_equal(shift, np.zeros(2000))


def test_shifts_are_those_of_the_members_own_equations_of_state():
    rng = np.random.default_rng(0)
    energies = birch(VOLUMES, -3.7, 17.1, 170.0, 5.5)
    # Small, so that the first order is enough.
    slopes, bends, constants = (rng.normal(0.0, size, 32) for size in (3e-3, 1e-4, 0.1))
    moved = VOLUMES - 17.0
    terms = constants + np.outer(moved, slopes) + np.outer(moved**2, bends)
    shifts = shift_equation_of_state(VOLUMES, energies, terms)
    for number in (0, 7, 1999):
        own = energies + terms @ ensemble_coefficients()[number]
        fit = fit_equation_of_state(list(VOLUMES), list(own))
        length = (fit.volume_angstrom3 / 17.1) ** (1 / 3) - 1.0
        assert shifts.relative_length[number] == pytest.approx(length, abs=2e-5)
        assert shifts.energy_ev[number] == pytest.approx(fit.energy_ev + 3.7, abs=3e-4)
        modulus = fit.bulk_modulus_gpa - 170.0
        assert shifts.bulk_modulus_gpa[number] == pytest.approx(
            modulus, abs=0.1 + 0.05 * abs(modulus)
        )
    assert np.std(shifts.bulk_modulus_gpa) > 1.0
    assert np.std(shifts.relative_length) > 1e-4


@pytest.mark.gpaw
def test_lattice_constant_with_its_uncertainty(tmp_path, monkeypatch):
    monkeypatch.setenv("POMDFT_STORE", str(tmp_path))
    # Hardly converged: all that counts is which terms are summed.
    overrides = {
        "name": "coarse",
        "parameters": {
            "mode": {"name": "pw", "ecut": 300},
            "kpts": {"size": [4, 4, 4]},
            "occupations": {"name": "fermi-dirac", "width": 0.4},
        },
    }
    fields = {"name": "x", "kind": "bulk", "metals": "Cu", "ensemble": True}
    study = MetalStudy.from_fields(
        fields | {"bulk_level": {"preset": "pw-bulk", "overrides": overrides}}
    )
    settings = load_settings().model_copy(update={"cores": 1})
    (found,) = run_metal_flows(make_metal_flows(study, settings)).documents
    assert found.has_ensemble
    assert found.cohesive_std_ev_per_atom is None
    assert 0.005 < found.lattice_constant_std_angstrom < 0.2
    assert 1.0 < found.bulk_modulus_std_gpa < 120.0
    assert f"+- {found.lattice_constant_std_angstrom:.3f} angstrom" in repr(found)
    assert sum(role.startswith("ensemble-strain") for role in found.calculations) == 5
    # Asked for again, with or without, it stays, and nothing is computed.
    count = len(ResultStore(tmp_path).calculation_keys())
    assert count == 10
    (again,) = run_metal_flows(make_metal_flows(study, settings)).documents
    # The job store in between keeps times to a millisecond.
    assert again.model_copy(update={"finished": found.finished}) == found
    assert BulkMaker(level=found.level, store=str(tmp_path)).find_equilibrium("Cu") == found
    assert len(ResultStore(tmp_path).calculation_keys()) == count


def test_levels_without_a_density_are_refused(tmp_path):
    emt = Level(name="emt", method="emt", relax=False)
    bulk = BulkMaker(level=emt, store=str(tmp_path)).find_equilibrium("Cu")
    assert "no uncertainty computed" in repr(bulk)
    with pytest.raises(InputError, match="is not of GPAW"):
        BulkEnsembleMaker(store=str(tmp_path)).add_ensemble(bulk)


def archived_points(metal):
    """Return volumes and energies of a shipped metal, and the terms that members weigh, an atom."""
    volumes, energies, terms = [], [], []
    for role in (role for role in metal.calculations if role.startswith("strain")):
        archived = read_archived(metal.calculations[role])
        probe = read_archived(metal.calculations[f"ensemble-{role}"]).result
        atoms = len(archived.request.model.symbols)
        volumes.append(np.linalg.det(archived.request.model.cell_angstrom) / atoms)
        energies.append(archived.result.energy_ev / atoms)
        terms.append(np.array(probe.extras["beef_contributions_ev"]) / atoms)
        assert probe.energy_ev == pytest.approx(archived.result.energy_ev, abs=0.005)
    return np.array(volumes), np.array(energies), np.array(terms)


@pytest.mark.parametrize("metal", load_reference_documents(BulkMetal), ids=lambda d: d.metal)
def test_shipped_uncertainties_follow_from_their_single_points(metal):
    if not metal.has_ensemble:
        pytest.skip("shipped without ensemble")
    shifts = shift_equation_of_state(*archived_points(metal))
    length = metal.lattice_constant_angstrom * shifts.relative_length.std()
    assert metal.lattice_constant_std_angstrom == pytest.approx(length, rel=1e-6)
    assert metal.bulk_modulus_std_gpa == pytest.approx(shifts.bulk_modulus_gpa.std(), rel=1e-6)
    atom = read_archived(metal.calculations["ensemble-atom"]).result
    members = ensemble_coefficients() @ np.array(atom.extras["beef_contributions_ev"])
    cohesive = (members - shifts.energy_ev).std()
    assert metal.cohesive_std_ev_per_atom == pytest.approx(cohesive, rel=1e-6)
    assert find_command(metal) == f"pomdft metal bulk {metal.metal} --cohesive --ensemble"
    part = {r: k for r, k in metal.calculations.items() if r != "ensemble-atom"}
    with pytest.raises(CorruptDocumentError, match="lacks its calculations"):
        check_document(metal.model_copy(update={"calculations": part}), load_provenance())


def test_first_order_spreads_as_the_members_own_minima_do():
    """Some members of copper have no minimum at all; the others' lattice constants are compared."""
    (copper,) = (metal for metal in load_reference_documents(BulkMetal) if metal.metal == "Cu")
    volumes, energies, terms = archived_points(copper)
    x = (volumes / volumes.mean()) ** (-2 / 3) - 1.0
    members = energies[:, None] + terms @ ensemble_coefficients().T
    _, slope, curvature, third = np.linalg.lstsq(
        np.vander(x, 4, increasing=True), np.column_stack([energies, members]), rcond=None
    )[0]
    discriminant = curvature**2 - 3.0 * slope * third
    place = -slope / (curvature + np.sqrt(np.maximum(discriminant, 0.0)))
    # A minimum at more than 2.8 times the mean volume is none of this metal.
    found = (discriminant > 0) & (curvature + 3.0 * third * place > 0) & (place > -0.5)
    assert found[0]
    assert 0.01 < np.mean(~found) < 0.05
    lengths = np.sqrt((1.0 + place[0]) / (1.0 + place[found])) - 1.0
    first = shift_equation_of_state(volumes, energies, terms).relative_length[found[1:]]
    assert first.std() == pytest.approx(lengths[1:].std(), rel=0.1)


def test_shipped_lattice_constants_have_a_known_level():
    assert {d.level.title for d in load_reference_documents(BulkMetal)} == {
        load_level("pw-bulk").title
    }
