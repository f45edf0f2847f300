"""Interactive figures with plotly: each returns a Figure that can be written as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from scipy.spatial import ConvexHull

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
    from pomdft.prediction.map import OrderingMap
    from pomdft.prediction.ordering import Ordering

FloatArray = npt.NDArray[np.float64]

_LAYOUT: dict[str, Any] = {
    "template": "plotly_white",
    "font": {"family": "system-ui, sans-serif", "size": 13},
    "title": {"font": {"size": 15}, "x": 0.02, "xanchor": "left"},
    "margin": {"l": 70, "r": 30, "t": 70, "b": 60},
}

#: Above this number only the surface and the cut are drawn.
_MANY_ATOMS = 1500
_GOLDEN = (1.0 + 5.0**0.5) / 2.0
_ICOSAHEDRON = np.array(
    [
        p
        for a in (-1.0, 1.0)
        for b in (-_GOLDEN, _GOLDEN)
        for p in ((0.0, a, b), (a, b, 0.0), (b, 0.0, a))
    ]
)
#: Where names of neighbouring points go.
_AROUND = ("top right", "bottom left", "top left", "bottom right")
_SIDES = ((0, 1), (1, 2), (0, 2))


def write_html(figure: go.Figure, path: str | Path) -> None:
    """Write a figure as one HTML file that needs no network.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        What to write.
    path : path
        Where.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    try:
        figure.write_html(str(path), include_plotlyjs=True, full_html=True)
    except OSError as error:
        raise InputError(f"figure {path} cannot be written: {error.strerror}.") from error


def _finish(figure: go.Figure, title: str, **layout: Any) -> go.Figure:
    figure.update_layout(**_LAYOUT)
    figure.update_layout(title_text=title, **layout)
    return figure


def plot_affinities(by_ligand: Mapping[str, Mapping[str, ContactAffinity]]) -> go.Figure:
    """Plot affinities per contact as bars with one standard deviation.

    Parameters
    ----------
    by_ligand : mapping
        Ligand to (metal to affinity).

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure()
    for metal in dict.fromkeys(m for held in by_ligand.values() for m in held):
        rows = [(name, held[metal]) for name, held in by_ligand.items() if metal in held]
        figure.add_bar(
            name=metal,
            x=[name for name, _ in rows],
            y=[a.per_contact_ev for _, a in rows],
            error_y={"type": "data", "array": [a.uncertainty_ev for _, a in rows]},
            marker={"color": metal_colour(metal), "line": {"color": "black", "width": 0.6}},
            hovertemplate="%{x}, " + metal + ": %{y:.3f} eV<br>%{customdata}<extra></extra>",
            customdata=[a.source for _, a in rows],
        )
    return _finish(
        figure,
        "Affinity per contact, with one standard deviation",
        yaxis_title=f"affinity ({BINDING_SIGN})",
        barmode="group",
        legend_title_text="metal",
    )


def plot_ordering_map(result: OrderingMap) -> go.Figure:
    """Plot the probability of core-shell with its boundary, band and extrapolated region.

    Parameters
    ----------
    result : OrderingMap
        The map.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure()
    hover = np.stack([result.labels.T, np.round(result.surface_fraction, 2).T.astype(str)], axis=-1)
    figure.add_heatmap(
        x=result.fractions,
        y=result.temperatures_k,
        z=result.core_shell_probability.T,
        customdata=hover,
        zmin=0,
        zmax=1,
        colorscale="Cividis",
        colorbar={"title": {"text": "probability<br>of core-shell"}},
        hovertemplate=(
            f"x({result.second}) = %{{x:.2f}}, %{{y:.0f}} K<br>%{{customdata[0]}}, core-shell "
            f"%{{z:.2f}}<br>surface x({result.second}) = %{{customdata[1]}}<extra></extra>"
        ),
    )
    for direction, rows in result.boundary().groupby("direction"):
        band_x = [*rows["lower"], *rows["upper"][::-1]]
        band_y = [*rows["temperature_k"], *rows["temperature_k"][::-1]]
        figure.add_scatter(
            x=band_x,
            y=band_y,
            fill="toself",
            fillcolor="rgba(255,255,255,0.28)",
            line={"width": 0},
            mode="lines",
            name="band: probability 0.16 to 0.84",
            showlegend=direction == "entering",
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=rows["fraction"],
            y=rows["temperature_k"],
            mode="lines+markers",
            line={"color": "white", "dash": "solid" if direction == "entering" else "dash"},
            name=f"boundary ({direction})",
        )
    for name, x, y in place_labels(result):
        box = {"bgcolor": "rgba(255,255,255,0.7)", "showarrow": False, "textangle": -90}
        figure.add_annotation(x=x, y=y, text=name, font={"size": 11}, **box)
    for low, high in find_extrapolated_bands(result):
        note = {"text": "extrapolated", "font": {"color": "white"}}
        line = {"dash": "dot", "color": "white"}
        figure.add_hrect(y0=low, y1=high, fillcolor="rgba(0,0,0,0)", line=line, annotation=note)
    return _finish(
        figure,
        title_map(result),
        xaxis_title=f"atomic fraction of {result.second}",
        yaxis_title="temperature / K",
        legend={"orientation": "h", "y": -0.2, "bgcolor": "#dddddd"},
    )


def plot_radial_profile(answers: Sequence[Ordering]) -> go.Figure:
    """Plot the fraction of the second metal layer by layer.

    Parameters
    ----------
    answers : sequence of Ordering
        Of the same pair.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure()
    for answer in answers:
        figure.add_scatter(
            x=np.arange(len(answer.radial_profile)),
            y=answer.radial_profile,
            error_y={"type": "data", "array": answer.radial_profile_std},
            mode="lines+markers",
            name=f"{answer.ligand or 'no ligand'}: {answer.label}",
        )
    first = answers[0]
    figure.add_hline(
        y=first.fraction, line={"dash": "dot", "color": "grey"}, annotation_text="whole particle"
    )
    return _finish(
        figure,
        f"{first.first}-{first.second}: layer by layer, with one standard deviation",
        xaxis={"title": {"text": "layer, counted from the surface (0)"}, "dtick": 1},
        yaxis={"title": {"text": f"atomic fraction of {first.second}"}, "range": [-0.05, 1.05]},
    )


def plot_particle(answer: Ordering) -> go.Figure:
    """Plot the particle in 3D; a button cuts it in half.

    Parameters
    ----------
    answer : Ordering
        The answer with its representative configuration.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure()
    positions = answer.lattice.positions - answer.lattice.positions.mean(axis=0)
    # Atoms that no view shows are left out of large particles.
    worth = np.ones(len(positions), bool)
    if len(positions) > _MANY_ATOMS:
        worth = (answer.lattice.shell == 0) | (np.abs(positions[:, 1]) < 1.0)
    for cut in (False, True):
        shown = worth & (positions[:, 1] >= -0.01) if cut else worth
        for code, metal in enumerate((answer.first, answer.second)):
            vertices, faces = _merge_spheres(positions[shown & (answer.species == code)])
            figure.add_mesh3d(
                x=vertices[:, 0],
                y=vertices[:, 1],
                z=vertices[:, 2],
                i=faces[:, 0],
                j=faces[:, 1],
                k=faces[:, 2],
                name=metal,
                color=metal_colour(metal),
                visible=not cut,
                showlegend=True,
                hoverinfo="name",
                flatshading=False,
                lighting={"ambient": 0.55, "diffuse": 0.7, "specular": 0.15},
            )
    hidden = {"visible": False}
    buttons = [
        {"label": "whole", "method": "update", "args": [{"visible": [True, True, False, False]}]},
        {"label": "cut", "method": "update", "args": [{"visible": [False, False, True, True]}]},
    ]
    return _finish(
        figure,
        title_ordering(answer),
        scene={
            "xaxis": hidden,
            "yaxis": hidden,
            "zaxis": hidden,
            "aspectmode": "data",
            "camera": {"eye": {"x": 0.42, "y": -1.5, "z": 0.42}},
        },
        updatemenus=[{"type": "buttons", "direction": "right", "x": 0, "y": 0, "buttons": buttons}],
    )


def _merge_spheres(centres: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Build one mesh of touching spheres: an icosahedron with each face divided in four."""
    hull = ConvexHull(_ICOSAHEDRON)
    edges = {tuple(sorted((int(f[a]), int(f[b])))) for f in hull.simplices for a, b in _SIDES}
    middles = np.array([_ICOSAHEDRON[a] + _ICOSAHEDRON[b] for a, b in sorted(edges)])
    points = np.vstack([_ICOSAHEDRON, middles])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    faces = ConvexHull(points).simplices
    outward = np.cross(
        points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]]
    )
    inside_out = np.sum(outward * points[faces[:, 0]], axis=1) < 0
    faces[inside_out] = faces[inside_out][:, ::-1]
    vertices = (centres[:, None, :] + 0.5 * points).reshape(-1, 3).round(3)
    offsets = np.arange(len(centres))[:, None, None] * len(points)
    return vertices, (faces + offsets).reshape(-1, 3).astype(np.intp)


def plot_label_probabilities(answers: Mapping[str, Ordering]) -> go.Figure:
    """Plot the probability of each label, one bar for each ligand.

    Parameters
    ----------
    answers : mapping
        Name to answer.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure()
    names = list(answers)
    for label, colour in LABEL_COLOURS.items():
        figure.add_bar(
            name=label,
            orientation="h",
            y=names,
            x=[answers[n].probabilities[label] for n in names],
            marker_color=colour,
        )
    return _finish(
        figure,
        f"Probability of each ordering: {title_answers(answers)}",
        barmode="stack",
        xaxis={"title": {"text": "probability"}, "range": [0, 1]},
        yaxis={"autorange": "reversed"},
        height=240 + 50 * len(names),
    )


def plot_volcano(
    reaction: str,
    points: Sequence[VolcanoPoint],
    temperature_k: float | None = None,
    pressures_bar: Mapping[str, float] | None = None,
) -> go.Figure:
    """Plot the volcano of a reaction with its points and their uncertainty.

    Parameters
    ----------
    reaction : str
        Which reaction.
    points : sequence of VolcanoPoint
        Metals and alloys.
    temperature_k : float, optional
        Default: the reaction's.
    pressures_bar : mapping, optional
        Gas to pressure, bar; missing ones take the reaction's default.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    model = REACTIONS[reaction]
    kelvin = temperature_k or model.default_temperature_k
    is_plane = reaction == "co-oxidation"
    name = model.descriptors[0]
    figure = go.Figure()
    if is_plane:
        x, y, rate = volcano_surface(reaction, kelvin, pressures_bar=pressures_bar)
        bar = {"title": {"text": "log10(rate per<br>site and second)"}}
        figure.add_contour(
            x=x,
            y=y,
            z=rate.T,
            colorscale="Cividis",
            colorbar=bar,
            ncontours=30,
            line={"width": 0},
            hovertemplate="O %{x:.2f}, CO %{y:.2f} eV: %{z:.1f}<extra></extra>",
        )
    else:
        x, curve = volcano_curve(reaction, kelvin, pressures_bar=pressures_bar)
        line = {"color": "grey"}
        figure.add_scatter(x=x, y=curve, mode="lines", line=line, name="scaling line")
    for is_alloy, colour in ((False, "#56B4E9"), (True, "#D55E00")):
        rows = sorted(
            (p for p in points if p.is_alloy == is_alloy), key=lambda p: p.descriptors_ev[name]
        )
        across = [p.descriptors_ev["co"] if is_plane else p.log10_rate for p in rows]
        spread = [p.descriptor_std_ev if is_plane else p.log10_rate_std for p in rows]
        figure.add_scatter(
            x=[p.descriptors_ev[name] for p in rows],
            y=across,
            text=[p.name for p in rows],
            customdata=[[p.log10_rate, p.log10_rate_std] for p in rows],
            error_x={"type": "data", "array": [p.descriptor_std_ev for p in rows]},
            error_y={"type": "data", "array": spread},
            mode="markers+text",
            textposition=[_AROUND[k % len(_AROUND)] for k in range(len(rows))],
            textfont={"color": "white" if is_plane else "black"},
            marker={"color": colour, "size": 10, "line": {"color": "white", "width": 1}},
            name="alloys" if is_alloy else "metals",
            hovertemplate="%{text}: log10(rate) %{customdata[0]:.1f} ± %{customdata[1]:.1f}"
            "<extra></extra>",
        )
    y_title = describe_adsorption("co", "<br>") if is_plane else "log10(rate per site and second)"
    return _finish(
        figure,
        f"{reaction} at {kelvin:g} K",
        xaxis_title=describe_adsorption(name),
        yaxis_title=y_title,
        legend={"orientation": "h", "y": -0.2},
    )
