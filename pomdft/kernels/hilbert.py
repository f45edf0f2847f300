"""The upper edge of a band: where the Hilbert transform of its density of states is largest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve
from scipy.special import dawsn, xlogy

Floats = npt.NDArray[np.float64]
_BLOCK = 512
# Energies per broadening at which the transform of broadened states is looked at.
_FINENESS = 5.0


def transform_grid(densities: Floats, energies: Floats) -> Floats:
    r"""Return the Hilbert transform of densities that are linear between grid points.

    .. math:: H(E) = \frac{1}{\pi} P \int \frac{\rho(E')}{E - E'} dE'

    Parameters
    ----------
    densities : ndarray of float64, shape (n_sites, n_energies)
        States/eV; taken to fall to zero within one step beyond the ends.
    energies : ndarray of float64, shape (n_energies,)
        eV, ascending; spaced evenly or not.

    Returns
    -------
    ndarray of float64, shape (n_sites, n_energies)
        States/eV.
    """
    n = len(energies)
    steps = np.diff(energies)
    if np.ptp(steps) <= 1e-6 * steps.mean():
        m = np.arange(-n, n + 1, dtype=np.float64)
        kernel = np.diff(xlogy(m, abs(m)), n=2)
        transformed: Floats = fftconvolve(densities, kernel[None], mode="full", axes=1)
        return transformed[:, n - 1 : 2 * n - 1] / np.pi
    nodes = np.concatenate(
        [[2.0 * energies[0] - energies[1]], energies, [2.0 * energies[-1] - energies[-2]]]
    )
    out = np.empty_like(densities)
    for start in range(0, n, _BLOCK):
        distance = energies[start : start + _BLOCK, None] - nodes
        # Per segment; a grid point belongs to the one before it (rising) and the one after it.
        segments = -np.diff(xlogy(distance, abs(distance)), axis=1) / np.diff(nodes)
        out[:, start : start + _BLOCK] = densities @ (segments[:, :-1] - segments[:, 1:]).T
    return out / np.pi


def find_edge_on_grid(densities: Floats, energies: Floats) -> Floats:
    """Return the energy (eV) of the highest peak of the Hilbert transform of each site.

    Parameters
    ----------
    densities : ndarray of float64, shape (n_sites, n_energies)
        States/eV.
    energies : ndarray of float64, shape (n_energies,)
        eV, ascending.

    Returns
    -------
    ndarray of float64, shape (n_sites,)
        Interpolated between the grid points.
    """
    return _find_peaks(transform_grid(densities, energies), energies)


def find_edge_of_states(
    weights: Floats, eigenvalues: Floats, broadening: float, window: tuple[float, float]
) -> Floats:
    """Return the energy (eV) of the highest peak of the Hilbert transform of broadened states.

    Parameters
    ----------
    weights : ndarray of float64, shape (n_sites, n_states)
        Weight of each state.
    eigenvalues : ndarray of float64, shape (n_states,)
        eV.
    broadening : float
        Standard deviation of the Gaussians (eV), positive.
    window : tuple of float
        States outside it (eV) are left out.

    Returns
    -------
    ndarray of float64, shape (n_sites,)
        Energies (eV).
    """
    inside = (eigenvalues >= window[0]) & (eigenvalues <= window[1])
    states, weights = eigenvalues[inside], weights[:, inside]
    low, high = states.min() - 5.0 * broadening, states.max() + 5.0 * broadening
    energies = np.linspace(low, high, int(_FINENESS * (high - low) / broadening) + 2)
    transformed = np.empty((len(weights), len(energies)))
    for start in range(0, len(energies), _BLOCK):
        distance = energies[start : start + _BLOCK, None] - states
        kernel = dawsn(distance / (np.sqrt(2.0) * broadening))
        transformed[:, start : start + _BLOCK] = weights @ kernel.T
    step = energies[1] - energies[0]
    edges = _find_peaks(transformed, energies)
    # Once more on a fine local grid, where the parabola is exact enough.
    near = edges[:, None] + 0.2 * step * np.arange(-2, 3)
    distance = near[:, :, None] - states
    local = np.einsum("ipn,in->ip", dawsn(distance / (np.sqrt(2.0) * broadening)), weights)
    grid = 0.2 * step * np.arange(-2, 3)
    return edges + _find_peaks(local, grid)


def _find_peaks(values: Floats, energies: Floats) -> Floats:
    # The parabola through the highest point and its two neighbours.
    at = np.clip(values.argmax(axis=1), 1, len(energies) - 2)
    rows = np.arange(len(values))
    left, middle, right = (values[rows, at + k] for k in (-1, 0, 1))
    below, above = energies[at] - energies[at - 1], energies[at + 1] - energies[at]
    rise, fall = (middle - left) / below, (middle - right) / above
    curvature = rise + fall
    shift = np.divide(
        0.5 * (rise * above - fall * below),
        curvature,
        out=np.zeros_like(curvature),
        where=curvature > 0.0,
    )
    return np.asarray(energies[at] + np.clip(shift, -below, above))
