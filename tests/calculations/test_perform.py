from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pomdft.calculations import perform as module
from pomdft.calculations.communicator import SerialCommunicator
from pomdft.calculations.engines import SemiempiricalEngine
from pomdft.calculations.perform import free_megabytes, perform
from pomdft.calculations.progress import Progress, ignore_progress
from pomdft.calculations.worker import STATE_NAME, compute
from pomdft.errors import BusyError, ConvergenceError, LauncherError, StepLimitError
from pomdft.schemas.calculation import CalculationInput
from pomdft.schemas.level import Level
from pomdft.schemas.model import AtomicModel
from pomdft.settings import Settings
from pomdft.store.results import ResultStore

Make = Callable[..., CalculationInput]


def test_relaxation_with_emt(copper: Make, store: ResultStore, settings: Settings) -> None:
    heard: list[Progress] = []
    request = copper()
    result = perform(request, store, settings, heard.append)
    assert result.max_force_ev_per_angstrom <= 0.02
    assert result.n_steps == len(result.step_energies_ev) - 1 > 1
    assert result.step_energies_ev[-1] == result.energy_ev < result.step_energies_ev[0]
    positions = np.array(result.positions_angstrom)
    bonds = np.linalg.norm(positions[:, None] - positions, axis=2)[np.triu_indices(4, 1)]
    assert np.ptp(bonds) < 0.02
    assert [event.number for event in heard if event.kind == "step"] == list(
        range(result.n_steps + 1)
    )
    folder = store.folder(request.key)
    assert {p.name for p in folder.iterdir()} == {"input.json", "result.json", "driver.lock"}
    assert store.index.has_calculation(request.key)


def test_a_finished_calculation_is_not_repeated(
    copper: Make, store: ResultStore, settings: Settings
) -> None:
    request = copper("energy")
    first = perform(request, store, settings)
    path = store.folder(request.key) / "result.json"
    written = path.stat().st_mtime_ns
    second = perform(
        request.model_copy(update={"model": request.model.model_copy(update={"label": "b"})}),
        store,
        settings,
        lambda event: pytest.fail("something was computed"),
    )
    assert second == first
    assert path.stat().st_mtime_ns == written


def test_frozen_atoms_stay(copper: Make, store: ResultStore, settings: Settings) -> None:
    request = copper(frozen=(0, 2))
    result = perform(request, store, settings)
    moved = np.linalg.norm(np.array(result.positions_angstrom) - request.model.positions, axis=1)
    assert moved[[0, 2]].max() == 0
    assert moved[[1, 3]].min() > 0
    free = np.linalg.norm(np.array(result.forces_ev_per_angstrom)[[1, 3]], axis=1).max()
    assert result.max_force_ev_per_angstrom == pytest.approx(free)


def test_interrupted_relaxation_goes_on_from_its_last_step(
    copper: Make, store: ResultStore, settings: Settings
) -> None:
    request = copper()
    expected = compute(
        request, store.root / "whole", SemiempiricalEngine(request), SerialCommunicator(),
        ignore_progress,
    )  # fmt: skip
    folder = store.begin(request)

    def interrupt(event: Progress) -> None:
        if event.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        perform(request, store, settings, interrupt)
    assert (folder / STATE_NAME).exists()
    assert not (folder / "failure.json").exists()
    assert not store.is_running(request.key)
    heard: list[Progress] = []
    result = perform(request, store, settings, heard.append)
    assert "continuing the relaxation after step 1" in str(heard[0])
    assert heard[1].number == 2
    assert result.step_energies_ev == expected.step_energies_ev
    assert result.positions_angstrom == expected.positions_angstrom
    assert not (folder / STATE_NAME).exists()


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip", None])
def test_a_damaged_checkpoint_costs_only_time(
    copper: Make, store: ResultStore, settings: Settings, damage: bytes | None
) -> None:
    request = copper()

    def interrupt(event: Progress) -> None:
        if event.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        perform(request, store, settings, interrupt)
    path = store.folder(request.key) / STATE_NAME
    path.write_bytes(path.read_bytes()[:-40] if damage is None else damage)
    result = perform(request, store, settings)
    assert result.max_force_ev_per_angstrom <= 0.02


def test_too_few_steps_is_not_for_good(
    copper: Make, store: ResultStore, settings: Settings
) -> None:
    for steps in (2, 4):
        with pytest.raises(StepLimitError, match=f"after {steps} steps.*for 2 steps more"):
            perform(copper(relaxation={"max_steps": 2}), store, settings)
    failure = store.find_failure(copper().key)
    assert failure is not None
    assert (failure.kind, failure.permanent) == ("StepLimitError", False)
    assert store.index.count()["calculation"] == 0
    heard: list[Progress] = []
    result = perform(copper(relaxation={"max_steps": 200}), store, settings, heard.append)
    assert heard[1].number == 4
    assert result.n_steps > 4
    assert store.find_failure(copper().key) is None


@pytest.fixture
def hopeless(water: AtomicModel) -> CalculationInput:
    """An xTB calculation that may take one SCF iteration."""
    level = Level(
        name="hopeless", method="tblite", parameters={"method": "GFN1-xTB", "max_iterations": 1}
    )
    return CalculationInput.create("energy", water, level)


def test_unconverged_is_for_good_and_no_result(
    hopeless: CalculationInput, store: ResultStore, settings: Settings
) -> None:
    with pytest.raises(ConvergenceError, match="xTB calculation failed"):
        perform(hopeless, store, settings)
    folder = store.folder(hopeless.key)
    failure = json.loads((folder / "failure.json").read_text())
    assert failure["kind"] == "ConvergenceError"
    assert failure["permanent"] is True
    assert not (folder / "result.json").exists()
    assert store.index.count()["calculation"] == 0
    with pytest.raises(ConvergenceError, match="failed before") as caught:
        perform(hopeless, store, settings)
    assert "--retry" in str(caught.value)
    with pytest.raises(ConvergenceError, match="xTB calculation failed"):
        perform(hopeless, store, settings, retry=True)


def test_two_drivers_never_compute_one_key(
    copper: Make, store: ResultStore, settings: Settings
) -> None:
    request = copper("energy")
    with store.lock(request.key), pytest.raises(BusyError, match="another process"):
        perform(request, store, settings)
    assert perform(request, store, settings).converged


def test_a_missing_launcher_is_not_held_against_the_calculation(
    water: AtomicModel, store: ResultStore
) -> None:
    level = Level(name="g", method="gpaw", parameters={"mode": "lcao"})
    cell = ((8.0, 0, 0), (0, 8.0, 0), (0, 0, 8.0))
    request = CalculationInput.create(
        "energy", water.model_copy(update={"cell_angstrom": cell}), level
    )
    settings = Settings(store=store.root, launcher="/nonexistent/mpiexec")
    with pytest.raises(LauncherError, match="/nonexistent/mpiexec") as caught:
        perform(request, store, settings)
    assert "POMDFT_LAUNCHER=none" in str(caught.value)
    assert store.find_failure(request.key) is None


def test_a_crash_of_the_process_may_be_tried_again(
    water: AtomicModel, store: ResultStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    level = Level(name="g", method="gpaw", parameters={"mode": "lcao"})
    request = CalculationInput.create("energy", water, level)
    crash: list[Any] = ["sh", "-c", "echo something; echo 'RuntimeError: no luck' >&2; exit 7"]
    monkeypatch.setattr(module, "gpaw_command", lambda *_: crash)
    with pytest.raises(module.CalculationError, match=r"status 7: RuntimeError: no luck"):
        perform(request, store, settings)
    failure = store.find_failure(request.key)
    assert failure is not None
    assert not failure.permanent


def test_free_space_of_a_folder_to_be(store: ResultStore) -> None:
    usage = os.statvfs("/tmp")
    assert 0 < free_megabytes(store.root / "a" / "b") < usage.f_blocks * usage.f_frsize / 1e6
