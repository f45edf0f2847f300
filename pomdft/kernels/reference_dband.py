"""NumPy twin of the d-band kernel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def project(
    data: npt.NDArray[np.floating],
    weights: npt.NDArray[np.float64],
    square: bool,
    level: int,
) -> npt.NDArray[np.float64]:
    """Return sums over channels and points times each weight, shape (n_sites, 4).

    Parameters
    ----------
    data : ndarray of float64 or float32, shape (n_sites, n_channels, n_points)
        Densities of states, or projections.
    weights : ndarray of float64, shape (4, n_points)
        Weight of each point in each sum.
    square : bool
        Whether the data enter squared.
    level : int
        Not used: the twin has one path.
    """
    values = data.astype(np.float64, copy=False)
    total: npt.NDArray[np.float64] = (values * values if square else values).sum(axis=1)
    # What is not finite shows in the result, as in the compiled kernel.
    with np.errstate(invalid="ignore", over="ignore"):
        return total @ weights.T
