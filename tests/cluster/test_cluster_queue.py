"""The embedded engine on a real Slurm: what it promises when things go wrong."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from driven_flow import make_request, run
from drivers import Driver, wait_until
from slurm_node import SlurmNode

from pomdft.calculations.progress import FILE_NAME
from pomdft.cli.main import register_commands
from pomdft.flows.queue_records import QueueFolder
from pomdft.flows.queue_watch import cancel_jobs, list_living
from pomdft.schemas.calculation import CalculationFailure
from pomdft.store.results import ResultStore

Start = Callable[..., Driver]


def _half_written(root: Path) -> list[Path]:
    return list(root.rglob("*.tmp"))


@pytest.fixture(scope="module", autouse=True)
def expiring(
    slurm: SlurmNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ResultStore, Driver]]:
    """A queue job that waits for its calculation's lock until Slurm ends it, after a minute.

    It waits while the other tests run.
    """
    store = tmp_path_factory.mktemp("expiring") / "store"
    results = ResultStore(store)
    request = make_request("water")
    results.begin(request)
    with results.lock(request.key):
        before = slurm.count_submitted()
        driver = Driver(store, "water", "walltime=0:01:00")
        wait_until(lambda: slurm.count_submitted() > before, "the job to be queued")
        yield results, driver
        if driver.process.poll() is None:
            driver.kill()


def test_out_of_memory_is_told_with_what_was_asked_and_used(slurm: SlurmNode, store: Path) -> None:
    outcome = run("water", memory=60)
    assert not outcome.outputs
    failure = ResultStore(store).find_failure(make_request("water").key)
    assert failure is not None
    assert failure.kind == "OUT_OF_MEMORY"
    assert "60 MB granted" in failure.message
    assert "MB used" in failure.message
    assert len(run("water").outputs) == 1


def test_killed_between_acceptance_and_saving_the_id(
    slurm: SlurmNode, store: Path, start_driver: Start, tmp_path: Path
) -> None:
    """An sbatch that kills its caller right after Slurm took the job."""
    wrapper = tmp_path / "bin" / "sbatch"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f'#!/bin/bash\n{shutil.which("sbatch")} "$@"\n'
        "parent=$PPID\nread -r name < /proc/$parent/comm\n"
        '[ "$name" = sh ] && parent=$(ps -o ppid= -p $parent)\nkill -KILL $parent\n'
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    before = slurm.count_submitted()
    driver = start_driver("water", path=wrapper.parent)
    driver.finish()
    assert driver.process.returncode == -signal.SIGKILL
    assert slurm.count_submitted() == before + 1
    (record,) = QueueFolder(store / "queue").records()
    assert record.queue_id is None
    outcome = run("water")
    assert len(outcome.outputs) == 1
    assert slurm.count_submitted() == before + 1, "submitted twice"


def test_two_shells_at_once_submit_one_set(
    slurm: SlurmNode, store: Path, start_driver: Start
) -> None:
    before = slurm.count_submitted()
    texts = [driver.finish() for driver in (start_driver("water"), start_driver("water"))]
    assert all("outputs 1" in text for text in texts), texts
    assert slurm.count_submitted() == before + 1
    assert len(list(store.glob("calculations/*/result.json"))) == 1
    assert not _half_written(store)


@pytest.mark.gpaw
def test_killed_ranks_driver_and_job_go_on_from_the_checkpoint(
    slurm: SlurmNode, store: Path, start_driver: Start
) -> None:
    results = ResultStore(store)
    request = make_request("gpaw")
    folder = results.folder(request.key)

    def said(word: str, times: int) -> bool:
        path = folder / FILE_NAME
        return path.exists() and path.read_text().count(word) >= times

    # One MPI rank.
    driver = start_driver("gpaw")
    wait_until(lambda: said('"step"', 2), "the second relaxation step")
    ranks = _ranks_of(folder)
    assert len(ranks) == 2
    os.kill(ranks[-1], signal.SIGKILL)
    text = driver.finish()
    assert "FAILED" in text
    failure = results.find_failure(request.key)
    assert failure is not None
    assert not failure.permanent
    assert (folder / "relaxation.npz").exists()
    wait_until(lambda: not _ranks_of(folder), "the other ranks to end")

    # The driver, mid-SCF: the queue job goes on; then the whole job, from another shell.
    steps = (folder / FILE_NAME).read_text().count('"step"')
    driver = start_driver("gpaw")
    wait_until(lambda: said('"step"', steps + 1), "a step after the restart")
    assert said("continuing the relaxation after step", 1)
    driver.kill()
    (record,) = QueueFolder(store / "queue").records()
    assert record.name in [name for _, _, name in slurm.jobs()]
    submitted = slurm.count_submitted()
    driver = start_driver("gpaw")
    wait_until(lambda: "found in the queue" in driver.log.read_text(), "the job to be taken up")
    assert cancel_jobs(QueueFolder(store / "queue").records())
    driver.finish()
    if results.find_result(request.key) is None:
        failure = results.find_failure(request.key)
        assert failure is not None
        assert failure.kind == "CANCELLED"
        assert (folder / "relaxation.npz").exists()
    assert slurm.count_submitted() == submitted

    # And to the end.
    driver = start_driver("gpaw")
    assert "outputs 1" in driver.finish()
    result = results.find_result(request.key)
    assert result is not None
    assert result.n_steps >= 2
    assert not (folder / "relaxation.npz").exists()
    assert not _ranks_of(folder)
    assert not _half_written(store)


def _ranks_of(folder: Path) -> list[int]:
    """Return the processes that compute in a folder, launchers left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if str(folder).encode() in words and b"mpiexec" not in words[0]:
            found.append(int(path.parent.name))
    return sorted(found)


def test_status_logs_and_cancel_see_the_queue(
    slurm: SlurmNode, store: Path, start_driver: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    from pomdft.cli.cancel import cancel
    from pomdft.cli.logs import logs
    from pomdft.cli.rendering import Format
    from pomdft.cli.status import status

    register_commands(["status", "logs", "cancel"])
    results = ResultStore(store)
    request = make_request("water")
    results.begin(request)
    with results.lock(request.key):
        driver = start_driver("water")
        folder = QueueFolder(store / "queue")

        def runs() -> bool:
            living = list_living("slurm")
            return any(
                record.name in living and living[record.name].running for record in folder.records()
            )

        wait_until(runs, "the queue job")
        status(show_all=False, form=Format.JSON)
        assert request.key in capsys.readouterr().out
        cancel(request.key[:8])
        assert "cancelled" in capsys.readouterr().out
        assert "CANCELLED" in driver.finish()
    status(show_all=False, form=Format.JSON)
    shown = capsys.readouterr().out
    assert '"failed"' in shown
    assert "cancelled" in shown
    logs(request.key[:8], follow=True, lines=5)
    assert "was cancelled" in capsys.readouterr().out


def test_a_time_limit_is_told(expiring: tuple[ResultStore, Driver]) -> None:
    results, driver = expiring
    text = driver.finish()
    assert "TIMEOUT" in text
    failure = results.find_failure(make_request("water").key)
    assert failure is not None
    assert failure.kind == "TIMEOUT"
    assert not failure.permanent
    assert "0:01:00" in failure.message
    assert "retry" in failure.message


def test_more_time_finishes_what_ran_out_of_it(slurm: SlurmNode, store: Path) -> None:
    """What `pomdft retry KEY --time` does: the failure is forgotten, the walltime longer."""
    results = ResultStore(store)
    request = make_request("water")
    results.begin(request)
    results.save_failure(
        CalculationFailure(key=request.key, kind="TIMEOUT", message="ran out", permanent=False)
    )
    before = slurm.count_submitted()
    assert len(run("water", walltime="0:05:00").outputs) == 1
    assert slurm.count_submitted() == before + 1
    assert "TimeLimit=00:05:00" in slurm.run("scontrol", "show", "job", "-o")
    assert results.find_failure(request.key) is None
