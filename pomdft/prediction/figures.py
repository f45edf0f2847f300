"""Figures of orderings and activities, for print. Each function returns one; nothing is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Patch

from pomdft.prediction.figure_files import new_figure
from pomdft.prediction.kinetics import REACTIONS
from pomdft.prediction.palette import (
    LABEL_COLOURS,
    describe_adsorption,
    find_extrapolated_bands,
    metal_colour,
    place_labels,
    title_answers,
    title_map,
    title_ordering,
)
from pomdft.prediction.volcano import VolcanoPoint, volcano_curve, volcano_surface

if TYPE_CHECKING:
    from pomdft.prediction.map_answer import OrderingMap
    from pomdft.prediction.ordering import Ordering


def draw_ordering_map(result: OrderingMap) -> Figure:
    """Draw the probability of core-shell, its boundary with the band, and what is extrapolated.

    Parameters
    ----------
    result : OrderingMap
        The map.

    Returns
    -------
    Figure
    """
    figure = new_figure(7.2, 4.8)
    axes = figure.add_subplot()
    x, y = result.fractions, result.temperatures_k
    shown = axes.pcolormesh(
        x, y, result.core_shell_probability.T, cmap="cividis", vmin=0, vmax=1, shading="nearest"
    )
    figure.colorbar(shown, ax=axes, label="probability of core-shell")
    for direction, rows in result.boundary().groupby("direction"):
        axes.fill_betweenx(
            rows["temperature_k"], rows["lower"], rows["upper"], color="white", alpha=0.28
        )
        axes.plot(
            rows["fraction"],
            rows["temperature_k"],
            color="white",
            marker="o",
            markersize=3,
            linestyle="-" if direction == "entering" else "--",
            label=f"boundary ({direction}), band: probability 0.16 to 0.84",
        )
    for low, high in find_extrapolated_bands(result):
        axes.axhspan(low, high, facecolor="none", edgecolor=(1.0, 1.0, 1.0, 0.35), hatch="//")
    if result.extrapolated.any():
        axes.plot([], [], color="grey", label="hatched: extrapolated")
    for name, px, py in place_labels(result):
        axes.text(
            px,
            py,
            name,
            rotation=90,
            ha="center",
            va="center",
            fontsize=9,
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1.5},
        )
    axes.set_xlabel(f"atomic fraction of {result.second}")
    axes.set_ylabel("temperature / K")
    axes.set_title(title_map(result), fontsize=11)
    if len(x) > 1:
        axes.set_xlim(x[0], x[-1])
    handles, _ = axes.get_legend_handles_labels()
    if handles:
        figure.legend(loc="outside lower center", fontsize=8, frameon=False, labelcolor="black")
        for handle in figure.legends[0].get_lines():
            handle.set_color("dimgrey")
    return figure


def draw_radial_profile(answers: Sequence[Ordering]) -> Figure:
    """Draw the fraction of the second metal layer by layer, with one standard deviation.

    Parameters
    ----------
    answers : sequence of Ordering
        Of the same pair; one line each.

    Returns
    -------
    Figure
    """
    figure = new_figure()
    axes = figure.add_subplot()
    for k, answer in enumerate(answers):
        layers = np.arange(len(answer.radial_profile))
        under = answer.ligand or "no ligand"
        axes.errorbar(
            layers + 0.04 * k,
            answer.radial_profile,
            yerr=[
                np.minimum(answer.radial_profile_std, answer.radial_profile),
                np.minimum(answer.radial_profile_std, 1.0 - answer.radial_profile),
            ],
            marker="o",
            capsize=3,
            label=f"{under}: {answer.label}",
        )
    first = answers[0]
    axes.set_title(f"{first.first}-{first.second}, with one standard deviation", fontsize=11)
    axes.axhline(first.fraction, color="grey", linestyle=":", label="whole particle")
    axes.set_xticks(np.arange(max(len(a.radial_profile) for a in answers)))
    axes.set_xlabel("layer, counted from the surface (0)")
    axes.set_ylabel(f"atomic fraction of {first.second}")
    axes.set_ylim(-0.05, 1.05)
    axes.legend(frameon=False, fontsize=9)
    return figure


def draw_particle(answer: Ordering) -> Figure:
    """Draw the particle from outside and cut in half.

    Parameters
    ----------
    answer : Ordering
        The answer, with its representative configuration.

    Returns
    -------
    Figure
    """
    figure = new_figure(8.0, 4.4)
    centred = answer.lattice.positions - answer.lattice.positions.mean(axis=0)
    # Seen a little from above and from the side; the cut plane faces the viewer.
    turn, tilt = np.deg2rad(20.0), np.deg2rad(15.0)
    about_z = np.array(
        [[np.cos(turn), -np.sin(turn), 0.0], [np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]]
    )
    about_x = np.array(
        [[1.0, 0.0, 0.0], [0.0, np.cos(tilt), -np.sin(tilt)], [0.0, np.sin(tilt), np.cos(tilt)]]
    )
    seen = centred @ (about_x @ about_z).T
    colours = np.array([metal_colour(answer.first), metal_colour(answer.second)])
    for k, (name, rows) in enumerate(
        (("surface", np.ones(len(seen), bool)), ("cut in half", centred[:, 1] >= -0.01))
    ):
        axes = figure.add_subplot(1, 2, k + 1)
        back_to_front = np.flatnonzero(rows)[np.argsort(-seen[rows, 1])]
        axes.add_collection(
            PatchCollection(
                [Circle((float(x), float(z)), 0.5) for x, _, z in seen[back_to_front]],
                facecolors=colours[answer.species[back_to_front]].tolist(),
                edgecolors="black",
                linewidths=0.4,
            )
        )
        reach = float(np.abs(seen[:, [0, 2]]).max()) + 0.7
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=name)
        axes.set_axis_off()
    handles = [
        Patch(facecolor=metal_colour(m), edgecolor="black", label=m)
        for m in (answer.first, answer.second)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(title_ordering(answer), fontsize=11)
    return figure


def draw_label_probabilities(answers: Mapping[str, Ordering]) -> Figure:
    """Draw the probability of each label side by side, one bar for each ligand.

    Parameters
    ----------
    answers : mapping
        Name to answer.

    Returns
    -------
    Figure
    """
    figure = new_figure(6.4, 1.4 + 0.6 * len(answers))
    axes = figure.add_subplot()
    names = list(answers)
    left = np.zeros(len(names))
    for label, colour in LABEL_COLOURS.items():
        share = np.array([answers[n].probabilities[label] for n in names])
        axes.barh(names, share, left=left, color=colour, label=label, edgecolor="white")
        left += share
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("probability")
    figure.suptitle(title_answers(answers), fontsize=11)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False, fontsize=8)
    return figure


def draw_volcano(
    reaction: str,
    points: Sequence[VolcanoPoint],
    temperature_k: float | None = None,
    pressures_bar: Mapping[str, float] | None = None,
) -> Figure:
    """Draw the volcano of a reaction with its points and their uncertainty.

    Parameters
    ----------
    reaction : str
        One of :data:`pomdft.prediction.kinetics.REACTIONS`.
    points : sequence of VolcanoPoint
        Metals and alloys.
    temperature_k : float, optional
        Default: the reaction's.
    pressures_bar : mapping, optional
        Gas to pressure, bar; missing ones take the reaction's default.

    Returns
    -------
    Figure
    """
    model = REACTIONS[reaction]
    kelvin = temperature_k or model.default_temperature_k
    figure = new_figure(6.8, 4.8)
    axes = figure.add_subplot()
    if reaction == "co-oxidation":
        x, y, rate = volcano_surface(reaction, kelvin, pressures_bar=pressures_bar)
        shown = axes.contourf(x, y, rate.T, levels=20, cmap="cividis")
        figure.colorbar(shown, ax=axes, label="log10(rate per site / s$^{-1}$)")
        across = [p.descriptors_ev["co"] for p in points]
        axes.set_ylabel(describe_adsorption("co"))
    else:
        x, curve = volcano_curve(reaction, kelvin, pressures_bar=pressures_bar)
        axes.plot(x, curve, color="grey")
        across = [p.log10_rate for p in points]
        axes.set_ylabel("log10(rate per site / s$^{-1}$)")
    name = model.descriptors[0]
    at = [p.descriptors_ev[name] for p in points]
    # Neighbours along the axis are named on opposite sides.
    side = np.argsort(np.argsort(at)) % 2
    for k, (point, px, py) in enumerate(zip(points, at, across, strict=True)):
        spread = point.descriptor_std_ev if reaction == "co-oxidation" else point.log10_rate_std
        edge = "white" if reaction == "co-oxidation" else "black"
        axes.errorbar(
            px,
            py,
            xerr=point.descriptor_std_ev,
            yerr=spread,
            marker="s" if point.is_alloy else "o",
            color="#D55E00" if point.is_alloy else "#56B4E9",
            markeredgecolor=edge,
            ecolor=edge,
            elinewidth=0.7,
            capsize=2,
        )
        axes.annotate(
            point.name,
            (px, py),
            xytext=(7, 5) if side[k] else (-7, -5),
            ha="left" if side[k] else "right",
            va="bottom" if side[k] else "top",
            textcoords="offset points",
            fontsize=9,
            color=edge,
        )
    axes.set_xlabel(describe_adsorption(name))
    axes.set_title(f"{reaction} at {kelvin:g} K (blue: metals, red: alloys)", fontsize=11)
    return figure
