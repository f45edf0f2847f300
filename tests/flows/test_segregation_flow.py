"""Slab swaps and substitutions, with EMT as the level."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, fcc111
from ase.calculators import emt

from pomdft.calculations.levels import load_level
from pomdft.cli.recomputation import find_command
from pomdft.errors import InputError, NotComputedError
from pomdft.flows.bulk import BulkMaker
from pomdft.flows.ensemble import EnsembleMaker, add_ensemble_to
from pomdft.flows.metals import make_metal_flows, run_metal_flows
from pomdft.flows.segregation import (
    MixingMaker,
    SegregationMaker,
    find_segregation,
)
from pomdft.prediction.stored import collect_segregation
from pomdft.schemas.beef import ensemble_coefficients
from pomdft.schemas.level import Level, RelaxationSettings
from pomdft.schemas.metal_study import MetalStudy
from pomdft.schemas.segregation import SegregationEnergyDocument
from pomdft.settings import load_settings
from pomdft.store.documents import document_path, keep_document, list_documents
from pomdft.store.results import ResultStore

STATIC = Level(name="emt-static", method="emt", relax=False)
RELAXED = Level(
    name="emt",
    method="emt",
    relaxation=RelaxationSettings(fmax_ev_per_angstrom=0.02, hessian="unit", max_steps=200),
)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("POMDFT_STORE", str(tmp_path))
    return str(tmp_path)


def swap_by_hand(host, solute, a):
    """E(surface) - E(inside) in a 2 x 2 x 4 slab, built and computed without pomdft."""
    energies = []
    for index in (-1, 4):
        slab = fcc111(host, (2, 2, 4), a=a, vacuum=6.0)
        slab.symbols[index] = solute
        slab.pbc = (True, True, False)
        slab.calc = emt.EMT()
        energies.append(slab.get_potential_energy())
    return energies[0] - energies[1]


@pytest.mark.parametrize(("host", "solute"), [("Cu", "Ag"), ("Au", "Pt")])
def test_static_swap_equals_one_done_by_hand(host, solute, store):
    lattice = BulkMaker(level=STATIC, store=store).find_equilibrium(host)
    maker = SegregationMaker(level=STATIC, bulk_level=STATIC, store=store)
    found = maker.compute(lattice, solute, "111")
    by_hand = swap_by_hand(host, solute, lattice.lattice_constant_angstrom)
    assert found.energy_ev == pytest.approx(by_hand, abs=1e-5)
    assert not found.relaxed


def test_large_cheap_solute_goes_to_the_surface_and_the_reverse_stays(store):
    study = MetalStudy.from_fields({"name": "x", "kind": "segregation", "metals": ["Cu", "Ag"]})
    maker = SegregationMaker(level=RELAXED, bulk_level=STATIC, store=store)
    flows = [maker.make("Cu", "Ag"), maker.make("Ag", "Cu")]
    outcome = run_metal_flows(flows)
    assert not outcome.missing
    energies = {(d.host, d.solute): d.energy_ev for d in outcome.documents}
    assert energies["Cu", "Ag"] < -0.1
    assert energies["Ag", "Cu"] > 0.0
    assert all(document.relaxed for document in outcome.documents)
    assert find_segregation("Cu", "Ag").energy_ev == energies["Cu", "Ag"]
    assert collect_segregation(load_settings().store)["Cu", "Ag", "111"][0] == energies["Cu", "Ag"]
    planned = make_metal_flows(study, load_settings())
    assert [flow.name for flow in planned] == [
        "segregation: Ag in Cu(111)",
        "segregation: Cu in Ag(111)",
    ]


def test_thicker_slab_counts_and_its_command_says_so(store):
    lattice = BulkMaker(level=STATIC, store=store).find_equilibrium("Cu")
    found = {
        layers: SegregationMaker(
            level=RELAXED, bulk_level=STATIC, store=store, layers=layers
        ).compute(lattice, "Ag", "111")
        for layers in (5, 3)
    }
    assert found[5].energy_ev != found[3].energy_ev
    assert find_segregation("Cu", "Ag") == found[5]
    assert collect_segregation(load_settings().store)["Cu", "Ag", "111"][0] == found[5].energy_ev
    preset = found[5].model_copy(update={"level": load_level("pw-slab")})
    assert find_command(preset) == "pomdft metal segregation Cu Ag --facet 111 --layers 5"


def test_both_directions_of_a_pair_are_of_one_slab_and_level(store):
    maker = SegregationMaker(level=RELAXED, bulk_level=STATIC, store=store, layers=3)
    copper, silver = (
        BulkMaker(level=STATIC, store=store).find_equilibrium(m) for m in ("Cu", "Ag")
    )
    both = maker.compute(copper, "Ag", "111"), maker.compute(silver, "Cu", "111")
    # Newer and thicker, but of one direction only.
    single = replace(maker, layers=5).compute(copper, "Ag", "111")
    assert find_segregation("Cu", "Ag") == both[0]
    assert find_segregation("Ag", "Cu") == both[1]
    other = replace(maker, layers=5).compute(silver, "Cu", "111")
    assert find_segregation("Cu", "Ag") == single
    assert find_segregation("Ag", "Cu") == other


def test_what_is_not_computed_names_the_command(store):
    with pytest.raises(NotComputedError, match="pomdft metal segregation Cu Pd --facet 100"):
        find_segregation("Cu", "Pd", "100")


def test_same_metal_twice(store):
    with pytest.raises(InputError, match="both Cu"):
        SegregationMaker(level=STATIC, bulk_level=STATIC, store=store).make("Cu", "Cu")


def test_substitution_equals_one_done_by_hand(store):
    bulks = BulkMaker(level=STATIC, store=store)
    host, solute = (bulks.find_equilibrium(metal) for metal in ("Au", "Cu"))
    maker = MixingMaker(level=STATIC, bulk_level=STATIC, store=store)
    found = maker.compute(host, solute)
    cell = bulk("Au", "fcc", a=host.lattice_constant_angstrom) * (2, 2, 2)
    pure = bulk("Cu", "fcc", a=solute.lattice_constant_angstrom)
    for atoms in (cell, pure):
        atoms.calc = emt.EMT()
    perfect, own = cell.get_potential_energy(), pure.get_potential_energy()
    cell.symbols[0] = "Cu"
    by_hand = cell.get_potential_energy() - 7 / 8 * perfect - own
    assert found.n_atoms == 8
    assert found.energy_ev == pytest.approx(by_hand, abs=1e-4)


@pytest.mark.gpaw
def test_ensemble_of_a_swap_is_that_of_its_two_slabs(store):
    # Three layers of one atom each, hardly converged: all that counts is which terms are summed.
    changes = {
        "name": "coarse",
        "relax": False,
        "parameters": {"mode": {"name": "pw", "ecut": 200}, "kpts": {"size": [2, 2, 1]}},
    }
    level = load_level("pw-slab", changes)
    maker = SegregationMaker(level=level, bulk_level=STATIC, store=store, layers=3, repeat=1)
    plain = run_metal_flows([maker.make("Cu", "Ag")]).documents[0]
    assert isinstance(plain, SegregationEnergyDocument)
    assert (plain.std_ev, plain.beef_terms_ev) == (None, None)
    assert "no uncertainty computed" in repr(plain)

    flow = add_ensemble_to(maker.make("Cu", "Ag"), EnsembleMaker(store=store))
    (found,) = run_metal_flows([flow]).documents
    assert isinstance(found, SegregationEnergyDocument)
    assert (found.key, found.energy_ev) == (plain.key, plain.energy_ev)
    assert set(found.calculations) == {"surface", "inside", "ensemble-surface", "ensemble-inside"}
    results = ResultStore(Path(store))
    surface, inside = (
        np.array(results.read_result(found.calculations[role]).extras["beef_contributions_ev"])
        for role in ("ensemble-surface", "ensemble-inside")
    )
    np.testing.assert_allclose(found.beef_terms_ev, surface - inside, atol=1e-7)
    members = ensemble_coefficients() @ (surface - inside)
    assert found.std_ev == pytest.approx(members.std(), abs=1e-6)
    assert 0.005 < found.std_ev < 0.5
    assert f"+- {found.std_ev:.2f} eV" in repr(found)

    # A job store drops the zone of a time; what is stored has one.
    (stored,) = list_documents(Path(store), SegregationEnergyDocument)
    assert stored.finished.tzinfo is not None
    assert '"finished": "' in stored.to_json()
    assert stored.to_json().split('"finished": "')[1].split('"')[0].endswith("Z")

    # Asked for again without, it stays.
    assert list_documents(Path(store), SegregationEnergyDocument) == [found]
    assert run_metal_flows([maker.make("Cu", "Ag")]).documents == (found,)
    assert keep_document(Path(store), plain) == found
    moved = plain.model_copy(update={"energy_ev": plain.energy_ev + 0.1})
    assert keep_document(Path(store), moved) == moved
    text = document_path(Path(store), moved).read_text()
    assert '"beef_terms_ev": null' in text


def test_d_bands_have_no_ensemble():
    with pytest.raises(InputError, match="ensemble"):
        MetalStudy.from_fields(
            {"name": "s", "kind": "d-band", "metals": ["Cu"], "ensemble": True}, origin="test"
        )


def test_uncertainty_and_its_terms_belong_together():
    fields = {
        "key": "a" * 24,
        "host": "Cu",
        "solute": "Ag",
        "facet": "111",
        "layers": 4,
        "repeat": (2, 2),
        "level": STATIC,
        "energy_ev": 0.1,
        "relaxed": True,
        "lattice_constant_angstrom": 3.6,
        "calculations": {"surface": "b" * 24, "inside": "c" * 24},
    }
    assert SegregationEnergyDocument(**fields).balance == {"surface": 1.0, "inside": -1.0}
    with pytest.raises(ValueError, match="belong together"):
        SegregationEnergyDocument(**fields, std_ev=0.1)
    with pytest.raises(ValueError, match="32"):
        SegregationEnergyDocument(**fields, std_ev=0.1, beef_terms_ev=(0.0,) * 31)
