"""The Lindqvist family: [M6O19]2- and the lacunary [M5O18]6-.

References
----------
Lindqvist, Ark. Kemi 5, 247 (1953); lacunary [W5O18]6-: Peacock and Weakley,
J. Chem. Soc. A, 1836 (1971), doi:10.1039/J19710001836.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations, product

import numpy as np

from pomdft.structures.framework import ADDENDUM_BOND, refine
from pomdft.structures.geometry import Framework, remove_addenda


@lru_cache(maxsize=8)
def build_lindqvist(addendum: str) -> Framework:
    """Build [M6O19]2-, Oh, central oxygen at the origin.

    Returns
    -------
    Framework
        Order: 6 M, then O: central, 12 bridging, 6 terminal.
    """
    axes = np.vstack([np.eye(3), -np.eye(3)])
    radius = ADDENDUM_BOND[addendum]["central"]
    bridges = []
    for a, b in combinations(range(3), 2):
        for s, t in product((1.0, -1.0), repeat=2):
            point = np.zeros(3)
            point[a], point[b] = s, t
            bridges.append(point * 0.80 * radius)
    terminal = axes * (radius + ADDENDUM_BOND[addendum]["terminal"])
    positions = np.vstack([axes * radius, np.zeros((1, 3)), np.array(bridges), terminal])
    symbols = (addendum,) * 6 + ("O",) * 19
    return Framework(symbols, refine(symbols, positions))


@lru_cache(maxsize=8)
def build_monolacunary_lindqvist(addendum: str) -> Framework:
    """Build [M5O18]6-, C4v: the addendum on +z and its terminal oxygen are gone."""
    parent = build_lindqvist(addendum)
    top = max(parent.indices(addendum), key=lambda i: float(parent.positions[i, 2]))
    return remove_addenda(parent, [top])
