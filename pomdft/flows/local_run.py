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

from pomdft.flows.reporting import FlowReporter, PassingReporter, reporting_to

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


class _FailureRecorder(PassingReporter):
    """Passes on what jobs report, and remembers which failures it has heard of."""

    def __init__(self, reporter: FlowReporter) -> None:
        super().__init__(reporter)
        self._heard: list[BaseException] = []

    def fail(self, label: str, error: Exception) -> None:
        self._heard.append(error)
        super().fail(label, error)

    def hear(self, record: logging.LogRecord) -> bool:
        """Pass on a failure that Jobflow logs while it is being handled, if it is a new one."""
        error = sys.exc_info()[1]
        if isinstance(error, Exception) and not any(error is known for known in self._heard):
            self.fail(record.getMessage().partition(" failed with exception")[0], error)
        return False


@contextmanager
def _listening(recorder: _FailureRecorder) -> Iterator[None]:
    """Let the recorder hear what Jobflow says, and nobody else."""
    level = _JOBFLOW_LOGGER.level
    _JOBFLOW_LOGGER.addFilter(recorder.hear)
    _JOBFLOW_LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        _JOBFLOW_LOGGER.removeFilter(recorder.hear)
        _JOBFLOW_LOGGER.setLevel(level)
