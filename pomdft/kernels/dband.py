"""Moments of projected densities of states, for many sites at once.

Energies are relative to the Fermi level. The moments of a site are those of the sum over its
channels (magnetic quantum numbers and spins).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr

from pomdft.errors import KernelInputError
from pomdft.kernels import compiled, hilbert, reference_dband
from pomdft.kernels.checks import check_array, check_scalar

Floats = npt.NDArray[np.float64]
Window = tuple[float, float]
_PROJECTIONS = (np.float64, np.float32, np.complex128, np.complex64)


@dataclass(frozen=True, eq=False)
class DBandMoments:
    """Moments of the d-band of each site.

    Parameters
    ----------
    weight : ndarray of float64, shape (n_sites,)
        Integral of the density of states (states).
    center_ev : ndarray of float64, shape (n_sites,)
        First moment relative to the Fermi level (eV).
    width_ev : ndarray of float64, shape (n_sites,)
        Square root of the second central moment (eV).
    filling : ndarray of float64, shape (n_sites,)
        Occupied share of the weight, 0 to 1.
    upper_edge_ev : ndarray of float64, shape (n_sites,), or None
        Highest peak of the Hilbert transform (eV); None where it was not asked for.
    """

    weight: Floats
    center_ev: Floats
    width_ev: Floats
    filling: Floats
    upper_edge_ev: Floats | None = None

    def __len__(self) -> int:
        return len(self.weight)

    def __repr__(self) -> str:
        return (
            f"DBandMoments({len(self)} sites, centre {self.center_ev.min():.3f} to "
            f"{self.center_ev.max():.3f} eV)"
        )

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row a site: weight, center_ev, width_ev, filling and, where had, the edge."""
        columns = {
            "weight": self.weight,
            "center_ev": self.center_ev,
            "width_ev": self.width_ev,
            "filling": self.filling,
        }
        if self.upper_edge_ev is not None:
            columns["upper_edge_ev"] = self.upper_edge_ev
        return pd.DataFrame(columns)


def moments_from_grid(
    densities: npt.ArrayLike,
    energies_ev: npt.ArrayLike,
    *,
    window_ev: Window | None = None,
    upper_edge: bool = False,
) -> DBandMoments:
    """Return the moments of densities of states on a grid of energies.

    The trapezoidal rule is used, with the density interpolated linearly at the ends of the window
    and at the Fermi level.

    Parameters
    ----------
    densities : array_like of float64 or float32, shape (n_sites, n_channels, n_energies)
        Projected densities of states (states/eV).
    energies_ev : array_like of float64, shape (n_energies,)
        Relative to the Fermi level (eV), strictly ascending, spaced evenly or not.
    window_ev : tuple of float, optional
        Lowest and highest energy (eV); the whole grid where not given.
    upper_edge : bool
        Whether the upper edge is computed too.

    Returns
    -------
    DBandMoments
        Of each site.

    Raises
    ------
    KernelInputError
        Wrong dtype or shape, NaN, unsorted energies, an empty window, or a site without weight.

    References
    ----------
    B. Hammer, J. K. Norskov, Surf. Sci. 343, 211 (1995).
    https://doi.org/10.1016/0039-6028(96)80007-0

    Upper edge: H. Xin et al., Phys. Rev. B 89, 115114 (2014).
    https://doi.org/10.1103/PhysRevB.89.115114
    """
    energies = check_array("energies_ev", energies_ev, np.float64, (None,))
    if len(energies) < 2 or (np.diff(energies) <= 0.0).any():
        raise KernelInputError("energies_ev: must be at least two, strictly ascending.")
    single = getattr(densities, "dtype", None) == np.float32
    shape = (None, None, len(energies))
    # NaN shows in the sums: looking for it beforehand would cost another pass over memory.
    data = check_array(
        "densities", densities, np.float32 if single else np.float64, shape, finite=False
    )
    low, high = _check_window(window_ev, float(energies[0]), float(energies[-1]))
    middle = 0.5 * (low + high)
    weights = np.zeros((4, len(energies)))
    for power in range(3):
        weights[power] = _trapezoid_weights(energies, low, high, power, middle)
    if low < 0.0:
        weights[3] = _trapezoid_weights(energies, low, min(high, 0.0), 0, middle)
    core = compiled.select("dband", reference_dband)
    sums = core.project(data, weights, False, compiled.simd_level())
    _check_sums("densities", sums, data)
    edge = None
    if upper_edge:
        inside = (energies >= low) & (energies <= high)
        if inside.sum() < 3:
            raise KernelInputError("window_ev: holds fewer than three energies of the grid.")
        total = data[:, :, inside].sum(axis=1, dtype=np.float64)
        edge = hilbert.find_edge_on_grid(total, energies[inside])
    return _finish(sums, middle, edge)


def moments_from_projections(
    projections: npt.ArrayLike,
    eigenvalues_ev: npt.ArrayLike,
    state_weights: npt.ArrayLike,
    *,
    window_ev: Window | None = None,
    broadening_ev: float = 0.0,
    occupations: npt.ArrayLike | None = None,
    upper_edge: bool = False,
) -> DBandMoments:
    """Return the moments straight from the projections of the states, without any grid.

    With a broadening each state is a Gaussian, whose moments within the window are taken
    analytically; over the whole band the centre does not depend on it.

    Parameters
    ----------
    projections : array_like, shape (n_sites, n_channels, n_states)
        Projections of each state, real or complex, in single or double precision; they enter as
        their squared moduli.
    eigenvalues_ev : array_like of float64, shape (n_states,)
        Relative to the Fermi level (eV), in any order.
    state_weights : array_like of float64, shape (n_states,)
        Weight of the k-point times the spin degeneracy, not negative.
    window_ev : tuple of float, optional
        Lowest and highest energy (eV); the whole band where not given.
    broadening_ev : float
        Standard deviation of the Gaussians (eV); 0 for sharp states. GPAW's width is sqrt(2) times
        this.
    occupations : array_like of float64, shape (n_states,), optional
        Occupied share of each state, 0 to 1, for the filling; where not given, what of the
        broadened state lies below the Fermi level.
    upper_edge : bool
        Whether the upper edge is computed too, which needs a broadening.

    Returns
    -------
    DBandMoments
        Of each site.

    Raises
    ------
    KernelInputError
        Wrong dtype or shape, NaN, an empty window, or a site without weight.

    References
    ----------
    Upper edge: H. Xin et al., Phys. Rev. B 89, 115114 (2014).
    https://doi.org/10.1103/PhysRevB.89.115114
    """
    eigenvalues = check_array("eigenvalues_ev", eigenvalues_ev, np.float64, (None,))
    n = len(eigenvalues)
    shares = check_array("state_weights", state_weights, np.float64, (n,))
    if (shares < 0.0).any():
        raise KernelInputError("state_weights: must not be negative.")
    width = check_scalar("broadening_ev", broadening_ev, low=0.0)
    dtype = getattr(projections, "dtype", np.dtype(np.float64))
    data = check_array(
        "projections",
        projections,
        dtype if dtype in _PROJECTIONS else np.float64,
        (None, None, n),
        finite=False,
    )
    bounds = window_ev is not None
    low, high = _check_window(window_ev, -np.inf, np.inf)
    middle = 0.5 * (low + high) if bounds else float(np.average(eigenvalues))
    if bounds and width == 0.0 and not ((eigenvalues >= low) & (eigenvalues <= high)).any():
        raise KernelInputError(f"window_ev: {low} to {high} eV holds no state.")
    weights = np.empty((4, n))
    weights[:3] = _gaussian_moments(eigenvalues, width, low, high, middle)
    if occupations is not None:
        occupied = check_array("occupations", occupations, np.float64, (n,))
        if (occupied < -1e-9).any() or (occupied > 1.0 + 1e-9).any():
            raise KernelInputError("occupations: must lie between 0 and 1.")
        weights[3] = weights[0] * occupied
    else:
        top = max(low, min(high, 0.0))
        weights[3] = _gaussian_moments(eigenvalues, width, low, top, middle)[0]
    weights *= shares
    values, scaled = data, weights
    if np.iscomplexobj(data):
        # Real and imaginary parts side by side: their squares carry the same weight.
        values = data.view(data.real.dtype)
        scaled = np.repeat(weights, 2, axis=1)
    core = compiled.select("dband", reference_dband)
    sums = core.project(values, scaled, True, compiled.simd_level())
    _check_sums("projections", sums, data)
    edge = None
    if upper_edge:
        if width == 0.0:
            raise KernelInputError("broadening_ev: the upper edge needs one above 0.")
        if bounds and not ((eigenvalues >= low) & (eigenvalues <= high)).any():
            raise KernelInputError(f"window_ev: {low} to {high} eV holds no state.")
        squares = np.einsum("icn,icn->in", data, data.conj()).real * shares
        edge = hilbert.find_edge_of_states(squares, eigenvalues, width, (low, high))
    return _finish(sums, middle, edge)


def _check_window(window: Window | None, first: float, last: float) -> Window:
    if window is None:
        return first, last
    try:
        low, high = window
    except (TypeError, ValueError) as error:
        raise KernelInputError(f"window_ev: is {window!r}, wanted two energies.") from error
    low, high = check_scalar("window_ev", low), check_scalar("window_ev", high)
    low, high = max(low, first), min(high, last)
    if not low < high:
        raise KernelInputError(
            f"window_ev: {window} is empty or outside the energies {first} to {last} eV."
        )
    return low, high


def _trapezoid_weights(
    energies: Floats, low: float, high: float, power: int, origin: float
) -> Floats:
    # Nodes: the grid points within, and the two ends, where the density is interpolated.
    inside = np.flatnonzero((energies > low) & (energies < high))
    nodes = np.concatenate([[low], energies[inside], [high]])
    steps = np.diff(nodes)
    at_node = np.zeros(len(nodes))
    at_node[:-1] += 0.5 * steps
    at_node[1:] += 0.5 * steps
    at_node *= (nodes - origin) ** power
    weights = np.zeros(len(energies))
    weights[inside] = at_node[1:-1]
    for end, value in ((low, at_node[0]), (high, at_node[-1])):
        right = int(np.clip(np.searchsorted(energies, end), 1, len(energies) - 1))
        share = (end - energies[right - 1]) / (energies[right] - energies[right - 1])
        weights[right - 1] += (1.0 - share) * value
        weights[right] += share * value
    return weights


def _gaussian_moments(
    centers: Floats, width: float, low: float, high: float, origin: float
) -> Floats:
    # Moments 0, 1, 2 about the origin of normalised Gaussians between low and high.
    offset = centers - origin
    if width == 0.0:
        inside = ((centers >= low) & (centers <= high)).astype(np.float64)
        return np.stack([inside, inside * offset, inside * offset**2])
    a, b = (low - centers) / width, (high - centers) / width
    share = ndtr(b) - ndtr(a)
    density_a, density_b = (np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi) for x in (a, b))
    first = width * (density_a - density_b)
    # At an infinite end x * density is 0, not NaN.
    tail_a, tail_b = (
        np.where(np.isfinite(x), x, 0.0) * d for x, d in ((a, density_a), (b, density_b))
    )
    second = width**2 * (share + tail_a - tail_b)
    return np.stack(
        [share, offset * share + first, offset**2 * share + 2.0 * offset * first + second]
    )


def _check_sums(name: str, sums: Floats, data: npt.NDArray[np.inexact]) -> None:
    if not np.isfinite(sums).all():
        site = int(np.flatnonzero(~np.isfinite(sums).all(axis=1))[0])
        raise KernelInputError(f"{name}: site {site} holds entries that are not finite.")
    scale = np.finfo(np.float64).tiny
    empty = np.flatnonzero(sums[:, 0] <= scale)
    if empty.size:
        raise KernelInputError(
            f"{name}: site {empty[0]} has no weight in the window.",
            "Leave the site out, or widen the window.",
        )


def _finish(sums: Floats, origin: float, edge: Floats | None) -> DBandMoments:
    weight = sums[:, 0]
    mean = sums[:, 1] / weight
    variance = np.maximum(sums[:, 2] / weight - mean**2, 0.0)
    return DBandMoments(
        weight=weight.copy(),
        center_ev=mean + origin,
        width_ev=np.sqrt(variance),
        filling=sums[:, 3] / weight,
        upper_edge_ev=edge,
    )
