"""NumPy twins of the kernels for a potential in a dielectric."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def smooth(
    weights: list[Floats],
    centre: float,
    second: Floats,
    first: Floats,
    source: Floats,
    phi: Floats,
    sweeps: int,
    level: int = 0,
) -> None:
    """Bring phi nearer to operator phi = source, point by point.

    Parameters
    ----------
    weights, centre, second, first
        As in `pomdft.kernels.dielectric.DielectricOperator`.
    source : ndarray of float64, shape (n_x, n_y, n_z)
        What the operator should make of phi.
    phi : ndarray of float64, shape (n_x, n_y, n_z)
        Changed.
    sweeps : int
        How many.
    level : int
        Of vector instructions; not used here.
    """
    eps, *slopes = weights
    for _ in range(sweeps):
        for point in np.ndindex(phi.shape):
            others = 0.0
            for axis in range(3):
                for k in range(1, second.shape[1] + 1):
                    before, after = _read(phi, point, axis, -k), _read(phi, point, axis, k)
                    others += eps[point] * second[axis, k - 1] * (after + before)
                    others += slopes[axis][point] * first[axis, k - 1] * (after - before)
            phi[point] = (source[point] - others) / (eps[point] * centre)


def apply(
    weights: list[Floats],
    centre: float,
    second: Floats,
    first: Floats,
    phi: Floats,
    result: Floats,
    level: int = 0,
) -> None:
    """Set result to operator phi; parameters as for `smooth`."""
    eps, *slopes = weights
    result[:] = centre * eps * phi
    reach = second.shape[1]
    for axis in range(3):
        padding = [(reach, reach) if i == axis else (0, 0) for i in range(3)]
        padded = np.pad(phi, padding)
        for k in range(1, reach + 1):
            n = phi.shape[axis]
            after = padded.take(range(reach + k, reach + k + n), axis=axis)
            before = padded.take(range(reach - k, reach - k + n), axis=axis)
            result += second[axis, k - 1] * eps * (after + before)
            result += first[axis, k - 1] * slopes[axis] * (after - before)


def _read(phi: Floats, point: tuple[int, ...], axis: int, step: int) -> float:
    """Return the value some points away, zero beyond the grid."""
    place = point[axis] + step
    if not 0 <= place < phi.shape[axis]:
        return 0.0
    return float(phi[(*point[:axis], place, *point[axis + 1 :])])
