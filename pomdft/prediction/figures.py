"""Figures for print, with matplotlib. Each function returns a Figure; nothing is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Patch

from pomdft.analysis.segregation_ligand import ContactAffinity
from pomdft.errors import InputError
from pomdft.prediction.kinetics import REACTIONS
from pomdft.prediction.palette import (
    BINDING_SIGN,
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
    from pomdft.schemas.interaction import InteractionEnergy


def _new_figure(width: float = 6.4, height: float = 4.6) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def check_figure_path(path: str | Path, *, interactive: bool = True) -> None:
    """Refuse a path that no figure can be written to, before anything long is computed for it.

    Parameters
    ----------
    path : path
        Where the figure is to go.
    interactive : bool
        The caller writes .html as well; only the message depends on it.

    Raises
    ------
    InputError
        The ending is not known, or there is no such folder.
    """
    target = Path(path)
    known = sorted(FigureCanvasAgg.get_supported_filetypes())
    if target.suffix.lower().lstrip(".") not in known:
        endings = ", ".join(f".{k}" for k in known) + (" or .html" if interactive else "")
        raise InputError(f"figure {target} must end in one of {endings}.")
    if not target.parent.is_dir():
        raise InputError(f"figure {target} cannot be written: there is no {target.parent}.")


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure; the format follows from the ending (png, svg, pdf).

    Parameters
    ----------
    figure : Figure
        What to write.
    path : path
        Where.

    Raises
    ------
    InputError
        The ending is not known or the file cannot be written.
    """
    check_figure_path(path)
    target = Path(path)
    try:
        figure.savefig(target, dpi=200)
    except OSError as error:
        raise InputError(f"figure {target} cannot be written: {error.strerror}.") from error


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
    figure = _new_figure()
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
    fields = {"metal", "variant", "energy_ev", "counterpoise_energy_ev"}
    table = pd.DataFrame([energy.model_dump(include=fields) for energy in energies])
    variants, metals = (list(dict.fromkeys(table[name])) for name in ("variant", "metal"))
    figure = _new_figure(9.0, 0.4 * len(variants) + 1.6)
    panels = figure.subplots(1, 2 if len(metals) > 1 else 1, sharey=True, squeeze=False)[0]
    for field, marker, note in (
        ("energy_ev", "o", ""),
        ("counterpoise_energy_ev", "s", ", counterpoise-corrected"),
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
    panels[0].set_xlabel("interaction energy (eV), negative = bound")
    panels[0].legend(fontsize="small", frameon=False)
    panels[0].invert_yaxis()
    for axes in panels:
        axes.grid(alpha=0.3)
    return figure


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
    figure = _new_figure(7.2, 4.8)
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
    figure = _new_figure()
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
    figure = _new_figure(8.0, 4.4)
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
    figure = _new_figure(6.4, 1.4 + 0.6 * len(answers))
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
    figure = _new_figure(6.8, 4.8)
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
