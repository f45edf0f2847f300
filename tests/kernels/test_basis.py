"""Basis functions in blocks of a grid, against sums over all points."""

import numpy as np
import pytest

from pomdft.errors import KernelInputError
from pomdft.kernels.basis import block_basis

SHAPE = (9, 11, 14)
#: Functions of each shell: s, p, d, and one whose first function leaves a gap (not on this grid).
WIDTHS = (1, 3, 5, 7, 1)
FIRST = (0, 1, 4, 11, 18)
N_FUNCTIONS = 21


@pytest.fixture(scope="module")
def shells():
    """Values, runs and the dense table (function, point) of shells with spheres on the grid."""
    rng = np.random.default_rng(3)
    points = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1).reshape(-1, 3)
    values, starts, stops, volumes = [], [], [], []
    dense = np.zeros((N_FUNCTIONS, len(points)))
    for number, (width, first) in enumerate(zip(WIDTHS, FIRST, strict=True)):
        centre = rng.uniform(0.0, SHAPE)
        inside = ((points - centre) ** 2).sum(axis=1) < rng.uniform(3.0, 5.0) ** 2
        where = np.flatnonzero(inside)
        table = rng.normal(size=(len(where), width))
        values.append(table)
        dense[first : first + width, where] = table.T
        ends = np.flatnonzero(np.diff(where) > 1)
        starts += where[np.concatenate([[0], ends + 1])].tolist()
        stops += (where[np.concatenate([ends, [len(where) - 1]])] + 1).tolist()
        volumes += [number] * (len(ends) + 1)
    return values, starts, stops, volumes, dense


def build(shells, **changes):
    values, starts, stops, volumes, _ = shells
    given = {"values": values, "first": FIRST, "starts": starts, "stops": stops}
    given |= {"volumes": volumes, "shape": SHAPE, "n_functions": N_FUNCTIONS} | changes
    return block_basis(**given)


@pytest.mark.parametrize("edge", [1, 4, 5, 20])
def test_potential_and_density_are_the_sums_over_all_points(kernel_path, shells, edge):
    dense = shells[-1]
    rng = np.random.default_rng(5)
    basis = build(shells, edge=edge)
    potential = rng.normal(size=SHAPE)
    expected = 0.3 * (dense * potential.reshape(-1)) @ dense.T
    found = basis.integrate_potential(potential, 0.3)
    assert np.tril(found) == pytest.approx(np.tril(expected), abs=1e-11)

    matrix = rng.normal(size=(N_FUNCTIONS, N_FUNCTIONS))
    matrix += matrix.T
    expected = np.einsum("mg,mn,ng->g", dense, matrix, dense).reshape(SHAPE)
    assert basis.compute_density(matrix) == pytest.approx(expected, abs=1e-11)

    folded = basis.fold(matrix, potential)
    expected = (matrix @ dense) * potential.reshape(-1)
    for first, width in zip(FIRST, WIDTHS, strict=True):
        rows, points = basis.locate(first)
        on_grid = (points < SHAPE).all(axis=2)
        where = np.ravel_multi_index(tuple(points[on_grid].T), SHAPE)
        for m in range(width):
            assert folded[rows + m][on_grid] == pytest.approx(expected[first + m, where], abs=1e-11)
            assert not folded[rows + m][~on_grid].any()
            # All points of the function are in its blocks.
            sphere = np.flatnonzero(dense[first + m])
            assert set(sphere) <= set(where)
            assert basis.values[rows + m][on_grid] == pytest.approx(dense[first + m, where])


def test_more_functions_in_a_block_than_are_done_at_once(kernel_path):
    rng = np.random.default_rng(7)
    n_shells = 30
    shape = (4, 4, 4)
    table = rng.normal(size=(n_shells, 64, 5))
    basis = block_basis(
        list(table),
        5 * np.arange(n_shells),
        np.zeros(n_shells, dtype=int),
        np.full(n_shells, 64),
        np.arange(n_shells),
        shape=shape,
        n_functions=5 * n_shells,
    )
    dense = table.transpose(0, 2, 1).reshape(-1, 64)
    potential = rng.normal(size=shape)
    expected = (dense * potential.reshape(-1)) @ dense.T
    found = basis.integrate_potential(potential, 1.0)
    assert np.tril(found) == pytest.approx(np.tril(expected), abs=1e-10)
    matrix = rng.normal(size=(len(dense), len(dense)))
    matrix += matrix.T
    expected = np.einsum("mg,mn,ng->g", dense, matrix, dense).reshape(shape)
    assert basis.compute_density(matrix) == pytest.approx(expected, abs=1e-10)


def test_a_grid_without_functions_gives_zeros(kernel_path):
    none = np.empty(0, dtype=int)
    basis = block_basis([], none, none, none, none, shape=(5, 5, 5), n_functions=3)
    assert not basis.compute_density(np.ones((3, 3))).any()
    assert not basis.integrate_potential(np.ones((5, 5, 5)), 1.0).any()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"first": (0, 1, 3, 11, 18)}, "ascend"),
        ({"n_functions": 18}, "ascend"),
        ({"shape": (9, 11, 13)}, "leaves the grid"),
        ({"first": FIRST[:4]}, "first"),
    ],
)
def test_what_does_not_fit_is_refused(shells, changes, words):
    with pytest.raises(KernelInputError, match=words):
        build(shells, **changes)


def test_runs_must_fit_the_values(shells):
    values, starts, stops, volumes, _ = shells
    with pytest.raises(KernelInputError, match="one value a point"):
        build(shells, volumes=[volumes[0] + 1, *volumes[1:]])
    with pytest.raises(KernelInputError, match="between 0 and 4"):
        build(shells, volumes=[5, *volumes[1:]])
    with pytest.raises(KernelInputError, match="leaves the grid"):
        build(shells, starts=[-1, *starts[1:]])
    with pytest.raises(KernelInputError, match=r"values\[0\]"):
        build(shells, values=[values[0].astype(complex), *values[1:]])
    assert len(stops) == len(volumes)


def test_arrays_of_another_shape_are_refused(shells):
    basis = build(shells)
    assert "21 functions" in repr(basis)
    with pytest.raises(KernelInputError, match="potential"):
        basis.integrate_potential(np.zeros((9, 11, 13)), 1.0)
    with pytest.raises(KernelInputError, match="density_matrix"):
        basis.compute_density(np.zeros((20, 21)))
