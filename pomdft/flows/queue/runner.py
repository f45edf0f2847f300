"""jobflow-remote's Runner with a memory for what it submitted, and words for what went wrong."""

from __future__ import annotations

import contextlib
import errno
import getpass
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jobflow import JobStore
from jobflow_remote.jobs.data import RemoteError
from jobflow_remote.jobs.runner import Runner
from jobflow_remote.jobs.state import BatchState, JobState
from jobflow_remote.remote.queue import QueueManager
from monty.serialization import loadfn
from qtoolkit.core.data_objects import QState

from pomdft.errors import PomdftError
from pomdft.flows.preparation import find_prepared
from pomdft.flows.queue.batch import BatchQueue, ticket_path
from pomdft.flows.queue.end import QueueEnd, explain_end, last_line, submission_error
from pomdft.flows.queue.jobs import QueueFlow, QueueJob, find_request, node_python, queue_name
from pomdft.flows.queue.memory import KeptStore, QuickJobs
from pomdft.flows.queue.records import QueueFolder, QueueRecord
from pomdft.flows.queue.resources import describe_resources
from pomdft.flows.queue.watch import QueueError
from pomdft.flows.queue.worker import IN_NAME, run_job
from pomdft.flows.reporting import StudyStopped
from pomdft.schemas.calculation import CalculationFailure
from pomdft.schemas.cluster import Cluster
from pomdft.settings import Settings
from pomdft.store.files import is_full, is_storage_failure, locked, storage_error
from pomdft.store.results import ResultStore

OUT_NAME = "jfremote_out.json"
_STORE_NAME = "remote_job_data.json"
#: What a job that was done in this process said; its folder goes once it is finished.
_HERE_NAME = "here.log"
#: Held by the driver that takes the outcome of a queue job, in the folder of that job.
_COMPLETING_NAME = "completing.lock"
#: Words of a scheduler that is only unreachable for now.
_PASSING = (
    *("contact", "timed out", "timeout", "temporarily", "try again", "socket", "communicat"),
    # Accepted, but the answer was lost: the next attempt finds the job by its name.
    "id not known",
)

_UNFINISHED = (
    *(JobState.READY, JobState.CHECKED_OUT, JobState.UPLOADED, JobState.SUBMITTED),
    *(JobState.RUNNING, JobState.RUN_FINISHED, JobState.DOWNLOADED),
    *(JobState.BATCH_SUBMITTED, JobState.BATCH_RUNNING),
)

Report = Callable[[str], None]


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
        with _loggers_kept():
            super().__init__(project_name)
        self.jobstore: JobStore = JobStore(KeptStore())
        self.jobstore.connect()
        self.kept: Any = self.jobstore
        self.job_controller.jobs = QuickJobs(self.job_controller.jobs)
        self._known: Mapping[str, QueueJob] = {job.uuid: job for job in queued.jobs}
        self._cluster = cluster
        self._results = ResultStore(settings.store)
        self._folder = folder
        self._study = study
        self._report = report
        self.failures: dict[str, str] = {}
        #: Done with every look at the queue, each until it says that it is finished.
        self.chores: list[Callable[[], bool]] = []
        self._logger = logging.getLogger("jobflow_remote")
        for handler in list(self._logger.handlers):
            if type(handler) is logging.StreamHandler:
                self._logger.removeHandler(handler)

    def get_queue_manager(self, worker_name: str) -> QueueManager:
        """Return what talks to the queue for a worker."""
        if worker_name in self.batch_workers and worker_name not in self.queue_managers:
            io = self.get_worker(worker_name).get_scheduler_io()
            host = self.get_host(worker_name)
            self.queue_managers[worker_name] = BatchQueue(node_python(self._cluster), io, host)
        return super().get_queue_manager(worker_name)

    def upload(self, lock: Any) -> None:
        """Write the job's file, for the user alone."""
        with self._ending_on_a_full_disk():
            super().upload(lock)
            run_dir = lock.update_on_release["$set"]["run_dir"]
            Path(run_dir, IN_NAME).chmod(0o600)

    def submit(self, lock: Any) -> None:
        """Do arithmetic and what is stored already here; take up or submit everything else."""
        with self._ending_on_a_full_disk():
            self._submit(lock)

    @contextlib.contextmanager
    def _ending_on_a_full_disk(self) -> Iterator[None]:
        """End the whole submission where no job could be written: each would fail the same way."""
        try:
            yield
        except Exception as error:
            folder = self._folder.root
            if isinstance(error, PomdftError) and is_storage_failure(error):
                raise StudyStopped(error) from error
            if is_storage_failure(error) or is_full(folder):
                full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                cause = error if isinstance(error, OSError) else full
                raise StudyStopped(storage_error(folder, cause)) from error
            raise

    def _submit(self, lock: Any) -> None:
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
            ticket = ticket_path(
                self.batch_workers[doc["worker"]].files_dir, doc["uuid"], doc["index"]
            )
            self._save(doc, key, run_dir, ticket=ticket)
            super().submit(lock)
            return
        with locked(self._folder.lock_path, wait=True):
            living = self._find_living(doc, name)
            if living is not None:
                queue_id, found_dir = living
                record = self._save(doc, key, Path(found_dir), queue_id=queue_id)
                self._report(f"{record.label}: found in the queue as {queue_id}")
                lock.update_on_release = {
                    "$set": {
                        "remote.process_id": queue_id,
                        "run_dir": found_dir,
                        "state": JobState.SUBMITTED.value,
                    }
                }
                return
            for old in (OUT_NAME, _STORE_NAME):
                (run_dir / old).unlink(missing_ok=True)
            self._save(doc, key, run_dir)
            self._submit_new(lock, super().submit)
            queue_id = lock.update_on_release["$set"]["remote.process_id"]
            record = self._save(doc, key, run_dir, queue_id=queue_id)
        self._report(f"{record.label}: queued as {queue_id} ({record.asked})")

    def check_run_status(self, filter: dict[str, Any] | None = None) -> None:  # noqa: A002
        """Ask the queue; say what began to run."""
        super().check_run_status(filter)
        # A queue that does not answer is asked again at the next look.
        with contextlib.suppress(QueueError):
            self.chores = [chore for chore in self.chores if not chore()]
        states = [JobState.RUNNING.value, JobState.BATCH_RUNNING.value]
        for doc in self.job_controller.get_jobs(
            {"state": {"$in": states}}, ["uuid", "index", "remote"]
        ):
            record = self._folder.find(queue_name(doc["uuid"], doc["index"]))
            if record is not None and record.state in ("queued", "submitting"):
                changes = {"state": "running", "queue_id": doc["remote"].get("process_id")}
                self._folder.save(record.model_copy(update=changes))
                self._report(f"{record.label}: running")

    def update_batch_jobs(self, submit: bool = True) -> None:
        """Look after the batches; end them when nothing is left for them to do."""
        super().update_batch_jobs(submit)
        busy = {"state": {"$in": [state.value for state in _UNFINISHED]}}
        if self.job_controller.count_jobs(query=busy):
            return
        for batch in self.job_controller.get_batches(
            batch_state=[BatchState.SUBMITTED, BatchState.RUNNING], limit=0
        ):
            self.get_queue_manager(batch.worker).cancel(batch.process_id)

    def batch_update_status(self, *arguments: Any, **options: Any) -> Any:
        """Ask for the batches; tell why those ended that took a job with them."""
        living = super().batch_update_status(*arguments, **options)
        lost = {"state": JobState.REMOTE_ERROR.value, "previous_state": {"$regex": "^BATCH_"}}
        for doc in self.job_controller.get_jobs(lost, ["uuid", "index", "remote", "job"]):
            record = self._folder.find(queue_name(doc["uuid"], doc["index"]))
            label = record.label if record is not None else self._label(doc)
            if label in self.failures:
                continue
            queue_id = doc["remote"].get("process_id")
            asked = record.asked if record is not None else ""
            folder = Path(record.run_dir) if record is not None else self._folder.root
            end = explain_end(self._cluster.scheduler, queue_id, folder, asked)
            with self._ending_on_a_full_disk():
                self._tell(label, record, self._keep_failure(record, end))
        return living

    def complete_job(self, lock: Any) -> None:
        """Take the outcome; where there is none, find out why."""
        with self._ending_on_a_full_disk():
            self._complete(lock)

    def _complete(self, lock: Any) -> None:
        doc = lock.locked_document
        name = queue_name(doc["uuid"], doc["index"])
        record = self._folder.find(name) if doc["worker"] != "here" else None
        reason = self._find_reason(doc, record)
        # maggma's JSON store writes the file anew as it reads it: another driver that takes the
        # outcome of the same queue job at that moment would find it empty.
        with locked(Path(doc["run_dir"], _COMPLETING_NAME), wait=True):
            super().complete_job(lock)
        label = record.label if record is not None else self._label(doc)
        if reason is None and Path(doc["run_dir"], _HERE_NAME).exists():
            shutil.rmtree(doc["run_dir"], ignore_errors=True)
        self._tell(label, record, reason)

    def _tell(self, label: str, record: QueueRecord | None, reason: str | None) -> None:
        """Say and write down how a job ended."""
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
            return last_line(outcome["error"])
        if outcome.get("response"):
            return None
        if is_full(path.parent):
            raise storage_error(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        asked = record.asked if record is not None else ""
        queue_id = doc["remote"].get("process_id")
        end = explain_end(self._cluster.scheduler, queue_id, path.parent, asked)
        return self._keep_failure(record, end)

    def _keep_failure(self, record: QueueRecord | None, end: QueueEnd) -> str:
        """Put why a queue job ended beside its calculation; return it for a person."""
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
            if any(word in str(error.msg).lower() for word in _PASSING):
                self._report(f"{self._label(lock.locked_document)}: the queue does not answer yet")
                raise RemoteError(error.msg, no_retry=False) from error
            reason = submission_error(str(error.msg))
            label = self._label(lock.locked_document)
            self.failures[label] = reason
            self._report(f"{label}: FAILED: {reason}")
            raise RemoteError(error.msg, no_retry=True) from error

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
        with (
            (run_dir / _HERE_NAME).open("a") as stream,
            contextlib.redirect_stdout(stream),
            _loggers_kept(),
        ):
            try:
                run_job(run_dir)
            finally:
                self._logger.handlers, self._logger.level = handlers, level
                for name, kept in others.items():
                    logging.getLogger(name).handlers = kept

    def _find_living(self, doc: dict[str, Any], name: str) -> tuple[str, str] | None:
        """Return id and folder of a queue job of that name that waits or runs."""
        manager = self.get_queue_manager(doc["worker"])
        for job in manager.get_jobs_list(user=getpass.getuser()):
            if job.name == name and job.state not in (QState.DONE, QState.FAILED):
                record = self._folder.find(name)
                if record is not None:
                    return str(job.job_id), record.run_dir
                # Its record is damaged: the newest folder that has its script is its.
                found = self._folder.find_run_dirs(doc["uuid"], doc["index"])
                return str(job.job_id), str(found[-1] if found else doc["run_dir"])
        return None

    def _label(self, doc: dict[str, Any]) -> str:
        known = self._known.get(doc["uuid"])
        if known is not None and doc["index"] == 1:
            return known.label
        return str(doc["job"].get("function_kwargs", {}).get("label") or doc["job"]["name"])

    def _save(
        self,
        doc: dict[str, Any],
        key: str | None,
        run_dir: Path,
        *,
        queue_id: str | None = None,
        ticket: Path | None = None,
    ) -> QueueRecord:
        record = QueueRecord(
            name=queue_name(doc["uuid"], doc["index"]),
            label=self._label(doc),
            key=key,
            scheduler=self._cluster.scheduler,
            queue_id=queue_id,
            run_dir=str(run_dir),
            ticket=None if ticket is None else str(ticket),
            study=self._study,
            state="submitting" if queue_id is None and ticket is None else "queued",
            asked=describe_resources(doc["resources"] or {}),
        )
        self._folder.save(record)
        return record


@contextlib.contextmanager
def _loggers_kept() -> Iterator[None]:
    """Keep jobflow-remote, which sets up its own log, from silencing those of others."""
    known = logging.root.manager.loggerDict.values()
    speaking = [log for log in known if isinstance(log, logging.Logger) and not log.disabled]
    try:
        yield
    finally:
        for log in speaking:
            log.disabled = False
