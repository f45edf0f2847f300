"""Gradients on a grid by lines, against their definition."""

import itertools

import numpy as np
import pytest

from pomdft.errors import KernelInputError
from pomdft.kernels.gradients import multiply_gradients, subtract_divergences

SHAPE = (6, 5, 7)
WEIGHTS = np.array([[0.7, -0.1, 0.02], [0.5, -0.2, 0.1], [0.9, 0.3, -0.4]])
ENDS = list(itertools.product([False, True], repeat=3))


def differentiate(field, axis, periodic):
    """Return the derivative along an axis point by point."""
    slope = np.zeros_like(field)
    n = field.shape[axis]
    for point in np.ndindex(field.shape):
        for k, sign in itertools.product((1, 2, 3), (1, -1)):
            at = list(point)
            at[axis] += sign * k
            if periodic[axis] or 0 <= at[axis] < n:
                at[axis] %= n
                slope[point] += sign * WEIGHTS[axis, k - 1] * field[tuple(at)]
    return slope


@pytest.mark.parametrize("periodic", ENDS)
@pytest.mark.parametrize("n_spins", [1, 2])
def test_products_and_divergences(kernel_path, n_spins, periodic):
    rng = np.random.default_rng(1)
    densities = rng.random((n_spins, *SHAPE))
    slopes = rng.normal(size=(2 * n_spins - 1, *SHAPE))
    potentials = rng.normal(size=densities.shape)
    gradients = [[differentiate(n, axis, periodic) for axis in range(3)] for n in densities]

    products = multiply_gradients(densities, WEIGHTS, periodic)
    assert len(products) == 2 * n_spins - 1
    pairs = [(0, 0), (0, 1), (1, 1)][: len(products)]
    for product, (a, b) in zip(products, pairs, strict=True):
        wanted = sum(x * y for x, y in zip(gradients[a], gradients[b], strict=True))
        assert product == pytest.approx(wanted, abs=1e-13)

    found = potentials.copy()
    subtract_divergences(densities, slopes, WEIGHTS, periodic, found)
    for s in range(n_spins):
        wanted = potentials[s].copy()
        for axis in range(3):
            flux = 2.0 * slopes[2 * s] * gradients[s][axis]
            if n_spins == 2:
                flux += slopes[1] * gradients[1 - s][axis]
            wanted -= differentiate(flux, axis, periodic)
        assert found[s] == pytest.approx(wanted, abs=1e-13)


def test_the_potential_is_the_derivative_of_the_energy(kernel_path):
    """Of the integral of a function of the products, by every value of the density."""
    rng = np.random.default_rng(2)
    densities = rng.random((2, 4, 3, 5))
    periodic = (True, False, True)
    powers = rng.random((3, 4, 3, 5))

    def integrate(values):
        return (powers * multiply_gradients(values, WEIGHTS, periodic) ** 2).sum()

    slopes = 2.0 * powers * multiply_gradients(densities, WEIGHTS, periodic)
    potentials = np.zeros_like(densities)
    subtract_divergences(densities, slopes, WEIGHTS, periodic, potentials)
    for place in [(0, 0, 0, 0), (1, 3, 2, 4), (0, 2, 1, 2)]:
        step = np.zeros_like(densities)
        step[place] = 1e-5
        slope = (integrate(densities + step) - integrate(densities - step)) / 2e-5
        assert potentials[place] == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"densities": np.zeros((3, *SHAPE))}, "one or two spins"),
        ({"densities": np.zeros(SHAPE)}, "densities"),
        ({"densities": np.zeros((1, 6, 2, 7))}, "beyond a grid"),
        ({"weights": WEIGHTS[:2]}, "weights"),
        ({"weights": np.full((3, 2), np.nan)}, "not finite"),
        ({"periodic": (True, False)}, "periodic"),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    given = {"densities": np.zeros((1, *SHAPE)), "weights": WEIGHTS, "periodic": (False,) * 3}
    with pytest.raises(KernelInputError, match=words):
        multiply_gradients(**(given | changes))


def test_results_that_could_not_be_changed_in_place_are_refused():
    densities = np.ones((1, *SHAPE))
    with pytest.raises(KernelInputError, match="slopes"):
        subtract_divergences(densities, np.ones((3, *SHAPE)), WEIGHTS, ENDS[0], densities.copy())
    with pytest.raises(KernelInputError, match="would be copied"):
        subtract_divergences(
            densities, densities, WEIGHTS, ENDS[0], np.zeros((1, *SHAPE), order="F")
        )
