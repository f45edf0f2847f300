"""What a calculation will cost, before it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from pomdft.schemas.calculation import Task
from pomdft.schemas.level import Level
from pomdft.schemas.model import AtomicModel

#: Seconds of one SCF iteration with LCAO dzp per grid point, and per electron squared times atoms,
#: on one core of a busy machine; fitted to single points and relaxations with 4 to 58 atoms.
_GRID_S = 1.6e-6
_MATRIX_S = 1.6e-7
#: With plane waves to 400 eV, per atom and cubic angstrom; fitted to molecules with 4 to 33 atoms.
_PLANE_WAVE_S = 2.3e-4
_ITERATIONS_FIRST, _ITERATIONS_NEXT = 14, 8
_RELAXATION_STEPS = 15
#: Finite differences against the grid's share of LCAO.
_FD_FACTOR = 17.0
_XTB_S_PER_ATOM2 = 4.0e-5
#: A continuum solvent against vacuum, for an anion with 53 atoms.
_SOLVENT_FACTOR = 2.0


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
    iterations = _ITERATIONS_FIRST + steps * _ITERATIONS_NEXT
    spins = 2 if model.magnetic_moments_bohr_magneton is not None else 1
    seconds = _estimate_iteration(model, level) * iterations * spins
    return CostEstimate(seconds * (1.0 if level.solvent is None else _SOLVENT_FACTOR) / n_ranks)


def _estimate_iteration(model: AtomicModel, level: Level) -> float:
    """Return the seconds of one SCF iteration of one spin on one core."""
    n_atoms = len(model.symbols)
    volume = float(np.abs(np.linalg.det(np.array(model.cell_angstrom))))
    mode = level.parameters.get("mode", "lcao")
    options = dict(mode) if isinstance(mode, Mapping) else {"name": mode}
    if options["name"] == "pw":
        cutoff = float(options.get("ecut", 400.0)) / 400.0
        return _PLANE_WAVE_S * volume * n_atoms * float(cutoff**1.5)
    grid = _GRID_S * volume / float(level.parameters.get("h", 0.2)) ** 3
    if options["name"] == "fd":
        return _FD_FACTOR * grid
    return grid + _MATRIX_S * (6.0 * n_atoms) ** 2 * n_atoms


def format_duration(seconds: float) -> str:
    """Return a duration as a person says it: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
