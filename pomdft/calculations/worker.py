"""One calculation from input to result, in whatever process runs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pomdft.calculations.communicator import Communicator
from pomdft.calculations.engines import make_atoms
from pomdft.calculations.hessian import (
    compute_crystal_hessian,
    compute_spring_hessian,
    compute_xtb_hessian,
    unit_hessian,
)
from pomdft.calculations.progress import Progress, Reporter
from pomdft.calculations.relaxation import (
    FIRST_RADIUS,
    RelaxationState,
    positive_definite,
    relax,
)
from pomdft.errors import PomdftError
from pomdft.schemas.calculation import CalculationInput, CalculationResult, RecoveryStep
from pomdft.schemas.model import as_vectors
from pomdft.store.files import write_atomically

STATE_NAME = "relaxation.npz"
_TIME_NAME = "wall_time_s.txt"


class CalculationEngine(Protocol):
    """What the worker needs of an engine."""

    @property
    def recovery(self) -> tuple[RecoveryStep, ...]:
        """Rungs of the recovery ladder climbed."""

    def evaluate(
        self, positions: NDArray[np.float64], *, roughness: float = 1.0
    ) -> tuple[float, NDArray[np.float64]]:
        """Return energy in eV and forces in eV/angstrom, see `relax`."""

    def summary(self) -> dict[str, Any]:
        """Return further fields of the result."""

    def dispersion_energy_ev(self) -> float | None:
        """Return the dispersion energy, None where there is none."""


def compute(
    request: CalculationInput,
    folder: Path,
    engine: CalculationEngine,
    comm: Communicator,
    report: Reporter,
) -> CalculationResult:
    """Compute what is asked, going on from the checkpoints in `folder`, and write result.json.

    Parameters
    ----------
    request : CalculationInput
        What to compute.
    folder : Path
        Folder of the calculation.
    engine : CalculationEngine
        Gives energies and forces.
    comm : Communicator
        All its ranks call this function.
    report : callable
        Takes progress; called on the first rank only.

    Returns
    -------
    CalculationResult

    Raises
    ------
    ConvergenceError
        SCF or relaxation do not converge.
    """
    started = time.monotonic()
    earlier = _read_time(folder)
    model = request.model
    first = comm.rank == 0

    def spent() -> float:
        return earlier + time.monotonic() - started

    if request.task == "energy":
        energy, forces = engine.evaluate(model.positions)
        positions, n_steps = model.positions, 0
        energies: tuple[float, ...] = (energy,)
        if first:
            largest = float(np.linalg.norm(forces, axis=1).max())
            report(Progress("step", 0, energy, largest, spent()))
    else:
        free = _free_atoms(request)
        state = _initial_state(request, folder, free, comm, report)

        def save(state: RelaxationState) -> None:
            if first:
                state.save(folder / STATE_NAME)
                write_atomically(folder / _TIME_NAME, f"{spent():.1f}\n")

        def step_done(number: int, energy: float, largest: float) -> None:
            if first:
                report(Progress("step", number, energy, largest, spent()))

        outcome = relax(
            engine,
            state,
            free,
            request.level.relaxation,
            comm,
            save=save,
            report=step_done,
            guess=_guess(request, free),
        )
        positions, energy, forces = outcome.positions, outcome.energy_ev, outcome.forces
        n_steps, energies = outcome.n_steps, outcome.energies_ev
    result = CalculationResult(
        key=request.key,
        task=request.task,
        energy_ev=energy,
        dispersion_energy_ev=engine.dispersion_energy_ev(),
        forces_ev_per_angstrom=as_vectors(forces),
        max_force_ev_per_angstrom=_largest_free_force(request, forces),
        positions_angstrom=as_vectors(positions),
        n_steps=n_steps,
        step_energies_ev=energies,
        recovery=engine.recovery,
        wall_time_s=spent(),
        n_ranks=comm.size,
        codes=request.codes,
        **engine.summary(),
    )
    if first:
        write_atomically(folder / "result.json", result.to_json())
    return result


def _free_atoms(request: CalculationInput) -> NDArray[np.intp]:
    fixed = set(request.model.frozen) | set(request.model.ghosts)
    return np.array([i for i in range(len(request.model.symbols)) if i not in fixed], dtype=np.intp)


def _largest_free_force(request: CalculationInput, forces: NDArray[np.float64]) -> float:
    free = _free_atoms(request)
    return float(np.linalg.norm(forces[free], axis=1).max()) if len(free) else 0.0


def _initial_state(
    request: CalculationInput,
    folder: Path,
    free: NDArray[np.intp],
    comm: Communicator,
    report: Reporter,
) -> RelaxationState:
    settings = request.level.relaxation
    state = RelaxationState.load(folder / STATE_NAME, len(request.model.symbols))
    if state is not None:
        if comm.rank == 0:
            done = len(state.energies_ev)
            report(Progress("note", text=f"continuing the relaxation after step {done - 1}"))
        return state
    hessian = unit_hessian(len(free))
    if settings.hessian == "xtb" and len(free):
        try:
            hessian = positive_definite(compute_xtb_hessian(request.model, free, comm))
        except PomdftError as error:
            # Only the number of steps suffers.
            if comm.rank == 0:
                report(Progress("note", text=f"no xTB Hessian ({error.message}); starting plain"))
    return RelaxationState(
        positions=request.model.positions,
        hessian=hessian,
        radius_angstrom=min(settings.max_step_angstrom, FIRST_RADIUS),
    )


def _guess(
    request: CalculationInput, free: NDArray[np.intp]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]] | None:
    """Return the Hessian that a level wants guessed anew at each geometry, None if none."""
    if request.level.relaxation.hessian != "springs":
        return None
    if any(request.model.pbc):
        atoms = make_atoms(request)

        def guess(positions: NDArray[np.float64]) -> NDArray[np.float64]:
            atoms.positions = positions
            return compute_crystal_hessian(atoms, free)

        return guess
    numbers = np.asarray(request.model.numbers)
    return lambda positions: positive_definite(compute_spring_hessian(numbers, positions, free))


def _read_time(folder: Path) -> float:
    try:
        return float((folder / _TIME_NAME).read_text())
    except (OSError, ValueError):
        return 0.0
