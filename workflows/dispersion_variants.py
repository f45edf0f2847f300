"""What D4S instead of D4 would change in the shipped affinities and protonation energies.

    python workflows/dispersion_variants.py          # seconds

D4 has a step where an atom stands between two of its reference systems, D4S has none. Both are
evaluated at the archived minima (those of D4); nothing is relaxed again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pomdft.calculations.dispersion import compute_d4
from pomdft.schemas.protonation import ProtonationEnergy
from pomdft.store.documents import load_reference_affinities, load_reference_documents
from pomdft.store.reference import read_archived


@dataclass(frozen=True)
class Dispersion:
    """Share of dispersion in an energy, and how far the forces on the product differ."""

    d4_ev: float
    d4s_ev: float
    largest_difference_of_forces_ev_per_angstrom: float


def compare(calculations: Mapping[str, str], balance: Mapping[str, float]) -> Dispersion:
    """Evaluate both variants for an energy; the first role of `balance` is the product."""
    totals, forces = {"d4": 0.0, "d4s": 0.0}, {}
    for role, factor in balance.items():
        archived = read_archived(calculations[role])
        model, positions = archived.request.model, np.array(archived.result.positions_angstrom)
        for variant in totals:
            energy, slope = compute_d4(
                model.numbers, positions, "PBE", variant=variant, charge=model.charge
            )
            totals[variant] += factor * energy
            forces.setdefault(variant, slope)
    difference = np.linalg.norm(forces["d4"] - forces["d4s"], axis=1).max()
    return Dispersion(totals["d4"], totals["d4s"], float(difference))


def tabulate() -> pd.DataFrame:
    """Return one row an energy."""
    rows = {
        affinity.title: compare(affinity.calculations, affinity.balance)
        for affinity in load_reference_affinities()
        if affinity.level.dispersion == "d4"
    }
    rows |= {
        step.reaction: compare(step.calculations, step.balance)
        for step in load_reference_documents(ProtonationEnergy)
        if step.level.dispersion == "d4"
    }
    return pd.DataFrame.from_dict(rows, orient="index")


if __name__ == "__main__":
    table = tabulate()
    table["difference_ev"] = table["d4s_ev"] - table["d4_ev"]
    print(table.round(3).to_string())
