"""NumPy twins of the kernels for the cavity of a continuum solvent."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def _measure(
    centre: Floats, x: Floats, y: Floats, z: Floats, least: float
) -> tuple[Floats, Floats]:
    """Return the points relative to a centre, shape (3, n_x, n_y, n_z), and squared distances."""
    offsets = np.array(np.meshgrid(x, y, z, indexing="ij")) - centre[:, None, None, None]
    return offsets, np.maximum((offsets**2).sum(axis=0), least)


def sum_repulsion(
    centres: Floats,
    strengths: Floats,
    x: Floats,
    y: Floats,
    z: Floats,
    least: float,
    potential: Floats,
    gradient: Floats,
) -> None:
    """Set the sum of strength / r**12 and of strength (r - centre) / r**14.

    Parameters
    ----------
    centres : ndarray of float64, shape (n_centres, 3)
        Where the repulsion comes from.
    strengths : ndarray of float64, shape (n_centres,)
        At the distance of one.
    x, y, z : ndarray of float64
        Coordinates of the grid's planes.
    least : float
        Smallest squared distance.
    potential : ndarray of float64, shape (n_x, n_y, n_z)
        Set.
    gradient : ndarray of float64, shape (3, n_x, n_y, n_z)
        Set.
    """
    potential[:] = 0.0
    gradient[:] = 0.0
    for centre, strength in zip(centres, strengths, strict=True):
        offsets, square = _measure(centre, x, y, z, least)
        potential += strength / square**6
        gradient += strength * offsets / square**7


def project_repulsion(
    centres: Floats,
    x: Floats,
    y: Floats,
    z: Floats,
    least: float,
    weights: Floats,
    sums: Floats,
) -> None:
    """Set, for every centre, the sum over the points of weight (r - centre) / r**14.

    Parameters
    ----------
    centres, x, y, z, least
        As for `sum_repulsion`.
    weights : ndarray of float64, shape (n_x, n_y, n_z)
        Of the points.
    sums : ndarray of float64, shape (n_centres, 3)
        Set.
    """
    for total, centre in zip(sums, centres, strict=True):
        offsets, square = _measure(centre, x, y, z, least)
        total[:] = (weights * offsets / square**7).sum(axis=(1, 2, 3))
