"""The GPAW process: `gpaw python -m pomdft.calculations.runner FOLDER`, on every MPI rank.

Reads input.json, writes result.json or failure.json, and ends at once when the process that
started it is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

from pomdft.calculations.launcher import PR_SET_PDEATHSIG, STORAGE_FAILED
from pomdft.calculations.progress import progress_writer
from pomdft.calculations.recovery import is_permanent
from pomdft.calculations.worker import compute
from pomdft.errors import PomdftError, StoreError
from pomdft.schemas.calculation import CalculationFailure, CalculationInput
from pomdft.store.files import is_storage_failure, locked, write_atomically

#: Exit status of a process whose starter is gone.
ORPHANED = 75
_POLL_S = 0.5


def watch_parent() -> None:
    """See to it that this process ends when its parent process is gone.

    A killed driver must not leave ranks computing: the launcher dies with the driver (see
    launcher.py), and each rank with the launcher. The kernel does it even where a rank waits
    inside MPI for one that is gone; the thread, where the parent is already gone or the kernel
    signal went with a thread of the launcher only.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL_S)
        os._exit(ORPHANED)

    threading.Thread(target=watch, name="watch-parent", daemon=True).start()


def run(folder: Path) -> int:
    """Compute what `folder`/input.json asks; return the exit status.

    An error that one rank alone has (a full disk, a bug) ends all of them at once: the others
    would wait for it for ever.
    """
    from gpaw.mpi import world

    try:
        return _compute(folder, world)
    except BaseException as error:
        _abort(folder, world, error)


def _compute(folder: Path, world: Any) -> int:
    from pomdft.calculations.gpaw_engine import GpawEngine

    request = CalculationInput.from_json(
        (folder / "input.json").read_bytes(), origin=str(folder / "input.json")
    )
    report = progress_writer(folder)
    engine = GpawEngine(request, folder, report)
    try:
        if world.rank == 0:
            # Ranks of a killed driver may need a moment to notice: never two at one folder.
            with locked(folder / "compute.lock", wait=True):
                world.barrier()
                compute(request, folder, engine, world, report)
        else:
            world.barrier()
            compute(request, folder, engine, world, report)
    except StoreError:
        raise
    except PomdftError as error:
        if world.rank == 0:
            failure = CalculationFailure(
                key=request.key,
                kind=type(error).__name__,
                message=str(error),
                permanent=is_permanent(error),
                recovery=engine.recovery,
            )
            write_atomically(folder / "failure.json", failure.to_json())
        return 1
    return 0


def _abort(folder: Path, world: Any, error: BaseException) -> NoReturn:
    """Say what happened and end all ranks."""
    storage = is_storage_failure(error)
    status = STORAGE_FAILED if storage else 1
    # Standard error goes to launcher.log, which a full disk does not take either.
    with contextlib.suppress(OSError):
        if storage:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        else:
            traceback.print_exception(error)
        sys.stderr.flush()
    if world.size > 1:
        world.abort(status)
    os._exit(status)


def main() -> None:
    """Run as a program."""
    watch_parent()
    sys.exit(run(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
