from typing import Any

import numpy as np
import pytest

from pomdft.analysis.elements import find_metal
from pomdft.analysis.segregation_ligand import ContactAffinity, monolayer_coverage
from pomdft.prediction.affinities import ASSUMED_STD_EV, collect_contact_affinities
from pomdft.prediction.answer import describe_provenance
from pomdft.schemas.affinity import Affinity, AffinityModel
from pomdft.schemas.beef import ensemble_coefficients
from pomdft.schemas.level import Level


def make(metal: str, level: str = "lcao", **changes: Any) -> Affinity:
    model = {"ligand": "W5O18", "metal": metal} | changes.pop("model", {})
    fields: dict[str, Any] = {
        "key": metal * 2,
        "model": AffinityModel(**model),
        "level": Level(name=level, method="emt"),
        "energy_ev": -2.0,
        "interaction_energy_ev": -2.0,
        "reorganisation_ligand_ev": 0.0,
        "reorganisation_metal_ev": 0.0,
        "contacts": 4,
        "per_contact_ev": -0.5,
        "calculations": {"complex": "b" * 24},
        "relaxed": True,
    }
    return Affinity(**{**fields, **changes})


def test_record_reads_in_one_line():
    held = ContactAffinity("Au", -0.4, members_ev=tuple(np.linspace(-0.5, -0.3, 200)))
    assert repr(held) == (
        "ContactAffinity(Au: -0.400 ± 0.058 eV per contact, negative = bound; given)"
    )


def test_levels_that_only_share_a_name_are_not_mixed():
    other = Level(name="lcao", method="emt", parameters={"asap_cutoff": True})
    shipped = [make("Au", energy_ev=-9.0), make("Ag", energy_ev=-9.0)]
    own = [make("Au", energy_ev=-2.0), make("Ag", energy_ev=-3.0)]
    own = [document.model_copy(update={"level": other}) for document in own]
    found = collect_contact_affinities([*shipped, *own])
    assert found["Au"].per_contact_ev == pytest.approx(-0.5), "the later of equal sets"
    assert found["Ag"].per_contact_ev == pytest.approx(-0.75)
    found = collect_contact_affinities([*shipped, own[0]])
    assert {found[metal].per_contact_ev for metal in ("Au", "Ag")} == {-9.0 / 4}


def test_levels_are_not_mixed():
    documents = [make("Au"), make("Ag", energy_ev=-3.0), make("Au", "pw", energy_ev=-9.0)]
    found = collect_contact_affinities(documents)
    assert found["Au"].per_contact_ev == pytest.approx(-0.5)
    assert found["Ag"].per_contact_ev == pytest.approx(-0.75)


def test_better_level_wins_where_both_know_the_metals():
    documents = [make(m, level) for level in ("xtb", "lcao", "pw") for m in ("Au", "Ag")]
    assert "pw" in collect_contact_affinities(documents)["Au"].source


@pytest.mark.parametrize(
    "model",
    [
        {"cluster": "M1"},
        {"cluster": "M13"},
        {"cluster": "M4-on-graphene"},
        {"site": "terminal-face"},
        {"charge_model": "alkali"},
    ],
)
def test_the_usual_model_goes_before_later_ones(model: dict[str, str]):
    usual = [make("Au", energy_ev=-2.0), make("Ag", energy_ev=-3.0)]
    others = [make(metal, energy_ev=-9.0, model=model) for metal in ("Au", "Ag")]
    found = collect_contact_affinities([*usual, *others])
    assert [found[metal].per_contact_ev for metal in ("Au", "Ag")] == [-0.5, -0.75]
    # Of what is known of both metals only.
    found = collect_contact_affinities([usual[0], *others])
    assert {found[metal].per_contact_ev for metal in ("Au", "Ag")} == {-9.0 / 4}


def test_better_level_wins_unless_the_site_is_another():
    usual = [make("Au"), make("Ag")]
    better = [make(metal, "pw", energy_ev=-9.0, model={"cluster": "M13"}) for metal in ("Au", "Ag")]
    assert "pw" in collect_contact_affinities([*better, *usual])["Au"].source
    elsewhere = [
        make(metal, "pw", energy_ev=-9.0, model={"site": "terminal-face"}) for metal in ("Au", "Ag")
    ]
    assert "lcao" in collect_contact_affinities([*usual, *elsewhere])["Au"].source


def test_counterpoise_is_used_only_where_all_have_it():
    one = make("Au", counterpoise_correction_ev=0.4)
    both = [one, make("Ag", counterpoise_correction_ev=0.8)]
    mixed = [one, make("Ag")]
    assert collect_contact_affinities(both)["Au"].per_contact_ev == pytest.approx(-0.4)
    assert collect_contact_affinities(mixed)["Au"].per_contact_ev == pytest.approx(-0.5)


def test_charge_model_that_turns_the_order_over_is_named():
    """Silver is held more tightly with protons, gold with sodium."""
    protons = [make("Au", energy_ev=-2.0), make("Ag", energy_ev=-3.0)]
    sodium = {"charge_model": "alkali"}
    turned = [make("Au", energy_ev=-3.4, model=sodium), make("Ag", energy_ev=-2.8, model=sodium)]
    found = collect_contact_affinities([*protons, *turned])
    caveat = found["Au"].caveat
    assert caveat == found["Ag"].caveat
    assert "charge model alkali (lcao) holds Au more tightly than Ag, by 0.60 eV" in caveat
    assert "protonated, used here, Ag by 1.00 eV" in caveat
    line = describe_provenance(found, 0.6, "dft", "measured")
    assert line.count("Caution: charge model alkali") == 1
    # Asked for, the other model is used, and warns of the usual one.
    found = collect_contact_affinities([*protons, *turned], ("Au", "Ag"), "alkali")
    assert [found[metal].per_contact_ev for metal in ("Au", "Ag")] == [-3.4 / 4, -2.8 / 4]
    assert "charge model protonated (lcao) holds Ag" in found["Ag"].caveat
    assert collect_contact_affinities(protons, charge_model="solvated") == {}


@pytest.mark.parametrize(
    "other",
    [
        {"charge_model": "alkali", "site": "terminal-face"},
        {"charge_model": "alkali", "cluster": "M1"},
        {"site": "terminal-face"},
    ],
)
def test_no_caveat_where_more_than_the_charge_differs_or_the_order_stays(other: dict[str, str]):
    protons = [make("Au", energy_ev=-2.0), make("Ag", energy_ev=-3.0)]
    turned = [make("Au", energy_ev=-3.4, model=other), make("Ag", energy_ev=-2.8, model=other)]
    sodium = {"charge_model": "alkali"}
    same = [make("Au", energy_ev=-1.0, model=sodium), make("Ag", energy_ev=-1.1, model=sodium)]
    one = [make("Pd", energy_ev=-9.0, model=sodium)]
    found = collect_contact_affinities([*protons, *turned, *same, *one], ("Au", "Ag"))
    assert {held.caveat for held in found.values()} == {""}


def test_ensembles_are_per_contact_and_missing_ones_are_named():
    terms = np.linspace(-0.2, 0.3, 32)
    shifts = ensemble_coefficients() @ terms
    gold = make("Au", beef_terms_ev=tuple(terms), std_ev=shifts.std())
    found = collect_contact_affinities([gold, make("Ag")])
    assert found["Au"].members_ev == pytest.approx((-2.0 + shifts) / 4)
    assert found["Au"].std_ev == pytest.approx(shifts.std() / 4)
    assert found["Ag"].std_ev == pytest.approx(ASSUMED_STD_EV)
    assert "assumed" in found["Ag"].source


def test_metal_bound_more_strongly_is_held_more_tightly_whatever_its_contacts():
    gold = make("Au", energy_ev=-2.0, contacts=2, per_contact_ev=-1.0)
    silver = make("Ag", energy_ev=-3.0, contacts=6, per_contact_ev=-0.5)
    found = collect_contact_affinities([gold, silver])
    assert found["Au"].per_contact_ev == pytest.approx(-2.0 / 4)
    assert found["Ag"].per_contact_ev == pytest.approx(-3.0 / 4)
    # What a surface atom gains is the binding energy times its share of the footprint.
    coverage = monolayer_coverage("W5O18", found)
    assert coverage is not None
    areas = [find_metal(metal).atomic_area_angstrom2 for metal in ("Au", "Ag")]
    assert coverage * found["Ag"].per_contact_ev == pytest.approx(-3.0 * np.mean(areas) / 50.0)


def test_tightest_orientation_counts_and_contactless_complexes_do_not():
    documents = [
        make("Au", model={"orientation": "a"}),
        make("Au", model={"orientation": "b"}, energy_ev=-2.8),
        make("Ag", contacts=0, per_contact_ev=None),
    ]
    found = collect_contact_affinities(documents)
    assert found["Au"].per_contact_ev == pytest.approx(-0.7)
    assert "Ag" not in found
    assert collect_contact_affinities([]) == {}


def test_clusters_on_a_support_stand_back_and_are_not_mixed_with_others():
    bare = [make("Au"), make("Ag", energy_ev=-3.0)]
    laid = {"cluster": "M4-on-graphene"}
    supported = [make(metal, energy_ev=-8.0, model=laid) for metal in ("Au", "Ag")]
    found = collect_contact_affinities([*bare, *supported])
    assert found["Ag"].per_contact_ev == pytest.approx(-0.75)
    found = collect_contact_affinities([bare[0], *supported])
    assert {held.per_contact_ev for held in found.values()} == {-2.0}
