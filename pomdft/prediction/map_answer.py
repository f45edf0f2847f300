"""The answer to a question about ordering over molar ratio and temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from pomdft.prediction.labels import LABELS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FloatArray = npt.NDArray[np.float64]

_BAND = (0.16, 0.5, 0.84)


@dataclass(frozen=True, eq=False)
class OrderingMap:
    """Labels and probabilities on a grid of ratios (rows) and temperatures (columns).

    Attributes
    ----------
    first, second : str
        Metals; fractions are of the second.
    ligand : str or None
        What covers the particle.
    n_atoms : int
        Size that was built.
    coverage : float
        Contacts per surface atom.
    fractions : ndarray of float64, shape (f,)
        Atomic fractions.
    temperatures_k : ndarray of float64, shape (t,)
        Temperatures, K.
    probabilities : ndarray of float64, shape (f, t, 4)
        Of each of :data:`pomdft.prediction.labels.LABELS`.
    surface_fraction, surface_fraction_std : ndarray of float64, shape (f, t)
        Mean and standard deviation over the members.
    short_range_order : ndarray of float64, shape (f, t)
        Warren-Cowley parameter of the first shell.
    extrapolated : ndarray of bool, shape (f, t)
        Where the model leaves its ground.
    extrapolation : tuple of str
        Why, each reason once.
    route : str
        "equilibrium" or "co-reduction".
    provenance : str
        One line: affinities with unit, sign and source, coverage, and sources of the rest.
    """

    first: str
    second: str
    ligand: str | None
    n_atoms: int
    coverage: float
    fractions: FloatArray
    temperatures_k: FloatArray
    probabilities: FloatArray
    surface_fraction: FloatArray
    surface_fraction_std: FloatArray
    short_range_order: FloatArray
    extrapolated: npt.NDArray[np.bool_]
    extrapolation: tuple[str, ...]
    route: str
    provenance: str

    @property
    def core_shell_probability(self) -> FloatArray:
        """Probability of core-shell, shape (f, t)."""
        return np.asarray(self.probabilities[..., LABELS.index("core-shell")])

    @property
    def labels(self) -> npt.NDArray[np.str_]:
        """Most probable label, shape (f, t)."""
        return np.asarray(np.array(LABELS)[self.probabilities.argmax(axis=-1)], dtype=np.str_)

    def boundary(self) -> pd.DataFrame:
        """Find where the probability of core-shell passes one half, and the band around it.

        Returns
        -------
        DataFrame
            temperature_k, fraction (where the probability is 0.5), lower and upper (where it is
            0.16 and 0.84, whichever side comes first), direction ("entering" core-shell with
            rising fraction, or "leaving"). One row per crossing.
        """
        rows = []
        for column, kelvin in enumerate(self.temperatures_k):
            p = self.core_shell_probability[:, column]
            for i in np.flatnonzero(np.diff(p >= 0.5)):
                entering = bool(p[i + 1] > p[i])
                low, middle, high = (
                    _cross(self.fractions, p, level, int(i), entering) for level in _BAND
                )
                rows.append(
                    {
                        "temperature_k": float(kelvin),
                        "fraction": middle,
                        "lower": min(low, high),
                        "upper": max(low, high),
                        "direction": "entering" if entering else "leaving",
                    }
                )
        columns = ["temperature_k", "fraction", "lower", "upper", "direction"]
        return pd.DataFrame(rows, columns=columns)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per ratio and temperature."""
        f, t = np.meshgrid(self.fractions, self.temperatures_k, indexing="ij")
        frame = pd.DataFrame(
            {
                "fraction": f.ravel(),
                "temperature_k": t.ravel(),
                "label": self.labels.ravel(),
                **{
                    f"p_{name}": self.probabilities[..., k].ravel() for k, name in enumerate(LABELS)
                },
                "surface_fraction": self.surface_fraction.ravel(),
                "surface_fraction_std": self.surface_fraction_std.ravel(),
                "short_range_order": self.short_range_order.ravel(),
                "extrapolated": self.extrapolated.ravel(),
            }
        )
        frame.insert(0, "ligand", self.ligand or "none")
        frame.insert(1, "route", self.route)
        frame.attrs["provenance"] = self.provenance
        return frame

    def plot(self, path: str | None = None) -> Figure:
        """Draw the map with matplotlib.

        Parameters
        ----------
        path : str, optional
            Where to save it (png, svg or pdf).

        Returns
        -------
        matplotlib.figure.Figure
        """
        from pomdft.prediction.figure_files import save_figure
        from pomdft.prediction.figures import draw_ordering_map

        figure = draw_ordering_map(self)
        if path is not None:
            save_figure(figure, path)
        return figure

    def __repr__(self) -> str:
        names, counts = np.unique(self.labels, return_counts=True)
        shares = ", ".join(
            f"{n} {c / self.labels.size:.0%}" for n, c in zip(names, counts, strict=True)
        )
        return (
            f"OrderingMap({self.first}-{self.second} under {self.ligand or 'no ligand'}, "
            f"{self.n_atoms} atoms, {self.route}, {len(self.fractions)} ratios x "
            f"{len(self.temperatures_k)} temperatures: {shares})"
        )


def _cross(x: FloatArray, p: FloatArray, level: float, near: int, entering: bool) -> float:
    """Find where p passes a level, looking outwards from the crossing of 0.5 after row `near`.

    Where p turns back before it reaches the level, the turning point bounds the band.
    """
    rising = p if entering else 1.0 - p
    target = level if entering else 1.0 - level
    step = -1 if target < 0.5 else 1
    i = near
    while 0 <= i < len(x) - 1:
        low, high = rising[i], rising[i + 1]
        if high < low:
            return float(x[i] if step > 0 else x[i + 1])
        if low <= target <= high and high > low:
            return float(x[i] + (target - low) / (high - low) * (x[i + 1] - x[i]))
        i += step
    return float(x[0] if step < 0 else x[-1])
