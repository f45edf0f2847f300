"""NumPy twins of the kernels for basis functions on a grid."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def collect(
    values: list[Floats],
    first: npt.NDArray[np.int32],
    runs: Integers,
    bounds: Integers,
    shape: Integers,
    edge: int,
) -> tuple[Integers, Integers, Floats]:
    """Return the functions that reach each block and their values there.

    Parameters
    ----------
    values : list of ndarray of float64, shape (n_points, n_functions)
        Of each shell, along its runs.
    first : ndarray of int32, shape (n_shells,)
        First function of each shell.
    runs : ndarray of int64, shape (n_runs, 2)
        First grid point and length, shell by shell.
    bounds : ndarray of int64, shape (n_shells + 1,)
        Where the runs of each shell begin.
    shape : ndarray of int64, shape (3,)
        Grid points along each axis.
    edge : int
        Points along an edge of a block.

    Returns
    -------
    tuple
        Bounds of the blocks in the list of groups; that list (first function, number of
        functions, first row); the rows, one a function and block.
    """
    blocks = -(-shape // edge)
    found: list[list[tuple[int, Floats]]] = [[] for _ in range(int(np.prod(blocks)))]
    for w, table in enumerate(values):
        mine = runs[bounds[w] : bounds[w + 1]]
        points = np.concatenate([np.arange(g, g + n) for g, n in mine] or [np.empty(0, int)])
        at = np.stack(np.unravel_index(points.astype(int), tuple(shape)), axis=1)
        block = np.ravel_multi_index(tuple((at // edge).T), tuple(blocks))
        place = np.ravel_multi_index(tuple((at % edge).T), (edge, edge, edge))
        for b in np.unique(block):
            rows = np.zeros((table.shape[1], edge**3))
            rows[:, place[block == b]] = table[block == b].T
            found[b].append((int(first[w]), rows))
    slots = np.cumsum([0, *(len(group) for group in found)], dtype=np.int64)
    groups = [group for block in found for group in block]
    widths = np.array([len(rows) for _, rows in groups], dtype=np.int64)
    begin = np.cumsum(widths) - widths
    functions = np.array([number for number, _ in groups], dtype=np.int64)
    members = np.stack([functions, widths, begin], axis=1)
    return slots, members, np.concatenate([rows for _, rows in groups] or [np.empty((0, edge**3))])


def _walk(
    slots: Integers, members: Integers, values: Floats, edge: int, shape: tuple[int, ...]
) -> Iterator[tuple[slice, Integers, Floats, tuple[slice, ...]]]:
    """Yield rows, functions, values (n, edge, edge, edge, cut at the grid's end) and place."""
    blocks = [-(-n // edge) for n in shape]
    for b in range(len(slots) - 1):
        groups = members[slots[b] : slots[b + 1]]
        if len(groups) == 0:
            continue
        functions = np.concatenate([np.arange(m, m + n) for m, n, _ in groups])
        corner = np.array(np.unravel_index(b, blocks)) * edge
        place = tuple(slice(c, min(c + edge, n)) for c, n in zip(corner, shape, strict=True))
        rows = slice(int(groups[0, 2]), int(groups[0, 2]) + len(functions))
        dense = values[rows].reshape(-1, edge, edge, edge)[_cut(place)]
        yield rows, functions, dense, place


def _cut(place: tuple[slice, ...]) -> tuple[slice, ...]:
    """Return what of a block's rows lies on the grid."""
    return (slice(None), *(slice(0, p.stop - p.start) for p in place))


def add_potential(
    potential: Floats,
    volume: float,
    slots: Integers,
    members: Integers,
    values: Floats,
    edge: int,
    matrix: Floats,
) -> None:
    """Add the integrals of pairs of functions with a potential to the matrix.

    Parameters
    ----------
    potential : ndarray of float64, shape (n_x, n_y, n_z)
        On the grid.
    volume : float
        Of a grid point.
    slots, members, values, edge
        As `collect` returns them.
    matrix : ndarray of float64, shape (n_functions, n_functions)
        Added to.
    """
    for _, functions, dense, place in _walk(slots, members, values, edge, potential.shape):
        product = np.einsum("mxyz,xyz,nxyz->mn", dense, potential[place], dense, optimize=True)
        matrix[np.ix_(functions, functions)] += volume * product


def add_density(
    matrix: Floats,
    slots: Integers,
    members: Integers,
    values: Floats,
    edge: int,
    density: Floats,
) -> None:
    """Add the density of a symmetric density matrix to the grid.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n_functions, n_functions)
        Density matrix.
    slots, members, values, edge
        As `collect` returns them.
    density : ndarray of float64, shape (n_x, n_y, n_z)
        Added to.
    """
    for _, functions, dense, place in _walk(slots, members, values, edge, density.shape):
        pairs = matrix[np.ix_(functions, functions)]
        density[place] += np.einsum("mxyz,mn,nxyz->xyz", dense, pairs, dense, optimize=True)


def fold(
    matrix: Floats,
    potential: Floats,
    slots: Integers,
    members: Integers,
    values: Floats,
    edge: int,
    folded: Floats,
) -> None:
    """Set rows like those of the functions to sums over functions, times the potential.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n_functions, n_functions)
        Coefficients: row by row those of the sum that takes a function's place.
    potential : ndarray of float64, shape (n_x, n_y, n_z)
        On the grid.
    slots, members, values, edge
        As `collect` returns them.
    folded : ndarray of float64, shape of `values`
        Set.
    """
    folded[:] = 0.0
    for rows, functions, dense, place in _walk(slots, members, values, edge, potential.shape):
        sums = np.einsum("mn,nxyz->mxyz", matrix[np.ix_(functions, functions)], dense)
        block = folded[rows].reshape(-1, edge, edge, edge)
        block[_cut(place)] = sums * potential[place]
