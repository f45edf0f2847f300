"""Performing a calculation once: from the store if it is there, else by the right process."""

from __future__ import annotations

import shutil
from pathlib import Path

from pomdft.calculations.communicator import SerialCommunicator
from pomdft.calculations.engines import SemiempiricalEngine
from pomdft.calculations.gpaw_engine import CHECKPOINT_NAME
from pomdft.calculations.launcher import gpaw_command, launch
from pomdft.calculations.progress import Progress, Reporter, ignore_progress
from pomdft.calculations.recovery import is_permanent
from pomdft.calculations.worker import STATE_NAME, compute
from pomdft.errors import (
    CalculationError,
    ChargeError,
    ConvergenceError,
    InputError,
    LauncherError,
    PomdftError,
    StepLimitError,
    StoreError,
    StructureError,
)
from pomdft.schemas.calculation import CalculationFailure, CalculationInput, CalculationResult
from pomdft.settings import Settings
from pomdft.store.results import ResultStore

#: Errors that the GPAW process hands over by name.
_KINDS: dict[str, type[PomdftError]] = {
    kind.__name__: kind
    for kind in (ConvergenceError, StepLimitError, StructureError, ChargeError, InputError)
}


def perform(
    request: CalculationInput,
    store: ResultStore,
    settings: Settings,
    report: Reporter = ignore_progress,
    *,
    retry: bool = False,
) -> CalculationResult:
    """Return the result of a calculation, computing it only if the store does not have it.

    Parameters
    ----------
    request : CalculationInput
        What to compute.
    store : ResultStore
        Where results live.
    settings : Settings
        Launcher and ranks.
    report : callable
        Takes progress.
    retry : bool
        Try again what failed for good (an SCF that did not converge, say).

    Returns
    -------
    CalculationResult

    Raises
    ------
    ConvergenceError
        It does not converge, now or (without `retry`) at an earlier attempt.
    CalculationError
        The process crashed, or could not be started (LauncherError).
    BusyError
        Another process is computing it.
    """
    key = request.key
    result = store.recall(request)
    if result is not None:
        return result
    folder = store.begin(request)
    with store.lock(key, wait=settings.wait):
        result = store.recall(request)
        if result is not None:
            return result
        failure = store.find_failure(key)
        if failure is not None and failure.permanent and not retry:
            raise ConvergenceError(
                f"This calculation failed before: {failure.message}",
                "Change the input, or run with --retry to try it again as it is.",
            )
        (folder / "failure.json").unlink(missing_ok=True)
        try:
            result = _compute(request, folder, settings, report)
        except (StoreError, LauncherError):
            raise
        except PomdftError as error:
            if store.find_failure(key) is None:
                store.save_failure(
                    CalculationFailure(
                        key=key,
                        kind=type(error).__name__,
                        message=str(error),
                        permanent=is_permanent(error),
                    )
                )
            raise
        store.finish(request, result)
        _drop_checkpoints(folder)
        return result


def _compute(
    request: CalculationInput, folder: Path, settings: Settings, report: Reporter
) -> CalculationResult:
    if request.level.method != "gpaw":
        engine = SemiempiricalEngine(request)
        return compute(request, folder, engine, SerialCommunicator(), report)
    command = gpaw_command(settings, folder, settings.ranks)
    report(Progress("note", text=f"GPAW on {settings.ranks} ranks, log {folder / 'gpaw.txt'}"))
    launch(command, folder, report)
    path = folder / "result.json"
    if path.exists():
        return CalculationResult.from_json(path.read_bytes(), origin=str(path))
    path = folder / "failure.json"
    if path.exists():
        failure = CalculationFailure.from_json(path.read_bytes(), origin=str(path))
        raise _KINDS.get(failure.kind, CalculationError)(failure.message)
    raise CalculationError(
        f"The GPAW process ended without a result in {folder}.", "See launcher.log there."
    )


def _drop_checkpoints(folder: Path) -> None:
    """Remove what only an unfinished calculation needs."""
    for name in (CHECKPOINT_NAME, f".{CHECKPOINT_NAME}.tmp", STATE_NAME, "wall_time_s.txt"):
        (folder / name).unlink(missing_ok=True)


def free_megabytes(folder: Path) -> float:
    """Return the free space on the disk of `folder` in MB."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 1e6
