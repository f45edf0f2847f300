"""Ordering over molar ratio and temperature, with the boundary between alloy and core-shell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pomdft.analysis.segregation import ComputedSegregation
from pomdft.analysis.segregation_ligand import AffinityLike
from pomdft.errors import InputError
from pomdft.prediction.alloy import build_energetics
from pomdft.prediction.ensemble import (
    equilibrate,
    find_demixing,
    find_long_range_order,
    read_order,
    sample_members,
)
from pomdft.prediction.labels import LABELS, assign_labels
from pomdft.prediction.ordering import select_replicas
from pomdft.prediction.question import (
    Particle,
    build_particle,
    check_fraction,
    check_sampling,
    check_temperature,
    find_extrapolation,
)

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
        from pomdft.prediction.figures import draw_ordering_map, save_figure

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
            f"{self.n_atoms} atoms, {len(self.fractions)} ratios x {len(self.temperatures_k)} "
            f"temperatures: {shares})"
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


def ordering_map(
    first: str,
    second: str,
    ligand: str | None = None,
    fractions: npt.ArrayLike | None = None,
    temperatures_k: npt.ArrayLike | None = None,
    *,
    affinity: Mapping[str, AffinityLike] | None = None,
    coverage: float | None = None,
    n_atoms: int = 309,
    shape: str = "cuboctahedron",
    n_members: int = 200,
    n_sweeps: int = 80,
    seed: int = 0,
    computed: ComputedSegregation | None = None,
    progress: Callable[[int, int], Any] | None = None,
    n_threads: int | None = None,
) -> OrderingMap:
    """Predict the ordering over molar ratio and temperature at a fixed ligand.

    Parameters
    ----------
    first, second, ligand, affinity, coverage, n_atoms, shape, n_members, n_sweeps, seed, computed
        As for :func:`pomdft.prediction.ordering.predict_ordering`.
    fractions : array_like, optional
        Atomic fractions of the second metal, ascending; default 0 to 1 in steps of 0.05.
    temperatures_k : array_like, optional
        Temperatures, ascending, K; default 200 to 1200 in steps of 100. They are also the ladder
        of the parallel tempering.
    progress : callable, optional
        Called with (ratios done, ratios in all).
    n_threads : int, optional
        Threads of the Monte Carlo.

    Returns
    -------
    OrderingMap

    Raises
    ------
    UnknownNameError, InputError, NotComputedError
        As for :func:`pomdft.prediction.ordering.predict_ordering`.
    """
    x = _check_grid("fractions", np.linspace(0.0, 1.0, 21) if fractions is None else fractions)
    kelvin = _check_grid(
        "temperatures_k",
        np.linspace(200.0, 1200.0, 11) if temperatures_k is None else temperatures_k,
    )
    check_sampling(n_members, n_sweeps, seed)
    for value in x:
        check_fraction(float(value))
    for value in kelvin:
        check_temperature(float(value))
    particle = build_particle(
        first,
        second,
        ligand=ligand,
        fraction=0.5,
        n_atoms=n_atoms,
        shape=shape,
        affinity=affinity,
        coverage=coverage,
        computed=computed,
    )
    shape_ft = (len(x), len(kelvin))
    probabilities = np.zeros((*shape_ft, len(LABELS)))
    surface, spread, order_map = (np.zeros(shape_ft) for _ in range(3))
    for i, value in enumerate(x):
        at_ratio = _energetics_at(particle, float(value), computed)
        rows = _solve_ratio(
            at_ratio,
            float(value),
            kelvin,
            n_members=n_members,
            n_sweeps=n_sweeps,
            seed=seed + i,
            member_seed=seed,
            n_threads=n_threads,
        )
        probabilities[i], surface[i], spread[i], order_map[i] = rows
        if progress is not None:
            progress(i + 1, len(x))
    reasons = [
        find_extrapolation(particle.energetics, particle.lattice.n_sites, t, particle.coverage)
        for t in kelvin
    ]
    return OrderingMap(
        first,
        second,
        particle.ligand,
        particle.lattice.n_sites,
        particle.coverage,
        x,
        kelvin,
        probabilities,
        surface,
        spread,
        order_map,
        np.tile([bool(r) for r in reasons], (len(x), 1)),
        tuple(dict.fromkeys(text for r in reasons for text in r)),
    )


def _check_grid(name: str, values: npt.ArrayLike) -> FloatArray:
    grid = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if grid.ndim != 1 or not np.isfinite(grid).all() or np.any(np.diff(grid) <= 0):
        raise InputError(f"{name}: {grid.tolist()} are not finite and ascending.")
    return grid


def _energetics_at(
    particle: Particle, fraction: float, computed: ComputedSegregation | None
) -> Particle:
    pair = build_energetics(
        particle.energetics.first, particle.energetics.second, fraction, computed
    )
    return Particle(particle.lattice, pair, particle.ligand, particle.affinities, particle.coverage)


def _solve_ratio(
    particle: Particle,
    fraction: float,
    kelvin: FloatArray,
    *,
    n_members: int,
    n_sweeps: int,
    seed: int,
    member_seed: int,
    n_threads: int | None,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Run one ratio: probabilities (t, 4), surface fraction, its spread and order (t,)."""
    n_t = len(kelvin)
    if round(fraction * particle.lattice.n_sites) in (0, particle.lattice.n_sites):
        alloy = np.tile(np.eye(len(LABELS))[LABELS.index("random-alloy")], (n_t, 1))
        return alloy, np.full(n_t, round(fraction)), np.zeros(n_t), np.zeros(n_t)
    # The same members at every ratio: the boundary is then as smooth as the physics.
    members = sample_members(
        particle.energetics, particle.affinities, particle.coverage, n_members, member_seed
    )
    demixes = find_demixing(particle.energetics, members)
    result = equilibrate(
        particle.lattice,
        particle.energetics,
        members,
        fraction,
        kelvin,
        n_sweeps=n_sweeps,
        seed=seed,
        n_threads=n_threads,
    )
    order = read_order(particle.lattice, result)
    probabilities = np.zeros((n_t, len(LABELS)))
    for k, temperature in enumerate(kelvin):
        rows = select_replicas(order, slice(k, None, n_t))
        labels = assign_labels(
            rows,
            demixes,
            members.drive_ev,
            float(temperature),
            orders=find_long_range_order(particle.energetics, members, float(temperature)),
        )
        probabilities[k] = np.bincount(labels, minlength=len(LABELS)) / n_members
    outside = order.surface_fraction.reshape(n_members, n_t)
    sro = order.short_range_order.reshape(n_members, n_t)
    return probabilities, outside.mean(axis=0), outside.std(axis=0), sro.mean(axis=0)
