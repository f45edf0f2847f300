"""GPAW's integrals of basis functions, done by the kernels of pomdft where these are faster.

For a neutral 58-atom complex GPAW spends 44 % of an SCF iteration with LCAO in two loops over grid
points, the integrals of the potential and the density, and most of the forces in a third. The
blocked kernels do the same sums in another order: energies agree to rounding.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicHermiteSpline

from pomdft.kernels import compiled
from pomdft.kernels.basis import BlockedBasis, block_basis

Floats = npt.NDArray[np.float64]

_KEPT = "_pomdft_blocks"


@cache
def use_blocked_integrals() -> None:
    """Let GPAW's localized basis functions use the blocked kernels in this process.

    Cells with k-points, periodic images of a function, complex matrices or distributed matrix rows
    are left to GPAW, and so is everything where the kernels are not compiled.
    """
    from gpaw.lfc import BasisFunctions

    if not compiled.is_compiled("basis"):
        return
    their_density = BasisFunctions.construct_density
    their_matrices = BasisFunctions.calculate_potential_matrices
    their_matrix = BasisFunctions.calculate_potential_matrix
    their_forces = BasisFunctions.calculate_force_contribution

    def construct_density(self: Any, matrix: Any, density: Any, q: int) -> None:
        blocks = _find_blocks(self)
        if blocks is None:
            their_density(self, matrix, density, q)
        else:
            density += blocks.compute_density(matrix)

    def calculate_potential_matrices(self: Any, potential: Any) -> Any:
        blocks = _find_blocks(self)
        if blocks is None:
            return their_matrices(self, potential)
        return blocks.integrate_potential(potential, self.gd.dv)[np.newaxis]

    def calculate_potential_matrix(self: Any, potential: Any, matrix: Any, q: int) -> None:
        blocks = _find_blocks(self)
        if blocks is None:
            their_matrix(self, potential, matrix, q)
        else:
            matrix[:] = blocks.integrate_potential(potential, self.gd.dv)

    def calculate_force_contribution(self: Any, potential: Any, matrix: Any, q: int) -> Any:
        blocks = _find_blocks(self)
        if blocks is None:
            return their_forces(self, potential, matrix, q)
        return compute_forces(self, blocks, potential, matrix)

    BasisFunctions.construct_density = construct_density
    BasisFunctions.calculate_potential_matrices = calculate_potential_matrices
    BasisFunctions.calculate_potential_matrix = calculate_potential_matrix
    BasisFunctions.calculate_force_contribution = calculate_force_contribution


def _find_blocks(basis: Any) -> BlockedBasis | None:
    """Return the functions at their present places in blocks, None where GPAW has to do it."""
    whole = basis.Mstart == 0 and basis.Mstop == basis.Mmax
    if not (whole and basis.gamma and basis.dtype is float and basis.xp is np):
        return None
    kept = getattr(basis, _KEPT, None)
    # GPAW makes this object anew whenever atoms have moved.
    if kept is not None and kept[0] is basis.lfc:
        blocks: BlockedBasis | None = kept[1]
        return blocks
    blocks = block_functions(basis)
    setattr(basis, _KEPT, (basis.lfc, blocks))
    return blocks


def block_functions(basis: Any) -> BlockedBasis | None:
    """Return GPAW's basis functions at their present places in blocks of the grid.

    Parameters
    ----------
    basis : gpaw.lfc.BasisFunctions
        With positions set.

    Returns
    -------
    BlockedBasis or None
        None where a function reaches the cell more than once, as a periodic image.
    """
    first = np.asarray(basis.M_W)
    if (np.diff(first) <= 0).any():
        return None
    # G_B are the grid points, ascending, at which a run begins (W >= 0) or ends (-1 - W).
    opens = basis.W_B >= 0
    opened, closed = basis.W_B[opens], -1 - basis.W_B[~opens]
    by_start, by_stop = opened.argsort(kind="stable"), closed.argsort(kind="stable")
    n_x, n_y, n_z = (int(n) for n in basis.gd.n_c)
    return block_basis(
        basis.A_Wgm,
        first,
        basis.G_B[opens][by_start],
        basis.G_B[~opens][by_stop],
        opened[by_start],
        shape=(n_x, n_y, n_z),
        n_functions=int(basis.Mmax),
    )


def compute_forces(basis: Any, blocks: BlockedBasis, potential: Any, matrix: Any) -> Floats:
    """Return what the motion of each atom's functions in the potential adds to the forces.

    Twice the integral of the function's slope with the potential and the functions that the density
    matrix joins it with.

    Parameters
    ----------
    basis : gpaw.lfc.BasisFunctions
    blocks : BlockedBasis
        The same functions.
    potential : ndarray of float64, shape of the grid
        Effective potential, hartree.
    matrix : ndarray of float64, shape (n_functions, n_functions)
        Real density matrix of one spin.

    Returns
    -------
    ndarray of float64, shape (n_atoms, 3)
        Of this rank's part of the grid, hartree/bohr.
    """
    folded = blocks.fold(matrix, potential)
    grid = basis.gd
    places = dict(zip(basis.M_W.tolist(), basis.pos_Wv, strict=True))
    forces = np.zeros((len(basis.M_a), 3))
    radial_parts: dict[int, CubicHermiteSpline] = {}
    for a, (first, sphere) in enumerate(zip(basis.M_a, basis.sphere_a, strict=True)):
        function = first
        for spline in sphere.spline_j:
            width = 2 * spline.l + 1
            if function in places:
                if id(spline) not in radial_parts:
                    radial_parts[id(spline)] = _rebuild(spline)
                radial = radial_parts[id(spline)]
                rows, points = blocks.locate(function)
                vectors = (points + grid.beg_c) @ grid.h_cv - places[function]
                weights = folded[rows[:, None] + np.arange(width)]
                forces[a] += 2.0 * grid.dv * _integrate_slopes(weights, vectors, radial, spline.l)
            function += width
    return forces


def _rebuild(spline: Any) -> CubicHermiteSpline:
    """Return GPAW's spline as one that takes arrays: cubic, of the same values and slopes."""
    knots = np.linspace(0.0, spline.get_cutoff(), spline.get_npoints())
    # At the end GPAW gives zeros instead of the slope from the left.
    inside = np.concatenate([knots[:-1], [knots[-1] * (1.0 - 1e-12)]])
    values, slopes = np.array([spline.get_value_and_derivative(r) for r in inside]).T
    return CubicHermiteSpline(knots, values, slopes, extrapolate=False)


def _integrate_slopes(
    weights: Floats, vectors: Floats, radial: CubicHermiteSpline, momentum: int
) -> Floats:
    """Return the sum over functions and points of weight times slope, shape (3,).

    The functions are radial parts times solid harmonics: `weights` (n_blocks, 2 l + 1, n_points),
    `vectors` from the atom (n_blocks, n_points, 3).
    """
    from gpaw.sphere.spherical_harmonics import Y, nablarlYL

    distances = np.linalg.norm(vectors, axis=2)
    inside = distances < radial.x[-1]
    weights = weights.transpose(1, 0, 2)[:, inside]
    vectors, distances = vectors[inside], np.maximum(distances[inside], 1e-12)
    value, slope = radial(distances), radial(distances, 1) / distances
    along = vectors.T
    total = np.zeros(3)
    for m, weight in enumerate(weights):
        number = momentum**2 + m
        total += along @ (weight * slope * Y(number, *along))
        for axis, gradient in enumerate(nablarlYL(number, along)):
            total[axis] += np.sum(weight * value * gradient)
    return total
