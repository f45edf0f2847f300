"""Flows made ready for a queue, without a queue."""

from __future__ import annotations

import json
import subprocess
import warnings
from pathlib import Path

import pytest
from jobflow import Flow
from pymatgen.core import Molecule

from pomdft.calculations.levels import load_level
from pomdft.cli.retry import with_resources
from pomdft.errors import InputError, PomdftError
from pomdft.flows.collection import collect, plain, read_json, read_project
from pomdft.flows.jobs import GpawRelaxMaker, GpawStaticMaker
from pomdft.flows.queue.end import explain_end
from pomdft.flows.queue.jobs import find_request, list_jobs, prepare_flow, queue_name
from pomdft.flows.queue.records import QueueFolder, QueueRecord
from pomdft.flows.queue.submission import remember_study, render_scripts
from pomdft.schemas.cluster import Cluster
from pomdft.schemas.study import Study
from pomdft.settings import Settings
from pomdft.store.results import ResultStore

WATER = Molecule("OHH", [[0, 0, 0], [0, 0.8, 0.6], [0, -0.8, 0.6]])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=tmp_path / "store")


def make_flow(settings: Settings) -> Flow:
    relax = GpawRelaxMaker(level=load_level("xtb"), store=str(settings.store))
    static = GpawStaticMaker(level=load_level("lcao"), store=str(settings.store))
    first, twin = relax.make(WATER, label="water"), relax.make(WATER, label="water")
    after = [static.make(job.output.molecule, label="after") for job in (first, twin)]
    return Flow([first, twin, *after], name="two; twins")


def test_each_distinct_job_once_under_a_name_that_stays(settings: Settings) -> None:
    cluster = Cluster()
    once = prepare_flow(make_flow(settings), cluster, settings)
    again = prepare_flow(make_flow(settings), cluster, settings)
    assert [job.label for job in once.jobs] == ["water", "after"]
    assert [job.queue_name for job in once.jobs] == [job.queue_name for job in again.jobs]
    elsewhere = settings.model_copy(update={"store": settings.store / "other"})
    other = prepare_flow(make_flow(settings), cluster, elsewhere)
    assert not {job.uuid for job in once.jobs} & {job.uuid for job in other.jobs}
    assert len(once.twins) == 4
    assert {len(job.queue_name) for job in once.jobs} == {15}
    assert queue_name(once.jobs[0].uuid, 2) != queue_name(once.jobs[0].uuid)
    (after,) = [job for job in list_jobs(once.flow) if job.uuid == once.jobs[1].uuid]
    assert list(after.input_uuids) == [once.jobs[0].uuid]


def test_resources_follow_method_and_size(settings: Settings) -> None:
    cluster = Cluster.from_fields({"small_atoms": 2, "large": {"ranks_per_node": 2}})
    small, large = prepare_flow(make_flow(settings), cluster, settings).jobs
    assert (small.place, small.ranks) == ("small", 1)
    assert (large.place, large.ranks) == ("large", 1)
    given = cluster.model_copy(update={"large": cluster.large.model_copy(update={"ranks": 6})})
    large = prepare_flow(make_flow(settings), given, settings).jobs[1]
    assert large.ranks == 6
    assert large.resources is not None
    assert (large.resources.nodes, large.resources.processes_per_node) == (3, 2)


@pytest.mark.parametrize(
    ("n_atoms", "ranks"), [(1, 1), (4, 1), (8, 2), (33, 8), (58, 16), (240, 16)]
)
def test_ranks_are_chosen_from_the_size(n_atoms: int, ranks: int) -> None:
    assert Cluster().large.choose_ranks(n_atoms) == ranks


def test_request_of_a_job_has_the_key_of_the_calculation(settings: Settings) -> None:
    maker = GpawRelaxMaker(level=load_level("xtb"), store=str(settings.store))
    found = find_request(maker.make(WATER, label="w"))
    assert found is not None
    assert found[0].key == maker.request(WATER, "other label").key


DIRECTIVES = {
    "slurm": {
        "#SBATCH --partition=long",
        "#SBATCH --account=abc",
        "#SBATCH --nodes=2",
        "#SBATCH --ntasks-per-node=3",
        "#SBATCH --cpus-per-task=1",
        "#SBATCH --mem-per-cpu=1500",
        "#SBATCH --time=1-2:3:4",
    },
    "pbs": {
        "#PBS -q long",
        "#PBS -A abc",
        "#PBS -l select=2:ncpus=3:mpiprocs=3:mem=4500mb",
        "#PBS -l walltime=26:3:4",
        "#PBS -l place=scatter",
    },
    "sge": {
        "#$ -q long",
        "#$ -A abc",
        "#$ -S /bin/bash",
        "#$ -pe mpi 6",
        "#$ -l h_rt=26:03:04",
        "#$ -l h_vmem=1500M",
    },
}
MARKS = {"slurm": "#SBATCH ", "pbs": "#PBS ", "sge": "#$ "}


@pytest.mark.parametrize("scheduler", ["slurm", "pbs", "sge"])
def test_scripts_of_every_scheduler(settings: Settings, scheduler: str) -> None:
    large: dict[str, object] = {"partition": "long", "account": "abc", "memory_per_rank_mb": 1500}
    large |= {"ranks": 6, "nodes": 2, "ranks_per_node": 4, "walltime": "1-2:03:04"}
    if scheduler == "sge":
        large["parallel_environment"] = "mpi"
    cluster = Cluster.from_fields(
        {
            "scheduler": scheduler,
            "small_atoms": 1,
            "large": large,
            "modules": ["gcc/12"],
            "pre_run": ["source ~/env/bin/activate"],
            "environment": {"OMPI_MCA_btl": "self"},
        }
    )
    queued = prepare_flow(make_flow(settings), cluster, settings)
    small, script = render_scripts(queued, cluster, settings)
    lines = script.text.splitlines()
    assert lines[0] == "#!/bin/bash"
    folder = settings.store / "queue" / "runs" / script.name
    output = {
        "slurm": {f"#SBATCH --output={folder}/queue.out", f"#SBATCH --error={folder}/queue.err"},
        "pbs": {f"#PBS -o {folder}/queue.out", f"#PBS -e {folder}/queue.err"},
        "sge": {f"#$ -o {folder}/queue.out", f"#$ -e {folder}/queue.err"},
    }
    name = {
        "slurm": f"#SBATCH --job-name={script.name}",
        "pbs": f"#PBS -N {script.name}",
        "sge": f"#$ -N {script.name}",
    }
    mark = MARKS[scheduler]
    found = {line for line in lines if line.startswith(mark)}
    assert found == DIRECTIVES[scheduler] | output[scheduler] | {name[scheduler]}
    body = [line for line in lines[1:] if line and not line.startswith(mark)]
    assert body[0] == f"cd {folder}"
    assert body.index("source ~/env/bin/activate") < body.index("module load gcc/12")
    assert {f"export POMDFT_STORE={settings.store}", "export POMDFT_CORES=6"} <= set(body)
    assert "export OMPI_MCA_btl=self" in body
    assert body[-1].endswith(f"-m pomdft.flows.queue.worker {folder}")
    for each in (small, script):
        assert "6 ranks" in each.asked or "1 ranks" in each.asked
        assert (
            subprocess.run(["bash", "-n"], input=each.text, text=True, check=False).returncode == 0
        )
    assert "26:03:04 h, 1500 MB a rank" in script.asked


def test_sge_is_told_how_to_lay_out_ranks(settings: Settings) -> None:
    fields = {"scheduler": "sge", "small_atoms": 1, "large": {"ranks": 2}}
    with pytest.raises(InputError, match="parallel_environment"):
        prepare_flow(make_flow(settings), Cluster.from_fields(fields), settings)


def test_collect_takes_documents_as_plain_data(settings: Settings, tmp_path: Path) -> None:
    source = ResultStore(tmp_path / "source")
    maker = GpawRelaxMaker(level=load_level("xtb"), store=str(source.root))
    request, result = maker.calculate(WATER, "water")
    output = {
        "@module": "evil_module",
        "@class": "CalculationDocument",
        "request": {"@module": "evil", **request.model_dump(mode="json")},
        "result": result.model_dump(mode="json"),
    }
    forged = json.loads(json.dumps(output))
    forged["result"]["key"] = "0" * 24
    path = tmp_path / "store.json"
    documents = [
        {"uuid": "good", "output": output},
        {"uuid": "forged", "output": forged},
        {"uuid": "old", "output": {"@class": "CalculationDocument"}},
        {"uuid": "other", "output": {"@class": "Response"}},
    ]
    path.write_text(json.dumps(documents))
    store = ResultStore(settings.store)
    found = collect(read_json(path), store)
    assert (found.calculations, found.affinities, found.known) == (1, 0, 0)
    assert len(found.refused) == 2
    assert store.read_result(request.key) == result
    assert collect(read_json(path), store).known == 1


def test_collected_files_that_are_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for content in ("{", "{}", "[1]"):
        path.write_text(content)
        with pytest.raises(InputError):
            list(read_json(path))
    stamp = {"@class": "datetime", "string": "2026-01-01 10:00:00"}
    assert plain([stamp]) == ["2026-01-01 10:00:00"]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("slurmstepd: error: *** JOB 7 ON n CANCELLED AT x DUE TO TIME LIMIT ***", "TIMEOUT"),
        ("slurmstepd: error: *** JOB 7 ON n CANCELLED AT 2026 ***", "CANCELLED"),
        ("error: Detected 1 oom_kill event in StepId=7.batch", "OUT_OF_MEMORY"),
        ("StepId=2.batch exceeded memory limit (433631232 > 104857600)", "OUT_OF_MEMORY"),
        ("Traceback\nImportError: no module", "FAILED"),
    ],
)
def test_ends_are_explained(text: str, state: str, tmp_path: Path) -> None:
    (tmp_path / "queue.err").write_text(text)
    end = explain_end("pbs", "7", tmp_path, "4 ranks")
    assert end.state == state
    assert "retry" in end.message
    if "limit (" in text:
        assert "414 MB used, 100 MB granted" in end.message
        assert "asked: 4 ranks" in end.message


def test_records_survive_truncation(tmp_path: Path) -> None:
    folder = QueueFolder(tmp_path / "queue")
    folder.make()
    assert folder.root.stat().st_mode & 0o077 == 0
    record = QueueRecord(name="pd-0123456789ab", label="w", scheduler="slurm", run_dir="/x")
    folder.save(record)
    assert list(folder.records()) == [record]
    (folder.root / "records" / "pd-0123456789ab.json").write_text('{"na')
    assert list(folder.records()) == []


def test_project_files_that_others_can_read_are_refused(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jobflow_remote

    from pomdft.flows.queue.jobs import QueueFlow
    from pomdft.flows.queue.submission import Submission, hand_over

    monkeypatch.setattr(jobflow_remote.SETTINGS, "projects_folder", str(tmp_path))
    path = tmp_path / "site.json"
    secret = "s3cret-word"
    path.write_text(
        json.dumps(
            {
                "name": "site",
                "base_dir": str(tmp_path / "site"),
                "queue": {
                    "store": {
                        "type": "MongoStore",
                        "database": "d",
                        "collection_name": "c",
                        "password": secret,
                    }
                },
            }
        )
    )
    path.chmod(0o644)
    queued = prepare_flow(make_flow(settings), Cluster(), settings)
    submission = Submission(None, (), QueueFlow(queued.flow, queued.jobs, queued.twins))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="chmod 600") as caught:
        hand_over(submission, Cluster(project="site"))
    assert secret not in str(caught.value)
    with pytest.raises(PomdftError, match="no jobflow-remote project 'other'"):
        hand_over(submission, Cluster(project="other"))


def test_more_time_and_memory_for_another_try() -> None:
    cluster = Cluster.from_fields({"large": {"partition": "main", "ranks": 4}})
    changed = with_resources(cluster, "2-0:00:00", 3000)
    for part in (changed.small, changed.large):
        assert (part.walltime, part.memory_per_rank_mb) == (2 * 86400, 3000)
    assert (changed.large.partition, changed.large.ranks) == ("main", 4)
    assert with_resources(cluster, None, None) == cluster
    with pytest.raises(InputError, match="walltime"):
        with_resources(cluster, "1:00:00; rm -rf ~", None)


def test_a_submitted_study_is_remembered_whole(settings: Settings) -> None:
    level = {"preset": "xtb", "overrides": {"name": "x"}}
    study = Study.from_fields(
        {"name": "s", "ligands": "W5O18", "metals": "Au", "level": level, "resources": {"cores": 2}}
    )
    remember_study(study, Cluster(max_jobs=3), settings)
    record = QueueFolder(settings.store / "queue").read_study("s")
    assert Study.from_fields(dict(record.fields)) == study
    assert record.cluster.max_jobs == 3


def test_collect_from_the_job_store_of_a_project(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job run elsewhere, its document in a JobStore on disk, brought into another store."""
    import jobflow_remote
    from jobflow import JobStore, run_locally
    from maggma.stores import JSONStore

    path = tmp_path / "jobs.json"
    job_store = JobStore(JSONStore(str(path), read_only=False))
    elsewhere = ResultStore(tmp_path / "elsewhere")
    maker = GpawRelaxMaker(level=load_level("xtb"), store=str(elsewhere.root))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "cd is deprecated", FutureWarning)
        run_locally(maker.make(WATER, label="w"), log=False, store=job_store)
    project = {
        "name": "site",
        "base_dir": str(tmp_path / "site"),
        "queue": {"store": {"type": "MemoryStore"}},
        "jobstore": {"docs_store": {"type": "JSONStore", "paths": [str(path)]}},
    }
    (tmp_path / "site.json").write_text(json.dumps(project))
    monkeypatch.setattr(jobflow_remote.SETTINGS, "projects_folder", str(tmp_path))
    store = ResultStore(settings.store)
    found = collect(read_project("site"), store)
    assert (found.calculations, found.refused) == (1, ())
    (key,) = elsewhere.calculation_keys()
    brought, original = store.read_result(key), elsewhere.read_result(key)
    # Databases keep milliseconds.
    assert abs((brought.finished - original.finished).total_seconds()) < 0.002
    assert brought == original.model_copy(update={"finished": brought.finished})
    assert store.index.count()["calculation"] == 1
    with pytest.raises(InputError, match="no jobflow-remote project"):
        list(read_project("nowhere"))
