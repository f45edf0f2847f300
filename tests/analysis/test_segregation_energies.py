import json
from importlib import resources

import numpy as np
import pytest

from pomdft.analysis.elements import find_metal, load_metals
from pomdft.analysis.segregation import (
    contacts_per_surface_atom,
    segregation_energy,
    tabulate_segregation,
)
from pomdft.analysis.segregation_ligand import (
    ContactAffinity,
    monolayer_coverage,
    read_affinities,
    sample_affinity_difference,
)
from pomdft.analysis.segregation_model import SegregationModel, load_segregation_model
from pomdft.errors import CorruptDocumentError, InputError, NotComputedError, UnknownNameError


def test_every_pair_has_a_finite_energy_with_uncertainty():
    table = tabulate_segregation()
    assert len(table) == 24 * 23
    assert np.isfinite(table["energy_ev"]).all()
    assert (table["std_ev"] > 0.02).all()
    assert set(table["source"]) == {"model"}


@pytest.mark.parametrize(
    ("host", "solute", "sign"),
    [("Cu", "Ag", -1), ("Ni", "Au", -1), ("Ag", "Ni", 1), ("Pt", "Ni", 1), ("Ru", "Pt", -1)],
)
def test_well_known_signs(host, solute, sign):
    assert np.sign(segregation_energy(host, solute).energy_ev) == sign


def test_open_facets_and_sites_amplify_with_larger_uncertainty():
    terrace = segregation_energy("Pt", "Au", "111")
    open_facet = segregation_energy("Pt", "Au", "100")
    rough = segregation_energy("Pt", "Au", "110")
    vertex = segregation_energy("Pt", "Au", "vertex")
    energies = [s.energy_ev for s in (terrace, open_facet, rough, vertex)]
    stds = [s.std_ev for s in (terrace, open_facet, rough, vertex)]
    assert energies == sorted(energies, reverse=True)
    assert stds == sorted(stds)
    assert segregation_energy("Pt", "Au", "211").energy_ev == pytest.approx(rough.energy_ev)
    assert segregation_energy("Pt", "Au", "z9").energy_ev == pytest.approx(terrace.energy_ev)


def test_close_packed_facet_of_bcc_and_hcp_hosts_has_several_names():
    assert segregation_energy("Fe", "Pt", "110").energy_ev == pytest.approx(
        segregation_energy("Fe", "Pt", "111").energy_ev
    )
    assert segregation_energy("Ru", "Pt", "0001").energy_ev == pytest.approx(
        segregation_energy("Ru", "Pt", "111").energy_ev
    )


def test_a_computed_energy_is_preferred():
    found = segregation_energy("Pt", "Au", computed={("Pt", "Au", "111"): (-0.5, 0.05)})
    assert (found.energy_ev, found.std_ev, found.source) == (-0.5, 0.05, "dft")


def test_answer_is_a_table_row():
    row = segregation_energy("Pt", "Au").to_dataframe().iloc[0]
    assert (row["host"], row["solute"], row["source"]) == ("Pt", "Au", "model")
    assert row["energy_ev"] < 0.0 < row["std_ev"]


def test_ligand_adds_affinity_difference_times_coverage():
    bare = segregation_energy("Au", "Ag")
    covered = segregation_energy(
        "Au", "Ag", ligand="W5O18", affinity={"Au": -0.4, "Ag": (-0.7, 0.1)}, coverage=0.8
    )
    assert covered.energy_ev - bare.energy_ev == pytest.approx(-0.24)
    assert covered.std_ev == pytest.approx(np.hypot(bare.std_ev, 0.08), rel=0.02)
    assert covered.ligand == "W5O18"


def test_ensemble_members_cancel_in_differences():
    rng = np.random.default_rng(1)
    common = rng.normal(0.0, 0.5, 500)
    first = ContactAffinity("Au", -0.4, members_ev=tuple(-0.4 + common))
    second = ContactAffinity("Ag", -0.7, members_ev=tuple(-0.7 + common + rng.normal(0, 0.05, 500)))
    difference = sample_affinity_difference(first, second, 200, rng)
    assert difference.mean() == pytest.approx(-0.3, abs=0.02)
    assert difference.std() == pytest.approx(0.05, rel=0.2)
    independent = sample_affinity_difference(
        ContactAffinity("Au", -0.4, 0.5), ContactAffinity("Ag", -0.7, 0.5), 200, rng
    )
    assert independent.std() == pytest.approx(0.5 * np.sqrt(2), rel=0.05)


def test_bad_input_is_named():
    with pytest.raises(UnknownNameError, match="'Xx'"):
        segregation_energy("Pt", "Xx")
    with pytest.raises(UnknownNameError, match="facet"):
        segregation_energy("Pt", "Au", "stp")
    with pytest.raises(InputError, match="both Pt"):
        segregation_energy("Pt", "Pt")
    with pytest.raises(NotComputedError, match="pomdft run"):
        segregation_energy("Pt", "Au", ligand="W5O18")
    with pytest.raises(InputError, match="coverage"):
        segregation_energy("Pt", "Au", affinity={"Pt": -1.0, "Au": -0.4}, coverage=-1.0)
    with pytest.raises(InputError, match="kJ/mol"):
        read_affinities({"Au": -40.0}, ("Au",))
    with pytest.raises(InputError, match="z2"):
        segregation_energy("Pt", "Au", "z2")


def test_footprint_gives_contacts_per_surface_atom():
    # Au(111): 7.2 angstrom^2 an atom.
    assert find_metal("Au").atomic_area_angstrom2 == pytest.approx(7.2, abs=0.1)
    assert contacts_per_surface_atom("Au", 6, 7.2 * 6) == pytest.approx(1.0, abs=0.02)


def test_monolayer_by_the_footprint_is_the_default_coverage():
    held = {m: ContactAffinity(m, e, contacts=6) for m, e in (("Au", -0.4), ("Ag", -0.7))}
    coverage = monolayer_coverage("A-alpha-SiW9O34", held)
    assert coverage == pytest.approx(6 * 7.2 / 85.0, rel=0.02)
    found = segregation_energy("Au", "Ag", ligand="A-alpha-SiW9O34", affinity=held)
    assert found.coverage == pytest.approx(coverage)
    assert monolayer_coverage("A-alpha-SiMo9O34", held) == pytest.approx(coverage)
    assert monolayer_coverage("unknown", held) is None
    assert monolayer_coverage("W5O18", {"Au": ContactAffinity("Au", -0.4)}) is None


def test_shipped_model_holds_weights_and_no_energies():
    text = resources.files("pomdft.analysis").joinpath("data/segregation_model.json").read_text()
    document = json.loads(text)
    assert all(isinstance(pair, str) for pair in document["calibrated_pairs"])
    assert len(document["weights"]) != len(document["calibrated_pairs"])
    assert set(document) == {
        "schema_version",
        "scales",
        "std_scale",
        "provenance",
        "calibrated_pairs",
        "weights",
    }
    again = SegregationModel.from_json(load_segregation_model().to_json())
    assert again.predict(["Pt"], ["Au"])[0] == pytest.approx(
        load_segregation_model().predict(["Pt"], ["Au"])[0], abs=1e-4
    )


@pytest.mark.parametrize("text", ["", "{", '{"schema_version": 99}', '{"schema_version": 1}'])
def test_broken_model_documents_are_refused(text):
    with pytest.raises(CorruptDocumentError, match="segregation"):
        SegregationModel.from_json(text)


def test_table_of_constants_is_complete_and_consistent():
    metals = load_metals()
    assert len(metals) == 24
    for metal in metals.values():
        # Wigner-Seitz radius and molar volume describe the same solid.
        volume = metal.miedema_volume_cm3 / 0.602214076
        radius = (3.0 * volume / (4.0 * np.pi)) ** (1 / 3) / 0.529177
        assert radius == pytest.approx(metal.wigner_seitz_bohr, rel=0.06), metal.symbol
