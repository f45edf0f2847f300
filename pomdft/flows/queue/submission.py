"""Submitting a study: its scripts before, the engine or a jobflow-remote project, its outcome."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobflow_remote.remote.host import LocalHost
from jobflow_remote.remote.queue import QueueManager, set_name_out
from monty.json import MontyDecoder
from qtoolkit.io import scheduler_mapping

from pomdft.errors import InputError, NotComputedError, StoreError
from pomdft.flows.queue.engine import EngineOutcome, drive
from pomdft.flows.queue.jobs import QueueFlow, list_jobs, prepare_flow
from pomdft.flows.queue.project import make_project, queue_folder
from pomdft.flows.queue.records import StudyRecord
from pomdft.flows.queue.resources import describe_resources
from pomdft.flows.queue.runner import Report
from pomdft.flows.queue.watch import QueueError
from pomdft.flows.study import StudyOutcome, StudyPlan, plan_study, sum_up
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.cluster import Cluster
from pomdft.schemas.study import Study
from pomdft.settings import Settings
from pomdft.store.results import ResultStore

_TEST_TIMEOUT_S = 60
#: Words of an sbatch that is installed where there is no Slurm.
_NO_SLURM = (
    "configuration source",
    "Unable to contact slurm controller",
    "Could not establish",
    "Zero Bytes were transmitted",
)


@dataclass(frozen=True)
class JobScript:
    """The script of one queue job.

    Attributes
    ----------
    name : str
        Name in the queue.
    label : str
        What it computes.
    n_atoms : int
        Atoms, ghosts included.
    asked : str
        Resources in words.
    text : str
        The script.
    """

    name: str
    label: str
    n_atoms: int
    asked: str
    text: str


@dataclass(frozen=True)
class Submission:
    """A study ready for a queue.

    Attributes
    ----------
    plan : StudyPlan
        The study's models.
    jobs : tuple of tuple of str
        Uuids of the jobs of every affinity, the last one first.
    queued : QueueFlow
        Its jobs.
    """

    plan: StudyPlan
    jobs: tuple[tuple[str, ...], ...]
    queued: QueueFlow


def prepare_submission(
    study: Study, cluster: Cluster, settings: Settings, *, retry: bool = False
) -> Submission:
    """Build the models of a study and make its flow ready for a queue.

    Parameters
    ----------
    study, cluster, settings
        What, how and where.
    retry : bool
        Try again what failed for good before.

    Raises
    ------
    InputError
        A name or value is wrong, or a path is not fit for a queue script.
    """
    if study.resources.cores:
        given = {"ranks": study.resources.cores}
        cluster = cluster.model_copy(
            update={
                "small": cluster.small.model_copy(update=given),
                "large": cluster.large.model_copy(update=given),
            }
        )
    plan = plan_study(study, settings, retry=retry)
    flow = plan.make_flow()
    jobs = [[job.uuid for job in reversed(part.jobs)] for part in flow.jobs]
    queued = prepare_flow(flow, cluster, settings)
    return Submission(plan, tuple(tuple(queued.twins[u] for u in uuids) for uuids in jobs), queued)


def submit_study(
    study: Study, cluster: Cluster, settings: Settings, report: Report, *, retry: bool = False
) -> tuple[StudyOutcome, EngineOutcome]:
    """Run a study on the cluster from this process, until all of it is finished or failed.

    Whatever is stored is taken from the store; whatever is in the queue already, from an
    earlier submission that was killed or from another shell, is taken up.

    Parameters
    ----------
    study, cluster, settings
        What, how and where.
    report : callable
        Takes lines for a person.
    retry : bool
        Try again what failed for good before.

    Returns
    -------
    (StudyOutcome, EngineOutcome)
        The same affinities, with the same keys, as a local run gives; and what failed and why.
    """
    submission = prepare_submission(study, cluster, settings, retry=retry)
    remember_study(study, cluster, settings)
    outcome = drive(submission.queued, cluster, settings, study.name, report)
    return read_outcome(submission, outcome, settings), outcome


def read_outcome(
    submission: Submission, outcome: EngineOutcome, settings: Settings
) -> StudyOutcome:
    """Return the affinities of a driven study."""
    store = ResultStore(settings.store)
    found = [_find_affinity(uuids, outcome, store) for uuids in submission.jobs]
    return sum_up(submission.plan, found)


def _find_affinity(
    uuids: Iterable[str], outcome: EngineOutcome, store: ResultStore
) -> Affinity | None:
    """Return the affinity that the last of an affinity's jobs has given, None if none has."""
    for uuid in uuids:
        output = outcome.outputs.get(uuid)
        if isinstance(output, dict) and "key" in output:
            try:
                return store.read_affinity(str(output["key"]))
            except (NotComputedError, StoreError):
                continue
    return None


def remember_study(study: Study, cluster: Cluster, settings: Settings) -> None:
    """Keep what was submitted, so that a part of it can be tried again."""
    folder = queue_folder(cluster, settings)
    folder.make()
    fields = _without_versions(study.model_dump(mode="json"))
    folder.save_study(StudyRecord(name=study.name, fields=fields, cluster=cluster))


def _without_versions(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_versions(v) for k, v in value.items() if k != "schema_version"}
    return value


def render_scripts(queued: QueueFlow, cluster: Cluster, settings: Settings) -> list[JobScript]:
    """Return the script of every queue job, as the engine would write it."""
    work = queue_folder(cluster, settings).root / "runs"
    project = make_project("dry-run", cluster, settings, work)
    manager = QueueManager(scheduler_mapping[cluster.scheduler](), LocalHost())
    scripts = []
    by_uuid = {job.uuid: job for job in list_jobs(queued.flow)}
    for job in queued.jobs:
        if job.resources is None:
            continue
        run_dir = work / job.queue_name
        fields = by_uuid[job.uuid].config.manager_config["resources"]
        resources = MontyDecoder().process_decoded(fields)
        set_name_out(resources, job.queue_name, run_dir / "queue.out", run_dir / "queue.err")
        worker = project["workers"][job.place]
        text = manager.get_submission_script(
            commands=[worker["execution_cmd"].format(run_dir)],
            options=resources,
            work_dir=run_dir,
            pre_run=worker["pre_run"],
            post_run="",
            export=by_uuid[job.uuid].config.manager_config["exec_config"]["export"],
        )
        scripts.append(
            JobScript(job.queue_name, job.label, job.n_atoms, describe_resources(fields), text)
        )
    return scripts


def check_scripts(scripts: list[JobScript]) -> dict[str, str] | None:
    """Return what `sbatch --test-only` objects to, by job name.

    Returns
    -------
    dict of str or None
        None where nothing can be asked: there is no sbatch, or no Slurm answers it.
    """
    sbatch = shutil.which("sbatch")
    if sbatch is None:
        return None
    objections = {}
    for script in scripts:
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as stream:
            stream.write(script.text)
            stream.flush()
            try:
                done = subprocess.run(
                    [sbatch, "--test-only", stream.name],
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=_TEST_TIMEOUT_S,
                )
            except subprocess.TimeoutExpired:
                return None
        if done.returncode != 0:
            if any(word in done.stderr for word in _NO_SLURM):
                return None
            objections[script.name] = done.stderr.strip()
    return objections


def hand_over(submission: Submission, cluster: Cluster) -> list[str]:
    """Give the flow to a jobflow-remote project; its daemon does the rest.

    Parameters
    ----------
    submission : Submission
        From `prepare_submission`.
    cluster : Cluster
        Names the project and, if wanted, the worker.

    Returns
    -------
    list of str
        Ids of the jobs in the project's database.

    Raises
    ------
    InputError
        The project is unknown, or others can read its file, which holds a password.
    """
    from jobflow_remote import ConfigManager, submit_flow

    projects = ConfigManager().projects_data
    if cluster.project not in projects:
        raise InputError(
            f"There is no jobflow-remote project {cluster.project!r} "
            f"(known: {', '.join(sorted(projects)) or 'none'}).",
            "Make one with `jf project generate`, or leave `project` out of the cluster file.",
        )
    path = Path(projects[cluster.project].filepath)
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(
            f"{path} can be read by others, and a project file holds a database password.",
            f"Run: chmod 600 {path}",
        )
    for job in list_jobs(submission.queued.flow):
        # The name becomes a line of the queue script.
        job.name = re.sub(r"[^A-Za-z0-9._-]+", "-", job.name)[:60]
        _set_worker(job.config.manager_config, cluster)
        if job.config.response_manager_config:
            _set_worker(job.config.response_manager_config, cluster)
    try:
        ids: list[str] = submit_flow(
            submission.queued.flow, worker=cluster.worker, project=cluster.project
        )
    except Exception as error:
        # Of a database's error only the first words: others may hold its whole address.
        words = str(error).partition(",")[0].splitlines()[0][:200] if str(error) else ""
        raise QueueError(
            f"The project {cluster.project} does not take the study "
            f"({type(error).__name__}: {words}).",
            "See `jf project check`, or drive the queue from here with --embedded.",
        ) from None
    return ids


def _set_worker(config: dict[str, Any], cluster: Cluster) -> None:
    config.pop("worker", None)
    if cluster.worker is not None:
        config["worker"] = cluster.worker
