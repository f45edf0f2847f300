"""From affinities in a real store to predictions and the report, through the commands."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import pomdft
from pomdft.cli import compare as compare_cli
from pomdft.cli import predict as predict_cli
from pomdft.cli import report as report_cli
from pomdft.errors import InputError, NotComputedError
from pomdft.schemas.affinity import Affinity, AffinityModel
from pomdft.schemas.beef import ensemble_coefficients
from pomdft.schemas.level import Level
from pomdft.store.results import ResultStore


def run(function, *arguments):
    app = typer.Typer()
    app.command()(function)
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def filled_store(own_settings: Path) -> Path:
    store = ResultStore(own_settings)
    first = ensemble_coefficients()[:, 0]
    terms = (0.2 / first.std(), *(0.0,) * 31)
    for number, (metal, energy) in enumerate((("Au", -1.6), ("Ag", -8.0))):
        store.save_affinity(
            Affinity(
                key=f"{number}" * 24,
                model=AffinityModel(ligand="W5O18", metal=metal),
                level=Level(name="lcao", method="emt"),
                energy_ev=energy,
                interaction_energy_ev=energy,
                reorganisation_ligand_ev=0.0,
                reorganisation_metal_ev=0.0,
                contacts=4,
                per_contact_ev=energy / 4,
                std_ev=0.2,
                beef_terms_ev=terms,
                calculations={"complex": "b" * 24},
                relaxed=True,
            )
        )
    return own_settings


@pytest.mark.usefixtures("filled_store")
def test_predict_reads_the_store():
    shown = run(
        predict_cli.predict,
        *("Au", "Ag", "--ligand", "W5O18", "--fraction", "0.6", "--format", "json"),
    )
    assert shown.exit_code == 0, shown.exception
    answer = json.loads(shown.stdout)
    assert answer["label"] == "core-shell"
    assert (answer["core"], answer["shell"]) == ("Au", "Ag")
    assert "Ag is held 1.60" in answer["reason"]


@pytest.mark.usefixtures("filled_store")
def test_compare_puts_stored_ligand_and_none_side_by_side():
    shown = run(
        compare_cli.compare,
        *("Au", "Ag", "--ligands", "W5O18", "none", "--atoms", "147", "--format", "json"),
    )
    assert shown.exit_code == 0, shown.exception
    rows = {row["ligand"]: row for row in json.loads(shown.stdout)}
    assert rows["W5O18"]["surface_fraction"] > rows["none"]["surface_fraction"] + 0.1


def test_compare_takes_a_charge_model():
    """The pyrrolidone has no charge: its affinities stand beside those with sodium ions."""
    words = ("Au", "Ag", "--ligands", "W5O18", "PVP", "none", "--atoms", "55", "--format", "json")
    sources = []
    for options in ((), ("--charge-model", "alkali")):
        shown = run(compare_cli.compare, *words, *options)
        assert shown.exit_code == 0, shown.exception
        rows = {row["ligand"]: row for row in json.loads(shown.stdout)}
        sources.append({name: row["provenance"] for name, row in rows.items()})
    usual, sodium = sources
    for metal in ("Au", "Ag"):
        keys = [
            pomdft.affinity("W5O18", metal, charge_model=m).key for m in ("protonated", "alkali")
        ]
        assert keys[0] in usual["W5O18"]
        assert keys[1] in sodium["W5O18"]
    assert sodium["PVP"] == usual["PVP"]


def test_charge_model_without_computed_affinities_is_refused_by_compare():
    options = ("--ligands", "none", "--charge-model", "alkali")
    assert isinstance(run(compare_cli.compare, "Au", "Ag", *options).exception, InputError)


@pytest.mark.usefixtures("filled_store")
def test_report_of_a_study(tmp_path):
    study = tmp_path / "study.yaml"
    study.write_text("name: small\nligands: W5O18\nmetals: [Au, Ag, Cu]\nlevel: lcao\n")
    page = tmp_path / "page.html"
    shown = run(report_cli.report, str(study), "-o", str(page), "--atoms", "55", "--members", "4")
    assert shown.exit_code == 0, shown.exception
    assert str(page) in shown.stdout
    text = page.read_text()
    assert "0" * 24 in text  # provenance leads to the calculation
    assert "Study small" in text


def test_empty_store_is_named(tmp_path):
    study = tmp_path / "study.yaml"
    study.write_text("name: small\nligands: alpha-SiW12O40\nmetals: [Hf, Ta]\nlevel: lcao\n")
    shown = run(report_cli.report, str(study))
    assert isinstance(shown.exception, NotComputedError)
