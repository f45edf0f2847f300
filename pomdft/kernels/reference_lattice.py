"""NumPy twins of the lattice kernels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FCC_OFFSETS = np.array(
    [
        (x, y, z)
        for x in (-1, 0, 1)
        for y in (-1, 0, 1)
        for z in (-1, 0, 1)
        if abs(x) + abs(y) + abs(z) == 2
    ],
    dtype=np.int32,
)


def fcc_neighbours(coordinates: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the neighbours, int32 of shape (n, 12), of fcc sites in ascending order.

    Parameters
    ----------
    coordinates : ndarray of int32, shape (n, 3)
        In units of half the lattice constant, sorted lexicographically.
    """
    low = coordinates.min(axis=0) - 1
    shape = coordinates.max(axis=0) + 2 - low
    index = np.full(shape, -1, dtype=np.int32)
    shifted = coordinates - low
    index[tuple(shifted.T)] = np.arange(len(coordinates), dtype=np.int32)
    table = np.stack([index[tuple((shifted + o).T)] for o in FCC_OFFSETS], axis=1)
    return fill_left(table)


def grid_neighbours(
    numbers: npt.NDArray[np.int32], steps: npt.NDArray[np.int32], n: int
) -> npt.NDArray[np.int32]:
    """Return the neighbours, int32 of shape (n, 12), of sites on grids in ascending order.

    Parameters
    ----------
    numbers : ndarray of int32, shape (pieces, x, y, z)
        Site at each place, -1 for none; the outermost places are not gone through.
    steps : ndarray of int32, shape (12, 3)
        From a place to those of its neighbours.
    n : int
        Number of sites.

    Raises
    ------
    ValueError
        A site has more than 12 neighbours.
    """
    own = numbers[:, 1:-1, 1:-1, 1:-1]
    x, y, z = own.shape[1:]
    found = []
    for i, j, k in steps + 1:
        other = numbers[:, i : i + x, j : j + y, k : k + z]
        there = (own >= 0) & (other >= 0)
        found.append(own[there].astype(np.int64) * n + other[there])
    # A bond between two sites that pieces share is met in each of them.
    source, target = np.divmod(np.unique(np.concatenate(found)), n)
    counts = np.bincount(source, minlength=n)
    if counts.max(initial=0) > 12:
        raise ValueError("a site has more than 12 neighbours")
    column = np.arange(len(source)) - np.repeat(np.cumsum(counts) - counts, counts)
    table = np.full((n, 12), -1, dtype=np.int32)
    table[source, column] = target
    return table


def fill_left(table: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the table with each row sorted and its -1 moved to the right."""
    largest = np.iinfo(np.int32).max
    ordered = np.sort(np.where(table < 0, largest, table), axis=1)
    return np.where(ordered == largest, -1, ordered).astype(np.int32)


def find_fault(neighbours: npt.NDArray[np.int32]) -> int:
    """Return the first row not filled from the left, double, self-naming or one-sided; else -1.

    Parameters
    ----------
    neighbours : ndarray of int32, shape (n, 12)
        Entries from -1 to n - 1.
    """
    n = len(neighbours)
    present = neighbours >= 0
    bad = (present[:, 1:] & ~present[:, :-1]).any(axis=1)
    ordered = np.sort(neighbours, axis=1)
    bad |= ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(axis=1)
    bad |= (neighbours == np.arange(n)[:, None]).any(axis=1)
    source = np.repeat(np.arange(n, dtype=np.int64), 12).reshape(n, 12)[present]
    target = neighbours[present].astype(np.int64)
    named, naming = source * n + target, target * n + source
    if not np.array_equal(np.sort(named), np.sort(naming)):
        bad[source[~np.isin(named, naming)]] = True
    return int(np.argmax(bad)) if bad.any() else -1


def layer(
    neighbours: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int16]]:
    """Return coordination numbers and the shell of each site counted from outside.

    Parameters
    ----------
    neighbours : ndarray of int32, shape (n, 12)
        Filled from the left, padded with -1.

    Returns
    -------
    coordination : ndarray of int8, shape (n,)
        Number of neighbours.
    shell : ndarray of int16, shape (n,)
        0 where the coordination is below 12, else the fewest bonds to such a site; 0 throughout
        where every site has 12.
    """
    n = len(neighbours)
    coordination = (neighbours >= 0).sum(axis=1).astype(np.int8)
    shell = np.full(n, -1, dtype=np.int16)
    front: npt.NDArray[np.integer] = np.flatnonzero(coordination < 12)
    shell[front] = 0
    depth = 0
    while front.size:
        depth += 1
        reached = np.unique(neighbours[front])
        front = reached[(reached >= 0)]
        front = front[shell[front] < 0]
        shell[front] = depth
    return coordination, np.maximum(shell, 0).astype(np.int16)
