"""`pomdft metal`: an input file from the first calculation to the table."""

import json

import pytest
from typer.testing import CliRunner

from pomdft.cli.metal import app
from pomdft.errors import InputError, UnknownNameError

EMT = """
  preset: xtb
  overrides:
    name: emt
    method: emt
    relaxation: {hessian: unit, max_steps: 300}
    parameters: {method: null, accuracy: null, electronic_temperature: null, max_iterations: null}
"""
STUDY = f"""
name: test
kind: segregation
metals: [Cu, Ag]
layers: 3
level: {EMT}
bulk_level: {EMT}
"""


@pytest.fixture
def runner(tmp_path, monkeypatch):
    monkeypatch.setenv("POMDFT_STORE", str(tmp_path / "store"))
    return CliRunner()


def test_study_runs_and_runs_again_from_the_store(runner, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    first = runner.invoke(app, ["run", str(path), "--format", "json"], catch_exceptions=False)
    assert first.exit_code == 0
    rows = json.loads(first.stdout)
    assert [(row["host"], row["solute"], row["facet"]) for row in rows] == [
        ("Cu", "Ag", "111"),
        ("Ag", "Cu", "111"),
    ]
    assert rows[0]["energy_ev"] < 0 < rows[1]["energy_ev"]
    assert all(row["relaxed"] for row in rows)
    again = runner.invoke(app, ["run", str(path), "--format", "json"], catch_exceptions=False)
    assert json.loads(again.stdout) == rows
    assert "computing" not in again.stderr
    table = runner.invoke(app, ["run", str(path)], catch_exceptions=False).stdout
    assert "negative = the solute goes to the surface" in " ".join(table.split())


def test_misspelt_key_and_wrong_metal_are_named(runner, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.replace("metals:", "metal:"))
    with pytest.raises(UnknownNameError, match="Did you mean 'metals'"):
        runner.invoke(app, ["run", str(path)], catch_exceptions=False)
    path.write_text(STUDY.replace("kind: segregation", "kind: segregate"))
    with pytest.raises(InputError, match="kind"):
        runner.invoke(app, ["run", str(path)], catch_exceptions=False)
    with pytest.raises(UnknownNameError, match="fcc or hcp metal"):
        runner.invoke(app, ["bulk", "Fe"], catch_exceptions=False)
