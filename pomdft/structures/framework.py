"""Turn a topologically right POM into one with crystal-like bond lengths.

A parent is written down from its point group with rough coordinates; `refine` then moves the
atoms to the bond lengths, addendum-addendum distances and oxygen-oxygen contacts that its
connectivity asks for. The start is symmetric and so is the cost, so symmetry is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from pomdft.errors import StructureError
from pomdft.structures.connectivity import ADDENDA, find_connectivity
from pomdft.structures.symmetry import builder_operations, matching_operations, symmetrise

FloatArray = NDArray[np.float64]

#: Heteroatom-oxygen bond lengths (angstrom) in Keggin and Dawson anions, and the distance of
#: that oxygen to its addenda. Si and P: means over crystal structures of the intact and lacunary
#: anions; Ge, As, B: sums of Shannon radii (four-coordinate; Shannon, Acta Cryst. A32, 751 (1976),
#: doi:10.1107/S0567739476001551) with the addendum distance that keeps the cage's size.
HETEROATOM_BOND: Final[dict[str, tuple[float, float]]] = {
    "B": (1.52, 2.39),
    "Si": (1.635, 2.335),
    "P": (1.54, 2.43),
    "Ge": (1.74, 2.29),
    "As": (1.69, 2.33),
    "Al": (1.74, 2.29),
}
#: Addendum-oxygen bond lengths by role (angstrom), means over crystal structures of
#: tungstates and molybdates; both metals have the same ionic radius (0.60 and 0.59 angstrom).
ADDENDUM_BOND: Final[dict[str, dict[str, float]]] = {
    "W": {
        "terminal": 1.72,
        "unshared": 1.765,
        "corner-bridging": 1.925,
        "edge-bridging": 1.945,
        "central": 2.32,
    },
    "Mo": {
        "terminal": 1.69,
        "unshared": 1.73,
        "corner-bridging": 1.92,
        "edge-bridging": 1.945,
        "central": 2.32,
    },
}
#: Angle at a bridging oxygen (degrees), the same sources.
BRIDGE_ANGLE: Final[dict[str, float]] = {"corner-bridging": 150.0, "edge-bridging": 120.0}
#: Edge angle where the heteroatom's oxygen is further from the addenda than in silicates: the
#: triad widens (crystals: P 125, Si 119; B and As between, by the same length).
EDGE_ANGLE: Final[dict[str, float]] = {"P": 124.5, "B": 122.5, "As": 120.5}
#: Lindqvist ions: all edges are shared round one central oxygen, which closes the angle.
LINDQVIST_ANGLE: Final = 115.5
#: Oxygen atoms of one octahedron keep at least this distance (angstrom).
OXYGEN_CONTACT_ANGSTROM: Final = 2.62
#: A terminal or unshared oxygen keeps this distance (angstrom) to its addendum's other oxygens.
TERMINAL_CONTACT_ANGSTROM: Final = 2.76


@dataclass(frozen=True)
class DistanceTerms:
    """Harmonic distances that describe a POM's geometry.

    Attributes
    ----------
    pairs : ndarray, shape (n, 2), int
    targets_angstrom : ndarray, shape (n,), float64
    weights : ndarray, shape (n,), float64
    one_sided : ndarray, shape (n,), bool
        True where only a distance shorter than the target costs something.
    """

    pairs: NDArray[np.intp]
    targets_angstrom: FloatArray
    weights: FloatArray
    one_sided: NDArray[np.bool_]

    def cost(self, flat: FloatArray) -> tuple[float, FloatArray]:
        """Return cost and gradient at flattened positions (3 n_atoms,)."""
        xyz = flat.reshape(-1, 3)
        i, j = self.pairs[:, 0], self.pairs[:, 1]
        vectors = xyz[i] - xyz[j]
        distances = np.linalg.norm(vectors, axis=1)
        delta = distances - self.targets_angstrom
        delta = np.where(self.one_sided & (delta > 0), 0.0, delta)
        gradient = np.zeros_like(xyz)
        pull = (2.0 * self.weights * delta / distances)[:, None] * vectors
        np.add.at(gradient, i, pull)
        np.add.at(gradient, j, -pull)
        return float(np.sum(self.weights * delta**2)), gradient.ravel()


def refine(
    symbols: Sequence[str],
    positions: FloatArray,
    *,
    bond_lengths: dict[tuple[str, str], float] | None = None,
) -> FloatArray:
    """Move atoms to the bond lengths of their roles, keeping topology and symmetry.

    Parameters
    ----------
    symbols : sequence of str, length n
    positions : ndarray, shape (n, 3), float64
        Rough positions in angstrom whose connectivity is already right.
    bond_lengths : dict, optional
        ``(element, oxygen role) -> angstrom`` in place of the built-in tables.

    Returns
    -------
    ndarray, shape (n, 3), float64
        In angstrom, in the frame of the input.

    Raises
    ------
    StructureError
        If the connectivity changed on the way.
    """
    before = find_connectivity(symbols, positions)
    terms = distance_terms(symbols, positions, bond_lengths or {})
    start = np.asarray(positions, dtype=float)
    operations = matching_operations(symbols, start, builder_operations())

    def cost(flat: FloatArray) -> tuple[float, FloatArray]:
        # Rounding would let a symmetric saddle slide into a lower group.
        value, gradient = terms.cost(flat)
        return value, symmetrise(gradient.reshape(-1, 3), operations).ravel()

    found = minimize(
        cost,
        symmetrise(start, operations).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 2000, "gtol": 1e-7, "ftol": 1e-14},
    )
    refined = symmetrise(found.x.reshape(-1, 3), operations)
    after = find_connectivity(symbols, refined)
    if after.neighbours != before.neighbours:
        raise StructureError(
            "The connectivity changed while bond lengths were set.",
            "Start from positions nearer to the wanted structure.",
        )
    return np.asarray(refined, dtype=float)


def distance_terms(
    symbols: Sequence[str],
    positions: FloatArray,
    bond_lengths: dict[tuple[str, str], float],
) -> DistanceTerms:
    """List the distances that the connectivity of a POM asks for.

    Parameters
    ----------
    symbols : sequence of str, length n
    positions : ndarray, shape (n, 3), float64
        In angstrom.
    bond_lengths : dict
        ``(element, oxygen role) -> angstrom`` that go before the built-in tables.

    Returns
    -------
    DistanceTerms
    """
    found = find_connectivity(symbols, positions)
    roles, neighbours = found.roles, found.neighbours
    hetero = next((s for s, r in zip(symbols, roles, strict=True) if r == "heteroatom"), "P")
    is_lindqvist = "central" in roles
    terms: dict[tuple[int, int], tuple[float, float, bool]] = {}

    def add(i: int, j: int, target: float, weight: float, one_sided: bool = False) -> None:
        terms.setdefault((min(i, j), max(i, j)), (target, weight, one_sided))

    for i, symbol in enumerate(symbols):
        if symbol != "O":
            continue
        for j in neighbours[i]:
            weight = 0.5 if roles[i] in ("on-heteroatom", "central") else 1.0
            weight = 2.0 if roles[j] == "heteroatom" else weight
            add(i, j, _bond_length(symbols[j], roles[i], hetero, bond_lengths), weight)
        addenda = [j for j in neighbours[i] if symbols[j] in ADDENDA]
        if len(addenda) == 2 and roles[i] in BRIDGE_ANGLE:
            angle = LINDQVIST_ANGLE if is_lindqvist else BRIDGE_ANGLE[roles[i]]
            if roles[i] == "edge-bridging" and not is_lindqvist:
                angle = EDGE_ANGLE.get(hetero, angle)
            length = _bond_length(symbols[addenda[0]], roles[i], hetero, bond_lengths)
            add(addenda[0], addenda[1], 2 * length * np.sin(np.radians(angle / 2)), 0.3)
    for i, symbol in enumerate(symbols):
        if symbol == "O" or roles[i] not in ("addendum", "heteroatom"):
            continue
        for a in neighbours[i]:
            for b in neighbours[i]:
                if a >= b or roles[i] == "heteroatom":
                    continue
                single = {roles[a], roles[b]} & {"terminal", "unshared"}
                contact = TERMINAL_CONTACT_ANGSTROM if single else OXYGEN_CONTACT_ANGSTROM
                add(a, b, contact, 0.2, True)
    pairs = np.array(sorted(terms), dtype=np.intp).reshape(-1, 2)
    values = [terms[(int(i), int(j))] for i, j in pairs]
    return DistanceTerms(
        pairs,
        np.array([v[0] for v in values]),
        np.array([v[1] for v in values]),
        np.array([v[2] for v in values]),
    )


def _bond_length(
    metal: str, role: str, hetero: str, bond_lengths: dict[tuple[str, str], float]
) -> float:
    if (metal, role) in bond_lengths:
        return bond_lengths[metal, role]
    if metal not in ADDENDA:
        return HETEROATOM_BOND[metal][0]
    if role == "on-heteroatom":
        return HETEROATOM_BOND[hetero][1]
    return ADDENDUM_BOND[metal][role]
