"""Polyoxometalates that a user brings: read from xyz or CIF, roles found by connectivity."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import networkx as nx
import numpy as np
from ase import Atoms
from ase.io import read
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray
from pymatgen.core import Element, Molecule

from pomdft.errors import ChargeError, InputError, PomdftError, StructureError
from pomdft.structures.charges import check_electron_count, count_electrons, formal_charge
from pomdft.structures.cif import read_cif
from pomdft.structures.connectivity import (
    ADDENDA,
    bond_cutoffs,
    check_no_overlap,
    find_connectivity,
)
from pomdft.structures.convert import to_atoms
from pomdft.structures.geometry import Framework

FloatArray = NDArray[np.float64]

#: More atoms than any polyoxometalate crystal cell needs; larger files are refused unread.
MAX_ATOMS: Final = 20_000
_MAX_BYTES: Final = 20_000_000
#: Elements of water, ammonium and organic cations, halides, and soft metals that bridge anions.
_SMALL_IONS: Final = frozenset({"H", "N", "C", "Cl", "Br", "I", "F", "Ag", "Tl", "Pb", "X"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.()+-]{0,63}")


def check_name(name: str) -> None:
    """Refuse a name for a POM that could not be a file name or a key.

    Raises
    ------
    InputError
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"name: {name!r} is not usable.",
            "Use up to 64 letters, digits and ._()+-, starting with a letter or digit.",
        )


def read_anion(path: str | Path) -> Framework:
    """Read the largest polyoxometalate of an xyz or CIF file.

    Counter-cations (s-block and rare-earth metals, Ag, Tl, Pb), water and hydrogen are left out;
    an anion that crosses a cell boundary is made whole.

    Parameters
    ----------
    path : str or Path
        ``.xyz``, ``.extxyz`` or ``.cif``.

    Returns
    -------
    Framework

    Raises
    ------
    InputError
        Unknown suffix, missing or unreadable file.
    StructureError
        Disorder, overlap, too many atoms, coordinates that are not finite, or no POM inside.
    """
    path = Path(path)
    if path.suffix.lower() not in (".xyz", ".extxyz", ".cif"):
        raise InputError(f"file: {path} is not .xyz, .extxyz or .cif.", "Convert it first.")
    if not path.is_file():
        raise InputError(f"file: {path} does not exist.", "Check the path.")
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise StructureError(
            f"file: {path} has {size / 1e6:.0f} MB, far more than a POM needs.",
            f"Cut the anion out first (at most {MAX_ATOMS} atoms).",
        )
    try:
        if path.suffix.lower() == ".cif":
            atoms = to_atoms(read_cif(path, MAX_ATOMS))
        else:
            atoms = _read_xyz(path)
    except (StructureError, InputError):
        raise
    except Exception as error:  # parsers raise whatever they like on broken files
        raise InputError(
            f"file: {path} cannot be read: {str(error) or type(error).__name__}.",
            "Check that it is a complete xyz or CIF file.",
        ) from error
    return extract_anion(atoms, str(path))


def _read_xyz(path: Path) -> Atoms:
    with path.open(encoding="utf-8", errors="replace") as handle:
        first = handle.readline().strip()
    if first.isdigit() and int(first) > MAX_ATOMS:
        raise StructureError(
            f"file: {path} has {first} atoms.", f"At most {MAX_ATOMS} are read; cut the anion out."
        )
    atoms = read(path, index=0)
    if not isinstance(atoms, Atoms):
        raise InputError(f"file: {path} holds no atoms.")
    return atoms


def extract_anion(atoms: Atoms, source: str = "structure") -> Framework:
    """Cut the largest metal-oxygen anion out of atoms and make it whole.

    Parameters
    ----------
    atoms : ase.Atoms
        Periodic or not.
    source : str
        Named in messages.

    Returns
    -------
    Framework
        Addenda, heteroatoms and their oxygens, in the order of the input, centred.

    Raises
    ------
    StructureError
        As in `read_anion`.
    """
    if not np.isfinite(atoms.positions).all():
        raise StructureError(f"{source}: a coordinate is not finite.", "Look for NaN or inf.")
    if len(atoms) > MAX_ATOMS:
        raise StructureError(f"{source}: {len(atoms)} atoms, at most {MAX_ATOMS} are taken.")
    symbols = atoms.get_chemical_symbols()
    kinds = sorted(s for s in set(symbols) if not _is_counter_ion(s))
    cutoffs = {(a, b): float(bond_cutoffs([a, b])[0, 1]) for a in kinds for b in kinds if a <= b}
    cutoffs = {k: v for k, v in cutoffs.items() if v > 0}
    graph = nx.Graph()
    if cutoffs:
        first, second, shifts = neighbor_list("ijS", atoms, cutoffs)
        for i, j, shift in zip(first, second, shifts, strict=True):
            graph.add_edge(int(i), int(j))
            graph.edges[int(i), int(j)].setdefault("shift", {})[int(i)] = np.array(shift)
    metals = {i for i, s in enumerate(symbols) if s in ADDENDA}
    components = [c for c in nx.connected_components(graph) if c & metals]
    if not components:
        raise StructureError(
            f"{source}: no anion of W, Mo, V, Nb or Ta with oxygen was found.",
            "Check the elements and that coordinates are in angstrom.",
        )
    members = max(components, key=lambda c: (len(c & metals), len(c)))
    start = min(members)
    offset = {start: np.zeros(3)}
    for i, j in nx.bfs_edges(graph, start):
        offset[j] = offset[i] + graph.edges[i, j]["shift"].get(i, np.zeros(3))
    order = sorted(members)
    xyz = np.array([atoms.positions[i] + offset[i] @ atoms.cell.array for i in order])
    picked = tuple(symbols[i] for i in order)
    check_no_overlap(picked, xyz, what=source)
    return Framework(picked, xyz - xyz.mean(axis=0))


def _is_counter_ion(symbol: str) -> bool:
    """Return whether an element belongs to cations, solvent or anions beside the POM.

    s-block and rare-earth metals, actinides, and Ag, Tl and Pb, hold anions together in crystals
    but are no part of the covalent cage; a lacunary anion that binds one is read without it.
    """
    if symbol in _SMALL_IONS:
        return True
    element = Element(symbol)
    return bool(element.block == "s" or element.is_rare_earth or element.is_actinoid)


def check_anion_charge(
    framework: Framework, charge: int | None, spin_multiplicity: int | None = None
) -> tuple[int, int]:
    """Return charge and multiplicity of an anion, given or from formal oxidation states.

    Raises
    ------
    ChargeError
        If none is given and an element has no formal state, it is not a whole number, or it leaves
        an odd number of electrons that no multiplicity accounts for.
    """
    if charge is None:
        charge = formal_charge(framework.symbols)
    electrons = count_electrons(framework.symbols, charge)
    if abs(charge) > 4 * len(framework):
        raise ChargeError(f"charge: {charge:+g} is out of reach for {len(framework)} atoms.")
    if spin_multiplicity is None and electrons % 2:
        raise ChargeError(
            f"charge: {charge:+g} leaves an odd number of electrons ({electrons}); fully oxidised "
            "polyoxometalates have an even one.",
            "Correct the charge, or give the spin multiplicity of a reduced or magnetic anion.",
        )
    check_electron_count(framework.symbols, charge, spin_multiplicity)
    return int(charge), spin_multiplicity or 1


def molecule_to_framework(molecule: Molecule) -> Framework:
    """Return the POM inside a pymatgen molecule."""
    return extract_anion(to_atoms(molecule), str(molecule.properties.get("name", "molecule")))


def to_document(
    name: str, framework: Framework, charge: int, spin_multiplicity: int = 1
) -> dict[str, Any]:
    """Return plain values from which `from_document` gives the POM back."""
    return {
        "name": name,
        "charge": charge,
        "spin_multiplicity": spin_multiplicity,
        "symbols": list(framework.symbols),
        "positions_angstrom": np.round(framework.positions, 6).tolist(),
    }


def from_document(text: str, source: str) -> tuple[str, Framework, int, int]:
    """Read name, atoms, charge and multiplicity back from the JSON text of `to_document`.

    Raises
    ------
    InputError
        If the text is not such a document.
    """
    try:
        document = json.loads(text)
        xyz = np.array(document["positions_angstrom"], dtype=float)
        framework = Framework(tuple(str(s) for s in document["symbols"]), xyz)
        name, charge = str(document["name"]), int(document["charge"])
        multiplicity = int(document.get("spin_multiplicity", 1))
        if xyz.shape != (len(framework), 3):
            raise ValueError("positions and symbols differ in number")
        check_name(name)
        find_connectivity(framework.symbols, framework.positions)
        check_electron_count(framework.symbols, charge, multiplicity)
    except (AttributeError, KeyError, TypeError, ValueError, PomdftError) as error:
        raise InputError(
            f"{source} is not a POM document: {error}.", "Add the POM again."
        ) from error
    return name, framework, charge, multiplicity
