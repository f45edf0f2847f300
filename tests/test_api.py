from __future__ import annotations

from pathlib import Path

import pytest

import pomdft
from pomdft.api import AFFINITY_COLUMNS, find_affinities, list_ligands
from pomdft.errors import NotComputedError, UnknownNameError
from pomdft.schemas.affinity import SIGN_CONVENTION, Affinity, AffinityModel
from pomdft.schemas.level import Level
from pomdft.store.reference import read_archived
from pomdft.store.results import ResultStore


def stored(store: Path, number: int, **model: str) -> Affinity:
    fields = {"ligand": "W5O18", "metal": "Au", **model}
    affinity = Affinity(
        key=f"{number:024x}",
        model=AffinityModel(**fields),
        level=Level(name="test-level", method="emt"),
        energy_ev=-float(number),
        interaction_energy_ev=-1.0,
        reorganisation_ligand_ev=0.0,
        reorganisation_metal_ev=0.0,
        contacts=2,
        per_contact_ev=-number / 2,
        calculations={"complex": "a" * 24},
        relaxed=True,
    )
    ResultStore(store).save_affinity(affinity)
    return affinity


def test_affinity_of_the_store(own_settings: Path) -> None:
    expected = stored(own_settings, 3)
    stored(own_settings, 4, cluster="M13")
    assert pomdft.affinity("W5O18", "Au", level="test-level") == expected
    assert pomdft.affinity("W5O18", "Au", level="test-level", cluster="M13").energy_ev == -4.0


def test_the_newest_of_two_counts(own_settings: Path) -> None:
    stored(own_settings, 3)
    newest = stored(own_settings, 2)
    assert pomdft.affinity("W5O18", "Au", level="test-level") == newest


def compute_own(store: Path, shipped: Affinity, energy_ev: float, number: int) -> Affinity:
    """Store an affinity of the same model whose complex has another total energy."""
    archived = read_archived(shipped.calculations["complex"])
    lift = energy_ev - shipped.energy_ev
    model = archived.request.model.with_positions(archived.request.model.positions + 0.001 * number)
    request = archived.request.model_copy(update={"model": model})
    result = archived.result.model_copy(
        update={"key": request.key, "energy_ev": archived.result.energy_ev + lift}
    )
    results = ResultStore(store)
    results.begin(request)
    results.save_result(request, result)
    parts = {r: k for r, k in shipped.calculations.items() if not r.startswith("ensemble-")}
    own = shipped.model_copy(
        update={
            "key": f"{number:024x}",
            "energy_ev": energy_ev,
            "std_ev": None,
            "beef_terms_ev": None,
            "calculations": parts | {"complex": request.key},
            "source": "store",
        }
    )
    return results.save_affinity(own)


def test_a_higher_pose_does_not_hide_a_lower_one(own_settings: Path) -> None:
    asked = ("A-alpha-SiW9O34", "Pd")
    shipped = pomdft.affinity(*asked)
    assert shipped.poses == 2
    compute_own(own_settings, shipped, shipped.energy_ev + 2.0, 1)
    assert pomdft.affinity(*asked) == shipped
    (row,) = pomdft.affinities(*asked, level="lcao").to_dict("records")
    assert row["key"] == shipped.key
    same = compute_own(own_settings, shipped, shipped.energy_ev + 0.005, 2)
    found = pomdft.affinity(*asked)
    assert found == same.with_ensemble_of(shipped), "of one minimum the user's own"
    lower = compute_own(own_settings, shipped, shipped.energy_ev - 0.5, 3)
    compute_own(own_settings, shipped, shipped.energy_ev - 0.2, 4)
    assert pomdft.affinity(*asked) == lower
    (row,) = pomdft.affinities(*asked, level="lcao").to_dict("records")
    assert row["key"] == lower.key


def test_ones_own_energy_of_a_minimum_with_an_ensemble_has_that(own_settings: Path) -> None:
    asked = ("W5O18", "Au")
    shipped = pomdft.affinity(*asked)
    assert shipped.ensemble_ev is not None
    own = compute_own(own_settings, shipped, shipped.energy_ev + 0.005, 1)
    found = pomdft.affinity(*asked)
    assert (found.key, found.energy_ev, found.source) == (own.key, own.energy_ev, "store")
    assert found.std_ev == shipped.std_ev
    assert found.ensemble_ev is not None
    assert found.ensemble_ev - shipped.ensemble_ev == pytest.approx(0.005)
    for role in ("ensemble-complex", "ensemble-ligand", "ensemble-cluster"):
        assert found.calculations[role] == shipped.calculations[role]
    lower = compute_own(own_settings, shipped, shipped.energy_ev - 0.3, 2)
    assert pomdft.affinity(*asked) == lower, "of another minimum the ensemble says nothing"


def test_d_band_under_a_ligand_is_that_of_the_affinity_that_answers(own_settings: Path) -> None:
    with pytest.raises(NotComputedError, match="pomdft metal ensemble W5O18 Cu --cluster M13"):
        pomdft.d_band("Cu", "M13", "W5O18")
    shipped = pomdft.affinity("W5O18", "Au")
    point = {"complex": shipped.calculations["ensemble-complex"]}
    assert pomdft.d_band("Au", "M4", "W5O18").calculations == point
    # What is known of a higher pose is not of a lower one.
    compute_own(own_settings, shipped, shipped.energy_ev - 0.5, 1)
    with pytest.raises(NotComputedError, match="pomdft metal ensemble W5O18 Au"):
        pomdft.d_band("Au", "M4", "W5O18")


@pytest.mark.parametrize(
    ("ligand", "metal", "near"), [("W5O19", "Au", "W5O18"), ("W5O18", "au", "Au")]
)
def test_unknown_names(ligand: str, metal: str, near: str) -> None:
    with pytest.raises(UnknownNameError, match=near):
        pomdft.affinity(ligand, metal)
    with pytest.raises(UnknownNameError, match=near):
        pomdft.affinities(ligand=ligand, metal=metal)


@pytest.mark.parametrize(
    ("model", "near"),
    [
        ({"cluster": "M5"}, "M55"),
        ({"cluster": "M4-on-graphen"}, "graphene"),
        ({"site": "vacncy"}, "vacancy"),
        ({"charge_model": "alkalai"}, "alkali"),
    ],
)
def test_unknown_names_of_a_model(model: dict[str, str], near: str) -> None:
    with pytest.raises(UnknownNameError, match=near):
        pomdft.affinity("W5O18", "Au", **model)


def test_what_is_not_computed_names_its_command() -> None:
    with pytest.raises(NotComputedError) as caught:
        pomdft.affinity(
            "citrate", "Os", level="fd", cluster="M13", site="edge", charge_model="alkali"
        )
    command = str(caught.value)
    for words in (
        "pomdft run --ligand citrate --metal Os --level fd",
        "--cluster M13",
        "--site edge",
        "--charge-model alkali",
    ):
        assert words in command


def test_table(own_settings: Path) -> None:
    for number, metal in ((1, "Au"), (2, "Ag"), (3, "Pd")):
        stored(own_settings, number, metal=metal)
    frame = pomdft.affinities(level="test-level")
    assert list(frame.columns) == list(AFFINITY_COLUMNS)
    assert frame["metal"].tolist() == ["Au", "Ag", "Pd"]
    assert frame["energy_ev"].tolist() == [-1.0, -2.0, -3.0]
    assert frame.attrs["sign_convention"] == SIGN_CONVENTION
    only = pomdft.affinities(metal="Ag", level="test-level", charge_model="protonated")
    assert only["energy_ev"].tolist() == [-2.0]
    assert len(pomdft.affinities(level="no-such-level")) == 0
    assert list(pomdft.affinities(level="no-such-level").columns) == list(AFFINITY_COLUMNS)


def test_asking_makes_no_store(own_settings: Path) -> None:
    assert find_affinities(level="test-level") == []
    assert not own_settings.exists()


def test_both_kinds_of_ligand_are_known() -> None:
    assert {"W5O18", "A-alpha-SiW9O34", "citrate", "PVP", "thiolate"} <= set(list_ligands())


def test_support_is_a_ligand_of_which_nothing_is_predicted() -> None:
    assert "graphene" in list_ligands()
    with pytest.raises(NotComputedError, match="pomdft run --ligand graphene --metal Au"):
        pomdft.affinity("graphene", "Au", level="test-level")
    with pytest.raises(NotComputedError, match="graphene is a support"):
        pomdft.predict_ordering("Au", "Pd", "graphene", 0.5)


def test_builders_are_public() -> None:
    pom = pomdft.build_pom("W5O18", charge_model="protonated")
    assert pom.composition.reduced_formula
    assert pom.charge == 0
    complexes = pomdft.build_complexes("W5O18", "Au", cluster="M1")
    assert complexes
    assert complexes[0].composition["Au"] == 1


def test_another_name_of_a_pom_finds_its_results(own_settings: Path) -> None:
    expected = stored(own_settings, 5, ligand="alpha2-P2W17O61")
    assert pomdft.affinity("P2W17O61", "Au", level="test-level") == expected
    table = pomdft.affinities(ligand="P2W17O61", level="test-level")
    assert list(table["ligand"]) == ["alpha2-P2W17O61"]
    with pytest.raises(UnknownNameError, match="alpha2-P2W17O61"):
        pomdft.affinity("P2W17O62", "Au")
