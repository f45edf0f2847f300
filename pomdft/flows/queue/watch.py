"""Looking at a queue, and taking jobs out of it."""

from __future__ import annotations

import contextlib
import getpass
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jobflow_remote.remote.host import LocalHost
from jobflow_remote.remote.queue import QueueManager
from qtoolkit.core.data_objects import CancelStatus, QState
from qtoolkit.io import scheduler_mapping

from pomdft.errors import InputError, PomdftError
from pomdft.flows.queue.batch import batch_of, withdraw
from pomdft.flows.queue.records import QueueFolder, QueueRecord
from pomdft.settings import Settings
from pomdft.store.results import ResultStore


class QueueError(PomdftError):
    """The scheduler cannot be asked."""


@dataclass(frozen=True)
class LivingJob:
    """A job that waits or runs.

    Attributes
    ----------
    queue_id : str
        Its id.
    state : str
        The scheduler's word, e.g. PENDING.
    running : bool
        Whether it runs.
    """

    queue_id: str
    state: str
    running: bool


def list_living(scheduler: str) -> dict[str, LivingJob]:
    """Return the user's jobs that wait or run, by name.

    Raises
    ------
    QueueError
        The scheduler does not answer.
    """
    try:
        with _old_helpers_allowed():
            jobs = _manager(scheduler).get_jobs_list(user=getpass.getuser())
    except Exception as error:
        raise QueueError(
            f"The scheduler {scheduler!r} does not answer: {error}.", "Try again in a minute."
        ) from error
    return {
        job.name: LivingJob(
            str(job.job_id),
            str(getattr(job.sub_state, "value", job.state)),
            job.state == QState.RUNNING,
        )
        for job in jobs
        if job.name and job.state not in (QState.DONE, QState.FAILED)
    }


def cancel_jobs(records: Iterable[QueueRecord]) -> list[QueueRecord]:
    """Take the queue jobs of these records out of the queue; return those that were in it.

    Of a queue job that many calculations share, one that waits is withdrawn; for one that runs
    the shared queue job is ended, and the others go on in another one.
    """
    cancelled = []
    living: dict[str, dict[str, LivingJob]] = {}
    for record in records:
        ticket = Path(record.ticket) if record.ticket else None
        if ticket is not None and withdraw(ticket, Path(record.run_dir)):
            cancelled.append(record)
            continue
        name = record.name if ticket is None else batch_of(ticket)
        if record.scheduler not in living:
            living[record.scheduler] = list_living(record.scheduler)
        job = living[record.scheduler].get(name or "")
        if job is None or name is None:
            continue
        cancel_named([name], record.scheduler, living[record.scheduler])
        cancelled.append(record.model_copy(update={"queue_id": job.queue_id}))
    return cancelled


def cancel_named(
    names: Iterable[str], scheduler: str, living: dict[str, LivingJob] | None = None
) -> list[str]:
    """Take queue jobs out of the queue by name; return the names that were in it.

    Raises
    ------
    QueueError
        The scheduler does not answer, or refuses.
    """
    jobs = list_living(scheduler) if living is None else living
    found = [name for name in names if name in jobs]
    for name in found:
        with _old_helpers_allowed():
            outcome = _manager(scheduler).cancel(jobs[name].queue_id)
        if outcome.status == CancelStatus.FAILED:
            raise QueueError(
                f"Queue job {jobs[name].queue_id} cannot be cancelled: {outcome.stderr}."
            )
    return found


def default_queue_folder(settings: Settings) -> QueueFolder:
    """Return the queue folder inside the store."""
    return QueueFolder(settings.store / "queue")


def resolve_key(store: ResultStore, prefix: str) -> str:
    """Return the one calculation key that begins with `prefix`.

    Raises
    ------
    InputError
        None or several do.
    """
    found = [key for key in store.calculation_keys() if key.startswith(prefix)]
    if len(found) != 1 or not prefix:
        what = "No calculation" if not found else f"{len(found)} calculations"
        raise InputError(
            f"{what} in {store.root} with a key that begins with {prefix!r}.",
            "`pomdft status --all` lists the keys.",
        )
    return found[0]


def log_files(store: ResultStore, folder: QueueFolder, key: str) -> list[Path]:
    """Return the files that tell how a calculation goes, the most telling last."""
    record = folder.find_calculation(key)
    places = [store.folder(key) / name for name in ("launcher.log", "progress.jsonl", "gpaw.txt")]
    if record is not None:
        places = [Path(record.run_dir, name) for name in ("queue.out", "queue.err")] + places
    return [path for path in places if path.is_file()]


@contextlib.contextmanager
def _old_helpers_allowed() -> Iterator[None]:
    """jobflow-remote still uses a helper of monty that monty wants to retire."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "cd is deprecated", FutureWarning)
        yield


def _manager(scheduler: str) -> QueueManager:
    return QueueManager(scheduler_mapping[scheduler](), LocalHost(timeout_execute=60))
