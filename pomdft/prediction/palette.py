"""Colours and wording shared by the static figures and the interactive ones."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_numbers
from ase.data.colors import jmol_colors

if TYPE_CHECKING:
    from pomdft.prediction.map_answer import OrderingMap
    from pomdft.prediction.ordering import Ordering

#: One colour for each label: readable in print and by colour-blind readers (Okabe and Ito).
LABEL_COLOURS = {
    "random-alloy": "#56B4E9",
    "core-shell": "#D55E00",
    "janus": "#CC79A7",
    "ordered-alloy": "#009E73",
}
BINDING_SIGN = "eV per contact; negative = bound"
#: What the adsorption energies are measured against.
_REFERENCES = {"o": "½ O2", "co": "CO", "h": "½ H2", "ocho": "CO, H2O and H2"}


def describe_adsorption(adsorbate: str, wrap: str = " ") -> str:
    """Return the axis label of an adsorption energy, with reference, unit and sign."""
    return (
        f"adsorption energy of {adsorbate.upper()}{wrap}against {_REFERENCES[adsorbate]} / eV "
        "(negative = bound)"
    )


def place_labels(result: OrderingMap) -> list[tuple[str, float, float]]:
    """Find where to write the name of each region of an ordering map.

    Parameters
    ----------
    result : OrderingMap
        The map.

    Returns
    -------
    list of (label, fraction, temperature in K)
        The middle of each run of a label along the ratio, at one temperature inside the model's
        ground.
    """
    labels = result.labels
    inside = np.flatnonzero(~result.extrapolated.any(axis=0))
    column = int(inside[len(inside) // 2]) if len(inside) else len(result.temperatures_k) // 2
    row = labels[:, column]
    ends = [0, *(np.flatnonzero(row[1:] != row[:-1]) + 1), len(row)]
    x = result.fractions
    return [
        (str(row[a]), float(0.5 * (x[a] + x[b - 1])), float(result.temperatures_k[column]))
        for a, b in itertools.pairwise(ends)
        # A single pure ratio is no region.
        if b - a > 1 or a not in (0, len(row) - 1)
    ]


def metal_colour(symbol: str) -> str:
    """Return the usual colour of an element as #rrggbb."""
    red, green, blue = (round(255 * float(c)) for c in jmol_colors[atomic_numbers[symbol]])
    return f"#{red:02x}{green:02x}{blue:02x}"


def title_map(result: OrderingMap) -> str:
    """Return the title of an ordering map."""
    return (
        f"{result.first}-{result.second} under {result.ligand or 'no ligand'}, "
        f"{result.n_atoms} atoms, {result.route}"
    )


def title_ordering(answer: Ordering) -> str:
    """Return the title of a figure of one particle."""
    under = answer.ligand or "no ligand"
    share = answer.probabilities[answer.label]
    return (
        f"{answer.first}-{answer.second} under {under}: {answer.label} "
        f"(probability {share:.2f}), {answer.temperature_k:g} K"
    )


def find_extrapolated_bands(result: OrderingMap) -> list[tuple[float, float]]:
    """Return the runs of temperatures (lowest, highest, K) at which a map is extrapolated."""
    kelvin = result.temperatures_k
    outside = np.asarray(result.extrapolated.any(axis=0), dtype=np.bool_)
    halfway = 0.5 * (kelvin[1:] + kelvin[:-1])
    edges = np.concatenate([kelvin[:1], halfway, kelvin[-1:]])
    ends = [0, *(np.flatnonzero(outside[1:] != outside[:-1]) + 1), len(kelvin)]
    return [(float(edges[a]), float(edges[b])) for a, b in itertools.pairwise(ends) if outside[a]]


def title_answers(answers: Mapping[str, Ordering]) -> str:
    """Return the title of a comparison of ligands."""
    first = next(iter(answers.values()))
    return (
        f"{first.first}-{first.second}, x({first.second}) = {first.fraction:.2f}, "
        f"{first.n_atoms} atoms, {first.temperature_k:g} K, {first.route}"
    )
