"""The repulsion of a solute's atoms that a continuum solvent keeps away from, on a grid.

It falls off with the twelfth power of the distance: A. Held, M. Walter, J. Chem. Phys. 141, 174108
(2014), doi:10.1063/1.4900838. Units are the caller's, one of length and one of strength.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError
from pomdft.kernels import compiled, reference_cavity
from pomdft.kernels.checks import check_array

Floats = npt.NDArray[np.float64]


def sum_repulsion(
    centres: npt.ArrayLike,
    strengths: npt.ArrayLike,
    axes: Sequence[npt.ArrayLike],
    least_square: float,
) -> tuple[Floats, Floats]:
    """Return the repulsion at every point of a grid, and the sum that its gradient is made of.

    Parameters
    ----------
    centres : array_like of float64, shape (n_centres, 3)
        Atoms, and their images where there are any.
    strengths : array_like of float64, shape (n_centres,)
        Repulsion at the distance of one.
    axes : sequence of three array_like of float64
        Coordinates of the grid's planes along x, y and z.
    least_square : float
        Squared distances below are taken as this one. Positive.

    Returns
    -------
    repulsion : ndarray of float64, shape (n_x, n_y, n_z)
        Sum of strength / r**12.
    slope : ndarray of float64, shape (3, n_x, n_y, n_z)
        Sum of strength * (point - centre) / r**14; times -12 the gradient of the repulsion.

    Raises
    ------
    KernelInputError
        Wrong shapes or dtypes, or no positive least square.
    """
    places, planes = _check(centres, axes, least_square)
    factors = check_array("strengths", strengths, np.float64, (len(places),), empty=True)
    shape = tuple(len(plane) for plane in planes)
    repulsion, slope = np.empty(shape), np.empty((3, *shape))
    core = compiled.select("cavity", reference_cavity)
    core.sum_repulsion(places, factors, *planes, float(least_square), repulsion, slope)
    return repulsion, slope


def project_repulsion(
    centres: npt.ArrayLike,
    axes: Sequence[npt.ArrayLike],
    weights: npt.ArrayLike,
    least_square: float,
) -> Floats:
    """Return, for every centre, the sum over a grid of weight * (point - centre) / r**14.

    Parameters
    ----------
    centres, axes, least_square
        As for `sum_repulsion`.
    weights : array_like of float64, shape (n_x, n_y, n_z)
        Of the points.

    Returns
    -------
    ndarray of float64, shape (n_centres, 3)

    Raises
    ------
    KernelInputError
        Wrong shapes or dtypes, or no positive least square.
    """
    places, planes = _check(centres, axes, least_square)
    shape = tuple(len(plane) for plane in planes)
    factors = check_array("weights", weights, np.float64, shape, finite=False)
    sums = np.empty_like(places)
    core = compiled.select("cavity", reference_cavity)
    core.project_repulsion(places, *planes, float(least_square), factors, sums)
    return sums


def _check(
    centres: npt.ArrayLike, axes: Sequence[npt.ArrayLike], least_square: float
) -> tuple[Floats, list[Floats]]:
    if len(axes) != 3:
        raise KernelInputError(f"axes: {len(axes)} of them, wanted x, y and z.")
    if not least_square > 0.0:
        raise KernelInputError(f"least_square: {least_square} is not positive.")
    places = check_array("centres", centres, np.float64, (None, 3), empty=True)
    planes = [check_array(f"axes[{i}]", plane, np.float64, (None,)) for i, plane in enumerate(axes)]
    return places, planes
