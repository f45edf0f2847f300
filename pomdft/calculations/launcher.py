"""Starting GPAW in a process of its own, and never leaving it behind."""

from __future__ import annotations

import ctypes
import errno
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from pomdft.calculations.blas import choose_blas_core
from pomdft.calculations.progress import ProgressReader, Reporter
from pomdft.errors import CalculationError, LauncherError, StoreError
from pomdft.settings import Settings
from pomdft.store.files import is_full, is_storage_failure, storage_error

#: Environment variables of a surrounding MPI run; inherited, they would make the new one believe
#: that it is part of the old.
_MPI_PREFIXES = ("OMPI_", "PMIX_", "PMI_", "PRTE_", "ORTE_", "MPI_LOCAL", "HYDRA_")
#: Option of prctl (Linux): the signal a process gets when its parent dies.
PR_SET_PDEATHSIG = 1
#: Exit status of a GPAW process that could not write (EX_IOERR of sysexits.h).
STORAGE_FAILED = 74
_POLL_S = 0.2


def gpaw_command(settings: Settings, folder: Path, n_ranks: int) -> list[str]:
    """Return the command that computes what `folder`/input.json asks.

    Parameters
    ----------
    settings : Settings
        Says the launcher.
    folder : Path
        Folder of the calculation.
    n_ranks : int
        MPI ranks.

    Returns
    -------
    list of str

    Raises
    ------
    LauncherError
        The launcher or the `gpaw` program is missing.
    """
    gpaw = find_program("gpaw")
    if gpaw is None:
        raise LauncherError(
            "The program `gpaw` is missing beside this Python and on PATH.",
            "Run `make setup`, or install GPAW into this environment; `pomdft doctor` checks it.",
        )
    words = shlex.split(settings.launcher)
    tail = [gpaw, "python", "-m", "pomdft.calculations.runner", str(folder)]
    if Path(words[0]).name == "none":
        return tail
    if shutil.which(words[0]) is None:
        raise LauncherError(
            f"The MPI launcher {words[0]!r} is missing.",
            "Install it (Debian: openmpi-bin), or set POMDFT_LAUNCHER=none to run on one core.",
        )
    return [*words, "-n", str(n_ranks), *tail]


def find_program(name: str) -> str | None:
    """Return the path of a program, looking beside the running Python first."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def gpaw_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a GPAW process: no MPI variables of the parent, one thread.

    Where OpenBLAS does not know the processor it is told which kernels to use.
    """
    keep = ("OMPI_MCA_", "OMPI_ALLOW_RUN_AS_ROOT")
    clean = {
        name: value
        for name, value in environment.items()
        if not name.startswith(_MPI_PREFIXES) or name.startswith(keep)
    }
    clean["OMP_NUM_THREADS"] = "1"
    clean |= choose_blas_core(clean)
    if os.geteuid() == 0:
        # Containers run as root; OpenMPI asks to be told twice that this is meant.
        clean["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
        clean["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    # Binding to cores makes two calculations at once share the first ones.
    clean.setdefault("OMPI_MCA_hwloc_base_binding_policy", "none")
    clean.setdefault("OMPI_MCA_rmaps_base_oversubscribe", "1")
    return clean


def launch(command: list[str], folder: Path, report: Reporter) -> None:
    """Run the GPAW process to its end, passing on its progress.

    Parameters
    ----------
    command : list of str
        From `gpaw_command`.
    folder : Path
        Folder of the calculation; standard output and error go to launcher.log there.
    report : callable
        Takes progress while it comes.

    Raises
    ------
    LauncherError
        The process cannot be started.
    CalculationError
        It was killed or crashed; the message quotes its last words.
    """
    reader = ProgressReader(folder)
    log = folder / "launcher.log"
    try:
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                stdout=stream,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=gpaw_environment(os.environ),
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl call, no locks
                start_new_session=True,
            )
    except OSError as error:
        if is_storage_failure(error):
            raise storage_error(log, error) from error
        raise LauncherError(
            f"Cannot start {command[0]}: {error}.", "Run `pomdft doctor`."
        ) from error
    try:
        while process.poll() is None:
            for event in reader.read():
                report(event)
            time.sleep(_POLL_S)
        for event in reader.read():
            report(event)
    finally:
        if process.poll() is None:
            _kill_group(process)
    if process.returncode != 0 and not (folder / "failure.json").exists():
        raise _crash(process.returncode, folder, log)


def _crash(status: int, folder: Path, log: Path) -> StoreError | CalculationError:
    """Return the error for a GPAW process that ended without saying why in failure.json."""
    words = _last_words(log)
    if status == STORAGE_FAILED or is_full(folder):
        if is_full(folder):
            return storage_error(folder, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        return StoreError(f"The GPAW process cannot write in {folder}: {words}")
    return CalculationError(
        f"The GPAW process ended with status {status}: {words}",
        f"Its output is in {log}. Run again: it goes on from the last checkpoint.",
    )


def _die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    for number, grace in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=grace)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        else:
            return


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if "Error" in line or "rror:" in line or "Killed" in line]
    return (telling or lines or ["no output"])[-1].strip()[:300]
