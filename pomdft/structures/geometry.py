"""Bare POM frameworks: elements and positions, and how addenda are taken out of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pomdft.structures.connectivity import ADDENDA, find_connectivity
from pomdft.structures.framework import refine

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Framework:
    """Elements and positions of a bare anion.

    Attributes
    ----------
    symbols : tuple of str, length n
    positions : ndarray, shape (n, 3), float64
        In angstrom; read-only, since builders share cached frameworks.
    """

    symbols: tuple[str, ...]
    positions: FloatArray

    def __post_init__(self) -> None:
        positions = np.array(self.positions, dtype=float)
        positions.setflags(write=False)
        object.__setattr__(self, "positions", positions)

    def __len__(self) -> int:
        return len(self.symbols)

    def indices(self, *elements: str) -> list[int]:
        """Return the atoms of the given elements, ascending."""
        return [i for i, s in enumerate(self.symbols) if s in elements]

    def keep(self, indices: Sequence[int]) -> Framework:
        """Return the framework of the given atoms only, in that order."""
        return Framework(tuple(self.symbols[i] for i in indices), self.positions[list(indices)])


def remove_addenda(parent: Framework, addenda: Sequence[int], *, relaxed: bool = True) -> Framework:
    """Take addenda out of a framework, with every oxygen that then has no addendum or X left.

    Parameters
    ----------
    parent : Framework
    addenda : sequence of int
        Atoms to remove.
    relaxed : bool
        Set bond lengths anew (the oxygens left unshared come closer to their addendum).

    Returns
    -------
    Framework
        The other atoms, in the parent's order and frame.

    Raises
    ------
    ValueError
        If an index is not an addendum.
    """
    wrong = [i for i in addenda if parent.symbols[i] not in ADDENDA]
    if wrong:
        raise ValueError(f"atoms {wrong} are not addenda")
    gone = set(addenda)
    found = find_connectivity(parent.symbols, parent.positions)
    for i, symbol in enumerate(parent.symbols):
        if symbol == "O" and not set(found.neighbours[i]) - gone:
            gone.add(i)
    child = parent.keep([i for i in range(len(parent)) if i not in gone])
    if not relaxed:
        return child
    return Framework(child.symbols, refine(child.symbols, child.positions))
