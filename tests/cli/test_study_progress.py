from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from pomdft.calculations.cost import CostEstimate
from pomdft.calculations.progress import Progress
from pomdft.cli import progress as module
from pomdft.cli.progress import StudyProgress
from pomdft.errors import ConvergenceError


def planned(n: int, seconds: float = 60.0, stored: int = 0) -> Any:
    return [
        SimpleNamespace(
            label=f"label [{'abcdef'[i]}]", cost=CostEstimate(seconds), stored=i < stored
        )
        for i in range(n)
    ]


def request(key: str, label: str | None = None) -> Any:
    shown = SimpleNamespace(label=f"label [{key}]" if label is None else label)
    return SimpleNamespace(key=key, task="relaxation", model=shown)


def plan_of(seconds: dict[str, float]) -> Any:
    return [
        SimpleNamespace(label=label, cost=CostEstimate(cost), stored=False)
        for label, cost in seconds.items()
    ]


RESULT: Any = SimpleNamespace(energy_ev=-1.5, task="relaxation", n_steps=4)


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


def show(screen: io.StringIO, plan: Any, *, live: bool = False) -> StudyProgress:
    console = Console(file=screen, width=120, force_terminal=live, highlight=False)
    return StudyProgress(plan, console, live=live)


def test_plain_lines(screen: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    with show(screen, planned(3, stored=1)) as progress:
        progress.begin(request("a"), stored=True)
        progress.finish(request("a"), RESULT)
        progress.begin(request("b"), stored=False)
        clock[0] += 40
        progress.progress(Progress("scf", 5, -1.0))
        clock[0] += 1
        progress.progress(Progress("scf", 6, -1.1))
        progress.progress(Progress("note", text="something"))
        clock[0] += 79
        progress.finish(request("b"), RESULT)
        progress.fail("c", ConvergenceError("no"))
    lines = screen.getvalue().splitlines()
    assert lines[0] == "[1/3] label [a]: already in the store"
    assert lines[1] == "[2/3] label [b]: relaxation"
    assert lines[2].startswith("    SCF iteration 5, E = -1.0000 eV (40 s), about 80 s left")
    assert "SCF iteration 6" not in screen.getvalue()
    assert lines[3] == "    something"
    # It took twice the estimate, so the other one is expected to as well.
    assert lines[4] == "[2/3] label [b]: done, E = -1.5000 eV, 4 steps, 2 min, about 2 min left"
    assert lines[5] == "    FAILED c: no"
    assert "\x1b" not in screen.getvalue()


def test_each_calculation_counts_with_its_own_estimate(
    screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    plan = plan_of({"ligand": 600.0, "ligand + metal": 1200.0, "metal": 60.0})
    with show(screen, plan) as progress:
        for label, seconds in (("ligand", 600.0), ("ligand + metal [edge]", 1200.0)):
            asked = request(label, label)
            progress.begin(asked, stored=False)
            clock[0] += seconds
            progress.finish(asked, RESULT)
    lines = screen.getvalue().splitlines()
    assert lines[1].endswith("10 min, about 21 min left")
    assert lines[3].endswith("20 min, about 60 s left")


def test_one_that_overruns_takes_nothing_from_the_others(
    screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    with show(screen, plan_of({"ligand": 100.0, "metal": 300.0})) as progress:
        progress.begin(request("k", "ligand [face3]"), stored=False)
        for _ in range(3):
            clock[0] += 200.0
            progress.progress(Progress("step", 5, -1.0, 0.1))
    lines = screen.getvalue().splitlines()
    # 300 s of the other one, and a fifth of what this one has taken.
    assert [line.rpartition(", about ")[2] for line in lines[1:]] == [
        "6 min left",
        "6 min left",
        "7 min left",
    ]


def test_the_same_calculation_is_counted_once(screen: io.StringIO) -> None:
    with show(screen, planned(2)) as progress:
        for stored in (False, True):
            progress.begin(request("a"), stored=stored)
            progress.finish(request("a"), RESULT)
    assert len(screen.getvalue().splitlines()) == 2


def test_more_than_was_planned(screen: io.StringIO) -> None:
    with show(screen, planned(1)) as progress:
        for key in "ab":
            progress.begin(request(key), stored=False)
            progress.finish(request(key), RESULT)
    assert "[2/2]" in screen.getvalue()


def test_a_terminal_shows_every_event(screen: io.StringIO) -> None:
    with show(screen, planned(1), live=True) as progress:
        progress.begin(request("a"), stored=False)
        progress.progress(Progress("step", 3, -2.0, 0.25))
        progress.finish(request("a"), RESULT)
    assert "relaxation step 3" in screen.getvalue()
    assert "largest force 0.250" in screen.getvalue()
