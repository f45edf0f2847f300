"""Colours and wording shared by the static figures and the interactive ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ase.data import atomic_numbers
from ase.data.colors import jmol_colors

if TYPE_CHECKING:
    from pomdft.prediction.map import OrderingMap
    from pomdft.prediction.ordering import Ordering

#: One colour for each label: readable in print and by colour-blind readers (Okabe and Ito).
LABEL_COLOURS = {
    "random-alloy": "#56B4E9",
    "core-shell": "#D55E00",
    "janus": "#CC79A7",
    "ordered-alloy": "#009E73",
}
BINDING_SIGN = "eV per contact; negative = bound"


def metal_colour(symbol: str) -> str:
    """Return the usual colour of an element as #rrggbb."""
    red, green, blue = (round(255 * float(c)) for c in jmol_colors[atomic_numbers[symbol]])
    return f"#{red:02x}{green:02x}{blue:02x}"


def title_map(result: OrderingMap) -> str:
    """Return the title of an ordering map."""
    return (
        f"{result.first}-{result.second} under {result.ligand or 'no ligand'}, "
        f"{result.n_atoms} atoms"
    )


def title_ordering(answer: Ordering) -> str:
    """Return the title of a figure of one particle."""
    under = answer.ligand or "no ligand"
    share = answer.probabilities[answer.label]
    return (
        f"{answer.first}-{answer.second} under {under}: {answer.label} "
        f"(probability {share:.2f}), {answer.temperature_k:g} K"
    )
