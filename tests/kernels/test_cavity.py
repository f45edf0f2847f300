"""The repulsion that carves a cavity, against its definition."""

import numpy as np
import pytest

from pomdft.errors import KernelInputError
from pomdft.kernels.cavity import project_repulsion, sum_repulsion

AXES = (np.linspace(0.0, 3.0, 5), np.linspace(-1.0, 2.0, 6), np.linspace(0.5, 4.0, 7))
# The second lies on a point of the grid.
CENTRES = np.array([[0.4, 0.3, 1.2], [AXES[0][2], AXES[1][3], AXES[2][4]], [5.0, -3.0, 0.0]])
STRENGTHS = np.array([0.7, 2.0, 1e4])
LEAST = 1e-3


def test_sums_over_centres_and_points(kernel_path):
    weights = np.random.default_rng(0).normal(size=(5, 6, 7))
    repulsion, slope = sum_repulsion(CENTRES, STRENGTHS, AXES, LEAST)
    sums = project_repulsion(CENTRES, AXES, weights, LEAST)
    expected = np.zeros((3, 3))
    for place in np.ndindex(weights.shape):
        point = np.array([axis[i] for axis, i in zip(AXES, place, strict=True)])
        offsets = point - CENTRES
        squares = np.maximum((offsets**2).sum(axis=1), LEAST)
        assert repulsion[place] == pytest.approx((STRENGTHS / squares**6).sum(), rel=1e-12)
        terms = offsets / squares[:, None] ** 7
        assert slope[(slice(None), *place)] == pytest.approx(STRENGTHS @ terms, rel=1e-11)
        expected += weights[place] * terms
    assert sums == pytest.approx(expected, rel=1e-11)


def test_the_slope_belongs_to_the_repulsion(kernel_path):
    step = 1e-5
    _, slope = sum_repulsion(CENTRES[:1], STRENGTHS[:1], AXES, LEAST)
    for axis in range(3):
        shift = step * np.eye(3)[axis]
        after, _ = sum_repulsion(CENTRES[:1] - shift, STRENGTHS[:1], AXES, LEAST)
        before, _ = sum_repulsion(CENTRES[:1] + shift, STRENGTHS[:1], AXES, LEAST)
        assert (after - before) / (2 * step) == pytest.approx(-12.0 * slope[axis], rel=1e-6)


def test_no_centres_repel_nothing(kernel_path):
    repulsion, slope = sum_repulsion(np.empty((0, 3)), np.empty(0), AXES, LEAST)
    assert not repulsion.any()
    assert not slope.any()
    assert project_repulsion(np.empty((0, 3)), AXES, np.ones((5, 6, 7)), LEAST).shape == (0, 3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"centres": CENTRES[:, :2]}, "centres"),
        ({"strengths": STRENGTHS[:2]}, "strengths"),
        ({"axes": AXES[:2]}, "axes"),
        ({"axes": (*AXES[:2], np.array([np.nan]))}, r"axes\[2\]"),
        ({"least_square": 0.0}, "not positive"),
        ({"least_square": float("nan")}, "not positive"),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    given = {"centres": CENTRES, "strengths": STRENGTHS, "axes": AXES, "least_square": LEAST}
    with pytest.raises(KernelInputError, match=words):
        sum_repulsion(**(given | changes))


def test_weights_of_another_grid_are_refused():
    with pytest.raises(KernelInputError, match="weights"):
        project_repulsion(CENTRES, AXES, np.ones((5, 6, 6)), LEAST)
