"""Volcano curves: model rates over their descriptors, and where metals and alloys lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pomdft.errors import NotComputedError
from pomdft.prediction.activity import Activity, predict_activity
from pomdft.prediction.adsorption import PARENT_STD_EV, load_adsorption_table, parent_energies
from pomdft.prediction.kinetics import REACTIONS, complete_pressures

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class VolcanoPoint:
    """A metal or an alloy on a volcano.

    Attributes
    ----------
    name : str
        What to write beside it.
    is_alloy : bool
        Whether it has two metals.
    descriptors_ev : Mapping
        Adsorbate to adsorption energy, eV; negative = bound.
    descriptor_std_ev : float
        Standard uncertainty of each, eV.
    log10_rate, log10_rate_std : float
        log10 of the rate per site and second, and its standard uncertainty.
    """

    name: str
    is_alloy: bool
    descriptors_ev: Mapping[str, float]
    descriptor_std_ev: float
    log10_rate: float
    log10_rate_std: float


def locate_activity(activity: Activity, name: str | None = None) -> VolcanoPoint:
    """Turn an activity into a point."""
    made = "".join(f"{m}{x:.2g}" for m, x in activity.composition.items() if x > 0)
    return VolcanoPoint(
        name or made,
        sum(x > 0 for x in activity.composition.values()) > 1,
        activity.descriptors_ev,
        PARENT_STD_EV,
        activity.log10_rate,
        activity.log10_rate_std,
    )


def locate_metals(
    reaction: str,
    temperature_k: float | None = None,
    pressures_bar: Mapping[str, float] | None = None,
) -> list[VolcanoPoint]:
    """Place every metal with known adsorption energies.

    Parameters
    ----------
    reaction : str
        Which reaction.
    temperature_k : float, optional
        Default: the reaction's.
    pressures_bar : mapping, optional
        Gas to pressure, bar; missing ones take the reaction's default.

    Returns
    -------
    list of VolcanoPoint
        Most active first.
    """
    points = []
    for metal in load_adsorption_table().index:
        try:
            found = predict_activity(
                {str(metal): 1.0},
                reaction,
                temperature_k=temperature_k,
                pressures_bar=pressures_bar,
            )
        except NotComputedError:
            continue
        points.append(locate_activity(found, str(metal)))
    return sorted(points, key=lambda p: -p.log10_rate)


def volcano_surface(
    reaction: str,
    temperature_k: float,
    n: int = 61,
    pressures_bar: Mapping[str, float] | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compute the rate over the plane of the first two descriptors.

    Parameters
    ----------
    reaction : str
        "co-oxidation".
    temperature_k : float
        Temperature.
    n : int
        Points along each axis.
    pressures_bar : mapping, optional
        Gas to pressure, bar; missing ones take the reaction's default.

    Returns
    -------
    x, y : ndarray of float64, shape (n,)
        Descriptors, eV.
    log10_rate : ndarray of float64, shape (n, n)
        Indexed by x, then y.
    """
    model = REACTIONS[reaction]
    table = load_adsorption_table()
    axes = []
    for adsorbate in model.descriptors[:2]:
        known = table[f"{adsorbate}_ev"].dropna()
        axes.append(np.linspace(known.min() - 0.4, known.max() + 0.4, n))
    x, y = np.meshgrid(*axes, indexing="ij")
    energies = dict(zip(model.descriptors[:2], (x, y), strict=True))
    rate = model.log_rate(energies, temperature_k, complete_pressures(model, pressures_bar), {})
    return axes[0], axes[1], rate / np.log(10.0)


def volcano_curve(
    reaction: str,
    temperature_k: float,
    n: int = 121,
    pressures_bar: Mapping[str, float] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Compute the rate along the first descriptor, the others following it linearly.

    The lines that the other descriptors follow are least-squares fits over the known metals.

    Parameters
    ----------
    reaction : str
        Which reaction.
    temperature_k : float
        Temperature.
    n : int
        Points.
    pressures_bar : mapping, optional
        Gas to pressure, bar; missing ones take the reaction's default.

    Returns
    -------
    x : ndarray of float64, shape (n,)
        First descriptor, eV.
    log10_rate : ndarray of float64, shape (n,)
    """
    model = REACTIONS[reaction]
    table = load_adsorption_table().dropna(subset=[f"{a}_ev" for a in model.descriptors])
    metals = tuple(str(m) for m in table.index)
    first = parent_energies(metals, model.descriptors[0])
    x = np.linspace(first.min() - 0.3, first.max() + 0.3, n)
    energies: dict[str, FloatArray] = {}
    for adsorbate in model.descriptors:
        line = np.polyfit(first, parent_energies(metals, adsorbate), 1)
        energies[adsorbate] = np.asarray(np.polyval(line, x), dtype=np.float64)
    energies[model.descriptors[0]] = x
    rate = model.log_rate(energies, temperature_k, complete_pressures(model, pressures_bar), {})
    return x, rate / np.log(10.0)
