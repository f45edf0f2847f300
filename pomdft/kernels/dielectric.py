"""Finite differences for the potential in a dielectric that varies in space.

The operator is div(eps grad phi), written as eps times the Laplacian plus the product of the
gradients of eps and phi: V. M. Sanchez, M. Sued, D. A. Scherlis, J. Chem. Phys. 131, 174108 (2009),
doi:10.1063/1.3254385. Beyond the grid phi is zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError
from pomdft.kernels import compiled, reference_dielectric
from pomdft.kernels.checks import check_array, check_target

Floats = npt.NDArray[np.float64]

#: Points that differences reach at most.
REACH = 3


@dataclass(frozen=True, eq=False)
class DielectricOperator:
    """The operator on one grid. Made by `make_dielectric_operator`.

    Parameters
    ----------
    weights : tuple of four ndarray of float64, shape (n_x, n_y, n_z)
        The dielectric function and its derivatives along x, y and z. Not copied: what is changed
        there counts.
    centre : float
        What a point itself adds to its Laplacian.
    second : ndarray of float64, shape (3, reach)
        Along each axis what the sums of the values k points before and after add.
    first : ndarray of float64, shape (3, reach)
        Along each axis what the differences, after less before, add to the gradient.
    """

    weights: tuple[Floats, Floats, Floats, Floats]
    centre: float
    second: Floats
    first: Floats

    def smooth(self, phi: Floats, source: npt.ArrayLike, sweeps: int = 1) -> None:
        """Bring phi nearer to the solution, by sweeps of Gauss and Seidel in the order of memory.

        Parameters
        ----------
        phi : ndarray of float64, shape (n_x, n_y, n_z)
            Changed; C-contiguous.
        source : array_like of float64, shape (n_x, n_y, n_z)
            What the operator should make of phi.
        sweeps : int
            How many.

        Raises
        ------
        KernelInputError
            Wrong shapes or dtypes.
        """
        check_target("phi", phi, np.float64, self.weights[0].shape)
        wanted = self._check("source", source)
        core = compiled.select("dielectric", reference_dielectric)
        level = compiled.simd_level()
        weights = list(self.weights)
        core.smooth(weights, self.centre, self.second, self.first, wanted, phi, int(sweeps), level)

    def apply(self, phi: npt.ArrayLike, result: Floats | None = None) -> Floats:
        """Return the operator times phi.

        Parameters
        ----------
        phi : array_like of float64, shape (n_x, n_y, n_z)
        result : ndarray of float64, shape (n_x, n_y, n_z), optional
            C-contiguous array to set and return, instead of a new one; not phi itself.

        Returns
        -------
        ndarray of float64, shape (n_x, n_y, n_z)

        Raises
        ------
        KernelInputError
            Wrong shape or dtype, or a result that shares memory with phi.
        """
        field = self._check("phi", phi)
        if result is None:
            result = np.empty_like(field)
        check_target("result", result, np.float64, field.shape)
        if np.may_share_memory(field, result):
            raise KernelInputError("result: is phi.", "Give another array.")
        core = compiled.select("dielectric", reference_dielectric)
        weights = list(self.weights)
        level = compiled.simd_level()
        core.apply(weights, self.centre, self.second, self.first, field, result, level)
        return result

    def _check(self, name: str, value: npt.ArrayLike) -> Floats:
        shape = self.weights[0].shape
        return check_array(name, value, np.float64, shape, finite=False)


def make_dielectric_operator(
    weights: tuple[Floats, ...], centre: float, second: npt.ArrayLike, first: npt.ArrayLike
) -> DielectricOperator:
    """Return the operator of a dielectric function on a grid.

    Parameters
    ----------
    weights, centre, second, first
        As in `DielectricOperator`; the differences reach up to 3 points.

    Raises
    ------
    KernelInputError
        Not four C-contiguous weights of one shape, differences of different or too far reach, or a
        centre of zero.
    """
    if len(weights) != 4:
        raise KernelInputError(f"weights: {len(weights)} of them, wanted four.")
    shape = np.shape(weights[0])
    for i, weight in enumerate(weights):
        name = f"weights[{i}]"
        if check_array(name, weight, np.float64, shape, finite=False) is not weight:
            raise KernelInputError(f"{name}: is not C-contiguous or not of float64.")
    if len(shape) != 3:
        raise KernelInputError(f"weights[0]: got shape {shape}, wanted three axes.")
    if not (np.isfinite(centre) and centre):
        raise KernelInputError(f"centre: {centre} leaves nothing to divide by.")
    sums = check_array("second", second, np.float64, (3, None))
    differences = check_array("first", first, np.float64, sums.shape)
    if sums.shape[1] > REACH:
        raise KernelInputError(f"second: reaches {sums.shape[1]} points, at most {REACH} are done.")
    eps, along_x, along_y, along_z = weights
    return DielectricOperator((eps, along_x, along_y, along_z), float(centre), sums, differences)
