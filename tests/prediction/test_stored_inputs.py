"""What predictions take from the store: DFT segregation energies and d-bands under a ligand."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import pomdft
from pomdft.cli import activity as activity_cli
from pomdft.errors import InputError, NotComputedError
from pomdft.prediction.activity import predict_activity
from pomdft.schemas.dband import DBand, DBandSite
from pomdft.schemas.level import Level
from pomdft.schemas.segregation import SegregationEnergyDocument
from pomdft.store.documents import save_document

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


def store_band(root: Path, metal: str, center_ev: float, ligand: str | None, level: Level = LEVEL):
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
    save_document(
        root,
        DBand(
            key=f"{metal}-{ligand}-{level.name}".lower().ljust(24, "0"),
            metal=metal,
            facet="M4",
            ligand=ligand,
            level=level,
            center_ev=center_ev,
            width_ev=1.0,
            filling=0.9,
            upper_edge_ev=0.0,
            window_center_ev=center_ev,
            range_ev=(-10.0, 5.0),
            window_ev=(-7.0, 1.0),
            sites=(site,),
            calculations={"complex": "c" * 24},
        ),
    )


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


def test_shift_by_the_ligand_is_that_of_the_stored_clusters(own_settings: Path) -> None:
    for metal, bare, held in (("Au", -3.0, -3.2), ("Pd", -1.5, -1.4)):
        store_band(own_settings, metal, bare, None)
        store_band(own_settings, metal, held, "W5O18")
    stored = pomdft.predict_activity({"Au": 1, "Pd": 1}, ligand="W5O18")
    by_hand = predict_activity(
        {"Au": 1, "Pd": 1}, ligand="W5O18", ligand_d_shift_ev={"Au": -0.2, "Pd": 0.1}
    )
    bare = pomdft.predict_activity({"Au": 1, "Pd": 1})
    assert stored.descriptors_ev["o"] == pytest.approx(by_hand.descriptors_ev["o"])
    assert stored.descriptors_ev["o"] != pytest.approx(bare.descriptors_ev["o"], abs=0.005)
    assert "test-level" in stored.source
    assert "given" in by_hand.source


def test_d_bands_of_different_levels_are_not_subtracted(own_settings: Path) -> None:
    store_band(own_settings, "Pd", -1.5, None)
    store_band(own_settings, "Pd", -1.4, "Mo5O18", Level(name="other", method="emt"))
    with pytest.raises(NotComputedError, match="pomdft metal ensemble Mo5O18 Pd"):
        pomdft.predict_activity({"Pd": 1}, ligand="Mo5O18")


def test_levels_that_only_share_a_name_are_not_subtracted(own_settings: Path) -> None:
    store_band(own_settings, "Pd", -1.5, None)
    changed = Level(name=LEVEL.name, method="emt", parameters={"asap_cutoff": True})
    store_band(own_settings, "Pd", -1.4, "Mo5O18", changed)
    with pytest.raises(NotComputedError, match="pomdft metal ensemble Mo5O18 Pd"):
        pomdft.predict_activity({"Pd": 1}, ligand="Mo5O18")


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
