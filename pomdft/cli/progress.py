"""Progress of a study that a person can follow: a live line on a terminal, plain lines in a log."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live
from rich.text import Text

from pomdft.calculations.cost import format_duration
from pomdft.calculations.progress import Progress
from pomdft.flows.study import PlannedCalculation
from pomdft.schemas.calculation import CalculationInput, CalculationResult

#: In a log, SCF iterations are said at most this often (s).
_PLAIN_INTERVAL_S = 30.0
#: And relaxation steps at most this often: xTB makes many a second.
_PLAIN_STEP_INTERVAL_S = 5.0
#: One that takes longer than planned will take this share of its time so far once more, for all
#: that is known.
_OVERRUN = 0.2


class StudyProgress:
    """Shows which calculation of how many runs, what it does, and how long the rest will take.

    Parameters
    ----------
    planned : sequence of PlannedCalculation
        Everything the study needs.
    console : Console
        Where to write.
    live : bool
        A line that changes in place (a terminal) instead of lines in a log.
    """

    def __init__(
        self, planned: Sequence[PlannedCalculation], console: Console, *, live: bool
    ) -> None:
        self._console = console
        self._total = len(planned)
        self._left_s = {p.label: p.cost.seconds for p in planned if not p.stored}
        self._done: set[str] = set()
        self._done_planned_s = 0.0
        self._spent_s = 0.0
        self._started = time.monotonic()
        self._job_started = self._started
        self._current = ""
        self._running: str | None = None
        self._last_plain = 0.0
        self._live = Live(console=console, refresh_per_second=4, transient=True) if live else None

    def __enter__(self) -> StudyProgress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def begin(self, request: CalculationInput, *, stored: bool) -> None:
        """Hear that a calculation begins, or is taken from the store."""
        self._job_started = time.monotonic()
        self._current = request.model.label
        self._running = None if stored else request.key
        if request.key in self._done:
            return
        if not stored:
            number = len(self._done) + 1
            # A search for a lower minimum is decided on the way, so the total can grow.
            self._total = max(self._total, number)
            self._write(f"[{number}/{self._total}] {request.model.label}: {request.task}")

    def progress(self, event: Progress) -> None:
        """Hear what the running calculation has to say."""
        if event.kind == "note":
            self._write(f"    {event}")
            return
        if self._live is not None:
            number = len(self._done) + 1
            elapsed = format_duration(time.monotonic() - self._job_started)
            self._live.update(
                Text(f"[{number}/{self._total}] {self._current}: {event} ({elapsed}){self._rest()}")
            )
            return
        now = time.monotonic()
        interval = _PLAIN_STEP_INTERVAL_S if event.kind == "step" else _PLAIN_INTERVAL_S
        if now - self._last_plain > interval:
            self._last_plain = now
            elapsed = format_duration(now - self._job_started)
            self._console.print(f"    {event} ({elapsed}){self._rest()}", markup=False)

    def finish(self, request: CalculationInput, result: CalculationResult) -> None:
        """Hear that a calculation is finished."""
        if request.key in self._done:
            return
        self._done.add(request.key)
        number = len(self._done)
        if self._running is None:
            self._write(f"[{number}/{self._total}] {request.model.label}: already in the store")
            return
        spent = time.monotonic() - self._job_started
        self._spent_s += spent
        self._running = None
        self._done_planned_s += self._left_s.pop(self._planned_label(request.model.label), 0.0)
        energy = f"E = {result.energy_ev:.4f} eV"
        steps = f", {result.n_steps} steps" if result.task == "relaxation" else ""
        self._write(
            f"[{number}/{self._total}] {request.model.label}: done, {energy}{steps}, "
            f"{format_duration(spent)}{self._rest()}"
        )

    def fail(self, label: str, error: Exception) -> None:
        """Hear that a calculation, or what follows from one, failed."""
        self._write(f"    FAILED {label}: {error}")

    def _planned_label(self, label: str) -> str:
        """Return the label under which a calculation was planned: without its orientation."""
        return max((p for p in self._left_s if label.startswith(p)), key=len, default="")

    def _rest(self) -> str:
        """Return what is left: the estimate, corrected by how the finished ones compared."""
        if sum(self._left_s.values()) <= 0:
            return ""
        speed = self._spent_s / self._done_planned_s if self._done_planned_s > 0 else 1.0
        present = self._planned_label(self._current) if self._running else ""
        left = speed * sum(s for label, s in self._left_s.items() if label != present)
        if self._running:
            running = time.monotonic() - self._job_started
            planned = speed * self._left_s.get(present, 0.0)
            left += max(planned - running, _OVERRUN * running)
        return f", about {format_duration(left)} left"

    def _write(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)
