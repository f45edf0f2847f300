"""Running flows on this machine, with every failure reported."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jobflow import Flow, JobStore, run_locally
from maggma.stores import MemoryStore

from pomdft.calculations.progress import Progress
from pomdft.flows.reporting import FlowReporter, reporting_to
from pomdft.schemas.calculation import CalculationInput, CalculationResult

#: Where Jobflow says which job failed, while the exception is being handled.
_JOBFLOW_LOGGER = logging.getLogger("jobflow.managers.local")


def run_here(flow: Flow, reporter: FlowReporter) -> dict[str, Any]:
    """Run a flow; return the output of every job that succeeded, by uuid.

    Jobflow goes on after a job that failed, with those that do not need it. What a job does not
    report itself is reported under its name, so that nothing fails without a reason.

    Parameters
    ----------
    flow : Flow
    reporter : FlowReporter
        Hears of progress and of each failure once.
    """
    listener = _FailureRecorder(reporter)
    with reporting_to(listener), _listening(listener), warnings.catch_warnings():
        # Affinities of a study need not depend on each other, which Jobflow remarks on; and it
        # still uses a helper of monty that monty wants to retire.
        warnings.filterwarnings("ignore", "Some jobs are not connected", UserWarning)
        warnings.filterwarnings("ignore", "cd is deprecated", FutureWarning)
        responses = run_locally(
            flow, log=False, store=JobStore(MemoryStore()), raise_immediately=False
        )
    # Of a job that was replaced while it ran, the last replacement counts.
    return {uuid: indexed[max(indexed)].output for uuid, indexed in responses.items()}


class _FailureRecorder(logging.Handler):
    """Passes on what jobs report; hears of failures from Jobflow too, and passes on new ones."""

    def __init__(self, reporter: FlowReporter) -> None:
        super().__init__(logging.INFO)
        self._reporter = reporter
        self._heard: list[BaseException] = []

    def begin(self, request: CalculationInput, *, stored: bool) -> None:
        self._reporter.begin(request, stored=stored)

    def progress(self, event: Progress) -> None:
        self._reporter.progress(event)

    def finish(self, request: CalculationInput, result: CalculationResult) -> None:
        self._reporter.finish(request, result)

    def fail(self, label: str, error: Exception) -> None:
        self._heard.append(error)
        self._reporter.fail(label, error)

    def emit(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, Exception) and not any(error is known for known in self._heard):
            self.fail(record.getMessage().partition(" failed with exception")[0], error)


@contextmanager
def _listening(handler: logging.Handler) -> Iterator[None]:
    """Let a handler hear what Jobflow says, and nobody else."""
    level, propagate = _JOBFLOW_LOGGER.level, _JOBFLOW_LOGGER.propagate
    _JOBFLOW_LOGGER.addHandler(handler)
    _JOBFLOW_LOGGER.setLevel(logging.INFO)
    _JOBFLOW_LOGGER.propagate = False
    try:
        yield
    finally:
        _JOBFLOW_LOGGER.removeHandler(handler)
        _JOBFLOW_LOGGER.setLevel(level)
        _JOBFLOW_LOGGER.propagate = propagate
