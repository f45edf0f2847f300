"""Cohesive energies: with EMT, and with GPAW on a metal of few electrons."""

import json

import pytest

from pomdft.calculations.levels import load_level
from pomdft.calculations.periodic import make_periodic_model
from pomdft.cli.recomputation import find_command
from pomdft.errors import CorruptDocumentError, UnknownNameError
from pomdft.flows.bulk import BulkMaker, find_bulk
from pomdft.flows.cohesion import CohesionMaker, make_atom_level
from pomdft.flows.metals import make_metal_flows, run_metal_flows
from pomdft.schemas.bulk import BulkMetal
from pomdft.schemas.level import Level
from pomdft.schemas.metal_study import MetalStudy
from pomdft.schemas.provenance import CalculationRecord
from pomdft.settings import load_settings
from pomdft.store.checks import check_document
from pomdft.store.export import export_reference
from pomdft.store.results import ResultStore
from pomdft.structures.crystals import build_free_atom

EMT = Level(name="emt", method="emt", relax=False)


@pytest.mark.parametrize("metal", ["Cu", "Au"])
def test_free_atom_less_bulk(metal, tmp_path):
    from ase import Atoms
    from ase.build import bulk
    from ase.calculators import emt

    maker = CohesionMaker(level=EMT, store=str(tmp_path))
    outcome = run_metal_flows([maker.make(metal)])
    (found,) = outcome.documents
    crystal = bulk(metal, "fcc", a=found.lattice_constant_angstrom)
    crystal.calc, atom = emt.EMT(), Atoms(metal, calculator=emt.EMT())
    expected = atom.get_potential_energy() - crystal.get_potential_energy()
    assert found.cohesive_energy_ev_per_atom == pytest.approx(expected, abs=1e-3)
    assert found.cohesive_energy_ev_per_atom > 3.0
    assert "cohesive energy" in repr(found)
    # Known now, with the key it had without.
    alone = BulkMaker(level=EMT, store=str(tmp_path)).find_equilibrium(metal)
    assert alone == found
    assert maker.compute(found) is found
    assert find_bulk(metal, EMT, str(tmp_path)) == found


def test_cohesive_energies_of_a_study_and_their_command():
    study = MetalStudy.from_fields(
        {"name": "x", "kind": "bulk", "metals": ["Cu", "Pd"], "cohesive": True}
    )
    flows = make_metal_flows(study, load_settings())
    assert [flow.name for flow in flows] == ["cohesive energy: Cu", "cohesive energy: Pd"]
    document = BulkMetal(
        key="k",
        metal="Cu",
        symmetry="fcc",
        level=load_level("pw-bulk"),
        lattice_constant_angstrom=3.64,
        bulk_modulus_gpa=137.0,
        energy_ev_per_atom=-3.6,
        cohesive_energy_ev_per_atom=3.4,
        fit_residual_ev=0.0,
        calculations={"atom": "a"},
    )
    assert find_command(document) == "pomdft metal bulk Cu --cohesive"


def test_hand_typed_cohesive_energy_is_refused(tmp_path):
    store = ResultStore(tmp_path / "store")
    run_metal_flows([CohesionMaker(level=EMT, store=str(store.root)).make("Cu")])
    export_reference(store, tmp_path / "reference")
    (entry,) = json.loads((tmp_path / "reference" / "bulk.json").read_text())
    records = {
        r["key"]: CalculationRecord.model_validate(r)
        for r in json.loads((tmp_path / "reference" / "provenance.json").read_text())
    }
    document = BulkMetal.model_validate(entry)
    assert check_document(document, records) is document
    typed = document.model_copy(update={"cohesive_energy_ev_per_atom": 3.5})
    with pytest.raises(CorruptDocumentError, match=r"says .* its calculations"):
        check_document(typed, records)
    without = {role: key for role, key in document.calculations.items() if role != "atom"}
    with pytest.raises(CorruptDocumentError, match="lacks its calculations"):
        check_document(document.model_copy(update={"calculations": without}), records)


def test_atom_keeps_the_moment_of_its_ground_state():
    level = make_atom_level(load_level("pw-bulk"))
    moments = {"Cu": 1.0, "Pd": 0.0, "Pt": 2.0, "Rh": 3.0, "Ru": 4.0}
    for metal, moment in moments.items():
        model = make_periodic_model(build_free_atom(metal), level, label=metal)
        assert model.magnetic_moments_bohr_magneton == (moment,)
    with pytest.raises(UnknownNameError):
        build_free_atom("Xx")


def test_aluminium_with_gpaw(tmp_path):
    coarse = {"mode": {"name": "pw", "ecut": 200}, "kpts": {"size": [4, 4, 4], "gamma": True}}
    level = load_level("pw-bulk", {"name": "coarse", "parameters": coarse})
    maker = CohesionMaker(level=level, store=str(tmp_path), cores=1)
    (found,) = run_metal_flows([maker.make("Al")]).documents
    # PBE gives 3.4 to 3.5 eV; four k-points along each direction are few.
    assert found.cohesive_energy_ev_per_atom == pytest.approx(3.45, abs=0.3)
    atom = ResultStore(tmp_path).read_result(found.calculations["atom"])
    assert atom.magnetic_moment_bohr_magneton == pytest.approx(1.0, abs=1e-3)
    assert atom.fermi_level_ev is None
