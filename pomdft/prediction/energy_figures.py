"""Figures of affinities and of how far they are converged, for print; nothing is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pomdft.analysis.segregation_ligand import ContactAffinity
from pomdft.prediction.figure_files import new_figure
from pomdft.prediction.palette import BINDING_SIGN, metal_colour
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.interaction import InteractionEnergy

FloatArray = npt.NDArray[np.float64]


def draw_affinities(by_ligand: Mapping[str, Mapping[str, ContactAffinity]]) -> Figure:
    """Draw affinities per contact as bars with one standard deviation.

    Parameters
    ----------
    by_ligand : mapping
        Ligand to (metal to affinity).

    Returns
    -------
    Figure
    """
    figure = new_figure()
    axes = figure.add_subplot()
    metals = list(dict.fromkeys(m for held in by_ligand.values() for m in held))
    width = 0.8 / max(len(metals), 1)
    for k, metal in enumerate(metals):
        found = [(i, held[metal]) for i, held in enumerate(by_ligand.values()) if metal in held]
        axes.bar(
            [i + (k - (len(metals) - 1) / 2) * width for i, _ in found],
            [a.per_contact_ev for _, a in found],
            0.92 * width,
            yerr=[a.uncertainty_ev for _, a in found],
            capsize=4,
            label=metal,
            color=metal_colour(metal),
            edgecolor="black",
            linewidth=0.6,
        )
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.set_xticks(range(len(by_ligand)), list(by_ligand))
    axes.set_ylabel(f"affinity ({BINDING_SIGN})")
    axes.legend(title="metal", frameon=False)
    return figure


def draw_convergence(energies: Sequence[InteractionEnergy]) -> Figure:
    """Draw interaction energies by variant for each metal, and the difference of the first two.

    Parameters
    ----------
    energies : sequence of InteractionEnergy
        Of one ligand; filled symbols are the energies in own basis, open ones those with the
        counterpoise correction.

    Returns
    -------
    Figure
    """
    rows = [(e.variant, e.metal, e.energy_ev, e.counterpoise_energy_ev) for e in energies]
    return _draw_variants(rows, "interaction energy (eV), negative = bound")


def draw_models(affinities: Mapping[str, Sequence[Affinity]]) -> Figure:
    """Draw binding energies by model for each metal, and the difference of the first two.

    Bars are standard deviations of the BEEF-vdW ensemble, where there is one; of a difference the
    members are subtracted one by one.

    Parameters
    ----------
    affinities : mapping
        What a model is called to the affinities of its metals; symbols as in `draw_convergence`.

    Returns
    -------
    Figure
    """
    rows = [
        (name, a.metal, a.energy_ev, a.counterpoise_energy_ev)
        for name, several in affinities.items()
        for a in several
    ]
    figure = _draw_variants(rows, "binding energy (eV), negative = bound")
    metals = list(dict.fromkeys(metal for _, metal, _, _ in rows))
    for name, several in affinities.items():
        members = {a.metal: m for a in several if (m := a.ensemble_ev) is not None}
        for a in several:
            if a.metal in members:
                _draw_bar(
                    figure.axes[0], name, a.energy_ev, members[a.metal], metal_colour(a.metal)
                )
        if len(metals) > 1 and members.keys() >= set(metals[:2]):
            first, second = (next(a for a in several if a.metal == m) for m in metals[:2])
            difference = second.energy_ev - first.energy_ev
            scatter = members[second.metal] - members[first.metal]
            _draw_bar(figure.axes[1], name, difference, scatter, "0.6")
    return figure


def _draw_bar(axes: Axes, name: str, value: float, members: FloatArray, colour: str) -> None:
    """Draw the standard deviation of the members behind a point."""
    std = float(np.std(members))
    axes.errorbar(value, name, xerr=std, fmt="none", ecolor=colour, alpha=0.6, zorder=0)


def _draw_variants(rows: Iterable[tuple[str, str, float, float | None]], axis: str) -> Figure:
    """Draw energies and counterpoise-corrected ones, given with what they are of and the metal."""
    table = pd.DataFrame(rows, columns=["variant", "metal", "own basis", "corrected"])
    variants, metals = (list(dict.fromkeys(table[name])) for name in ("variant", "metal"))
    figure = new_figure(9.0, 0.4 * len(variants) + 1.8)
    panels = figure.subplots(1, 2 if len(metals) > 1 else 1, sharey=True, squeeze=False)[0]
    for field, marker, note in (
        ("own basis", "o", ""),
        ("corrected", "s", ", counterpoise-corrected"),
    ):
        values = table.pivot(index="variant", columns="metal", values=field).astype(float)
        values = values.reindex(index=variants, columns=metals)
        for metal in metals:
            colour = metal_colour(metal)
            style = {"mfc": colour, "mec": "black"} if not note else {"mfc": "none", "mec": colour}
            panels[0].plot(values[metal], variants, marker, label=metal + note, **style)
        if len(metals) > 1:
            difference = values[metals[1]] - values[metals[0]]
            panels[1].plot(difference, variants, f"k{marker}", mfc="none" if note else "k")
            panels[1].set_xlabel(f"{metals[1]} minus {metals[0]} (eV)")
    panels[0].set_xlabel(axis)
    panels[0].invert_yaxis()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2 * len(metals), frameon=False)
    for axes in panels:
        axes.grid(alpha=0.3)
    return figure
