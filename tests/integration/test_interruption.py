"""A study that is killed at any moment and started again: nothing repeated, the same table."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program_processes import Program, find_processes, wait_for_silence

Start = Callable[..., Program]

RUN = ("-m", "pomdft.cli.main", "run")
XTB_STUDY = """
name: small
ligands: thiolate
metals: Au
clusters: M1
level:
  preset: xtb
  overrides: {name: tight, relaxation: {fmax_ev_per_angstrom: 0.02, hessian: unit}}
"""
HYDROGEN = Path(__file__).with_name("hydrogen.py")


def results(store: Path) -> dict[str, int]:
    """Return key -> time of writing of every finished calculation."""
    paths = store.glob("calculations/*/result.json")
    return {path.parent.name: path.stat().st_mtime_ns for path in paths}


def relaxing(store: Path, steps: int) -> Callable[[], bool]:
    """Return a question: is a relaxation under way that has made so many steps?"""

    def ask() -> bool:
        return any(len(energies) >= steps for energies in saved_steps(store).values())

    return ask


def saved_steps(store: Path) -> dict[str, list[float]]:
    """Return key -> energies of the steps of relaxations that are under way."""
    found = {}
    for path in store.glob("calculations/*/relaxation.npz"):
        if (path.parent / "result.json").exists():
            continue
        try:
            with np.load(path) as data:
                found[path.parent.name] = [float(e) for e in data["energies_ev"]]
        except OSError:
            continue
    return found


def finish(start: Start, study: Path, store: Path) -> tuple[list[dict[str, Any]], Program]:
    """Run a study to its end; return its table."""
    program = start([*RUN, study, "--format", "json"], store)
    output = program.wait()
    assert program.process.returncode == 0, program.words
    return json.loads(output), program


def assert_same_table(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    assert [row["metal"] for row in first] == [row["metal"] for row in second]
    for one, other in zip(first, second, strict=True):
        for name, value in one.items():
            if isinstance(value, float):
                assert other[name] == pytest.approx(value, abs=1e-3), name
            elif name != "key":
                assert other[name] == value, name


@pytest.mark.timeout(900)
def test_killed_xtb_study_goes_on(start: Start, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(XTB_STUDY)
    expected, _ = finish(start, study, tmp_path / "whole")
    store = tmp_path / "store"
    moments: list[Callable[[], bool]] = [
        relaxing(store, 2),
        lambda: len(results(store)) >= 1,
        lambda: len(results(store)) >= 2 and relaxing(store, 2)(),
    ]
    finished: dict[str, int] = {}
    steps: dict[str, list[float]] = {}
    for happened in moments:
        program = start([*RUN, study], store)
        if not program.wait_until(happened):
            break
        program.send(signal.SIGKILL)
        now = results(store)
        assert {k: now[k] for k in finished} == finished
        finished = now
        steps |= saved_steps(store)
    assert finished
    assert steps
    table, program = finish(start, study, store)
    assert_same_table(expected, table)
    after = results(store)
    assert {k: after[k] for k in finished} == finished
    assert len(after) == len(results(tmp_path / "whole"))
    # Every relaxation that was cut short kept its steps.
    for key, energies in steps.items():
        result = json.loads((store / "calculations" / key / "result.json").read_text())
        assert result["step_energies_ev"][: len(energies)] == pytest.approx(energies, abs=1e-6)
    assert not wait_for_silence(store)
    # Nothing is left to do: once more, and nothing is written.
    again, _ = finish(start, study, store)
    assert again == table
    assert results(store) == after


def test_a_relaxation_says_that_it_goes_on(start: Start, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(XTB_STUDY)
    store = tmp_path / "store"
    first = start([*RUN, study], store)
    assert first.wait_until(relaxing(store, 2))
    first.send(signal.SIGKILL)
    (key, energies), *_ = saved_steps(store).items()
    _, second = finish(start, study, store)
    assert f"continuing the relaxation after step {len(energies) - 1}" in second.words
    result = json.loads((store / "calculations" / key / "result.json").read_text())
    assert result["step_energies_ev"][: len(energies)] == pytest.approx(energies, abs=1e-6)


def test_ctrl_c_is_one_line(start: Start, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(XTB_STUDY)
    store = tmp_path / "store"
    program = start([*RUN, study], store)
    assert program.wait_until(relaxing(store, 1))
    program.send(signal.SIGINT)
    assert program.process.returncode == 130
    assert "interrupted; finished results are kept" in program.words
    assert "Traceback" not in program.words


@pytest.mark.gpaw
@pytest.mark.timeout(1500)
@pytest.mark.skipif(shutil.which("mpiexec") is None, reason="no MPI launcher")
def test_killed_gpaw_goes_on_and_leaves_no_ranks(start: Start, tmp_path: Path) -> None:
    store = tmp_path / "store"

    def run(folder: Path = store) -> Program:
        return start([HYDROGEN, folder, 2], folder)

    # Mid relaxation, while two ranks compute.
    program = run()
    assert program.wait_until(relaxing(store, 2)), program.words
    assert len(find_processes(store)) >= 4
    program.send(signal.SIGKILL)
    assert not wait_for_silence(store)
    ((key, energies),) = saved_steps(store).items()
    assert not results(store)
    # It goes on, and is killed again after the first of two calculations.
    program = run()
    assert program.wait_until(lambda: len(results(store)) == 1), program.words
    program.send(signal.SIGKILL)
    assert not wait_for_silence(store)
    assert "continuing from the saved electron density" in program.words
    assert f"continuing the relaxation after step {len(energies) - 1}" in program.words
    finished = results(store)
    assert list(finished) == [key]
    logs = sorted((store / "calculations" / key).iterdir())
    # Ctrl-C while the second one is computed; its checkpoints are then cut in half.
    program = run()
    assert program.wait_until(relaxing(store, 1)), program.words
    program.send(signal.SIGINT)
    assert not wait_for_silence(store)
    ((second, _),) = saved_steps(store).items()
    folder = store / "calculations" / second
    assert not (folder / "result.json").exists()
    for name in ("scf.gpw", "relaxation.npz"):
        path = folder / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    program = run()
    table = json.loads(program.wait())
    assert "continuing" not in program.words
    assert (folder / "scf.damaged").exists()
    assert results(store)[key] == finished[key]
    assert sorted((store / "calculations" / key).iterdir()) == logs
    result = json.loads((store / "calculations" / key / "result.json").read_text())
    assert result["step_energies_ev"][: len(energies)] == pytest.approx(energies, abs=1e-9)
    whole = run(tmp_path / "whole")
    expected = json.loads(whole.wait())
    assert table == pytest.approx(expected, abs=1e-3)
