"""The embedded engine: jobflow-remote's Runner in this process, driving the real scheduler.

Its queue store lives in memory. What must outlive this process lives elsewhere: results in the
results store, queue jobs in the scheduler under names that follow from their content, and a
record of each in the queue folder. So an engine that is started again finds its jobs.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import logging
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jobflow_remote
from jobflow import JobStore
from jobflow_remote.config.base import Project
from jobflow_remote.jobs.data import RemoteError
from jobflow_remote.jobs.runner import Runner
from jobflow_remote.jobs.state import JobState
from maggma.stores import MemoryStore
from monty.serialization import loadfn
from qtoolkit.core.data_objects import QState

from pomdft.flows.preparation import find_prepared
from pomdft.flows.queue_end import explain_end
from pomdft.flows.queue_jobs import (
    QueueFlow,
    QueueJob,
    find_request,
    queue_name,
)
from pomdft.flows.queue_project import describe_resources, make_project, queue_folder
from pomdft.flows.queue_records import QueueFolder, QueueRecord
from pomdft.flows.queue_worker import IN_NAME, run_job
from pomdft.schemas.calculation import CalculationFailure
from pomdft.schemas.cluster import Cluster
from pomdft.settings import Settings
from pomdft.store.files import locked
from pomdft.store.results import ResultStore

OUT_NAME = "jfremote_out.json"
_STORE_NAME = "remote_job_data.json"
#: What a job that was done in this process said; its folder goes once it is finished.
_HERE_NAME = "here.log"
#: Words of a scheduler that is only unreachable for now.
_PASSING = ("contact", "timed out", "timeout", "temporarily", "try again", "socket", "communicat")

Report = Callable[[str], None]


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


class _KeptStore(MemoryStore):
    """A store in memory that closing does not empty: it is the only copy."""

    def close(self) -> None:
        """Stay open."""


class EmbeddedRunner(Runner):
    """jobflow-remote's Runner with a memory for what it submitted.

    Parameters
    ----------
    project_name : str
        Of the project file it was given.
    queued : QueueFlow
        The flow to drive.
    cluster, settings
        How and where.
    folder : QueueFolder
        Scripts and records.
    study : str
        Name for the records.
    report : callable
        Takes a line for a person.
    """

    def __init__(
        self,
        project_name: str,
        queued: QueueFlow,
        *,
        cluster: Cluster,
        settings: Settings,
        folder: QueueFolder,
        study: str,
        report: Report,
    ) -> None:
        super().__init__(project_name)
        self.jobstore: JobStore = JobStore(_KeptStore())
        self.jobstore.connect()
        self.kept: Any = self.jobstore
        self._known: Mapping[str, QueueJob] = {job.uuid: job for job in queued.jobs}
        self._cluster = cluster
        self._results = ResultStore(settings.store)
        self._folder = folder
        self._study = study
        self._report = report
        self.failures: dict[str, str] = {}
        self._logger = logging.getLogger("jobflow_remote")
        for handler in list(self._logger.handlers):
            if type(handler) is logging.StreamHandler:
                self._logger.removeHandler(handler)

    def upload(self, lock: Any) -> None:
        """Write the job's file, for the user alone."""
        super().upload(lock)
        run_dir = lock.update_on_release["$set"]["run_dir"]
        Path(run_dir, IN_NAME).chmod(0o600)

    def submit(self, lock: Any) -> None:
        """Do arithmetic and what is stored already here; take up or submit everything else."""
        doc = lock.locked_document
        run_dir = Path(doc["run_dir"])
        key, stored = self._look_up(run_dir) if doc["worker"] != "here" else (None, True)
        if stored:
            self._run_here(run_dir)
            lock.update_on_release = {"$set": {"state": JobState.DOWNLOADED.value}}
            return
        name = queue_name(doc["uuid"], doc["index"])
        # The name becomes part of the script, and labels are free text.
        doc["job"] = {**doc["job"], "name": name}
        if doc["worker"] in self.batch_workers:
            super().submit(lock)
            self._save(doc, name, key, str(run_dir), None)
            return
        with locked(self._folder.lock_path, wait=True):
            living = self._find_living(doc["worker"], name)
            if living is not None:
                record, queue_id = living
                self._report(f"{record.label}: found in the queue as {queue_id}")
                self._folder.save(
                    record.model_copy(update={"queue_id": queue_id, "state": "queued"})
                )
                lock.update_on_release = {
                    "$set": {
                        "remote.process_id": queue_id,
                        "run_dir": record.run_dir,
                        "state": JobState.SUBMITTED.value,
                    }
                }
                return
            for old in (OUT_NAME, _STORE_NAME):
                (run_dir / old).unlink(missing_ok=True)
            self._save(doc, name, key, str(run_dir), None)
            self._submit_new(lock, super().submit)
            queue_id = lock.update_on_release["$set"]["remote.process_id"]
            record = self._save(doc, name, key, str(run_dir), queue_id)
        self._report(f"{record.label}: queued as {queue_id} ({record.asked})")

    def check_run_status(self, filter: dict[str, Any] | None = None) -> None:  # noqa: A002
        """Ask the queue; say what began to run."""
        super().check_run_status(filter)
        states = [JobState.RUNNING.value, JobState.BATCH_RUNNING.value]
        for doc in self.job_controller.get_jobs(
            {"state": {"$in": states}}, ["uuid", "index", "remote"]
        ):
            record = self._folder.find(queue_name(doc["uuid"], doc["index"]))
            if record is not None and record.state in ("queued", "submitting"):
                changes = {"state": "running", "queue_id": doc["remote"].get("process_id")}
                self._folder.save(record.model_copy(update=changes))
                self._report(f"{record.label}: running")

    def complete_job(self, lock: Any) -> None:
        """Take the outcome; where there is none, find out why."""
        doc = lock.locked_document
        name = queue_name(doc["uuid"], doc["index"])
        record = self._folder.find(name) if doc["worker"] != "here" else None
        reason = self._find_reason(doc, record)
        super().complete_job(lock)
        label = record.label if record is not None else self._label(doc)
        if reason is None and Path(doc["run_dir"], _HERE_NAME).exists():
            shutil.rmtree(doc["run_dir"], ignore_errors=True)
        if reason is not None:
            self.failures[label] = reason
            self._report(f"{label}: FAILED: {reason}")
        elif record is not None:
            self._report(f"{label}: done")
        if record is not None:
            state = "finished" if reason is None else "failed"
            self._folder.save(record.model_copy(update={"state": state, "reason": reason or ""}))

    def _find_reason(self, doc: dict[str, Any], record: QueueRecord | None) -> str | None:
        """Return why a job has no output, None if it has one."""
        path = Path(doc["run_dir"], OUT_NAME)
        try:
            outcome = json.loads(path.read_bytes())
        except (OSError, ValueError):
            outcome = {}
        if outcome.get("error"):
            return _last_line(outcome["error"])
        if outcome.get("response"):
            return None
        asked = record.asked if record is not None else ""
        queue_id = doc["remote"].get("process_id")
        end = explain_end(self._cluster.scheduler, queue_id, path.parent, asked)
        key = record.key if record is not None else None
        if key is not None and self._results.find_result(key) is None:
            message = end.message.replace("KEY", key[:8])
            self._results.save_failure(
                CalculationFailure(key=key, kind=end.state, message=message, permanent=False)
            )
            return f"{end.state}: {message}"
        return f"{end.state}: {end.message.replace('retry KEY', 'submit')}"

    def _submit_new(self, lock: Any, submit: Callable[[Any], None]) -> None:
        try:
            submit(lock)
        except RemoteError as error:
            passing = any(word in str(error.msg).lower() for word in _PASSING)
            if not passing:
                doc = lock.locked_document
                reason = _submission_error(str(error.msg))
                self.failures[self._label(doc)] = reason
                self._report(f"{self._label(doc)}: FAILED: {reason}")
                raise RemoteError(error.msg, no_retry=True) from error
            raise

    def _look_up(self, run_dir: Path) -> tuple[str | None, bool]:
        """Return a calculation's key and whether its result, or prepared geometry, is stored."""
        job = loadfn(run_dir / IN_NAME)["job"]
        found = find_request(job)
        if found is not None:
            request, maker = found
            if self._results.find_result(request.key) is not None:
                return request.key, True
            failure = self._results.find_failure(request.key)
            if failure is not None and failure.permanent and not maker.retry:
                # The job will only repeat the old failure's words; no node is needed for that.
                return request.key, True
            self._results.begin(request)
            return request.key, False
        if job.function.__name__ == "prepare_start":
            return None, find_prepared(
                job.function_args[0], self._results, *job.function_args[2:4]
            ) is not None
        return None, False

    def _run_here(self, run_dir: Path) -> None:
        handlers, level = list(self._logger.handlers), self._logger.level
        others = {name: list(logging.getLogger(name).handlers) for name in ("jobflow", "")}
        with (run_dir / _HERE_NAME).open("a") as stream, contextlib.redirect_stdout(stream):
            try:
                run_job(run_dir)
            finally:
                self._logger.handlers, self._logger.level = handlers, level
                for name, kept in others.items():
                    logging.getLogger(name).handlers = kept

    def _find_living(self, worker: str, name: str) -> tuple[QueueRecord, str] | None:
        """Return the record and id of a queue job of that name that waits or runs."""
        record = self._folder.find(name)
        if record is None:
            return None
        manager = self.get_queue_manager(worker)
        for job in manager.get_jobs_list(user=getpass.getuser()):
            if job.name == name and job.state not in (QState.DONE, QState.FAILED):
                return record, str(job.job_id)
        return None

    def _label(self, doc: dict[str, Any]) -> str:
        known = self._known.get(doc["uuid"])
        if known is not None and doc["index"] == 1:
            return known.label
        return str(doc["job"].get("function_kwargs", {}).get("label") or doc["job"]["name"])

    def _save(
        self, doc: dict[str, Any], name: str, key: str | None, run_dir: str, queue_id: str | None
    ) -> QueueRecord:
        record = QueueRecord(
            name=name,
            label=self._label(doc),
            key=key,
            scheduler=self._cluster.scheduler,
            queue_id=queue_id,
            run_dir=run_dir,
            study=self._study,
            state="submitting" if queue_id is None else "queued",
            asked=describe_resources(doc["resources"] or {}),
        )
        self._folder.save(record)
        return record


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
    folder.make()
    stamp = time.strftime("%Y%m%dT%H%M%S")
    runs = folder.root / "runs"
    runs.mkdir(exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{stamp}-", dir=runs))
    fields = make_project("embedded", cluster, settings, work)
    project_file = work / "projects" / "embedded.json"
    project_file.parent.mkdir()
    with os.fdopen(os.open(project_file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:
        json.dump(Project.model_validate(fields).model_dump(mode="json"), stream)
    with warnings.catch_warnings(), _projects_in(project_file.parent):
        warnings.simplefilter("ignore")
        runner = EmbeddedRunner(
            "embedded",
            queued,
            cluster=cluster,
            settings=settings,
            folder=folder,
            study=study,
            report=report,
        )
        try:
            controller = runner.job_controller
            controller.reset(reset_output=True, max_limit=0)
            controller.add_flow(queued.flow, worker="here")
            runner.run_all_jobs()
            return _gather(runner, queued)
        finally:
            runner.cleanup()


def _gather(runner: EmbeddedRunner, queued: QueueFlow) -> EngineOutcome:
    outputs = {
        doc["uuid"]: doc["output"]
        for doc in sorted(
            runner.kept.query({}, properties=["uuid", "index", "output"]),
            key=lambda doc: doc["index"],
        )
    }
    failures = dict(runner.failures)
    waiting = []
    for info in runner.job_controller.get_jobs_info():
        known = next((job.label for job in queued.jobs if job.uuid == info.uuid), info.name)
        if info.state == JobState.WAITING:
            waiting.append(info.name)
        elif info.state == JobState.REMOTE_ERROR and known not in failures:
            failures[known] = _last_line(info.remote.error or "") or "the queue job was lost"
    return EngineOutcome(outputs, failures, tuple(waiting))


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    last = lines[-1].strip() if lines else ""
    head, _, rest = last.partition(": ")
    # "pomdft.errors.ConvergenceError: ..." of a traceback; the class says nothing to a user.
    return rest if rest and head.replace(".", "").isidentifier() else last


def _submission_error(message: str) -> str:
    found = [part for part in message.replace("\\n", "\n").split("stderr=") if "rror" in part]
    text = (found[-1] if found else message).strip("'\" ")
    return f"the queue refused it: {text.splitlines()[0][:300]}"
