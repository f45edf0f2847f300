"""A study sent to a real Slurm gives what a local run gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from driven_flow import WATER, make_cluster, make_maker, make_request
from drivers import Program, wait_until
from jobflow import Flow
from slurm_node import SlurmNode

from pomdft.flows.affinity import settle_minimum
from pomdft.flows.jobs import GpawStaticMaker
from pomdft.flows.queue.batch import batch_of
from pomdft.flows.queue.engine import drive
from pomdft.flows.queue.jobs import prepare_flow
from pomdft.flows.queue.records import QueueFolder
from pomdft.flows.queue.submission import (
    check_scripts,
    prepare_submission,
    render_scripts,
    submit_study,
)
from pomdft.flows.study import plan_study, run_study
from pomdft.schemas.calculation import CalculationFailure
from pomdft.schemas.cluster import Cluster
from pomdft.schemas.study import Study
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore

Shell = Callable[..., Program]

STUDY: dict[str, Any] = {
    "name": "one-atom",
    "ligands": "thiolate",
    "metals": "Au",
    "clusters": "M1",
    "level": {
        "preset": "xtb",
        "overrides": {"name": "plain", "relaxation": {"hessian": "unit"}},
    },
}
CLUSTER: dict[str, Any] = {
    "poll_s": 0.5,
    "small": {"walltime": "0:10:00", "memory_per_rank_mb": 1200, "partition": "main"},
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    """The study and the cluster as arguments of `pomdft submit`."""
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY))
    (tmp_path / "cluster.yaml").write_text(yaml.safe_dump(CLUSTER))
    return (str(tmp_path / "study.yaml"), "--cluster", str(tmp_path / "cluster.yaml"))


def assert_one_queue_job_each(slurm: SlurmNode, store: Path, words: object) -> None:
    """Every calculation in the store was sent to the queue under one name, once."""
    records = list(QueueFolder(store / "queue").records())
    keys = [record.key for record in records]
    assert sorted(map(str, keys)) == ResultStore(store).calculation_keys(), words
    submitted = slurm.submitted(record.name for record in records)
    assert submitted == {record.name: 1 for record in records}, words


def test_scripts_are_accepted_by_sbatch(slurm: SlurmNode, store: Path) -> None:
    settings = load_settings()
    waiting = slurm.count_submitted()
    for partition, accepted in (("main", True), ("nowhere", False)):
        fields = CLUSTER | {"small": CLUSTER["small"] | {"partition": partition}}
        cluster = Cluster.from_fields(fields)
        submission = prepare_submission(Study.from_fields(STUDY), cluster, settings)
        scripts = render_scripts(submission.queued, cluster, settings)
        objections = check_scripts(scripts[:2])
        assert objections is not None
        assert (not objections) is accepted, objections
    assert slurm.count_submitted() == waiting


def test_two_shells_at_once_give_what_a_local_run_gives(
    slurm: SlurmNode,
    store: Path,
    shell: Shell,
    files: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = slurm.count_submitted()
    shells = [shell("submit", *files, "--format", "json") for _ in range(2)]
    for each in shells:
        each.finish()
        assert each.process.returncode == 0, each.words
    tables = [json.loads(each.out.read_text()) for each in shells]
    assert tables[0] == tables[1]
    words = [each.words for each in shells]
    assert_one_queue_job_each(slurm, store, words)
    count = len(ResultStore(store).calculation_keys())
    assert count >= 5
    assert slurm.count_submitted() == before + count, words
    assert not list(store.rglob("*.tmp"))

    # What is stored needs no queue.
    study = Study.from_fields(STUDY)
    outcome, _ = submit_study(study, Cluster.from_fields(CLUSTER), load_settings(), words.append)
    (submitted,) = outcome.affinities
    assert submitted.key == tables[0][0]["key"]
    assert slurm.count_submitted() == before + count

    monkeypatch.setenv("POMDFT_STORE", str(tmp_path / "local"))
    local = run_study(plan_study(study, load_settings()))
    (computed,) = local.affinities
    assert computed.key == submitted.key
    assert computed.calculations == submitted.calculations
    assert computed.energy_ev == pytest.approx(submitted.energy_ev, abs=1e-6)


def test_a_calculation_that_a_job_adds_is_queued_once(slurm: SlurmNode, store: Path) -> None:
    """A fragment that is lower in the complex than at its minimum is relaxed again."""
    static = GpawStaticMaker(level=make_maker("water").level)
    stretched = WATER.copy()
    stretched.translate_sites([1, 2], [0.0, 0.0, 0.3])
    flow_jobs = [
        static.make(molecule, label=label)
        for molecule, label in ((stretched, "stretched"), (WATER, "good"))
    ]
    flow_jobs.append(
        settle_minimum(
            *(job.output for job in flow_jobs),
            maker=make_maker("water"),
            label="relaxed again",
            relaxes=True,
        )
    )
    settings, cluster = load_settings(), make_cluster("water")
    queued = prepare_flow(Flow(flow_jobs, name="added"), cluster, settings)
    before = slurm.count_submitted()
    lines: list[str] = []
    outcome = drive(queued, cluster, settings, "added", lines.append)
    assert not outcome.failures
    results = ResultStore(store)
    labels = {results.read_input(key).model.label for key in results.calculation_keys()}
    assert labels == {"stretched", "good", "relaxed again"}
    assert_one_queue_job_each(slurm, store, lines)
    assert slurm.count_submitted() == before + 3, lines
    assert len(outcome.outputs) == 3


def test_failure_skips_dependants_and_the_rest_goes_on(slurm: SlurmNode, store: Path) -> None:
    """A relaxation that may not take the steps it needs."""
    overrides = {"name": "impatient", "relaxation": {"max_steps": 1, "hessian": "unit"}}
    study = Study.from_fields(STUDY | {"level": {"preset": "xtb", "overrides": overrides}})
    lines: list[str] = []
    outcome, engine = submit_study(
        study, Cluster.from_fields(CLUSTER), load_settings(), lines.append
    )
    assert outcome.affinities == ()
    assert outcome.missing == ("thiolate + Au, vacancy, protonated",)
    assert engine.skipped
    results = ResultStore(load_settings().store)
    states = {
        results.read_input(key).model.label: results.find_failure(key)
        for key in results.calculation_keys()
    }
    assert states["thiolate"] is not None
    assert "step" in states["thiolate"].message
    assert states["Au M1"] is None, "a single atom has nothing to relax"
    assert results.affinities() == []


def test_a_pose_that_fails_leaves_the_other(slurm: SlurmNode, store: Path, tmp_path: Path) -> None:
    study = Study.from_fields(
        STUDY | {"ligands": "W5O18", "level": {"preset": "xtb"}, "orientations": 2}
    )
    settings, elsewhere = load_settings(), tmp_path / "elsewhere"
    local = run_study(plan_study(study, settings.model_copy(update={"store": elsewhere})))
    (both,) = local.affinities
    lower = both.calculations["complex"]
    ResultStore(store).save_failure(
        CalculationFailure(key=lower, kind="Test", message="it left its cell", permanent=True)
    )
    lines: list[str] = []
    outcome, _ = submit_study(study, Cluster.from_fields(CLUSTER), settings, lines.append)
    (one,) = outcome.affinities
    assert one.calculations["complex"] == both.calculations["other-pose-1"], lines
    assert one.poses == 1
    assert outcome.missing == ("1 of 2 poses of W5O18 + Au, vacancy, protonated",)
    assert sum("it left its cell" in line for line in lines) == 1


def waters(number: int) -> Flow:
    maker = make_maker("water")
    jobs = []
    for count in range(number):
        molecule = WATER.copy()
        molecule.translate_sites([0], [0.0, 0.0, 0.01 * count])
        jobs.append(maker.make(molecule, label=f"water {count}"))
    return Flow(jobs, name="waters")


def test_small_calculations_share_a_queue_job(slurm: SlurmNode, store: Path) -> None:
    settings = load_settings()
    cluster = make_cluster("water", batch={"queue_jobs": 1, "idle_s": 300})
    before = slurm.count_submitted()
    queued = prepare_flow(waters(3), cluster, settings)
    outcome = drive(queued, cluster, settings, "waters", lambda _: None)
    assert len(outcome.outputs) == 3, outcome.failures
    assert slurm.count_submitted() == before + 1
    # Each ran in a fork of the process that Slurm started, with its own output files.
    for record in QueueFolder(store / "queue").records():
        assert record.state == "finished"
        assert Path(record.run_dir, "queue.out").is_file()
        assert not Path(record.ticket or "").exists()


def test_a_batch_of_a_killed_driver_is_cleared_away(
    slurm: SlurmNode, store: Path, start_driver: Shell
) -> None:
    """It finishes what it is at and takes nothing more, though it would wait five minutes."""
    results, queue = ResultStore(store), QueueFolder(store / "queue")
    request = make_request("waters")
    results.begin(request)
    arguments = ("waters", "queue_jobs=1", "idle_s=300")
    with results.lock(request.key):
        first = start_driver(*arguments)

        def is_held() -> bool:
            record = queue.find_calculation(request.key)
            ticket = None if record is None else record.ticket
            return ticket is not None and batch_of(Path(ticket)) is not None

        wait_until(is_held, "a batch that waits for the held calculation")
        (batch,) = [job for job in slurm.jobs() if job[2].startswith("batch_")]
        first.kill()
        second = start_driver(*arguments)
        wait_until(lambda: len(list((store / "queue" / "runs").iterdir())) == 2, "the next one")
        wait_until(lambda: queue_has_another(slurm, batch[0]), "the next one's batch")
        assert batch[0] in [job[0] for job in slurm.jobs()], "it is not torn from its work"
    text = second.finish(240)
    assert "outputs 2 failures {}" in text, text
    assert f"queue job {batch[0]} of an interrupted submission: ended" in text, text
    wait_until(lambda: not [job for job in slurm.jobs() if job[2].startswith("batch_")], "silence")


def queue_has_another(slurm: SlurmNode, number: str) -> bool:
    return any(job[2].startswith("batch_") and job[0] != number for job in slurm.jobs())


@pytest.mark.gpaw
def test_ensemble_points_are_queue_jobs_of_their_own(slurm: SlurmNode, store: Path) -> None:
    overrides = {
        "relax": False,
        "dispersion": None,
        "parameters": {"basis": "szp(dzp)", "h": 0.3, "convergence": {"density": 1e-3}},
    }
    level = {"preset": "lcao", "overrides": overrides}
    changes = {"level": level, "counterpoise": False, "ensemble": True, "resources": {"cores": 1}}
    study = Study.from_fields(STUDY | changes)
    before = slurm.count_submitted()
    lines: list[str] = []
    outcome, _ = submit_study(study, Cluster.from_fields(CLUSTER), load_settings(), lines.append)
    assert outcome.missing == (), lines
    (affinity,) = outcome.affinities
    assert affinity.std_ev is not None
    assert 0.01 < affinity.std_ev < 1.0
    # Ligand, cluster, complex, two frozen fragments, and a point of each of the first three.
    keys = ResultStore(store).calculation_keys()
    assert len(keys) == 8
    # And the xTB starts of ligand and complex.
    assert slurm.count_submitted() == before + 10, lines
    records = list(QueueFolder(store / "queue").records())
    assert sorted(record.key for record in records if record.key) == keys
