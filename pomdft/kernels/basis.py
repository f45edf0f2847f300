"""Integrals of localized basis functions with a potential, and densities, by blocks of a grid.

In a block of a few grid points the same functions are present everywhere, so that pairs of them are
products of small dense matrices, which BLAS does near the speed of the processor. Point by point,
with the one to seven functions of a shell at a time, they are done at less than a tenth of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError
from pomdft.kernels import compiled, reference_basis
from pomdft.kernels.checks import check_array

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Points along an edge of a block. With 826 functions on 88 x 84 x 92 points 4 is the fastest for
#: potential and density together; 5 and 6 take up to a tenth more, 3 half as long again.
BLOCK_EDGE = 4


@dataclass(frozen=True, eq=False)
class BlockedBasis:
    """Values of basis functions in the blocks of a grid. Made by `block_basis`.

    Parameters
    ----------
    shape : tuple of int
        Grid points along each axis.
    n_functions : int
        Basis functions; rows and columns of the matrices.
    slots : ndarray of int64, shape (n_blocks + 1,)
        Where the groups of functions of each block begin in `members`.
    members : ndarray of int64, shape (n_groups, 3)
        First function, number of functions, first row in `values`.
    values : ndarray of float64, shape (n_rows, edge**3)
        One function in one block a row; zero beyond its sphere and beyond the grid.
    edge : int
        Points along an edge of a block.
    """

    shape: tuple[int, int, int]
    n_functions: int
    slots: Integers
    members: Integers
    values: Floats
    edge: int

    def __repr__(self) -> str:
        return (
            f"BlockedBasis({self.n_functions} functions on {self.shape} points, "
            f"{len(self.slots) - 1} blocks, {self.values.nbytes / 1e6:.0f} MB)"
        )

    def integrate_potential(self, potential: npt.ArrayLike, point_volume: float) -> Floats:
        """Return the integrals of pairs of functions with a local potential.

        Parameters
        ----------
        potential : array_like of float64, shape `shape`
            On the grid.
        point_volume : float
            Volume of a grid point.

        Returns
        -------
        ndarray of float64, shape (n_functions, n_functions)
            Right in the lower triangle with the diagonal; elements above it are undefined.

        Raises
        ------
        KernelInputError
            Wrong shape or dtype.
        """
        grid = check_array("potential", potential, np.float64, self.shape, finite=False)
        matrix = np.zeros((self.n_functions, self.n_functions))
        core = compiled.select("basis", reference_basis)
        core.add_potential(
            grid, float(point_volume), self.slots, self.members, self.values, self.edge, matrix
        )
        return matrix

    def compute_density(self, density_matrix: npt.ArrayLike) -> Floats:
        """Return the density of a real, symmetric density matrix.

        Parameters
        ----------
        density_matrix : array_like of float64, shape (n_functions, n_functions)
            Symmetric; that is not checked.

        Returns
        -------
        ndarray of float64, shape `shape`
            On the grid.

        Raises
        ------
        KernelInputError
            Wrong shape or dtype.
        """
        n = self.n_functions
        matrix = check_array("density_matrix", density_matrix, np.float64, (n, n), finite=False)
        density = np.zeros(self.shape)
        core = compiled.select("basis", reference_basis)
        core.add_density(matrix, self.slots, self.members, self.values, self.edge, density)
        return density

    def fold(self, coefficients: npt.ArrayLike, potential: npt.ArrayLike) -> Floats:
        """Return, in place of each function, a sum over all functions times a potential.

        Integrated with the slope of the function whose place it takes, it gives what that
        function's motion adds to the forces.

        Parameters
        ----------
        coefficients : array_like of float64, shape (n_functions, n_functions)
            Of each sum in a row.
        potential : array_like of float64, shape `shape`
            On the grid.

        Returns
        -------
        ndarray of float64, shape of `values`
            Where the function itself has values; zero beyond the grid.

        Raises
        ------
        KernelInputError
            Wrong shape or dtype.
        """
        n = self.n_functions
        matrix = check_array("coefficients", coefficients, np.float64, (n, n), finite=False)
        grid = check_array("potential", potential, np.float64, self.shape, finite=False)
        folded = np.empty_like(self.values)
        core = compiled.select("basis", reference_basis)
        core.fold(matrix, grid, self.slots, self.members, self.values, self.edge, folded)
        return folded

    def locate(self, function: int) -> tuple[Integers, Integers]:
        """Return where a shell is: first row in each block, and the points of these blocks.

        Parameters
        ----------
        function : int
            First function of the shell.

        Returns
        -------
        tuple of ndarray of int64, shapes (n_blocks,) and (n_blocks, edge**3, 3)
            Rows in `values`; indices of the points along each axis, beyond the grid too.
        """
        chosen = np.flatnonzero(self.members[:, 0] == function)
        block = np.searchsorted(self.slots, chosen, side="right") - 1
        blocks = tuple(-(-n // self.edge) for n in self.shape)
        corners = self.edge * np.stack(np.unravel_index(block, blocks), axis=1)
        cube = (self.edge, self.edge, self.edge)
        inner = np.stack(np.unravel_index(np.arange(self.edge**3), cube), axis=1)
        return self.members[chosen, 2], corners[:, None, :] + inner


def block_basis(
    values: Sequence[Floats],
    first: npt.ArrayLike,
    starts: npt.ArrayLike,
    stops: npt.ArrayLike,
    volumes: npt.ArrayLike,
    *,
    shape: tuple[int, int, int],
    n_functions: int,
    edge: int = BLOCK_EDGE,
) -> BlockedBasis:
    """Return basis functions, given in spheres of grid points, in blocks of the grid.

    Parameters
    ----------
    values : sequence of ndarray of float64, shape (n_points, n_shell_functions)
        Of the functions of one shell (one radial part, all magnetic quantum numbers), point by
        point in the order of the grid.
    first : array_like of int, shape (n_shells,)
        Number of each shell's first function; ascending, each once.
    starts, stops : array_like of int, shape (n_runs,)
        Runs of consecutive grid points, flat and in C order, that belong to a sphere.
    volumes : array_like of int, shape (n_runs,)
        Which shell each run belongs to.
    shape : tuple of int
        Grid points along each axis.
    n_functions : int
        Functions in all; shells without a point on this grid may be missing.
    edge : int
        Points along an edge of a block.

    Returns
    -------
    BlockedBasis

    Raises
    ------
    KernelInputError
        Points beyond the grid, runs that do not fit the values, functions not ascending.
    """
    n_shells = len(values)
    tables = [
        check_array(f"values[{i}]", table, np.float64, (None, None), finite=False)
        for i, table in enumerate(values)
    ]
    owners = check_array("first", first, np.int32, (n_shells,), empty=True)
    begin = check_array("starts", starts, np.int64, (None,), empty=True)
    end = check_array("stops", stops, np.int64, begin.shape, empty=True)
    shell = check_array("volumes", volumes, np.int64, begin.shape, empty=True)
    widths = np.array([table.shape[1] for table in tables], dtype=np.int64)
    if n_shells and (
        (np.diff(owners) < widths[:-1]).any()
        or owners[0] < 0
        or owners[-1] + widths[-1] > n_functions
    ):
        raise KernelInputError(
            f"first: the shells' functions must ascend without overlap below {n_functions}."
        )
    if ((begin < 0) | (end < begin) | (end > np.prod(shape))).any():
        raise KernelInputError(f"starts, stops: a run leaves the grid of {shape} points.")
    if ((shell < 0) | (shell >= n_shells)).any():
        raise KernelInputError(f"volumes: must lie between 0 and {n_shells - 1}.")
    counted = np.bincount(shell, weights=end - begin, minlength=n_shells)
    if (counted != [len(table) for table in tables]).any():
        raise KernelInputError("starts, stops: the runs of a shell must have one value a point.")
    order = np.lexsort((begin, shell))
    runs = np.ascontiguousarray(np.stack([begin, end - begin], axis=1)[order])
    bounds = np.searchsorted(shell[order], np.arange(n_shells + 1)).astype(np.int64)
    core = compiled.select("basis", reference_basis)
    extent = np.array(shape, dtype=np.int64)
    slots, members, rows = core.collect(tables, owners, runs, bounds, extent, edge)
    return BlockedBasis(shape, n_functions, slots, members, rows, edge)
