"""NumPy twins of the kernels for gradients on a grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def _derive(field: Floats, axis: int, weights: Floats, periodic: bool) -> Floats:
    reach = len(weights)
    padding = [(reach, reach) if i == axis else (0, 0) for i in range(3)]
    padded = np.pad(field, padding, mode="wrap" if periodic else "constant")
    n = field.shape[axis]
    slope = np.zeros_like(field)
    for k, weight in enumerate(weights, start=1):
        after = padded.take(range(reach + k, reach + k + n), axis=axis)
        before = padded.take(range(reach - k, reach - k + n), axis=axis)
        slope += weight * (after - before)
    return slope


def _differentiate(densities: Floats, weights: Floats, periodic: Integers) -> Floats:
    """Return the gradients, shape (n_spins, 3, n_x, n_y, n_z)."""
    return np.array(
        [
            [_derive(field, axis, weights[axis], bool(periodic[axis])) for axis in range(3)]
            for field in densities
        ]
    )


def multiply_gradients(
    densities: Floats, weights: Floats, periodic: Integers, products: Floats
) -> None:
    """Set `products` to those of the gradients: of one spin, of both, of the other.

    Parameters
    ----------
    densities : ndarray of float64, shape (n_spins, n_x, n_y, n_z)
        Of one or two spins.
    weights : ndarray of float64, shape (3, reach)
        Of the differences along each axis.
    periodic : ndarray of int64, shape (3,)
        Whether an axis goes on with its other side, or with zeros.
    products : ndarray of float64, shape (2 * n_spins - 1, n_x, n_y, n_z)
        Set.
    """
    gradients = _differentiate(densities, weights, periodic)
    for p in range(len(products)):
        products[p] = (gradients[p // 2] * gradients[(p + 1) // 2]).sum(axis=0)


def subtract_divergences(
    densities: Floats, slopes: Floats, weights: Floats, periodic: Integers, potentials: Floats
) -> None:
    """Subtract the divergence of each spin's flux, that of gradients times slopes.

    Parameters
    ----------
    densities, weights, periodic
        As for `multiply_gradients`.
    slopes : ndarray of float64, shape (2 * n_spins - 1, n_x, n_y, n_z)
        Derivatives of an energy density by the products.
    potentials : ndarray of float64, shape (n_spins, n_x, n_y, n_z)
        Changed.
    """
    gradients = _differentiate(densities, weights, periodic)
    for s in range(len(potentials)):
        flux = 2.0 * slopes[2 * s] * gradients[s]
        if len(potentials) == 2:
            flux += slopes[1] * gradients[1 - s]
        for axis in range(3):
            potentials[s] -= _derive(flux[axis], axis, weights[axis], bool(periodic[axis]))
