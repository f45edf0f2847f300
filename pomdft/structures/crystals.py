"""Bulk metals and their slabs at any lattice constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from ase import Atoms
from ase.build import bulk, fcc100, fcc111, fcc211, hcp0001
from ase.data import atomic_numbers, ground_state_magnetic_moments, reference_states
from pymatgen.core import Lattice as Cell
from pymatgen.core import Structure

from pomdft.errors import InputError, UnknownNameError
from pomdft.structures.clusters import nearest_neighbour
from pomdft.structures.convert import to_structure

#: Facets of slabs, by crystal structure.
CRYSTAL_FACETS: Final[dict[str, dict[str, Any]]] = {
    "fcc": {"111": fcc111, "100": fcc100, "211": fcc211},
    "hcp": {"0001": hcp0001},
}
#: Repeats of the cell that hold one atom a layer; (211) is a step of three rows.
_SMALLEST_SIZE: Final = {"211": (3, 1)}

#: Fractional coordinates are the same on every machine to so many digits.
_FRACTION_DIGITS = 9
#: Edges of the box of a free atom, angstrom.
FREE_ATOM_BOX_ANGSTROM: Final = (8.0, 8.6, 9.4)


@dataclass(frozen=True)
class Lattice:
    """Lattice of a cubic or hexagonal close-packed metal.

    Attributes
    ----------
    symmetry : str
        "fcc" or "hcp".
    a_angstrom : float
        Lattice constant (of the cubic cell for fcc).
    c_over_a : float or None
        For hcp.
    """

    symmetry: str
    a_angstrom: float
    c_over_a: float | None = None


def experimental_lattice(metal: str) -> Lattice:
    """Return the measured lattice of a metal.

    Raises
    ------
    UnknownNameError
        It is not an fcc or hcp metal.
    """
    nearest_neighbour(metal)
    state = reference_states[atomic_numbers[metal]]
    symmetry = str(state["symmetry"])
    if symmetry not in CRYSTAL_FACETS:
        raise UnknownNameError("fcc or hcp metal", metal, _close_packed_metals())
    ratio = float(state["c/a"]) if symmetry == "hcp" else None
    return Lattice(symmetry, float(state["a"]), ratio)


def close_packed_facet(metal: str) -> str:
    """Return the close-packed facet of a metal: "111" or "0001"."""
    return {"fcc": "111", "hcp": "0001"}[experimental_lattice(metal).symmetry]


def build_crystal(metal: str, lattice: Lattice) -> Structure:
    """Return the primitive cell of a metal (one atom for fcc, two for hcp)."""
    options: dict[str, Any] = {"a": lattice.a_angstrom}
    if lattice.c_over_a is not None:
        options["c"] = lattice.a_angstrom * lattice.c_over_a
    return to_structure(bulk(metal, lattice.symmetry, **options))


def build_free_atom(metal: str) -> Structure:
    """Return one atom in a box, with the moment of its ground state (Hund's rules) as "magmom".

    The edges differ, so that degenerate d orbitals need not be filled evenly. A box larger by 2
    angstrom raises the energy of Ag by 0.02 eV.

    Parameters
    ----------
    metal : str
        Symbol.

    Returns
    -------
    pymatgen Structure
        Periodic; moments, in Bohr magnetons, of ASE's table of ground states.

    Raises
    ------
    UnknownNameError
        It is not a metal.
    """
    nearest_neighbour(metal)
    moment = float(ground_state_magnetic_moments[atomic_numbers[metal]])
    return Structure(
        Cell.orthorhombic(*FREE_ATOM_BOX_ANGSTROM),
        [metal],
        [[0.5, 0.5, 0.5]],
        site_properties={"magmom": [moment]},
    )


def build_supercell(metal: str, lattice: Lattice, repeat: int) -> Structure:
    """Return repeat^3 primitive cells of a metal."""
    if repeat < 1:
        raise InputError(f"repeat {repeat} is not positive.")
    crystal = build_crystal(metal, lattice)
    crystal.make_supercell([repeat] * 3)
    return wrap_into_cell(crystal)


def wrap_into_cell(crystal: Structure) -> Structure:
    """Return the crystal with every atom inside its cell, the same on every machine.

    An atom on the cell's face lies at 0 or at 1, as the last digit of the processor has it, and
    with its positions the key of the calculation would change; here it lies at 0.

    Parameters
    ----------
    crystal : pymatgen Structure
        Periodic along all axes; it is not changed.

    Returns
    -------
    pymatgen Structure
        Fractional coordinates in [0, 1), rounded to nine digits; site properties are kept.
    """
    inside = np.round(crystal.frac_coords, _FRACTION_DIGITS) % 1.0
    return Structure(
        crystal.lattice, crystal.species, inside, site_properties=crystal.site_properties
    )


def build_facet_slab(
    metal: str,
    facet: str,
    lattice: Lattice,
    *,
    layers: int = 4,
    repeat: tuple[int, int] = (1, 1),
    vacuum_angstrom: float = 6.0,
) -> Structure:
    """Return a bulk-truncated slab, periodic along its plane only.

    Parameters
    ----------
    metal, facet : str
        fcc: "111", "100", "211"; hcp: "0001".
    lattice : Lattice
        Lattice constants.
    layers : int
        Atomic layers; at least 3.
    repeat : tuple of int
        Repeats of the smallest surface cell.
    vacuum_angstrom : float
        On each side.

    Returns
    -------
    pymatgen Structure
        The last axis is the surface normal.

    Raises
    ------
    UnknownNameError
        The crystal has no such facet here.
    InputError
        Too few layers or repeats.
    """
    makers = CRYSTAL_FACETS[lattice.symmetry]
    if facet not in makers:
        raise UnknownNameError(f"facet of {lattice.symmetry} {metal}", facet, makers)
    if layers < 3 or min(repeat) < 1:
        raise InputError(f"layers {layers}, repeat {repeat}: at least 3 layers and 1 repeat.")
    smallest = _SMALLEST_SIZE.get(facet, (1, 1))
    size = (smallest[0] * repeat[0], smallest[1] * repeat[1], layers)
    options: dict[str, Any] = {"a": lattice.a_angstrom, "vacuum": vacuum_angstrom}
    if lattice.c_over_a is not None:
        options["c"] = lattice.a_angstrom * lattice.c_over_a
    atoms: Atoms = makers[facet](metal, size, **options)
    atoms.pbc = (True, True, False)
    plain = Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    return to_structure(plain)


def surface_site(slab: Structure) -> int:
    """Return the index of the uppermost atom (of several, the first)."""
    heights = np.round(np.asarray(slab.cart_coords)[:, 2], 3)
    return int(np.argmax(heights))


def inner_site(slab: Structure) -> int:
    """Return the index of the atom nearest to the middle of the slab."""
    heights = np.round(np.asarray(slab.cart_coords)[:, 2], 3)
    middle = 0.5 * (heights.max() + heights.min())
    # Of the two middle layers of an even slab the lower one is taken.
    return int(np.argmin(np.abs(heights - middle) + 1e-4 * heights))


def substitute(structure: Structure, index: int, symbol: str) -> Structure:
    """Return a copy with one atom replaced by another element."""
    changed = structure.copy()
    changed.replace(index, symbol)
    return changed


def _close_packed_metals() -> list[str]:
    return [
        symbol
        for symbol, number in atomic_numbers.items()
        if number < len(reference_states)
        and reference_states[number] is not None
        and reference_states[number].get("symmetry") in CRYSTAL_FACETS
    ]
