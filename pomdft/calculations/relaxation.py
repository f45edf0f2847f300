"""Relaxation in few steps: quasi-Newton from a good Hessian, restartable after every step."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pomdft.calculations.communicator import Communicator
from pomdft.errors import ConvergenceError, StepLimitError
from pomdft.schemas.level import RelaxationSettings
from pomdft.store.files import write_atomically

#: Softer modes than this (eV/angstrom^2) are treated as this stiff: they hold translation,
#: rotation and noise of the grid, along which a Newton step would be wild.
LEAST_STIFFNESS = 0.1
#: The first Hessian is a guess: its softest modes are taken as this stiff until steps teach better.
#: A cluster slides over oxygens with 0.1 to 0.3: much above, it would creep.
INITIAL_STIFFNESS = 0.25
#: A mode that the guess finds unstable is taken as at most this stiff: large negative stiffnesses
#: come from xTB changing its electronic state between two displacements.
UNSTABLE_STIFFNESS = 2.0
#: A step that raises the energy by more than this (eV) is taken back; less is noise of the SCF.
RISE_EV = 5e-3
#: A relaxation whose energy rises by more than this above its start (eV) has exploded.
EXPLOSION_EV = 20.0
_LEAST_RADIUS = 0.03
#: With a guess that is made anew at each geometry, so many steps of learning are laid upon it.
_MEMORY = 10
#: Of the first step, whose Hessian is a guess, at most (angstrom).
FIRST_RADIUS = 0.2
#: Far from the minimum the density may be this much less converged than the level asks.
MAX_ROUGHNESS = 10.0
#: Within this many times the limit of forces everything is as sharp as the level asks. A density
#: ten times rougher than 1e-4 left errors of 0.08 eV/angstrom on tungsten.
SHARP_WITHIN = 4.0

Array = NDArray[np.float64]


class Engine(Protocol):
    """Gives energy and forces at a geometry."""

    def evaluate(self, positions: Array, *, roughness: float = 1.0) -> tuple[float, Array]:
        """Return the energy in eV and the forces in eV/angstrom at positions in angstrom.

        `roughness`: the density may be so many times less converged than the level asks.
        """


@dataclass
class RelaxationState:
    """Everything a relaxation needs to go on; written after every step.

    Attributes
    ----------
    positions : ndarray, shape (n_atoms, 3)
        Geometry to be evaluated next, angstrom.
    hessian : ndarray, shape (3 n_free, 3 n_free)
        Current approximation, eV/angstrom^2.
        With a guess that is made anew at each geometry: that of the last one.
    radius_angstrom : float
        No atom moves further in the next step.
    energies_ev : list of float
        At every geometry so far.
    last_positions, last_forces : ndarray or None
        Geometry and forces (n_free, 3) of the last step.
    moves, changes : list of ndarray, shape (3 n_free,)
        The latest steps and how the gradient changed along them, to lay upon a new guess.
    predicted_ev : float
        Change of energy the quadratic model expected of the step just made.
    base_energy_ev : float
        Energy at `last_positions`.
    """

    positions: Array
    hessian: Array
    radius_angstrom: float
    energies_ev: list[float] = field(default_factory=list)
    last_positions: Array | None = None
    last_forces: Array | None = None
    moves: list[Array] = field(default_factory=list)
    changes: list[Array] = field(default_factory=list)
    predicted_ev: float = 0.0
    base_energy_ev: float = 0.0

    def save(self, path: Path) -> None:
        """Write the state atomically."""
        arrays = {
            "positions": self.positions,
            "hessian": self.hessian,
            "radius_angstrom": np.array(self.radius_angstrom),
            "energies_ev": np.array(self.energies_ev),
            "predicted_ev": np.array(self.predicted_ev),
            "base_energy_ev": np.array(self.base_energy_ev),
            "moves": np.array(self.moves),
            "changes": np.array(self.changes),
        }
        if self.last_positions is not None and self.last_forces is not None:
            arrays |= {"last_positions": self.last_positions, "last_forces": self.last_forces}
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        write_atomically(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path, n_atoms: int) -> RelaxationState | None:
        """Read a state; None where there is none, or it is damaged or of other atoms."""
        try:
            # From memory: NumPy leaves a damaged file open.
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as data:
                state = cls(
                    positions=data["positions"],
                    hessian=data["hessian"],
                    radius_angstrom=float(data["radius_angstrom"]),
                    energies_ev=[float(e) for e in data["energies_ev"]],
                    predicted_ev=float(data["predicted_ev"]),
                    base_energy_ev=float(data["base_energy_ev"]),
                    moves=list(data["moves"]),
                    changes=list(data["changes"]),
                )
                if "last_forces" in data:
                    state.last_positions = data["last_positions"]
                    state.last_forces = data["last_forces"]
        except (OSError, ValueError, KeyError, EOFError):
            return None
        except Exception as error:  # a damaged zip raises BadZipFile, zlib.error ...
            if type(error).__name__ not in ("BadZipFile", "error"):
                raise
            return None
        if state.positions.shape != (n_atoms, 3) or not np.isfinite(state.positions).all():
            return None
        return state


@dataclass(frozen=True)
class RelaxationOutcome:
    """Final geometry (angstrom), energy (eV), forces (eV/angstrom), and the way there."""

    positions: Array
    energy_ev: float
    forces: Array
    n_steps: int
    energies_ev: tuple[float, ...]


def relax(
    engine: Engine,
    state: RelaxationState,
    free: NDArray[np.intp],
    settings: RelaxationSettings,
    comm: Communicator,
    *,
    save: Callable[[RelaxationState], None],
    report: Callable[[int, float, float], None],
    guess: Callable[[Array], Array] | None = None,
) -> RelaxationOutcome:
    """Relax until no force on a free atom exceeds the limit.

    A quasi-Newton (BFGS) step in the eigenvectors of the Hessian, soft modes stiffened, its
    length held within a trust radius that follows how well the quadratic model predicts.

    Parameters
    ----------
    engine : Engine
        Energies and forces.
    state : RelaxationState
        Where to start or go on; changed in place.
    free : ndarray of int, shape (n_free,)
        Atoms that move.
    settings : RelaxationSettings
        Limits.
    comm : Communicator
        All ranks run this function; the first one's positions count.
    save : callable
        Called with the state after every step.
    report : callable
        Called with step number, energy in eV, largest force in eV/angstrom.
    guess : callable, optional
        Gives a Hessian at positions. What the latest steps have taught is laid upon it at each
        geometry: atoms that slide far leave behind what the first geometry was like. Without
        it all learning goes into the Hessian of the state.

    Raises
    ------
    StepLimitError
        Too many steps; with its state it can go on for as many again.
    ConvergenceError
        The energy explodes.
    """
    # One that has used up its steps before, and is run again, gets as many anew.
    limit = settings.max_steps * (1 + len(state.energies_ev) // settings.max_steps)
    while True:
        roughness = _roughness(state, settings) if len(free) else 1.0
        energy, all_forces = engine.evaluate(state.positions, roughness=roughness)
        largest = _largest(all_forces[free])
        if roughness > 1.0 and largest <= max(2.0, 0.5 * roughness) * settings.fmax_ev_per_angstrom:
            # Nearer than expected: what is decided from here on has to be sharp.
            energy, all_forces = engine.evaluate(state.positions)
            largest = _largest(all_forces[free])
        forces = all_forces[free]
        step = len(state.energies_ev)
        state.energies_ev.append(energy)
        report(step, energy, largest)
        if largest <= settings.fmax_ev_per_angstrom:
            return RelaxationOutcome(
                state.positions.copy(), energy, all_forces, step, tuple(state.energies_ev)
            )
        if not np.isfinite(energy) or energy > state.energies_ev[0] + EXPLOSION_EV:
            raise ConvergenceError(
                f"The relaxation exploded: the energy rose from {state.energies_ev[0]:.2f} to "
                f"{energy:.2f} eV in {step} steps.",
                "Look at the starting geometry and the spin state.",
            )
        if step >= limit:
            raise StepLimitError(
                f"The relaxation is not converged after {step} steps: largest force {largest:.3f} "
                f"eV/angstrom, limit {settings.fmax_ev_per_angstrom}.",
                f"Run it again: it goes on from here for {settings.max_steps} steps more.",
            )
        _advance(state, forces, free, settings, guess)
        comm.broadcast(state.positions, 0)
        save(state)


def _largest(forces: Array) -> float:
    """Return the largest force in eV/angstrom, 0 where there are no atoms."""
    return float(np.linalg.norm(forces, axis=1).max()) if len(forces) else 0.0


def _roughness(state: RelaxationState, settings: RelaxationSettings) -> float:
    """Return how rough the next evaluation may be: errors stay small beside the last forces."""
    if state.last_forces is None:
        return MAX_ROUGHNESS
    ratio = _largest(state.last_forces) / (SHARP_WITHIN * settings.fmax_ev_per_angstrom)
    return float(np.clip(ratio, 1.0, MAX_ROUGHNESS))


def _advance(
    state: RelaxationState,
    forces: Array,
    free: NDArray[np.intp],
    settings: RelaxationSettings,
    guess: Callable[[Array], Array] | None,
) -> None:
    """Learn from the last step, then set the positions of the next one."""
    if state.last_positions is not None and state.last_forces is not None:
        moved = (state.positions - state.last_positions)[free].ravel()
        change = (state.last_forces - forces).ravel()
        if guess is None:
            _update_hessian(state.hessian, moved, change)
        state.moves = [*state.moves, moved][-_MEMORY:]
        state.changes = [*state.changes, change][-_MEMORY:]
        _update_radius(state, moved, settings)
        if state.energies_ev[-1] > state.base_energy_ev + RISE_EV:
            # Go on from the better geometry; the Hessian has learnt from the worse one.
            state.positions, forces = state.last_positions.copy(), state.last_forces
        else:
            state.base_energy_ev = state.energies_ev[-1]
    else:
        state.base_energy_ev = state.energies_ev[-1]
    if guess is not None:
        state.hessian = guess(state.positions)
        for moved, change in zip(state.moves, state.changes, strict=True):
            _update_hessian(state.hessian, moved, change)
    step, state.predicted_ev = newton_step(state.hessian, forces, state.radius_angstrom)
    state.last_positions = state.positions.copy()
    state.last_forces = forces.copy()
    state.positions = state.positions.copy()
    state.positions[free] += step


def _update_hessian(hessian: Array, moved: Array, change: Array) -> None:
    """BFGS update in place, damped after Powell so that it stays positive along the step."""
    product = hessian @ moved
    curvature = float(moved @ product)
    if curvature <= 0.0:
        return
    overlap = float(moved @ change)
    if overlap < 0.2 * curvature:
        weight = 0.8 * curvature / (curvature - overlap)
        change = weight * change + (1.0 - weight) * product
        overlap = float(moved @ change)
    hessian += np.outer(change, change) / overlap - np.outer(product, product) / curvature


def _update_radius(state: RelaxationState, moved: Array, settings: RelaxationSettings) -> None:
    actual = state.energies_ev[-1] - state.base_energy_ev
    ratio = actual / state.predicted_ev if state.predicted_ev < 0 else 0.0
    longest = float(np.linalg.norm(moved.reshape(-1, 3), axis=1).max())
    limited = longest > 0.9 * state.radius_angstrom
    # Near the minimum both changes are within the noise of the SCF, so that their ratio says
    # nothing: but a radius that once was cut must not make the rest of the way a creep.
    noise = abs(state.predicted_ev) < 2e-3 and abs(actual) < 5e-3
    if (noise and actual < 0.0 and limited) or (not noise and ratio > 0.6 and limited):
        state.radius_angstrom = min(settings.max_step_angstrom, 1.6 * state.radius_angstrom)
    elif not noise and ratio < 0.25:
        least = min(_LEAST_RADIUS, settings.max_step_angstrom)
        state.radius_angstrom = max(least, 0.5 * longest)


def positive_definite(hessian: Array) -> Array:
    """Return the Hessian with every mode at least `INITIAL_STIFFNESS` stiff.

    Away from a minimum some stiffnesses are negative; BFGS keeps a Hessian positive but cannot
    make it so. Their signs are dropped.
    """
    stiffness, modes = np.linalg.eigh(hessian)
    upper = np.where(stiffness < 0, UNSTABLE_STIFFNESS, np.inf)
    positive = np.clip(np.abs(stiffness), INITIAL_STIFFNESS, upper)
    return np.asarray((modes * positive) @ modes.T)


def newton_step(hessian: Array, forces: Array, radius_angstrom: float) -> tuple[Array, float]:
    """Return the step (n_free, 3) in angstrom and the change of energy in eV it should bring.

    Parameters
    ----------
    hessian : ndarray, shape (3 n_free, 3 n_free)
        eV/angstrom^2.
    forces : ndarray, shape (n_free, 3)
        eV/angstrom.
    radius_angstrom : float
        No atom moves further.
    """
    stiffness, modes = np.linalg.eigh(hessian)
    stiffness = np.maximum(np.abs(stiffness), LEAST_STIFFNESS)
    along = modes.T @ forces.ravel()
    # Raising all stiffnesses by a common shift turns the step towards the forces as it shortens.
    shift = 0.0
    for _ in range(60):
        step = modes @ (along / (stiffness + shift))
        longest = float(np.linalg.norm(step.reshape(-1, 3), axis=1).max())
        if longest <= radius_angstrom * 1.0001:
            break
        shift = shift * 1.3 + 0.2 * LEAST_STIFFNESS
    else:
        step *= radius_angstrom / longest
    amplitudes = modes.T @ step
    predicted = float(-along @ amplitudes + 0.5 * amplitudes @ (stiffness * amplitudes))
    return step.reshape(-1, 3), predicted
