"""`pomdft submit` where something is missing: what it shows, what it says."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

STUDY = "name: a\nligands: thiolate\nmetals: Au\nclusters: M1\nlevel: xtb\n"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture
def bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH without any scheduler."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def test_dry_run_without_a_scheduler(pomdft: Run, study: Path, bare_path: Path) -> None:
    answer = pomdft("submit", study, "--dry-run")
    assert answer.status == 0, answer.err
    text = " ".join(answer.out.split())
    assert "#SBATCH --job-name=pd-" in text
    assert "no slurm answers here, so the scripts were not checked" in text
    assert "nothing was submitted" in text
    rows = json.loads(pomdft("submit", study, "--dry-run", "--format", "json").out)
    assert len(rows) == 5
    assert {row["sbatch --test-only"] for row in rows} == {"not checked"}


def test_dry_run_where_sbatch_finds_no_slurm(pomdft: Run, study: Path, bare_path: Path) -> None:
    """Debian's slurm-client on a machine of no cluster."""
    sbatch = bare_path / "sbatch"
    sbatch.write_text(
        "#!/bin/sh\necho 'sbatch: error: fetch_config: DNS SRV lookup failed' >&2\n"
        "echo 'sbatch: fatal: Could not establish a configuration source' >&2\nexit 1\n"
    )
    sbatch.chmod(0o755)
    answer = pomdft("submit", study, "--dry-run")
    assert answer.status == 0, answer.err
    assert "DNS" not in answer.out
    assert "no slurm answers here" in " ".join(answer.out.split())


@pytest.mark.parametrize(("scheduler", "command"), [("slurm", "sbatch"), ("pbs", "qsub")])
def test_submitting_without_a_scheduler(
    pomdft: Run, study: Path, bare_path: Path, scheduler: str, command: str
) -> None:
    cluster = bare_path.parent / "site.yaml"
    cluster.write_text(f"scheduler: {scheduler}\n")
    answer = pomdft("submit", study, "--cluster", cluster)
    assert answer.status == 2, answer.err
    assert f"There is no {command} here" in answer.message
    assert "pomdft run" in answer.message
    assert "Traceback" not in answer.err
    assert not (bare_path.parent / "store" / "queue").exists(), "nothing is left behind"


SECRET = "s3cret-word-of-the-database"
SUBMIT = """
import sys
import jobflow_remote
jobflow_remote.SETTINGS.projects_folder = sys.argv.pop(1)
from pomdft.cli.main import main
main()
"""


def test_a_database_password_is_told_to_nobody(study: Path, tmp_path: Path) -> None:
    """A jobflow-remote project whose database does not answer: nowhere is its password."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    projects = tmp_path / "projects"
    projects.mkdir()
    store = {
        "type": "MongoStore",
        "host": "127.0.0.1",
        "port": port,
        "database": "d",
        "username": "somebody",
        "password": SECRET,
        "collection_name": "jobs",
        "mongoclient_kwargs": {"serverSelectionTimeoutMS": 300},
    }
    project = {
        "name": "site",
        "base_dir": str(tmp_path / "site"),
        "queue": {"store": store},
        "jobstore": {"docs_store": store | {"collection_name": "documents"}},
        "workers": {
            "w": {
                "type": "local",
                "scheduler_type": "slurm",
                "work_dir": str(tmp_path / "work"),
            }
        },
    }
    path = projects / "site.json"
    path.write_text(json.dumps(project))
    path.chmod(0o600)
    (tmp_path / "site.yaml").write_text("project: site\n")
    said = ""
    for debug in ({}, {"POMDFT_DEBUG": "1"}):
        words = ["submit", str(study), "--cluster", str(tmp_path / "site.yaml")]
        with subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", SUBMIT, str(projects), *words],
            env={**os.environ, **debug},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            shown = ""
            while process.poll() is None:
                shown += subprocess.run(
                    [
                        "ps",
                        "-ww",
                        "-o",
                        "args=",
                        "--ppid",
                        str(process.pid),
                        "-p",
                        str(process.pid),
                    ],
                    capture_output=True,
                    text=True,
                    check=False,
                ).stdout
                try:
                    process.wait(0.2)
                except subprocess.TimeoutExpired:
                    continue
            assert process.stdout is not None
            answer = process.stdout.read()
        assert process.returncode != 0, answer
        assert "submit" in shown, "ps saw it"
        assert SECRET not in shown
        assert "The project site does not take the study" in answer
        assert "Connection refused" in answer
        assert ("Traceback" in answer) is bool(debug)
        said += answer
    assert SECRET not in said
    holders = [
        file
        for file in tmp_path.rglob("*")
        if file.is_file() and SECRET.encode() in file.read_bytes()
    ]
    assert holders == [path]
