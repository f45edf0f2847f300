from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pomdft.calculations.communicator import SerialCommunicator
from pomdft.calculations.hessian import (
    METAL_ON_SITE,
    compute_spring_hessian,
    compute_xtb_hessian,
    unit_hessian,
)
from pomdft.calculations.levels import load_level
from pomdft.calculations.perform import perform
from pomdft.errors import CalculationError
from pomdft.schemas.calculation import CalculationInput
from pomdft.schemas.model import AtomicModel
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore
from pomdft.structures.ligands import build_ligand


def test_hessian_is_symmetric_with_water_modes(water: AtomicModel) -> None:
    hessian = compute_xtb_hessian(water, np.arange(3), SerialCommunicator())
    assert hessian.shape == (9, 9)
    assert np.allclose(hessian, hessian.T)
    stiffness = np.linalg.eigvalsh(hessian)
    # Three vibrations; translations and rotations are soft. O-H: about 50 eV/angstrom^2.
    assert (stiffness > 5).sum() == 3
    assert 40 < stiffness[-1] < 130
    assert np.abs(stiffness[:5]).max() < 2


def test_translation_costs_nothing(water: AtomicModel) -> None:
    hessian = compute_xtb_hessian(water, np.arange(3), SerialCommunicator())
    along_x = np.tile([1.0, 0.0, 0.0], 3)
    assert abs(along_x @ hessian @ along_x) < 1.0


def test_only_free_atoms(water: AtomicModel) -> None:
    assert compute_xtb_hessian(water, np.array([1]), SerialCommunicator()).shape == (3, 3)


def test_unit_hessian() -> None:
    assert (unit_hessian(2) == 70 * np.eye(6)).all()


def test_failure_on_another_rank_is_raised_here(water: AtomicModel) -> None:
    class OtherRankFails(SerialCommunicator):
        def sum(self, array: np.ndarray) -> None:
            if array.size == 1:
                array += 1.0

    with pytest.raises(CalculationError, match="another rank"):
        compute_xtb_hessian(water, np.arange(3), OtherRankFails())


def springs(model: AtomicModel, free: np.ndarray) -> np.ndarray:
    return compute_spring_hessian(np.array(model.numbers), model.positions, free)


def bare_springs(model: AtomicModel) -> np.ndarray:
    """Without what holds oxygens (2 eV/angstrom^2), metals and hydrogens (1) in place."""
    held = {"O": 2.0, "Au": 1.0, "H": 1.0}
    places = np.repeat([held.get(symbol, 0.0) for symbol in model.symbols], 3)
    return springs(model, np.arange(len(model.symbols))) - np.diag(places)


@pytest.fixture
def gold_on_oxide() -> AtomicModel:
    """O=W-O-Au-Au, bent."""
    return AtomicModel(
        label="chain",
        symbols=("O", "W", "O", "Au", "Au"),
        positions_angstrom=(
            (-1.2, 1.2, 0.0),
            (0.0, 0.0, 0.0),
            (1.93, 0.0, 0.0),
            (3.4, 1.6, 0.0),
            (3.4, 4.3, 0.3),
        ),
    )


def test_springs_are_stable_and_feel_only_distances(gold_on_oxide: AtomicModel) -> None:
    assert np.linalg.eigvalsh(springs(gold_on_oxide, np.arange(5))).min() > 0.0
    hessian = bare_springs(gold_on_oxide)
    assert hessian.shape == (15, 15)
    assert np.allclose(hessian, hessian.T)
    assert np.linalg.eigvalsh(hessian).min() > -1e-10
    x = gold_on_oxide.positions
    shift = np.tile([0.3, -0.2, 0.5], 5)
    turn = np.cross([0.1, 0.7, -0.4], x).ravel()
    assert np.abs(hessian @ shift).max() < 1e-10
    assert np.abs(hessian @ turn).max() < 1e-10


def test_springs_are_the_second_derivative_of_their_energy(gold_on_oxide: AtomicModel) -> None:
    """Springs at rest: the energy of a small displacement is half its square times the Hessian."""
    hessian = bare_springs(gold_on_oxide)
    along = np.zeros((5, 3))
    along[0] = (-1.0, 1.0, 0.0)
    along /= np.linalg.norm(along)
    terminal = along.ravel() @ hessian @ along.ravel()
    # Terminal W=O of 1.70 angstrom: 36 exp(0.02/0.21), and something from further neighbours.
    assert 39.0 < terminal < 43.0
    along = np.zeros((5, 3))
    along[4] = (0.0, 2.7, 0.3)
    along /= np.linalg.norm(along)
    assert 3.0 < along.ravel() @ hessian @ along.ravel() < 6.0, "gold is soft"


def test_springs_of_some_atoms_are_a_block_of_all(gold_on_oxide: AtomicModel) -> None:
    whole = springs(gold_on_oxide, np.arange(5))
    free = np.array([1, 4])
    rows = np.concatenate([np.arange(3, 6), np.arange(12, 15)])
    assert (springs(gold_on_oxide, free) == whole[np.ix_(rows, rows)]).all()
    assert springs(gold_on_oxide, np.array([], dtype=np.intp)).shape == (0, 0)


def test_springs_know_water(water: AtomicModel) -> None:
    stiffness = np.linalg.eigvalsh(bare_springs(water))
    assert (stiffness > 0.3).sum() == 3
    assert 40 < stiffness[-1] < 130


def test_hydroxyl_bond_is_as_stiff_as_in_water(water: AtomicModel) -> None:
    held = springs(water, np.arange(3))
    oxygen = water.symbols.index("O")
    hydrogen = water.symbols.index("H")
    bond = water.positions[hydrogen] - water.positions[oxygen]
    direction = np.zeros(9)
    direction[3 * hydrogen : 3 * hydrogen + 3] = bond / np.linalg.norm(bond)
    # 8.45 mdyn/angstrom, the harmonic force constant of water, is 52.7 eV/angstrom^2.
    assert direction @ held @ direction == pytest.approx(52.7, rel=0.15)


@pytest.mark.parametrize("name", ["thiolate", "PVP"])
def test_organic_ligands_relax_in_few_steps(name: str, tmp_path: Path) -> None:
    """Held by bonds alone they swing to and fro for more than 80 steps."""
    ligand = build_ligand(name, charge_model="protonated")
    shaken = np.array(ligand.cart_coords, dtype=float)
    shaken += np.random.default_rng(0).normal(0.0, 0.03, shaken.shape)
    model = AtomicModel(
        label=name,
        symbols=tuple(site.specie.symbol for site in ligand),
        positions_angstrom=tuple(map(tuple, shaken.tolist())),
    )
    level = load_level("xtb", {"relaxation": {"hessian": "springs", "max_steps": 20}})
    request = CalculationInput.create("relaxation", model, level)
    result = perform(request, ResultStore(tmp_path), load_settings())
    assert result.max_force_ev_per_angstrom <= 0.05
    assert result.n_steps <= 20


def test_bodies_slide_over_each_other_but_do_not_deform() -> None:
    """A cluster far from a wholly free molecule moves without resistance, as does the molecule."""
    numbers = np.array([16, 6, 1, 79, 79, 79])
    positions = np.array(
        [[0, 0, 0], [1.8, 0, 0], [2.3, 0.9, 0], [0, 0, 9], [2.7, 0, 9], [1.35, 2.3, 9]], dtype=float
    )
    hessian = compute_spring_hessian(numbers, positions, np.arange(6))
    for body in (slice(0, 3), slice(3, 6)):
        shift, turn = np.zeros((6, 3)), np.zeros((6, 3))
        shift[body] = [0.6, 0.0, 0.8]
        turn[body] = np.cross([0.0, 0.6, 0.8], positions[body] - positions[body].mean(axis=0))
        stretch = np.zeros((6, 3))
        stretch[body.start] = [1.0, 0.0, 0.0]
        for motion in (shift, turn):
            assert abs(motion.ravel() @ hessian @ motion.ravel()) < 1e-9
        assert stretch.ravel() @ hessian @ stretch.ravel() > 1.0
    # Held by atoms that do not move, the molecule is no body of its own.
    partly = compute_spring_hessian(numbers, positions, np.array([0, 1, 3, 4, 5]))
    along = np.tile([1.0, 0.0, 0.0], 2)
    assert along @ partly[:6, :6] @ along > 1.0


def test_on_an_oxide_the_cluster_is_held(gold_on_oxide: AtomicModel) -> None:
    numbers = np.array(gold_on_oxide.numbers)
    metal = np.flatnonzero(numbers == 79)
    away = gold_on_oxide.positions.copy()
    away[metal] += [0.0, 0.0, 20.0]
    hessian = compute_spring_hessian(numbers, away, metal)
    along = np.tile([1.0, 0.0, 0.0], len(metal))
    assert along @ hessian @ along == pytest.approx(len(metal) * METAL_ON_SITE)
