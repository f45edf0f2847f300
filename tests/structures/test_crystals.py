"""Cells of bulk metals."""

from __future__ import annotations

import numpy as np
from pymatgen.core import Lattice as Cell
from pymatgen.core import Structure

from pomdft.structures.crystals import Lattice, build_supercell, wrap_into_cell

HALF_A_DIGIT = 1.1e-16


def test_an_atom_on_the_far_face_lies_on_the_near_one() -> None:
    """Which of the two it is differs between processors, in the last digit."""
    coordinates = [[0.5, 0.0, 1.0 - HALF_A_DIGIT], [-HALF_A_DIGIT, 0.25, 1.0], [1.25, -0.5, 0.0]]
    wrapped = wrap_into_cell(Structure(Cell.cubic(4.0), ["Cu", "Au", "Ag"], coordinates))
    assert wrapped.frac_coords.tolist() == [[0.5, 0.0, 0.0], [0.0, 0.25, 0.0], [0.25, 0.5, 0.0]]
    assert [site.specie.symbol for site in wrapped] == ["Cu", "Au", "Ag"]


def test_supercell_is_the_crystal() -> None:
    # With this lattice constant of Cu one processor put an atom on the far face, another did not.
    crystal = build_supercell("Cu", Lattice("fcc", 3.6429), 2)
    assert crystal.frac_coords.max() == 0.5
    neighbours = [len(crystal.get_neighbors(site, 2.7)) for site in crystal]
    assert neighbours == [12] * 8
    np.testing.assert_allclose(crystal.volume, 8 * 3.6429**3 / 4)
