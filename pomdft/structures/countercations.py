"""Alkali counter-cations of the `alkali` charge model, at crystal-like contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pomdft.errors import ChargeError, UnknownNameError
from pomdft.structures.charges import HETEROATOM_STATE
from pomdft.structures.connectivity import ADDENDA, CATIONS

FloatArray = NDArray[np.float64]

#: Cation-oxygen distance aimed at (angstrom): sums of Shannon radii for six (Li: four, Cs: eight)
#: neighbours, as seen in POM salts (Cs-O 2.9-3.3, Na-O at a vacancy 2.44).
CATION_OXYGEN_ANGSTROM: Final[dict[str, float]] = {
    "Li": 2.00,
    "Na": 2.42,
    "K": 2.78,
    "Rb": 2.92,
    "Cs": 3.10,
}
#: Cations keep this distance to each other (angstrom) and to addenda.
_CATION_CATION = 3.3
_DIRECTIONS = 180
#: Closest approach (angstrom) to atoms that are neither donors nor addenda.
_CLEARANCE: Final = {"H": 2.2, "C": 2.6, "O": 2.2, "N": 2.4}
#: Sulphur's radius is larger than oxygen's by this (angstrom).
_SULPHUR_EXTRA = 0.45


def sphere_directions(count: int) -> FloatArray:
    """Return `count` unit vectors spread evenly (Fibonacci lattice), shape (count, 3)."""
    k = np.arange(count) + 0.5
    z = 1.0 - 2.0 * k / count
    phi = np.pi * (1.0 + np.sqrt(5.0)) * k
    r = np.sqrt(1.0 - z * z)
    return np.column_stack([r * np.cos(phi), r * np.sin(phi), z])


def place_cations(
    symbols: Sequence[str],
    positions: FloatArray,
    cation: str,
    count: int,
    *,
    contact_centre: FloatArray | None = None,
    contact_normal: FloatArray | None = None,
    allow_at_contact: bool = False,
) -> FloatArray:
    """Place cations one after the other where formal charges pull most.

    Candidates lie at the cation's contact distance from an oxygen and no nearer to any other;
    each step takes the one of lowest Coulomb energy with the anion's formal charges and the
    cations already placed, with at least three oxygens in reach where possible.

    Parameters
    ----------
    symbols : sequence of str, length n
    positions : ndarray, shape (n, 3), float64
        The anion, in angstrom.
    cation : str
        Li, Na, K, Rb or Cs.
    count : int
    contact_centre, contact_normal : ndarray, shape (3,), optional
        Where a metal is to bind; nothing is placed in front of that plane.
    allow_at_contact : bool
        Do place cations there.

    Returns
    -------
    ndarray, shape (count, 3), float64
        In angstrom.

    Raises
    ------
    UnknownNameError
        If the cation is not an alkali metal.
    ChargeError
        If there is no room for `count` cations.
    """
    if cation not in CATIONS:
        raise UnknownNameError("cation", cation, CATIONS)
    reach = CATION_OXYGEN_ANGSTROM[cation]
    symbols = list(symbols)
    # Cations sit on oxygens; where there are none (a thiolate), on sulphur, a longer bond away.
    donor = "O" if "O" in symbols else "S"
    reach += 0.0 if donor == "O" else _SULPHUR_EXTRA
    oxygens = positions[[i for i, s in enumerate(symbols) if s == donor]]
    others = positions[[i for i, s in enumerate(symbols) if s != donor]]
    if count == 0 or len(oxygens) == 0:
        return np.empty((0, 3))
    points = (oxygens[:, None] + reach * sphere_directions(_DIRECTIONS)[None]).reshape(-1, 3)
    to_oxygen = np.linalg.norm(points[:, None] - oxygens[None], axis=2)
    to_other = np.linalg.norm(points[:, None] - others[None], axis=2)
    limits = np.array([_CLEARANCE.get(s, reach + 0.7) for s in symbols if s != donor])
    free = (to_oxygen.min(axis=1) > reach - 0.03) & (to_other > limits).all(axis=1)
    if contact_centre is not None and contact_normal is not None and not allow_at_contact:
        free &= (points - contact_centre) @ contact_normal < -0.6
    points, to_oxygen, to_other = points[free], to_oxygen[free], to_other[free]
    states = {"O": -2, "H": 1, **ADDENDA, **HETEROATOM_STATE, **CATIONS}
    other_charges = np.array([states.get(s, 0) for s in symbols if s != donor])
    energy = (-2.0 / to_oxygen).sum(axis=1) + (other_charges / to_other).sum(axis=1)
    # A lone Coulomb optimum can sit on one oxygen; crystals show three or more contacts.
    contacts = (to_oxygen < 1.22 * reach).sum(axis=1)
    energy = energy + 1.0 * np.maximum(3 - contacts, 0)
    placed: list[FloatArray] = []
    for _ in range(count):
        if len(points) == 0 or not np.isfinite(energy).any():
            raise ChargeError(
                f"cation: no room for {count} {cation} ions round the anion, "
                f"only {len(placed)} were placed.",
                "Use a smaller cation or charge_model='protonated'.",
            )
        best = int(np.argmin(np.round(energy, 8)))
        placed.append(points[best])
        distance = np.linalg.norm(points - points[best], axis=1)
        repulsion = 1.0 / np.maximum(distance, 1e-6)
        energy = np.where(distance < _CATION_CATION, np.inf, energy + repulsion)
    return np.array(placed).reshape(-1, 3)
