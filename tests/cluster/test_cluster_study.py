"""A study sent to a real Slurm gives what a local run gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from jobflow import Flow
from slurm_node import SlurmNode

from pomdft.flows.embedded import drive
from pomdft.flows.queue_jobs import prepare_flow
from pomdft.flows.study import plan_study, run_study
from pomdft.flows.submission import (
    check_scripts,
    prepare_submission,
    render_scripts,
    submit_study,
)
from pomdft.schemas.cluster import Cluster
from pomdft.schemas.study import Study
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore

STUDY = {
    "name": "one-atom",
    "ligands": "W5O18",
    "metals": ["Au"],
    "clusters": "M1",
    "level": "xtb",
}
CLUSTER = {
    "poll_s": 0.5,
    "small": {"walltime": "0:10:00", "memory_per_rank_mb": 1200, "partition": "main"},
}


def test_scripts_are_accepted_by_sbatch(slurm: SlurmNode, store: Path) -> None:
    settings = load_settings()
    for partition, accepted in (("main", True), ("nowhere", False)):
        fields = CLUSTER | {"small": CLUSTER["small"] | {"partition": partition}}  # type: ignore[operator]
        cluster = Cluster.from_fields(fields)
        submission = prepare_submission(Study.from_fields(STUDY), cluster, settings)
        scripts = render_scripts(submission.queued, cluster, settings)
        objections = check_scripts(scripts[:2])
        assert objections is not None
        assert (not objections) is accepted, objections
    assert slurm.jobs() == []


def test_submitted_study_equals_local_run(
    slurm: SlurmNode, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings()
    study = Study.from_fields(STUDY)
    cluster = Cluster.from_fields(CLUSTER)
    before = slurm.count_submitted()
    lines: list[str] = []
    outcome, engine = submit_study(study, cluster, settings, lines.append)
    assert outcome.missing == (), (engine.failures, lines)
    (submitted,) = outcome.affinities
    assert slurm.count_submitted() == before + 5, "five calculations, one queue job each"

    again, _ = submit_study(study, cluster, settings, lines.append)
    assert again.affinities == outcome.affinities
    assert slurm.count_submitted() == before + 5, "what is stored needs no queue"

    monkeypatch.setenv("POMDFT_STORE", str(tmp_path / "local"))
    local = run_study(plan_study(study, load_settings()))
    (computed,) = local.affinities
    assert computed.key == submitted.key
    assert computed.calculations == submitted.calculations
    assert computed.energy_ev == pytest.approx(submitted.energy_ev, abs=1e-6)


def test_failure_skips_dependants_and_the_rest_goes_on(slurm: SlurmNode, store: Path) -> None:
    """A relaxation that may not take the steps it needs."""
    overrides = {"name": "impatient", "relaxation": {"max_steps": 1, "hessian": "unit"}}
    study = Study.from_fields(STUDY | {"level": {"preset": "xtb", "overrides": overrides}})
    lines: list[str] = []
    outcome, engine = submit_study(
        study, Cluster.from_fields(CLUSTER), load_settings(), lines.append
    )
    assert outcome.affinities == ()
    assert outcome.missing == ("W5O18 + Au, vacancy, protonated",)
    assert engine.skipped
    results = ResultStore(load_settings().store)
    states = {
        results.read_input(key).model.label: results.find_failure(key)
        for key in results.calculation_keys()
    }
    assert states["W5O18"] is not None
    assert "step" in states["W5O18"].message
    assert states["Au M1"] is None, "a single atom has nothing to relax"
    assert results.affinities() == []


def test_small_calculations_share_queue_jobs(slurm: SlurmNode, store: Path) -> None:
    from driven_flow import WATER, make_cluster, make_maker

    maker = make_maker("water")
    jobs = []
    for number in range(3):
        molecule = WATER.copy()
        molecule.translate_sites([0], [0.0, 0.0, 0.01 * number])
        jobs.append(maker.make(molecule, label=f"water {number}"))
    settings = load_settings()
    cluster = make_cluster("water", batch={"queue_jobs": 1, "idle_s": 1})
    before = slurm.count_submitted()
    queued = prepare_flow(Flow(jobs, name="waters"), cluster, settings)
    outcome = drive(queued, cluster, settings, "waters", lambda _: None)
    assert len(outcome.outputs) == 3, outcome.failures
    assert slurm.count_submitted() == before + 1
