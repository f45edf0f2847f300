from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jobflow import Flow

from pomdft.errors import BusyError, LauncherError, StoreError
from pomdft.flows.bulk import BulkMaker
from pomdft.flows.bulk_ensemble import BulkEnsembleMaker
from pomdft.flows.ensemble import add_ensemble_to
from pomdft.flows.metals import run_metal_flows
from pomdft.flows.reporting import StoppingReporter, StudyStopped, current_reporter, reporting_to
from pomdft.flows.study import plan_study, run_study
from pomdft.schemas.bulk import BulkMetal
from pomdft.schemas.calculation import CalculationFailure, CalculationInput, CalculationResult
from pomdft.schemas.level import Level
from pomdft.schemas.study import Study
from pomdft.settings import Settings
from pomdft.store import files
from pomdft.store.results import ResultStore


class Notes:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, bool]] = []
        self.finished: list[str] = []
        self.failed: list[str] = []

    def begin(self, request: CalculationInput, *, stored: bool) -> None:
        self.begun.append((request.key, stored))

    def progress(self, event: Any) -> None:
        pass

    def finish(self, request: CalculationInput, result: CalculationResult) -> None:
        self.finished.append(request.key)

    def fail(self, label: str, error: Exception) -> None:
        self.failed.append(f"{label}: {error}")


def study(**changes: Any) -> Study:
    fields: dict[str, Any] = {
        "name": "small",
        "ligands": "thiolate",
        "metals": ["Au", "Ag"],
        "clusters": "M1",
        "level": "xtb",
    }
    return Study.from_fields(fields | changes)


def test_plan_then_run_then_nothing_left(own_settings: Path) -> None:
    settings = Settings(store=own_settings)
    plan = plan_study(study(), settings)
    planned = plan.list_calculations(settings)
    assert not own_settings.exists()
    # Two metals share the ligand: 1 ligand + 2 x (cluster, complex, two frozen fragments).
    assert len(planned) == plan.count_calculations() == 9
    assert sum(p.role == "ligand" for p in planned) == 1
    assert all(p.n_electrons > 0 and p.cost.seconds > 0 and not p.stored for p in planned)
    notes = Notes()
    outcome = run_study(plan, notes)
    assert outcome.missing == ()
    assert [a.metal for a in outcome.affinities] == ["Au", "Ag"]
    assert len(set(notes.finished)) == 9
    assert not notes.failed
    again = Notes()
    repeated = run_study(plan_study(study(), settings), again)
    assert all(stored for _, stored in again.begun)
    assert repeated.affinities == outcome.affinities
    minima = [p for p in plan.list_calculations(settings) if p.key]
    assert minima
    assert all(p.stored for p in minima)


def test_one_that_fails_is_skipped_with_its_reason(own_settings: Path) -> None:
    settings = Settings(store=own_settings)
    level = {"preset": "xtb", "overrides": {"parameters": {"max_iterations": 1}}}
    notes = Notes()
    outcome = run_study(plan_study(study(level=level, metals="Au"), settings), notes)
    assert outcome.affinities == ()
    assert outcome.missing == ("thiolate + Au, vacancy, protonated",)
    assert "xTB calculation failed" in notes.failed[0]
    assert ResultStore(own_settings).affinities() == []


def test_a_pose_that_fails_leaves_the_other(tmp_path: Path) -> None:
    def run(place: str, failing: tuple[str, ...], *, retry: bool = False) -> tuple[Any, Notes]:
        settings, notes = Settings(store=tmp_path / place), Notes()
        store = ResultStore(settings.store)
        for key in failing:
            store.save_failure(
                CalculationFailure(key=key, kind="Test", message="it left its cell", permanent=True)
            )
        wanted = study(ligands="W5O18", metals="Au", orientations=2)
        return run_study(plan_study(wanted, settings, retry=retry), notes), notes

    (both,) = run("both", ())[0].affinities
    lower, higher = both.calculations["complex"], both.calculations["other-pose-1"]

    outcome, notes = run("one", (lower,))
    (one,) = outcome.affinities
    assert one.calculations["complex"] == higher
    assert one.poses == 1
    assert outcome.missing == ("1 of 2 poses of W5O18 + Au, vacancy, protonated",)
    assert len(notes.failed) == 1
    assert "it left its cell" in notes.failed[0]

    outcome, notes = run("none", (lower, higher))
    assert outcome.affinities == ()
    assert outcome.missing == ("W5O18 + Au, vacancy, protonated",)
    assert len(notes.failed) == 3
    assert "None of the 2 poses" in notes.failed[-1]

    outcome, notes = run("one", (), retry=True)
    assert outcome.missing == ()
    assert [a.calculations for a in outcome.affinities] == [both.calculations]
    assert not notes.failed


def test_a_full_disk_stops_the_study(own_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(store=own_settings)
    notes = Notes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        run_study(plan_study(study(), settings), notes)
    assert len(notes.begun) <= 1


def test_stopping_reporter() -> None:
    notes = Notes()
    reporter = StoppingReporter(notes)
    reporter.fail("a", BusyError("another"))
    reporter.fail("b", ValueError("bug"))
    assert len(notes.failed) == 2
    for error in (StoreError("full"), LauncherError("missing")):
        with pytest.raises(StudyStopped) as caught:
            reporter.fail("c", error)
        assert caught.value.error is error


def test_reporter_of_the_context() -> None:
    notes = Notes()
    before = current_reporter()
    with reporting_to(notes):
        assert current_reporter() is notes
    assert type(current_reporter()) is type(before)


def test_what_fails_between_calculations_is_reported_once_with_its_reason(
    own_settings: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # All volumes on one side of the minimum.
    maker = BulkMaker(
        level=Level(name="emt", method="emt", relax=False),
        store=str(own_settings),
        strains=(0.06, 0.07, 0.08, 0.09, 0.10),
    )
    job = maker.make("Cu")
    job.name = "lattice constant: Cu"
    notes = Notes()
    with caplog.at_level("INFO"):
        outcome = run_metal_flows([Flow([job], output=job.output, name="Cu")], notes)
    assert outcome.missing == ("Cu",)
    (failure,) = notes.failed
    assert failure.startswith("lattice constant: Cu: ")
    assert "fit no equation of state" in failure
    assert len(notes.finished) == 5
    # Jobflow's tracebacks are for nobody.
    assert "Traceback" not in caplog.text


def test_an_ensemble_that_fails_leaves_the_energy(own_settings: Path) -> None:
    store = str(own_settings)
    job = BulkMaker(level=Level(name="emt", method="emt", relax=False), store=store).make("Cu")
    # EMT has no functional whose error an ensemble could tell.
    maker = BulkEnsembleMaker(store=store)
    flow = add_ensemble_to(Flow([job], output=job.output, name="bulk Cu"), maker)
    notes = Notes()
    outcome = run_metal_flows([flow], notes)
    (copper,) = outcome.documents
    assert isinstance(copper, BulkMetal)
    assert copper.metal == "Cu"
    assert outcome.missing == ("ensemble: bulk Cu",)
    (failure,) = notes.failed
    assert failure.startswith("ensemble: bulk Cu: ")
