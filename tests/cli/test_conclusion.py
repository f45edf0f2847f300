"""What is concluded at the end of a study: from its own models only."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

import pomdft
from pomdft.cli.conclusion import print_conclusion
from pomdft.cli.report import find_study_affinities
from pomdft.schemas.study import Study
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore

pytestmark = pytest.mark.usefixtures("own_settings")


def study(**changes: object) -> Study:
    fields = {"name": "pair", "ligands": "W5O18", "metals": ["Au", "Ag"], "level": "lcao"}
    return Study.from_fields(fields | changes)


def test_affinities_are_those_of_the_models_of_the_study() -> None:
    usual = find_study_affinities(study())["W5O18"]
    assert [a.key for a in usual] == [pomdft.affinity("W5O18", m).key for m in ("Au", "Ag")]
    for changes in ({"sites": "edge"}, {"charge_models": "solvated"}, {"clusters": "M38"}):
        assert find_study_affinities(study(**changes)) == {"W5O18": []}


def test_conclusion_is_that_of_the_prediction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(file=io.StringIO(), width=200)
    # Invented energies of another charge model, that turn the order of the two over.
    store = ResultStore(load_settings().store)
    for metal, energy_ev in (("Au", -9.0), ("Ag", -8.0)):
        shipped = pomdft.affinity("W5O18", metal)
        model = shipped.model.model_copy(update={"charge_model": "solvated"})
        fields = {"key": metal.lower() * 12, "model": model, "energy_ev": energy_ev}
        store.save_affinity(shipped.model_copy(update={**fields, "source": "store"}))
    print_conclusion(study(), tmp_path, console)
    shown = " ".join(capsys.readouterr().out.split())
    answer = pomdft.predict_ordering("Au", "Ag", "W5O18")
    assert " ".join(answer.reason.split()) in shown
    assert f"{answer.surface_fraction:.3f}" in shown
    # The usual model is the one with protons; what is known of the other goes with it.
    caution = "charge model solvated (lcao) holds Au more tightly than Ag"
    assert "Caution: charge model" in shown
    assert caution in shown
    assert caution in (tmp_path / "pair.html").read_text()


def test_without_affinities_of_the_model_nothing_is_concluded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = io.StringIO()
    print_conclusion(study(sites="edge"), tmp_path, Console(file=told, width=200))
    assert not capsys.readouterr().out
    assert "No report: No ligand of the study pair has affinities" in told.getvalue()
    assert not list(tmp_path.iterdir())
