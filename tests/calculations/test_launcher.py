from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from pomdft.calculations.launcher import (
    STORAGE_FAILED,
    find_program,
    gpaw_command,
    gpaw_environment,
    launch,
)
from pomdft.calculations.progress import Progress, ignore_progress
from pomdft.errors import CalculationError, LauncherError, StoreError
from pomdft.settings import Settings


def test_command_without_a_launcher(tmp_path: Path) -> None:
    command = gpaw_command(Settings(launcher="none"), tmp_path, 4)
    assert command[0] == find_program("gpaw")
    assert command[1:] == ["python", "-m", "pomdft.calculations.runner", str(tmp_path)]


def test_command_with_a_launcher_and_options(tmp_path: Path) -> None:
    launcher = tmp_path / "mpirun"
    launcher.write_text("#!/bin/sh\n")
    launcher.chmod(0o755)
    settings = Settings(launcher=f"{launcher} --bind-to none")
    command = gpaw_command(settings, tmp_path / "a b; touch x", 3)
    assert command[:5] == [str(launcher), "--bind-to", "none", "-n", "3"]
    assert command[-1] == str(tmp_path / "a b; touch x")


def test_missing_launcher_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match="openmpi-bin"):
        gpaw_command(Settings(launcher="/nonexistent/mpiexec"), tmp_path, 2)


def test_environment_is_scrubbed() -> None:
    clean = gpaw_environment(
        {
            "PATH": "/bin",
            "OMPI_COMM_WORLD_RANK": "3",
            "PMIX_NAMESPACE": "x",
            "PMI_RANK": "1",
            "PRTE_X": "1",
            "OMPI_MCA_btl": "self",
            "OMP_NUM_THREADS": "16",
        }
    )
    assert clean["PATH"] == "/bin"
    assert clean["OMP_NUM_THREADS"] == "1"
    assert clean["OMPI_MCA_btl"] == "self"
    assert not [n for n in clean if n.startswith(("PMIX_", "PMI_", "PRTE_", "OMPI_COMM"))]
    if os.geteuid() == 0:
        assert clean["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] == "1"


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_progress_is_passed_on(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from pomdft.calculations.progress import Progress, progress_writer\n"
        f"write = progress_writer(Path({str(tmp_path)!r}))\n"
        "[write(Progress('scf', i, -1.0 * i)) for i in range(3)]\n"
    )
    heard: list[Progress] = []
    launch(python(program), tmp_path, heard.append)
    assert [event.number for event in heard] == [0, 1, 2]
    assert heard[2].energy_ev == -2.0


def test_last_words_are_quoted(tmp_path: Path) -> None:
    with pytest.raises(CalculationError, match="ValueError: unlucky") as caught:
        launch(python("raise ValueError('unlucky')"), tmp_path, ignore_progress)
    assert "launcher.log" in str(caught.value)
    assert "status 1" in str(caught.value)


def test_no_words_at_all(tmp_path: Path) -> None:
    with pytest.raises(CalculationError, match="no output"):
        launch(python("import os; os._exit(3)"), tmp_path, ignore_progress)


def test_killed_process(tmp_path: Path) -> None:
    with pytest.raises(CalculationError, match="status -9"):
        launch(python("import os; os.kill(os.getpid(), 9)"), tmp_path, ignore_progress)


def test_storage_status_is_a_storage_error(tmp_path: Path) -> None:
    program = f"print('StoreError: No space left'); raise SystemExit({STORAGE_FAILED})"
    with pytest.raises(StoreError, match="cannot write") as caught:
        launch(python(program), tmp_path, ignore_progress)
    assert str(tmp_path) in str(caught.value)


def test_failure_document_speaks_for_itself(tmp_path: Path) -> None:
    program = f"open({str(tmp_path / 'failure.json')!r}, 'w'); raise SystemExit(1)"
    launch(python(program), tmp_path, ignore_progress)


def test_a_program_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match="Cannot start"):
        launch(["/nonexistent/program"], tmp_path, ignore_progress)


def test_interruption_ends_the_process(tmp_path: Path) -> None:
    program = (
        "import os, time; from pathlib import Path\n"
        "from pomdft.calculations.progress import Progress, progress_writer\n"
        f"folder = Path({str(tmp_path)!r}); (folder / 'pid').write_text(str(os.getpid()))\n"
        "progress_writer(folder)(Progress('note', text='here')); time.sleep(60)\n"
    )

    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        launch(python(program), tmp_path, interrupt)
    assert time.monotonic() - started < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
