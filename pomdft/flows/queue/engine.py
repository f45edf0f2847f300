"""The embedded engine: jobflow-remote's Runner in this process, driving the real scheduler.

Its queue store lives in memory. What must outlive this process lives elsewhere: results in the
results store, queue jobs in the scheduler under names that follow from their content, and a
record of each in the queue folder. So an engine that is started again finds its jobs.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jobflow_remote
from jobflow_remote.config.base import Project
from jobflow_remote.jobs.state import JobState

from pomdft.flows.queue.batch import driver_lock, forget_batches, retire_batches
from pomdft.flows.queue.end import last_line
from pomdft.flows.queue.jobs import QueueFlow
from pomdft.flows.queue.project import make_project, queue_folder
from pomdft.flows.queue.runner import EmbeddedRunner, Report
from pomdft.flows.queue.watch import cancel_named, list_living
from pomdft.flows.reporting import StudyStopped
from pomdft.schemas.cluster import Cluster
from pomdft.settings import Settings
from pomdft.store.files import storage_error


@dataclass(frozen=True)
class EngineOutcome:
    """What became of the jobs of a flow.

    Attributes
    ----------
    outputs : dict of str
        Uuid -> plain output of every finished job.
    failures : dict of str
        Label -> reason of every failed job.
    skipped : tuple of str
        Labels of jobs that needed a failed one.
    """

    outputs: dict[str, Any]
    failures: dict[str, str]
    skipped: tuple[str, ...]


@contextlib.contextmanager
def _projects_in(folder: Path) -> Iterator[None]:
    before = jobflow_remote.SETTINGS.projects_folder
    jobflow_remote.SETTINGS.projects_folder = str(folder)
    try:
        yield
    finally:
        jobflow_remote.SETTINGS.projects_folder = before


def drive(
    queued: QueueFlow, cluster: Cluster, settings: Settings, study: str, report: Report
) -> EngineOutcome:
    """Run a flow on the cluster until every job is finished, failed or skipped.

    Parameters
    ----------
    queued : QueueFlow
        From `prepare_flow`.
    cluster, settings
        How and where.
    study : str
        Name for the records.
    report : callable
        Takes lines for a person.

    Returns
    -------
    EngineOutcome
    """
    folder = queue_folder(cluster, settings)
    try:
        folder.make()
        runs = folder.root / "runs"
        runs.mkdir(exist_ok=True)
        stamp = time.strftime("%Y%m%dT%H%M%S")
        work = Path(tempfile.mkdtemp(prefix=f"{stamp}-", dir=runs))
        with driver_lock(work), _quiet_log(), _projects_in(work / "projects"):
            _write_project(work, cluster, settings)
            runner = EmbeddedRunner(
                "embedded",
                queued,
                cluster=cluster,
                settings=settings,
                folder=folder,
                study=study,
                report=report,
            )
            runner.chores.append(lambda: _clear_away(runs, cluster, report))
            try:
                controller = runner.job_controller
                controller.reset(reset_output=True, max_limit=0)
                controller.add_flow(queued.flow, worker="here")
                runner.run_all_jobs()
                return _gather(runner, queued)
            finally:
                runner.cleanup()
    except StudyStopped as stopped:
        raise stopped.error from stopped
    except OSError as error:
        raise storage_error(Path(error.filename or folder.root), error) from error


@contextlib.contextmanager
def _quiet_log() -> Iterator[None]:
    """Keep the libraries' warnings, and a log that cannot be written, away from the user."""
    before = logging.raiseExceptions
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.raiseExceptions = False
        try:
            yield
        finally:
            logging.raiseExceptions = before


def _write_project(work: Path, cluster: Cluster, settings: Settings) -> None:
    """Write the engine's project file, for the user alone."""
    fields = make_project("embedded", cluster, settings, work)
    path = work / "projects" / "embedded.json"
    path.parent.mkdir()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:
        json.dump(Project.model_validate(fields).model_dump(mode="json"), stream)


def _clear_away(runs: Path, cluster: Cluster, report: Report) -> bool:
    """End batches of drivers that were killed, each when it has finished what it is at.

    Returns
    -------
    bool
        Whether none is left.
    """
    left = retire_batches(runs)
    if not left:
        return True
    living = list_living(cluster.scheduler)
    idle = [name for name, busy in left.items() if not busy]
    for name in cancel_named(idle, cluster.scheduler, living):
        report(f"queue job {living[name].queue_id} of an interrupted submission: ended")
    forget_batches(runs, set(living))
    return not any(name in living for name, busy in left.items() if busy)


def _gather(runner: EmbeddedRunner, queued: QueueFlow) -> EngineOutcome:
    outputs = {
        doc["uuid"]: doc["output"]
        for doc in sorted(
            runner.kept.query({}, properties=["uuid", "index", "output"]),
            key=lambda doc: doc["index"],
        )
    }
    failures = dict(runner.failures)
    labels = {job.uuid: job.label for job in queued.jobs}
    waiting = []
    for info in runner.job_controller.get_jobs_info():
        known = labels.get(info.uuid, info.name)
        if info.state == JobState.WAITING:
            waiting.append(info.name)
        elif info.state == JobState.REMOTE_ERROR and known not in failures:
            failures[known] = last_line(info.remote.error or "") or "the queue job was lost"
    return EngineOutcome(outputs, failures, tuple(waiting))
