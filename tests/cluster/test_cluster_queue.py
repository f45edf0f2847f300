"""The embedded engine on a real Slurm: what it promises when things go wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from driven_flow import make_request, run
from drivers import Program, processes_in, start_pomdft, wait_until
from slurm_node import SlurmNode
from test_cluster_study import CLUSTER, STUDY

from pomdft.calculations.progress import FILE_NAME
from pomdft.cli.main import register_commands
from pomdft.flows.queue.records import QueueFolder
from pomdft.flows.queue.watch import cancel_jobs, list_living
from pomdft.store.results import ResultStore

Start = Callable[..., Program]

#: Fine enough that a relaxation takes many steps, so that one can be caught in the middle.
TIGHT = {"name": "tight", "relaxation": {"fmax_ev_per_angstrom": 0.01, "hessian": "unit"}}


def _half_written(root: Path) -> list[Path]:
    return list(root.rglob("*.tmp"))


@dataclass(frozen=True)
class Expiring:
    """A submitted study, the key of its relaxation that hangs, the energies (eV) so far."""

    store: Path
    program: Program
    key: str
    steps: tuple[float, ...]


@pytest.fixture(scope="module", autouse=True)
def expiring(slurm: SlurmNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Expiring]:
    """A study of which one relaxation hangs in the middle until Slurm ends it, after a minute.

    It hangs while the other tests run.
    """
    folder = tmp_path_factory.mktemp("expiring")
    store = folder / "store"
    results, queue = ResultStore(store), QueueFolder(store / "queue")
    study = STUDY | {"level": {"preset": "xtb", "overrides": TIGHT}}
    cluster = CLUSTER | {"small": CLUSTER["small"] | {"walltime": "0:01:00"}}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    (folder / "cluster.yaml").write_text(yaml.safe_dump(cluster))
    names = [str(folder / "study.yaml"), "--cluster", str(folder / "cluster.yaml")]
    program = start_pomdft(store, "submit", *names)
    stopped: list[str] = []

    def stop_one() -> bool:
        for path in store.glob("calculations/*/relaxation.npz"):
            record = queue.find_calculation(path.parent.name)
            for pid in [] if record is None else processes_in(Path(record.run_dir)):
                os.kill(pid, signal.SIGSTOP)
                if (path.parent / "relaxation.npz").exists():
                    stopped.append(path.parent.name)
                    return True
                os.kill(pid, signal.SIGCONT)
        return False

    try:
        wait_until(stop_one, "a relaxation to be under way")
        (key,) = stopped
        with np.load(results.folder(key) / "relaxation.npz") as data:
            steps = tuple(float(energy) for energy in data["energies_ev"])
        yield Expiring(store, program, key, steps)
    finally:
        program.kill()


def test_out_of_memory_is_told_with_what_was_asked_and_used(slurm: SlurmNode, store: Path) -> None:
    outcome = run("water", memory=60)
    assert not outcome.outputs
    failure = ResultStore(store).find_failure(make_request("water").key)
    assert failure is not None
    assert failure.kind == "OUT_OF_MEMORY"
    assert "60 MB granted" in failure.message
    assert "MB used" in failure.message
    assert "60 MB a rank" in failure.message
    assert len(run("water").outputs) == 1


def _sbatch(folder: Path, lines: str) -> Path:
    """Write an sbatch that does more than Slurm's (which is $SBATCH); return its folder."""
    wrapper = folder / "bin" / "sbatch"
    wrapper.parent.mkdir()
    wrapper.write_text(f"#!/bin/bash\nSBATCH={shutil.which('sbatch')}\n{lines}")
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    return wrapper.parent


def test_killed_between_acceptance_and_saving_the_id(
    slurm: SlurmNode, store: Path, start_driver: Start, tmp_path: Path
) -> None:
    """An sbatch that kills its caller right after Slurm took the job."""
    folder = _sbatch(
        tmp_path,
        '$SBATCH "$@"\nparent=$PPID\nread -r name < /proc/$parent/comm\n'
        '[ "$name" = sh ] && parent=$(ps -o ppid= -p $parent)\nkill -KILL $parent\n',
    )
    before = slurm.count_submitted()
    driver = start_driver("water", path=folder)
    driver.finish()
    assert driver.process.returncode == -signal.SIGKILL
    assert slurm.count_submitted() == before + 1
    (record,) = QueueFolder(store / "queue").records()
    assert record.queue_id is None
    # Even its record is lost: the name follows from the content.
    (store / "queue" / "records" / f"{record.name}.json").write_text('{"na')
    outcome = run("water")
    assert len(outcome.outputs) == 1
    assert slurm.count_submitted() == before + 1, "submitted twice"


@pytest.mark.parametrize(
    "answer",
    [
        "exit 0",
        "echo 'sbatch: error: Batch job submission failed: Socket timed out' >&2; exit 1",
    ],
)
def test_an_answer_that_is_lost_is_no_second_job(
    slurm: SlurmNode, store: Path, start_driver: Start, tmp_path: Path, answer: str
) -> None:
    """An sbatch that gives the job to Slurm and says nothing, or that it failed."""
    folder = _sbatch(tmp_path, f'$SBATCH "$@" > /dev/null\n{answer}\n')
    before = slurm.count_submitted()
    text = start_driver("water", path=folder).finish()
    assert "outputs 1 failures {}" in text, text
    assert slurm.count_submitted() == before + 1, text


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
    wait_until(lambda: "found in the queue" in driver.words, "the job to be taken up")
    assert cancel_jobs(QueueFolder(store / "queue").records())
    driver.finish()
    if results.find_result(request.key) is None:
        failure = results.find_failure(request.key)
        assert failure is not None
        assert failure.kind == "CANCELLED"
        assert (folder / "relaxation.npz").exists()
    assert slurm.count_submitted() == submitted

    # And to the end, the ranks started by Slurm itself.
    driver = start_driver("gpaw", "launcher=srun")
    wait_until(lambda: len(_ranks_of(folder)) == 2, "two ranks")
    for pid in _ranks_of(folder):
        status = Path(f"/proc/{pid}/status").read_text()
        (parent,) = [line.split()[1] for line in status.splitlines() if line.startswith("PPid")]
        assert Path(f"/proc/{parent}/comm").read_text().startswith("slurmstepd")
    assert "outputs 1" in driver.finish()
    result = results.find_result(request.key)
    assert result is not None
    assert result.n_steps >= 2
    assert not (folder / "relaxation.npz").exists()
    assert not _ranks_of(folder)
    assert not _half_written(store)


def _ranks_of(folder: Path) -> list[int]:
    """Return the processes that compute in a folder, launchers left out."""
    return processes_in(folder, "pomdft.calculations.runner")


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


def test_cancel_where_calculations_share_a_queue_job(
    slurm: SlurmNode, store: Path, start_driver: Start
) -> None:
    """One runs, one waits behind it: the first is ended, the second withdrawn."""
    results, folder = ResultStore(store), QueueFolder(store / "queue")
    request = make_request("waters")
    results.begin(request)
    with results.lock(request.key):
        driver = start_driver("waters", "queue_jobs=1", "idle_s=1")

        def is_held() -> bool:
            records = list(folder.records())
            waiting = [r for r in records if r.ticket and Path(r.ticket).exists()]
            return len(records) == 2 and len(waiting) <= 1 and _is_under_way(records, request.key)

        wait_until(is_held, "the held calculation to run")
        cancelled = cancel_jobs(record for record in folder.records() if record.state != "finished")
        assert request.key in [record.key for record in cancelled]
        text = driver.finish()
    assert "CANCELLED" in text, text
    failure = results.find_failure(request.key)
    assert failure is not None
    assert failure.kind == "CANCELLED"
    assert "retry" in failure.message
    # Nothing is held against them.
    text = start_driver("waters", "queue_jobs=1", "idle_s=1").finish()
    assert "outputs 2 failures {}" in text, text


def _is_under_way(records: list, key: str) -> bool:  # type: ignore[type-arg]
    from pomdft.flows.queue.batch import batch_of

    return any(
        record.key == key and record.ticket and batch_of(Path(record.ticket)) for record in records
    )


def test_time_limit_keeps_the_checkpoint_and_retry_goes_on(
    slurm: SlurmNode, expiring: Expiring
) -> None:
    """Slurm ends a hanging relaxation; `pomdft retry KEY --time` goes on after its last step."""
    text = expiring.program.finish()
    assert expiring.program.process.returncode == 1
    assert "TIMEOUT" in text
    results = ResultStore(expiring.store)
    folder = results.folder(expiring.key)
    failure = results.find_failure(expiring.key)
    assert failure is not None
    assert failure.kind == "TIMEOUT"
    assert not failure.permanent
    assert "0:01:00" in failure.message
    assert f"pomdft retry {expiring.key[:8]} --time" in failure.message
    assert (folder / "relaxation.npz").exists()
    others = {path: path.stat().st_mtime_ns for path in expiring.store.glob("*/*/result.json")}

    retry = start_pomdft(
        expiring.store, "retry", expiring.key[:8], "--time", "0:09:00", "--format", "json"
    )
    text = retry.finish()
    assert retry.process.returncode == 0, text
    (row,) = json.loads(retry.out.read_text())
    assert row["metal"] == "Au"
    result = results.find_result(expiring.key)
    assert result is not None
    done = len(expiring.steps)
    assert len(result.step_energies_ev) > done
    assert result.step_energies_ev[:done] == pytest.approx(expiring.steps, abs=1e-6)
    assert results.find_failure(expiring.key) is None
    assert "TimeLimit=00:09:00" in slurm.run("scontrol", "show", "job", "-o")
    assert {path: path.stat().st_mtime_ns for path in others} == others
    assert not _half_written(expiring.store)
