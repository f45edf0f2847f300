"""Many small jobs in one queue job: the process on the node, and what dead drivers left behind.

jobflow-remote starts a new Python for each job of a batch, which costs more than a small
calculation. Here the libraries are imported once and every job runs in a fork of that process:
as isolated as before, without the imports.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jobflow_remote.jobs.run
from jobflow_remote.jobs.batch import RUN_FINISHED_DIR, RUNNING_DIR, SUBMITTED_DIR
from jobflow_remote.remote.queue import QueueManager

from pomdft.errors import StoreError
from pomdft.flows.queue.worker import run_job
from pomdft.store.files import is_locked, locked

#: What jobflow-remote would start on the node.
_THEIRS = "jf -fe execution run-batch"
_EXPORT = re.compile(r"^export ([A-Za-z_][A-Za-z0-9_]*)=(\S*)$", re.MULTILINE)
_PR_SET_PDEATHSIG = 1
_DRIVER_LOCK = "driver.lock"
_BATCH = "batch"
_BATCH_RUNS = "batch-runs"
_CANCELLED = "*** CANCELLED AT the user's wish before it began ***\n"


class BatchQueue(QueueManager):
    """A queue manager whose batches run on this module.

    Parameters
    ----------
    python : str
        Python on the nodes.
    *arguments, **options
        Of QueueManager.
    """

    def __init__(self, python: str, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._ours = f"{python} -m pomdft.flows.queue.batch"

    def submit(self, commands: Any, *arguments: Any, **options: Any) -> Any:
        """Submit, with the command of a batch exchanged."""
        changed = [command.replace(_THEIRS, self._ours) for command in commands]
        return super().submit(changed, *arguments, **options)


def batch_folders(work: Path) -> dict[str, str]:
    """Return where a driver's batches find their jobs and write, in jobflow-remote's words."""
    return {"jobs_handle_dir": str(work / _BATCH), "work_dir": str(work / _BATCH_RUNS)}


def ticket_path(handle_dir: Path, job_uuid: str, index: int) -> Path:
    """Return the file that stands for a job while it waits for a batch."""
    return handle_dir / SUBMITTED_DIR / f"{job_uuid}_{index}"


def batch_of(ticket: Path) -> str | None:
    """Return the queue name of the batch that works on a ticket's job, None if none does."""
    folder = ticket.parent.parent / RUNNING_DIR
    found = [path.name for path in folder.glob(f"{ticket.name}_*")] if folder.is_dir() else []
    return f"batch_{found[0].rpartition('_')[2]}" if found else None


def withdraw(ticket: Path, run_dir: Path) -> bool:
    """Take a job that waits for a batch out of it; return whether it still waited."""
    done = ticket.parent.parent / RUN_FINISHED_DIR / f"{ticket.name}_withdrawn"
    with contextlib.suppress(OSError):
        # The driver reads why the job has no result where the queue would have written it.
        (run_dir / "queue.err").write_text(_CANCELLED)
        done.parent.mkdir(exist_ok=True)
        ticket.rename(done)
        return True
    return False


@contextlib.contextmanager
def driver_lock(work: Path) -> Iterator[None]:
    """Hold the lock that says that the driver of a work folder lives."""
    with locked(work / _DRIVER_LOCK):
        yield


def retire_batches(runs: Path) -> dict[str, bool]:
    """Take all waiting jobs from the batches of drivers that are dead.

    A batch of a killed driver would work off what it was given, and the batches of the next
    driver, which has the same jobs to do, would wait behind it.

    Parameters
    ----------
    runs : Path
        Holds the work folders of all drivers of a store.

    Returns
    -------
    dict of str to bool
        Queue name of every batch of a dead driver -> whether it works on a job right now.
    """
    found: dict[str, bool] = {}
    for work in sorted(runs.iterdir()) if runs.is_dir() else []:
        lock, handle = work / _DRIVER_LOCK, work / _BATCH
        if not handle.is_dir() or not lock.exists() or is_locked(lock):
            continue
        for ticket in (handle / SUBMITTED_DIR).glob("*"):
            ticket.unlink(missing_ok=True)
        busy = {path.name.rpartition("_")[2] for path in (handle / RUNNING_DIR).glob("*")}
        for script in (work / _BATCH_RUNS).rglob("submit.sh"):
            uid = script.parent.name
            found[f"batch_{uid}"] = uid in busy
    return found


def forget_batches(runs: Path, living: set[str]) -> None:
    """Drop the folders of dead drivers' batches of which none is in the queue any more."""
    for work in sorted(runs.iterdir()) if runs.is_dir() else []:
        lock = work / _DRIVER_LOCK
        if not (work / _BATCH).is_dir() or not lock.exists() or is_locked(lock):
            continue
        names = {f"batch_{path.parent.name}" for path in (work / _BATCH_RUNS).rglob("submit.sh")}
        if not names & living:
            shutil.rmtree(work / _BATCH, ignore_errors=True)


def fork_job(folder: Path) -> int:
    """Run the job in `folder` in a fork of this process; return its exit status."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _begin_child(folder)
            run_job(folder)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(ended)


def _begin_child(folder: Path) -> None:
    """Give the child the output files and the environment that its script would give it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for name, descriptor in (("queue.out", 1), ("queue.err", 2)):
        opened = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.update(_EXPORT.findall((folder / "submit.sh").read_text()))


def _run_here(_command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
    """Stand in for `subprocess.run(["bash", "submit.sh"])` in the job's folder."""
    status = fork_job(Path.cwd())
    return subprocess.CompletedProcess(["fork"], status, "", "")


def main() -> None:
    """Run as a program: the arguments are those of `jf execution run-batch`."""
    parser = argparse.ArgumentParser(prog="python -m pomdft.flows.queue.batch")
    for name in ("base_run_dir", "files_dir", "batch_uid"):
        parser.add_argument(name)
    parser.add_argument("-mj", dest="max_jobs", type=int)
    parser.add_argument("-mt", dest="max_time", type=float)
    parser.add_argument("-mw", dest="max_wait", type=float, default=60.0)
    parser.add_argument("-pj", dest="parallel_jobs", type=int)
    parser.add_argument("-st", dest="sleep_time", type=float)
    arguments = parser.parse_args()
    if not Path(arguments.files_dir).is_dir():
        raise StoreError(
            f"{arguments.files_dir} is gone, or this node does not see it.",
            "The results store must lie on a file system that the compute nodes see too.",
        )
    _preload()
    # Where a newer jobflow-remote does it otherwise, every job gets a Python of its own again.
    theirs: Any = jobflow_remote.jobs.run
    theirs.subprocess = SimpleNamespace(run=_run_here)
    theirs.run_batch_jobs(**vars(arguments))


def _preload() -> None:
    """Import what calculations import on their way."""
    for name in ("tblite.ase", "ase.optimize", "pomdft.flows.documents", "pomdft.structures.xtb"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


if __name__ == "__main__":
    main()
