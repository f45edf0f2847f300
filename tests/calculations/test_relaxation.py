from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pomdft.calculations.communicator import SerialCommunicator
from pomdft.calculations.hessian import unit_hessian
from pomdft.calculations.relaxation import (
    EXPLOSION_EV,
    MAX_ROUGHNESS,
    RelaxationOutcome,
    RelaxationState,
    newton_step,
    relax,
)
from pomdft.errors import ConvergenceError, StepLimitError
from pomdft.schemas.level import RelaxationSettings

Array = NDArray[np.float64]
N_ATOMS = 6
ALL = np.arange(N_ATOMS)


class Springs:
    """Anharmonic springs to given places: a minimum that is known."""

    def __init__(self, stiffness: float = 8.0, quartic: float = 3.0) -> None:
        rng = np.random.default_rng(1)
        self.places = rng.normal(0, 3, (N_ATOMS, 3))
        random = rng.normal(size=(3 * N_ATOMS, 3 * N_ATOMS))
        self.hessian = stiffness * (np.eye(3 * N_ATOMS) + 0.05 * (random + random.T))
        self.quartic = quartic
        self.visited: list[Array] = []
        self.roughness: list[float] = []

    def evaluate(self, positions: Array, *, roughness: float = 1.0) -> tuple[float, Array]:
        if not (self.visited and (positions == self.visited[-1]).all()):
            self.visited.append(positions.copy())
        self.roughness.append(roughness)
        x = (positions - self.places).ravel()
        energy = 0.5 * x @ self.hessian @ x + 0.25 * self.quartic * (x**4).sum()
        forces = -(self.hessian @ x) - self.quartic * x**3
        if roughness > 1.0:
            energy, forces = energy + 2e-4 * roughness, (1.0 + 0.003 * roughness) * forces
        return float(energy), forces.reshape(-1, 3)


def start(engine: Springs, hessian: Array | None = None) -> RelaxationState:
    rng = np.random.default_rng(2)
    return RelaxationState(
        positions=engine.places + rng.uniform(-0.3, 0.3, (N_ATOMS, 3)),
        hessian=unit_hessian(N_ATOMS) if hessian is None else hessian.copy(),
        radius_angstrom=0.2,
    )


def run(
    engine: Springs,
    state: RelaxationState,
    free: NDArray[np.intp] = ALL,
    path: Path | None = None,
    **changes: float,
) -> RelaxationOutcome:
    settings = RelaxationSettings(**{"fmax_ev_per_angstrom": 0.01, "max_steps": 100, **changes})
    return relax(
        engine,
        state,
        free,
        settings,
        SerialCommunicator(),
        save=(lambda s: s.save(path)) if path else (lambda s: None),
        report=lambda *_: None,
    )


def test_a_good_hessian_needs_few_steps() -> None:
    engine = Springs()
    outcome = run(engine, start(engine, engine.hessian))
    assert np.abs(outcome.positions - engine.places).max() < 0.01
    assert outcome.n_steps <= 8
    assert np.linalg.norm(outcome.forces, axis=1).max() <= 0.01
    assert len(outcome.energies_ev) == outcome.n_steps + 1
    assert outcome.energy_ev == outcome.energies_ev[-1]


def test_a_poor_hessian_is_improved_on_the_way() -> None:
    engine = Springs()
    outcome = run(engine, start(engine))
    assert np.abs(outcome.positions - engine.places).max() < 0.01
    assert 8 < outcome.n_steps < 60


def test_a_guess_made_anew_keeps_what_the_steps_taught(tmp_path: Path) -> None:
    def climb(guess: Callable[[Array], Array] | None) -> RelaxationOutcome:
        engine = Springs(quartic=0.0)
        settings = RelaxationSettings(fmax_ev_per_angstrom=0.01, max_steps=100)
        return relax(
            engine,
            start(engine),
            ALL,
            settings,
            SerialCommunicator(),
            save=lambda s: s.save(tmp_path / "state.npz"),
            report=lambda *_: None,
            guess=guess,
        )

    constant = climb(lambda _: unit_hessian(N_ATOMS))
    learnt = climb(None)
    # For the first steps both know the same; later the guess forgets.
    assert constant.energies_ev[:8] == pytest.approx(learnt.energies_ev[:8], abs=1e-9)
    exact = climb(lambda _: Springs().hessian.copy())
    assert exact.n_steps <= 4
    state = RelaxationState.load(tmp_path / "state.npz", N_ATOMS)
    assert state is not None
    assert len(state.moves) == len(state.changes) == exact.n_steps - 1


def test_a_small_radius_grows_again_near_the_minimum() -> None:
    """Along a soft mode, where the last steps gain little."""
    engine = Springs(stiffness=0.3, quartic=0.0)
    state = start(engine, engine.hessian)
    state.positions = engine.places + 0.06
    state.radius_angstrom = 0.005
    outcome = run(engine, state, fmax_ev_per_angstrom=0.002)
    assert outcome.n_steps <= 12
    assert state.radius_angstrom > 0.02


def test_energy_never_ends_above_its_start() -> None:
    engine = Springs(quartic=40.0)
    outcome = run(engine, start(engine, 0.1 * engine.hessian))
    assert outcome.energies_ev[-1] < outcome.energies_ev[0]
    assert np.abs(outcome.positions - engine.places).max() < 0.02


def test_what_is_decided_near_the_minimum_is_sharp() -> None:
    engine = Springs()
    outcome = run(engine, start(engine))
    assert engine.roughness[0] == MAX_ROUGHNESS, "far from the minimum"
    assert engine.roughness[-1] == 1.0
    assert {MAX_ROUGHNESS, 1.0} < set(engine.roughness), "and in between, in between"
    assert all(1.0 <= roughness <= MAX_ROUGHNESS for roughness in engine.roughness)
    energy, forces = engine.evaluate(outcome.positions)
    assert outcome.energy_ev == energy
    assert (outcome.forces == forces).all()


def test_small_forces_are_sharp() -> None:
    engine = Springs()
    state = start(engine)
    state.positions = engine.places + 1e-5
    outcome = run(engine, state)
    assert outcome.n_steps == 0
    assert engine.roughness == [MAX_ROUGHNESS, 1.0]


def test_only_free_atoms_move() -> None:
    engine = Springs()
    free = np.array([1, 4])
    state = start(engine, unit_hessian(2))
    before = state.positions.copy()
    outcome = run(engine, state, free)
    fixed = [i for i in range(N_ATOMS) if i not in free]
    assert (outcome.positions[fixed] == before[fixed]).all()
    assert (outcome.positions[free] != before[free]).any()


def test_no_free_atoms_is_one_evaluation() -> None:
    engine = Springs()
    outcome = run(engine, start(engine, unit_hessian(0)), np.array([], dtype=np.intp))
    assert outcome.n_steps == 0


@pytest.mark.parametrize("stop", [1, 3, 6])
def test_restart_takes_the_same_path(tmp_path: Path, stop: int) -> None:
    whole = Springs()
    expected = run(whole, start(whole))

    class Killed(Exception):  # noqa: N818
        pass

    path = tmp_path / "relaxation.npz"
    broken = Springs()
    state = start(broken)

    def save(current: RelaxationState) -> None:
        current.save(path)
        if len(current.energies_ev) == stop:
            raise Killed

    settings = RelaxationSettings(fmax_ev_per_angstrom=0.01, max_steps=100)
    with pytest.raises(Killed):
        relax(broken, state, ALL, settings, SerialCommunicator(), save=save, report=lambda *_: None)
    resumed = RelaxationState.load(path, N_ATOMS)
    assert resumed is not None
    second = Springs()
    outcome = run(second, resumed)
    assert len(second.visited) == expected.n_steps + 1 - stop
    assert outcome.energies_ev == expected.energies_ev
    assert (outcome.positions == expected.positions).all()


def test_too_many_steps_goes_on_with_more(tmp_path: Path) -> None:
    engine = Springs()
    path = tmp_path / "relaxation.npz"
    with pytest.raises(StepLimitError, match="after 3 steps") as caught:
        run(engine, start(engine), path=path, max_steps=3)
    assert "Run it again: it goes on from here for 3 steps more." in str(caught.value)
    state = RelaxationState.load(path, N_ATOMS)
    assert state is not None
    # And so on; the way is that of a run without a limit.
    with pytest.raises(StepLimitError, match="after 6 steps"):
        run(engine, state, path=path, max_steps=3)
    state = RelaxationState.load(path, N_ATOMS)
    assert state is not None
    outcome = run(engine, state)
    whole = run(Springs(), start(engine))
    assert outcome.n_steps == whole.n_steps
    assert outcome.energies_ev == whole.energies_ev


def test_explosion() -> None:
    class Bomb(Springs):
        def evaluate(self, positions: Array, *, roughness: float = 1.0) -> tuple[float, Array]:
            energy, forces = super().evaluate(positions)
            return energy + (2 * EXPLOSION_EV if len(self.visited) > 2 else 0), forces

    engine = Bomb()
    with pytest.raises(ConvergenceError, match="exploded") as caught:
        run(engine, start(engine))
    assert not isinstance(caught.value, StepLimitError)


def test_a_number_that_is_none_is_no_minimum() -> None:
    class Broken(Springs):
        def evaluate(self, positions: Array, *, roughness: float = 1.0) -> tuple[float, Array]:
            return float("nan"), np.full((N_ATOMS, 3), np.nan)

    engine = Broken()
    with pytest.raises(ConvergenceError):
        run(engine, start(engine))


@pytest.mark.parametrize("cut", [0, 1, 40, 200, -1])
def test_truncated_state_is_no_state(tmp_path: Path, cut: int) -> None:
    engine = Springs()
    path = tmp_path / "relaxation.npz"
    start(engine).save(path)
    path.write_bytes(path.read_bytes()[:cut])
    assert RelaxationState.load(path, N_ATOMS) is None


def test_state_of_other_atoms_or_of_pickles_is_no_state(tmp_path: Path) -> None:
    path = tmp_path / "relaxation.npz"
    assert RelaxationState.load(path, N_ATOMS) is None
    start(Springs()).save(path)
    assert RelaxationState.load(path, N_ATOMS + 1) is None
    np.savez(path, positions=np.array([object()], dtype=object))
    assert RelaxationState.load(path, N_ATOMS) is None


def test_newton_step_solves_the_quadratic() -> None:
    engine = Springs(quartic=0.0)
    state = start(engine)
    _, forces = engine.evaluate(state.positions)
    step, predicted = newton_step(engine.hessian, forces, 10.0)
    assert np.allclose(state.positions + step, engine.places, atol=1e-9)
    energy, _ = engine.evaluate(state.positions)
    assert predicted == pytest.approx(-energy)


def test_newton_step_stays_within_the_radius_and_goes_down() -> None:
    engine = Springs()
    _, forces = engine.evaluate(start(engine).positions)
    step, predicted = newton_step(engine.hessian, forces, 0.03)
    assert np.linalg.norm(step, axis=1).max() <= 0.03 * 1.001
    assert (step * forces).sum() > 0
    assert predicted < 0


def test_newton_step_along_a_negative_mode_goes_down() -> None:
    hessian = np.diag([-5.0, 10.0, 10.0])
    forces = np.array([[0.4, 0.0, 0.0]])
    step, _ = newton_step(hessian, forces, 0.2)
    assert step[0, 0] > 0
