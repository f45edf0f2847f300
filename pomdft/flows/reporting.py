"""Who hears of progress: set by whoever runs a flow, read inside its jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from pomdft.calculations.progress import Progress
from pomdft.errors import BusyError, LauncherError, PomdftError, StoreError
from pomdft.schemas.calculation import CalculationInput, CalculationResult


class FlowReporter(Protocol):
    """Hears of the jobs of a running flow."""

    def begin(self, request: CalculationInput, *, stored: bool) -> None:
        """Hear that a calculation begins, or is taken from the store."""

    def progress(self, event: Progress) -> None:
        """Hear what the running calculation has to say."""

    def finish(self, request: CalculationInput, result: CalculationResult) -> None:
        """Hear that a calculation is finished."""

    def fail(self, label: str, error: Exception) -> None:
        """Hear that a calculation, or what follows from one, failed."""


class SilentReporter:
    """Says nothing."""

    def begin(self, request: CalculationInput, *, stored: bool) -> None:
        """Say nothing."""

    def progress(self, event: Progress) -> None:
        """Say nothing."""

    def finish(self, request: CalculationInput, result: CalculationResult) -> None:
        """Say nothing."""

    def fail(self, label: str, error: Exception) -> None:
        """Say nothing."""


class StudyStopped(BaseException):
    """Ends a running flow at once, past Jobflow, which goes on after every `Exception`.

    Parameters
    ----------
    error : PomdftError
        Why: something that every further calculation would meet as well.
    """

    def __init__(self, error: PomdftError) -> None:
        self.error = error
        super().__init__(str(error))


class PassingReporter:
    """Passes everything on.

    Parameters
    ----------
    reporter : FlowReporter
        Hears of everything.
    """

    def __init__(self, reporter: FlowReporter) -> None:
        self._reporter = reporter

    def begin(self, request: CalculationInput, *, stored: bool) -> None:
        """Pass on."""
        self._reporter.begin(request, stored=stored)

    def progress(self, event: Progress) -> None:
        """Pass on."""
        self._reporter.progress(event)

    def finish(self, request: CalculationInput, result: CalculationResult) -> None:
        """Pass on."""
        self._reporter.finish(request, result)

    def fail(self, label: str, error: Exception) -> None:
        """Pass on."""
        self._reporter.fail(label, error)


class StoppingReporter(PassingReporter):
    """Passes everything on and stops the flow where going on is useless.

    A full disk or a missing launcher would fail every calculation that is left.
    """

    def fail(self, label: str, error: Exception) -> None:
        """Pass on, or stop the flow."""
        if isinstance(error, StoreError | LauncherError) and not isinstance(error, BusyError):
            raise StudyStopped(error) from error
        super().fail(label, error)


_CURRENT: ContextVar[FlowReporter] = ContextVar("pomdft_reporter")


def current_reporter() -> FlowReporter:
    """Return the reporter of the flow that is running here, a silent one by default."""
    return _CURRENT.get(SilentReporter())


@contextmanager
def reporting_to(reporter: FlowReporter) -> Iterator[None]:
    """Let jobs that run inside this context report to `reporter`."""
    token = _CURRENT.set(reporter)
    try:
        yield
    finally:
        _CURRENT.reset(token)
