"""The operator of a potential in a dielectric, against its definition and a known solution."""

import numpy as np
import pytest

from pomdft.errors import KernelInputError
from pomdft.kernels import compiled, dielectric
from pomdft.kernels.dielectric import make_dielectric_operator

SHAPE = (5, 4, 6)
SECOND = np.array([[1.0, -0.1, 0.02], [0.8, -0.2, 0.01], [1.2, -0.15, 0.03]])
FIRST = np.array([[0.5, -0.1, 0.03], [0.4, -0.2, 0.01], [0.6, -0.05, 0.02]])
CENTRE = -6.0


def make_weights(seed=0, shape=SHAPE):
    rng = np.random.default_rng(seed)
    return (1.0 + rng.random(shape), *rng.normal(scale=0.3, size=(3, *shape)))


def make_matrix(weights, reach):
    """Return the operator as a dense matrix."""
    shape = weights[0].shape
    size = int(np.prod(shape))
    matrix = np.zeros((size, size))
    for point in np.ndindex(shape):
        row = np.ravel_multi_index(point, shape)
        matrix[row, row] = weights[0][point] * CENTRE
        for axis in range(3):
            for k in range(1, reach + 1):
                for sign in (1, -1):
                    other = list(point)
                    other[axis] += sign * k
                    if 0 <= other[axis] < shape[axis]:
                        matrix[row, np.ravel_multi_index(other, shape)] += (
                            weights[0][point] * SECOND[axis, k - 1]
                            + sign * weights[1 + axis][point] * FIRST[axis, k - 1]
                        )
    return matrix


@pytest.mark.parametrize("reach", [1, 2, 3])
def test_product_and_sweeps_are_those_of_the_matrix(kernel_path, reach):
    weights = make_weights()
    matrix = make_matrix(weights, reach)
    rng = np.random.default_rng(1)
    phi, source = rng.normal(size=(2, *SHAPE))
    operator = make_dielectric_operator(weights, CENTRE, SECOND[:, :reach], FIRST[:, :reach])
    assert operator.apply(phi).ravel() == pytest.approx(matrix @ phi.ravel(), abs=1e-13)

    # Gauss and Seidel: the lower triangle with the new values, the upper with the old ones.
    wanted = phi.ravel()
    lower = np.tril(matrix)
    for _ in range(3):
        wanted = np.linalg.solve(lower, source.ravel() - (matrix - lower) @ wanted)
    operator.smooth(phi, source, sweeps=3)
    assert phi.ravel() == pytest.approx(wanted, abs=1e-13)


@pytest.mark.skipif(not compiled.is_compiled("dielectric"), reason="slow point by point")
def test_sweeps_end_in_the_solution(kernel_path):
    if kernel_path == "reference":
        pytest.skip("slow point by point")
    weights = make_weights(2)
    matrix = make_matrix(weights, 3)
    source = np.random.default_rng(3).normal(size=SHAPE)
    phi = np.zeros(SHAPE)
    make_dielectric_operator(weights, CENTRE, SECOND, FIRST).smooth(phi, source, sweeps=200)
    assert matrix @ phi.ravel() == pytest.approx(source.ravel(), abs=1e-10)


def test_changed_weights_count():
    weights = make_weights()
    operator = make_dielectric_operator(weights, CENTRE, SECOND, FIRST)
    phi = np.ones(SHAPE)
    before = operator.apply(phi)
    for i in range(4):
        weights[i][:] *= 2.0
    assert operator.apply(phi) == pytest.approx(2.0 * before)


def test_the_compiled_reach_is_the_one_that_is_checked():
    core = compiled._import("dielectric")
    if core is None:
        pytest.skip("the kernels are not compiled")
    assert core.REACH == dielectric.REACH


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": make_weights()[:3]}, "wanted four"),
        ({"weights": (*make_weights()[:3], np.zeros((5, 4, 7)))}, r"weights\[3\]"),
        ({"weights": (*make_weights()[:3], np.zeros(SHAPE, order="F"))}, "not C-contiguous"),
        ({"weights": tuple(np.ones((4, 3, 3)))}, "three axes"),
        ({"centre": 0.0}, "divide"),
        ({"centre": float("nan")}, "divide"),
        ({"second": np.ones((3, 4)), "first": np.ones((3, 4))}, "at most 3"),
        ({"first": FIRST[:, :2]}, "first"),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    given = {"weights": make_weights(), "centre": CENTRE, "second": SECOND, "first": FIRST}
    with pytest.raises(KernelInputError, match=words):
        make_dielectric_operator(**(given | changes))


def test_fields_of_another_grid_are_refused():
    operator = make_dielectric_operator(make_weights(), CENTRE, SECOND, FIRST)
    with pytest.raises(KernelInputError, match="phi"):
        operator.apply(np.ones((5, 4, 5)))
    phi = np.ones(SHAPE)
    with pytest.raises(KernelInputError, match="is phi"):
        operator.apply(phi, phi)
    with pytest.raises(KernelInputError, match="would be copied"):
        operator.apply(phi, np.ones(SHAPE, order="F"))
    with pytest.raises(KernelInputError, match="source"):
        operator.smooth(np.ones(SHAPE), np.ones((5, 4, 5)))
    with pytest.raises(KernelInputError, match="would be copied"):
        operator.smooth(np.ones(SHAPE, order="F"), np.ones(SHAPE))
