"""`pomdft doctor`: what works on this machine, what does not, and how to mend it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from pomdft.cli.rendering import Format, print_rows
from pomdft.errors import CalculationError, PomdftError
from pomdft.schemas.calculation import package_version
from pomdft.settings import Settings, load_settings

State = Literal["works", "missing", "broken", "not needed"]
_TIMEOUT_S = 120


@dataclass(frozen=True)
class Finding:
    """One thing checked.

    Attributes
    ----------
    item, detail, remedy : str
        What, what was found, how to mend it.
    state : str
        "works", "missing", "broken", or "not needed" (optional and absent).
    """

    item: str
    state: State
    detail: str
    remedy: str = ""


def doctor(
    form: Annotated[Format, typer.Option("--format", help="table, csv or json.")] = Format.TABLE,
) -> None:
    """Check GPAW, PAW datasets, MPI launcher, compilers, kernels, store and queue.

    Example: pomdft doctor
    """
    settings = load_settings()
    checks: tuple[Callable[[Settings], Finding], ...] = (
        check_gpaw,
        check_datasets,
        check_launcher,
        check_mpi_run,
        check_xtb,
        check_dispersion,
        check_kernels,
        check_compiler,
        check_store,
        check_store_locks,
        check_queue,
    )
    findings = [check(settings) for check in checks]
    rows = [vars(finding) for finding in findings]
    print_rows(rows, ("item", "state", "detail", "remedy"), form, title="pomdft doctor")
    bad = [finding.item for finding in findings if finding.state in ("missing", "broken")]
    if bad:
        raise CalculationError(f"Not in order: {', '.join(bad)}.", "See the remedies above.")


def check_gpaw(_: Settings) -> Finding:
    """Check that GPAW is there and compiled with MPI."""
    from pomdft.calculations.launcher import find_program, gpaw_environment

    remedy = "Run `make setup`, or pip install gpaw with MPI, libxc and ScaLAPACK available."
    program = find_program("gpaw")
    version = package_version("gpaw")
    if program is None or version == "absent":
        return Finding("GPAW", "missing", "not installed", remedy)
    info = _output([program, "info"], gpaw_environment(os.environ))
    if info is None:
        return Finding("GPAW", "broken", f"{program} info fails", remedy)
    features = {
        line.split()[0]: " ".join(line.split()[1:]) for line in info.splitlines() if line.split()
    }
    mpi = "MPI enabled      yes" in info or any(
        line.startswith("MPI enabled") and line.rstrip().endswith("yes")
        for line in info.splitlines()
    )
    libxc = next((name for name in features if name.startswith("libxc")), "libxc unknown")
    if not mpi:
        return Finding("GPAW", "broken", f"{version}, compiled without MPI", remedy)
    return Finding("GPAW", "works", f"{version}, MPI, {libxc}")


def check_datasets(_: Settings) -> Finding:
    """Check that PAW datasets and LCAO basis sets are found."""
    version = package_version("gpaw-data")
    if version == "absent" and not os.environ.get("GPAW_SETUP_PATH"):
        return Finding(
            "PAW datasets", "missing", "gpaw-data is not installed", "pip install gpaw-data"
        )
    return Finding("PAW datasets", "works", f"gpaw-data {version}")


def check_launcher(settings: Settings) -> Finding:
    """Check that the MPI launcher exists."""
    word = shlex.split(settings.launcher)[0]
    if word == "none":
        return Finding("MPI launcher", "works", "none: GPAW runs on one core")
    path = shutil.which(word)
    if path is None:
        return Finding(
            "MPI launcher",
            "missing",
            word,
            "Install it (Debian: openmpi-bin) or set POMDFT_LAUNCHER=none.",
        )
    return Finding("MPI launcher", "works", f"{path}, {settings.ranks} ranks")


def check_mpi_run(settings: Settings) -> Finding:
    """Start GPAW's Python on all ranks and let them count each other."""
    from pomdft.calculations.launcher import find_program, gpaw_command, gpaw_environment

    try:
        command = gpaw_command(settings, settings.store, settings.ranks)
    except PomdftError as error:
        return Finding("GPAW under MPI", "missing", error.message, error.remedy or "")
    start = command[: command.index(find_program("gpaw") or "gpaw")]
    code = "from gpaw.mpi import world; print('ranks', world.size) if world.rank == 0 else None"
    words = [*start, find_program("gpaw") or "gpaw", "python", "-c", code]
    output = _output(words, gpaw_environment(os.environ))
    expected = 1 if not start else settings.ranks
    if output is None or f"ranks {expected}" not in output:
        return Finding(
            "GPAW under MPI",
            "broken",
            f"{' '.join(start) or 'gpaw'}: {(output or 'no answer').strip()[-120:]}",
            "Check that GPAW and the launcher belong to the same MPI.",
        )
    return Finding("GPAW under MPI", "works", f"{expected} ranks answer")


def check_xtb(_: Settings) -> Finding:
    """Compute water with GFN1-xTB."""
    try:
        from ase.build import molecule

        from pomdft.structures.xtb import make_xtb_calculator

        atoms = molecule("H2O")
        atoms.calc = make_xtb_calculator(0, 1)
        energy = atoms.get_potential_energy()
    except Exception as error:
        return Finding("xTB", "broken", f"{type(error).__name__}: {error}", "pip install tblite")
    return Finding("xTB", "works", f"tblite {package_version('tblite')}, H2O {energy:.2f} eV")


def check_dispersion(_: Settings) -> Finding:
    """Check that dftd4 is there."""
    version = package_version("dftd4")
    if version == "absent":
        return Finding("D4 dispersion", "missing", "dftd4 is not installed", "pip install dftd4")
    return Finding("D4 dispersion", "works", f"dftd4 {version}")


def check_kernels(_: Settings) -> Finding:
    """Check that the compiled kernels are there."""
    found = sorted(p.name.split(".")[0] for p in _kernel_folder().glob("_*.so"))
    if not found:
        return Finding(
            "compiled kernels",
            "missing",
            "the NumPy twins are used (slow)",
            "Run `make setup`, or `python setup.py build_ext --inplace`.",
        )
    return Finding("compiled kernels", "works", ", ".join(found))


def _kernel_folder() -> Path:
    import pomdft.kernels

    return Path(pomdft.kernels.__file__ or "").parent


def check_compiler(_: Settings) -> Finding:
    """Check that a C compiler is there; only building needs it."""
    path = shutil.which("gcc") or shutil.which("cc")
    if path is None:
        return Finding("C compiler", "not needed", "none found; only building needs one")
    version = _output([path, "-dumpfullversion"], dict(os.environ)) or "?"
    return Finding("C compiler", "works", f"{path} {version.strip()}")


def check_store(settings: Settings) -> Finding:
    """Check that the store can be written and its index opened."""
    from pomdft.store.results import ResultStore

    store = ResultStore(settings.store)
    try:
        count = store.index.count()
    except PomdftError as error:
        return Finding("store", "broken", error.message, error.remedy or "")
    free = shutil.disk_usage(settings.store).free / 1e9
    begun = len(store.calculation_keys())
    detail = (
        f"{settings.store}: {count['calculation']} finished of {begun} calculations, "
        f"{count['affinity']} affinities, {free:.1f} GB free"
    )
    if free < 1.0:
        return Finding("store", "broken", detail, "Free some space or set POMDFT_STORE.")
    return Finding("store", "works", detail)


def check_store_locks(settings: Settings) -> Finding:
    """Check that file locks work where the store is."""
    from pomdft.store.files import is_locked, locked

    try:
        with tempfile.TemporaryDirectory(dir=settings.store) as folder:
            path = Path(folder) / "test.lock"
            with locked(path):
                held = is_locked(path)
    except (PomdftError, OSError) as error:
        return Finding(
            "store locks",
            "broken",
            str(error),
            "Set POMDFT_STORE to a folder on a local disk.",
        )
    if not held:
        return Finding(
            "store locks",
            "broken",
            "the file system grants a lock twice",
            "Set POMDFT_STORE to a folder on a local disk.",
        )
    return Finding("store locks", "works", "exclusive locks are kept")


def check_queue(_: Settings) -> Finding:
    """Look for a queue and for jobflow-remote."""
    scheduler = next((name for name in ("sbatch", "qsub") if shutil.which(name)), None)
    version = package_version("jobflow-remote")
    remote = "no jobflow-remote" if version == "absent" else f"jobflow-remote {version}"
    if scheduler is None and shutil.which("bsub"):
        detail = f"LSF (bsub), which qtoolkit {package_version('qtoolkit')} does not drive"
        return Finding("queue", "not needed", detail, "Run inside an allocation: `pomdft run`.")
    if scheduler is None:
        return Finding("queue", "not needed", f"no scheduler here, {remote}; local runs work")
    return Finding("queue", "works", f"{scheduler}, {remote}")


def _output(command: list[str], environment: dict[str, str]) -> str | None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout + done.stderr if done.returncode == 0 else None
