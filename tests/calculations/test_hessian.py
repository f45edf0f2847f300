from __future__ import annotations

import numpy as np
import pytest

from pomdft.calculations.communicator import SerialCommunicator
from pomdft.calculations.hessian import compute_xtb_hessian, unit_hessian
from pomdft.errors import CalculationError
from pomdft.schemas.model import AtomicModel


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
