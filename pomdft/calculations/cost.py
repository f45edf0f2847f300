"""What a calculation will cost, before it runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pomdft.schemas.calculation import Task
from pomdft.schemas.level import Level
from pomdft.schemas.model import AtomicModel

#: Seconds of one SCF iteration per grid point and core with LCAO dzp, and per electron squared
#: times atoms; fitted to runs with 33 and 58 atoms on Zen 4 cores.
_GRID_S = 4.5e-6
_MATRIX_S = 1.2e-7
_ITERATIONS_FIRST, _ITERATIONS_NEXT = 14, 8
_RELAXATION_STEPS = 15
#: fd and pw against LCAO on the same grid.
_MODE_FACTOR = {"lcao": 1.0, "fd": 6.0, "pw": 4.0}
_XTB_S_PER_ATOM2 = 4.0e-5
#: A continuum solvent against vacuum: H2O in 8 x 9.6 x 8.8 angstrom, one SCF.
_SOLVENT_FACTOR = 2.3


@dataclass(frozen=True)
class CostEstimate:
    """Estimated wall time.

    Attributes
    ----------
    seconds : float
        Wall time in seconds; good to a factor of two.
    basis : {"history", "model"}
        Whether finished calculations of the same level in the store were used.
    """

    seconds: float
    basis: str = "model"

    def __str__(self) -> str:
        return format_duration(self.seconds)


def estimate_cost(
    task: Task,
    model: AtomicModel,
    level: Level,
    n_ranks: int,
    history: Iterable[tuple[str, str, int, float]] = (),
) -> CostEstimate:
    """Estimate the wall time of a calculation.

    Parameters
    ----------
    task : {"energy", "relaxation"}
    model : AtomicModel
    level : Level
    n_ranks : int
        MPI ranks.
    history : iterable of (task, level fingerprint, n_atoms, wall time in s)
        Finished calculations, from `Index.wall_times`.
    """
    n_atoms = len(model.symbols)
    similar = [
        wall * (n_atoms / n) ** 1.5
        for t, fingerprint, n, wall in history
        if t == task and fingerprint == level.fingerprint and 0.6 < n_atoms / n < 1.7
    ]
    if similar:
        return CostEstimate(float(np.median(similar)), "history")
    steps = _RELAXATION_STEPS if task == "relaxation" else 0
    if level.method != "gpaw":
        return CostEstimate(_XTB_S_PER_ATOM2 * n_atoms**2 * (1 + 10 * steps))
    volume = float(np.abs(np.linalg.det(np.array(model.cell_angstrom))))
    spacing = float(level.parameters.get("h", 0.2))
    mode = level.parameters.get("mode", "lcao")
    name = mode.get("name", "lcao") if isinstance(mode, dict) else str(mode)
    spins = 2 if model.magnetic_moments_bohr_magneton is not None else 1
    valence = 6.0 * n_atoms
    iteration = _GRID_S * volume / spacing**3 + _MATRIX_S * valence**2 * n_atoms / 4
    iterations = _ITERATIONS_FIRST + steps * _ITERATIONS_NEXT
    iteration *= 1.0 if level.solvent is None else _SOLVENT_FACTOR
    return CostEstimate(iteration * iterations * spins * _MODE_FACTOR.get(name, 4.0) / n_ranks)


def format_duration(seconds: float) -> str:
    """Return a duration as a person says it: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
