"""What predictions take from the store: DFT segregation energies and d-bands under a ligand."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import pomdft
from pomdft.cli import activity as activity_cli
from pomdft.errors import InputError, NotComputedError, UnknownNameError
from pomdft.prediction.activity import predict_activity
from pomdft.prediction.defaults import known_affinities
from pomdft.prediction.queries import find_affinities
from pomdft.prediction.stored import collect_ligand_shifts
from pomdft.schemas.affinity import Affinity, AffinityModel
from pomdft.schemas.base import canonical_hash
from pomdft.schemas.dband import DBand, DBandSite
from pomdft.schemas.level import Level
from pomdft.schemas.segregation import SegregationEnergyDocument
from pomdft.settings import load_settings
from pomdft.store.documents import load_reference_documents, save_document
from pomdft.store.results import ResultStore

LEVEL = Level(name="test-level", method="emt")


def store_segregation(root: Path, host: str, solute: str, energy_ev: float, facet: str = "111"):
    save_document(
        root,
        SegregationEnergyDocument(
            key=f"{host}{solute}".lower().ljust(24, "0"),
            host=host,
            solute=solute,
            facet=facet,
            layers=4,
            repeat=(2, 2),
            level=LEVEL,
            energy_ev=energy_ev,
            relaxed=True,
            lattice_constant_angstrom=4.0,
            calculations={"surface": "a" * 24, "inside": "b" * 24},
        ),
    )


def store_affinity(
    root: Path,
    metal: str,
    shift_ev: float,
    ligand: str = "W5O18",
    level: Level = LEVEL,
    roles: tuple[str, ...] = ("cluster", "complex"),
    **model: str,
) -> Affinity:
    """Keep an invented affinity with the d-bands of its cluster, that shift by so much."""
    name = "-".join((metal, ligand, level.title, *model.values()))
    points = {
        f"ensemble-{role}": canonical_hash({role: name})
        for role in ("complex", "ligand", "cluster")
    }
    affinity = Affinity(
        key=canonical_hash({"affinity": name}),
        model=AffinityModel(ligand=ligand, metal=metal, **model),
        level=level,
        energy_ev=-2.0,
        interaction_energy_ev=-2.0,
        reorganisation_ligand_ev=0.0,
        reorganisation_metal_ev=0.0,
        contacts=4,
        calculations={"complex": canonical_hash({"minimum": name})} | points,
        relaxed=True,
    )
    ResultStore(root).save_affinity(affinity)
    for role in roles:
        center_ev = -2.0 + (shift_ev if role == "complex" else 0.0)
        point = points[f"ensemble-{role}"]
        site = DBandSite(
            index=0,
            symbol=metal,
            weight=9.0,
            center_ev=center_ev,
            width_ev=1.0,
            filling=0.9,
            upper_edge_ev=0.0,
            window_center_ev=center_ev,
            window_width_ev=1.0,
        )
        band = DBand(
            key=canonical_hash({"d-band": point}),
            metal=metal,
            facet=affinity.model.cluster,
            ligand=ligand if role == "complex" else None,
            level=level,
            center_ev=center_ev,
            width_ev=1.0,
            filling=0.9,
            upper_edge_ev=0.0,
            window_center_ev=center_ev,
            range_ev=(-10.0, 5.0),
            window_ev=(-7.0, 1.0),
            sites=(site,),
            calculations={role: point},
        )
        save_document(root, band)
    return affinity


def test_stored_segregation_energies_are_used_and_named(own_settings: Path) -> None:
    assert pomdft.segregation_energy("Rh", "Ir").source == "model"
    store_segregation(own_settings, "Rh", "Ir", 0.44)
    found = pomdft.segregation_energy("Rh", "Ir")
    assert (found.energy_ev, found.source) == (0.44, "dft")
    assert pomdft.segregation_energy("Rh", "Ir", "100").source == "model"


def test_own_segregation_energies_go_before_shipped_ones(own_settings: Path) -> None:
    assert pomdft.segregation_energy("Cu", "Ag").source == "dft"
    store_segregation(own_settings, "Cu", "Ag", -0.44)
    assert pomdft.segregation_energy("Cu", "Ag").energy_ev == -0.44


def test_close_packed_hcp_energies_answer_to_111_too(own_settings: Path) -> None:
    store_segregation(own_settings, "Ru", "Pt", -0.9, facet="0001")
    for facet in ("0001", "111"):
        assert pomdft.segregation_energy("Ru", "Pt", facet).energy_ev == -0.9


def test_ordering_takes_stored_energies_of_both_directions(own_settings: Path) -> None:
    fast = {"n_members": 12, "n_sweeps": 30, "n_atoms": 147}
    assert pomdft.predict_ordering("Pt", "Ni", **fast).shell == "Pt"
    # Invented energies that turn the pair over.
    store_segregation(own_settings, "Pt", "Ni", -0.9)
    store_segregation(own_settings, "Ni", "Pt", 0.9)
    found = pomdft.predict_ordering("Pt", "Ni", **fast)
    assert (found.shell, found.source) == ("Ni", "dft")
    assert "segregation energies: dft" in found.provenance


def shifts_of(ligand: str, *metals: str) -> dict[str, float]:
    root = load_settings().store
    found = collect_ligand_shifts(root, find_affinities(ligand=ligand), ligand, metals)
    return {metal: shift.shift_ev for metal, shift in found.items()}


def test_shift_by_the_ligand_is_that_of_the_stored_clusters(own_settings: Path) -> None:
    for metal, shift in (("Au", -0.2), ("Pd", 0.1)):
        store_affinity(own_settings, metal, shift, "Mo5O18")
    stored = pomdft.predict_activity({"Au": 1, "Pd": 1}, ligand="Mo5O18")
    by_hand = predict_activity(
        {"Au": 1, "Pd": 1}, ligand="Mo5O18", ligand_d_shift_ev={"Au": -0.2, "Pd": 0.1}
    )
    bare = pomdft.predict_activity({"Au": 1, "Pd": 1})
    assert stored.descriptors_ev["o"] == pytest.approx(by_hand.descriptors_ev["o"])
    assert stored.descriptors_ev["o"] != pytest.approx(bare.descriptors_ev["o"], abs=0.005)
    assert "test-level" in stored.source
    assert "given" in by_hand.source


@pytest.mark.parametrize(
    "model", [{"cluster": "M1"}, {"site": "terminal-face"}, {"charge_model": "alkali"}]
)
def test_shifts_of_another_model_do_not_replace_those_of_the_usual_one(
    own_settings: Path, model: dict[str, str]
) -> None:
    for metal in ("Au", "Pd"):
        store_affinity(own_settings, metal, -0.2, "Mo5O18")
        store_affinity(own_settings, metal, 0.7, "Mo5O18", **model)
    assert shifts_of("Mo5O18", "Au", "Pd") == pytest.approx({"Au": -0.2, "Pd": -0.2})
    cluster = model.get("cluster", "M4")
    expected = -2.2 if cluster == "M4" else -1.3
    assert pomdft.d_band("Au", cluster, "Mo5O18").center_ev == pytest.approx(expected)


@pytest.mark.parametrize(
    "other",
    [
        Level(name="other", method="emt"),
        Level(name=LEVEL.name, method="emt", parameters={"asap_cutoff": True}),
    ],
)
def test_d_bands_of_different_levels_are_not_subtracted(own_settings: Path, other: Level) -> None:
    """Nor where the levels only share a name."""
    store_affinity(own_settings, "Pd", 0.1, "Mo5O18", roles=("cluster",))
    store_affinity(own_settings, "Pd", 0.1, "Mo5O18", other, roles=("complex",))
    with pytest.raises(NotComputedError, match="pomdft metal ensemble Mo5O18 Pd"):
        pomdft.predict_activity({"Pd": 1}, ligand="Mo5O18")


def test_shifts_of_two_metals_are_of_one_level(own_settings: Path) -> None:
    store_affinity(own_settings, "Au", 0.1, "Mo5O18")
    store_affinity(own_settings, "Pd", 0.1, "Mo5O18", Level(name="other", method="emt"))
    with pytest.raises(NotComputedError, match="pomdft metal ensemble Mo5O18"):
        shifts_of("Mo5O18", "Au", "Pd")


def test_shifts_of_two_metals_are_of_one_model(own_settings: Path) -> None:
    store_affinity(own_settings, "Au", -0.2, "Mo5O18")
    for metal in ("Au", "Pd"):
        store_affinity(own_settings, metal, 0.7, "Mo5O18", site="terminal-face")
    assert shifts_of("Mo5O18", "Au", "Pd") == pytest.approx({"Au": 0.7, "Pd": 0.7})
    assert shifts_of("Mo5O18", "Au") == pytest.approx({"Au": -0.2})
    store_affinity(own_settings, "Pt", 0.7, "Mo5O18", charge_model="alkali")
    with pytest.raises(NotComputedError, match="pomdft metal ensemble Mo5O18 Pt"):
        shifts_of("Mo5O18", "Au", "Pt", "Pd")


def test_charge_model_chooses_the_d_bands(own_settings: Path) -> None:
    for metal in ("Au", "Pd"):
        store_affinity(own_settings, metal, -0.2, "Mo5O18")
        store_affinity(own_settings, metal, 0.7, "Mo5O18", charge_model="alkali")
    assert pomdft.d_band("Au", "M4", "Mo5O18").center_ev == pytest.approx(-2.2)
    found = pomdft.d_band("Au", "M4", "Mo5O18", charge_model="alkali")
    assert found.center_ev == pytest.approx(-1.3)
    usual, sodium = (
        pomdft.predict_activity({"Au": 1, "Pd": 1}, ligand="Mo5O18", charge_model=model)
        for model in (None, "alkali")
    )
    difference = sodium.d_band_shift_ev["Pd"] - usual.d_band_shift_ev["Pd"]
    assert difference == pytest.approx(0.9)
    assert "alkali" in sodium.source
    command = "pomdft metal ensemble Mo5O18 Pt --charge-model alkali"
    store_affinity(own_settings, "Pt", 0.1, "Mo5O18")
    with pytest.raises(NotComputedError, match=command):
        pomdft.d_band("Pt", "M4", "Mo5O18", charge_model="alkali")
    with pytest.raises(NotComputedError, match=command):
        pomdft.predict_activity({"Pt": 1}, ligand="Mo5O18", charge_model="alkali")


def test_charge_model_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="Charge model alkali"):
        pomdft.d_band("Au", charge_model="alkali")
    with pytest.raises(InputError, match="Charge model alkali"):
        pomdft.predict_activity({"Au": 1}, charge_model="alkali")
    with pytest.raises(UnknownNameError, match="alkali"):
        pomdft.d_band("Au", "M4", "W5O18", charge_model="alkalai")
    with pytest.raises(UnknownNameError, match="alkali"):
        pomdft.predict_activity({"Au": 1}, ligand="W5O18", charge_model="alkalai")


def test_ligand_without_charge_answers_for_every_charge_model() -> None:
    usual, asked = (known_affinities("PVP", ("Au", "Ag"), model) for model in (None, "alkali"))
    assert usual == asked
    assert pomdft.affinity("PVP", "Au", charge_model="alkali") == pomdft.affinity("PVP", "Au")
    with pytest.raises(NotComputedError, match=r"thiolate .*--charge-model alkali"):
        known_affinities("thiolate", ("Au", "Ag"), "alkali")


def test_command_of_a_missing_d_band_names_the_model_that_answers(own_settings: Path) -> None:
    store_affinity(own_settings, "Pt", 0.7, "Mo5O18", roles=("cluster",), charge_model="alkali")
    command = "pomdft metal ensemble Mo5O18 Pt --charge-model alkali --level"
    with pytest.raises(NotComputedError, match=command):
        shifts_of("Mo5O18", "Pt")
    with pytest.raises(NotComputedError, match=command):
        pomdft.d_band("Pt", "M4", "Mo5O18")


def test_shipped_shifts_are_those_of_the_shipped_affinities() -> None:
    gold = pomdft.affinity("W5O18", "Au")
    bands = {
        role: next(
            band
            for band in load_reference_documents(DBand)
            if gold.calculations[f"ensemble-{role}"] in band.calculations.values()
        )
        for role in ("complex", "cluster")
    }
    shift = bands["complex"].center_ev - bands["cluster"].center_ev
    assert shifts_of("W5O18", "Au") == pytest.approx({"Au": shift})


def test_activity_command_takes_a_shift_by_hand() -> None:
    app = typer.Typer()
    app.command()(activity_cli.activity)
    shown = CliRunner().invoke(
        app,
        [
            "Au",
            "Pd",
            "--ligand",
            "W5O18",
            "--d-shift",
            "Au=-0.1",
            "--d-shift",
            "Pd=0.1",
            "--blocked",
            "0.5",
            "--format",
            "json",
        ],
    )
    assert shown.exit_code == 0, shown.exception
    row = json.loads(shown.stdout)[0]
    assert row["ligand"] == "W5O18"
    free = predict_activity({"Au": 1, "Pd": 1}, ligand_d_shift_ev={"Au": -0.1, "Pd": 0.1})
    assert row["relative_rate"] == pytest.approx(0.5 * free.relative_rate)


@pytest.mark.parametrize(
    "shifts", [{"Au": -0.1}, {"Au": float("nan"), "Pd": 0.0}, {"Au": 30.0, "Pd": 0.0}]
)
def test_bad_shifts_are_named(shifts: dict[str, float]) -> None:
    with pytest.raises(InputError, match="ligand_d_shift_ev"):
        predict_activity({"Au": 1, "Pd": 1}, ligand_d_shift_ev=shifts)
