"""Products of density gradients on a grid, and the divergence they lead to.

What a gradient-corrected functional needs beside its formula. Both go through the grid line by line
and keep no gradient, so that little more than densities and results passes through memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError
from pomdft.kernels import compiled, reference_gradients
from pomdft.kernels.checks import check_array, check_target

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def multiply_gradients(
    densities: npt.ArrayLike, weights: npt.ArrayLike, periodic: tuple[bool, bool, bool]
) -> Floats:
    """Return the products of the gradients of one density, or of those of two spins.

    Parameters
    ----------
    densities : array_like of float64, shape (n_spins, n_x, n_y, n_z)
        Of one or two spins.
    weights : array_like of float64, shape (3, reach)
        Along each axis the derivative is the sum over k of ``weights[axis, k - 1]`` times the
        difference of the values k points after and k points before.
    periodic : tuple of bool
        Whether the grid goes on with its other side along each axis, or with zeros.

    Returns
    -------
    ndarray of float64, shape (2 * n_spins - 1, n_x, n_y, n_z)
        Gradient squared; for two spins that of the first, the product of both, that of the second.

    Raises
    ------
    KernelInputError
        Wrong shapes or dtypes, or differences that reach beyond the other side.
    """
    fields, differences, ends = _check(densities, weights, periodic)
    products = np.empty((2 * len(fields) - 1, *fields.shape[1:]))
    core = compiled.select("gradients", reference_gradients)
    core.multiply_gradients(fields, differences, ends, products)
    return products


def subtract_divergences(
    densities: npt.ArrayLike,
    slopes: npt.ArrayLike,
    weights: npt.ArrayLike,
    periodic: tuple[bool, bool, bool],
    potentials: Floats,
) -> None:
    """Subtract from potentials what an energy gains through the gradients of the densities.

    From the potential of spin s is taken the divergence of twice its own slope times its own
    gradient plus the common slope times the gradient of the other spin.

    Parameters
    ----------
    densities : array_like of float64, shape (n_spins, n_x, n_y, n_z)
        Of one or two spins.
    slopes : array_like of float64, shape (2 * n_spins - 1, n_x, n_y, n_z)
        Derivatives of the energy density by the products that `multiply_gradients` returns.
    weights, periodic
        As for `multiply_gradients`.
    potentials : ndarray of float64, shape (n_spins, n_x, n_y, n_z)
        Changed; C-contiguous.

    Raises
    ------
    KernelInputError
        Wrong shapes or dtypes, or differences that reach beyond the other side.
    """
    fields, differences, ends = _check(densities, weights, periodic)
    wanted = (2 * len(fields) - 1, *fields.shape[1:])
    factors = check_array("slopes", slopes, np.float64, wanted, finite=False)
    check_target("potentials", potentials, np.float64, fields.shape)
    core = compiled.select("gradients", reference_gradients)
    core.subtract_divergences(fields, factors, differences, ends, potentials)


def _check(
    densities: npt.ArrayLike, weights: npt.ArrayLike, periodic: tuple[bool, bool, bool]
) -> tuple[Floats, Floats, Integers]:
    fields = check_array("densities", densities, np.float64, (None,) * 4, finite=False)
    if len(fields) > 2:
        raise KernelInputError(f"densities: of one or two spins, not of {len(fields)}.")
    differences = check_array("weights", weights, np.float64, (3, None))
    if differences.shape[1] > min(fields.shape[1:]):
        raise KernelInputError(
            f"weights: reach {differences.shape[1]} points, beyond a grid of {fields.shape[1:]}."
        )
    return fields, differences, check_array("periodic", periodic, np.int64, (3,))
