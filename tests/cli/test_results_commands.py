"""`pomdft run`, `affinities`, `show`, `status` and `store` on one small study."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pomdft.schemas.calculation import CalculationFailure
from pomdft.store.results import ResultStore

Run = Callable[..., Any]
ARGUMENTS = ("run", "--ligand", "thiolate", "--metal", "Au", "--cluster", "M1", "--level", "xtb")


def test_dry_run_runs_nothing(pomdft: Run, own_settings: Path) -> None:
    answer = pomdft(*ARGUMENTS, "--dry-run", "--format", "json")
    assert answer.status == 0
    rows = json.loads(answer.out)
    assert [row["role"] for row in rows] == [
        "ligand",
        "cluster",
        "complex",
        "frozen-ligand",
        "frozen-cluster",
    ]
    assert all(row["atoms"] > 0 and row["electrons"] > 0 for row in rows)
    assert rows[2]["atoms"] == rows[0]["atoms"] + 1
    assert rows[2]["electrons"] == rows[0]["electrons"] + 79
    assert all("xtb#" in row["level"] and "(model)" in row["cost"] for row in rows)
    assert not own_settings.exists()


def test_dry_run_of_gpaw_needs_no_gpaw(
    pomdft: Run, own_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POMDFT_LAUNCHER", "/nonexistent/mpiexec")
    answer = pomdft(*ARGUMENTS[:-1], "lcao", "--dry-run", "--cores", "4")
    assert answer.status == 0
    assert "calculations on 4 cores" in answer.out
    assert "ghost-ligand" in answer.out
    assert not own_settings.exists()


def test_from_run_to_show(pomdft: Run, own_settings: Path) -> None:
    answer = pomdft(*ARGUMENTS, "--format", "json")
    assert answer.status == 0, answer.err
    (row,) = json.loads(answer.out)
    assert row["energy_ev"] < 0
    assert row["std_ev"] is None
    assert "[5/5]" in answer.err
    listed = pomdft("affinities", "--ligand", "thiolate", "--level", "xtb", "--format", "csv")
    (line,) = csv.DictReader(io.StringIO(listed.out))
    assert float(line["energy_ev"]) == row["energy_ev"]
    assert line["key"] == row["key"]
    assert "negative = bound" in pomdft("affinities", "--level", "xtb").out
    shown = json.loads(pomdft("show", row["key"][:8], "--format", "json").out)
    energy = {role: part["energy_ev"] for role, part in shown["parts"].items()}
    difference = energy["complex"] - energy["ligand"] - energy["cluster"]
    assert difference == pytest.approx(row["energy_ev"], abs=1e-9)
    assert {part["state"] for part in shown["parts"].values()} == {"finished"}
    text = pomdft("show", row["key"]).out
    assert "binding energy in eV; negative = bound" in text
    part = shown["calculations"]["complex"]
    assert part in text
    assert str(own_settings) in pomdft("show", part).out
    assert "5 finished" in pomdft("status").out
    everything = json.loads(pomdft("status", "--all", "--format", "json").out)
    assert {entry["state"] for entry in everything} == {"finished"}
    assert "indexed 5 calculations and 1 affinities" in pomdft("store", "rebuild").out
    again = pomdft(*ARGUMENTS, "--format", "json")
    assert json.loads(again.out) == [row]
    assert again.err.count("already in the store") == 5


def test_status_tells_states_apart(pomdft: Run, own_settings: Path) -> None:
    assert pomdft(*ARGUMENTS).status == 0
    store = ResultStore(own_settings)
    failed, unfinished, running = store.calculation_keys()[:3]
    for key in (failed, unfinished, running):
        (store.folder(key) / "result.json").unlink()
    store.save_failure(
        CalculationFailure(key=failed, kind="ConvergenceError", message="why", permanent=True)
    )
    with store.lock(running):
        rows = json.loads(pomdft("status", "--format", "json").out)
    states = {row["key"]: (row["state"], row["detail"]) for row in rows}
    assert states[failed] == ("failed", "why")
    assert states[unfinished][0] == "unfinished"
    assert "run the study again" in states[unfinished][1]
    assert states[running][0] == "running"
    assert len(states) == 3


def test_store_path_follows_the_option(pomdft: Run, tmp_path: Path) -> None:
    assert pomdft("--store", tmp_path / "x", "store", "path").out.strip() == str(tmp_path / "x")


@pytest.mark.parametrize("command", ["run", "status", "affinities", "show"])
def test_help_has_an_example(pomdft: Run, command: str) -> None:
    answer = pomdft(command, "--help")
    assert answer.status == 0
    assert f"Example: pomdft {command}" in " ".join(answer.out.split())


def test_version(pomdft: Run) -> None:
    assert pomdft("--version").out.startswith("pomdft ")


def test_shipped_calculations_are_adopted_once(pomdft: Run, own_settings: Path) -> None:
    first = pomdft("store", "adopt")
    assert first.status == 0, first.err
    assert "0 were there already" in first.out
    assert "0 shipped calculations added" in pomdft("store", "adopt").out
    rows = json.loads(pomdft("affinities", "--ligand", "W5O18", "--format", "json").out)
    keys = [row["key"] for row in rows]
    assert len(keys) == len(set(keys)) >= 5
