"""CIF files that users bring: looked through line by line before a parser expands them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pymatgen.core import Structure
from pymatgen.io.cif import CifParser

from pomdft.errors import InputError, StructureError

_COORDINATES: Final = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
_OPERATIONS: Final = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")


@dataclass(frozen=True)
class CifLoop:
    """One loop of a CIF file.

    Attributes
    ----------
    columns : tuple of str
        Data names, in lower case.
    rows : tuple of str
        Its lines, not yet split.
    """

    columns: tuple[str, ...]
    rows: tuple[str, ...]


def read_cif(path: Path, max_atoms: int) -> Structure:
    """Read the first structure of a CIF file, if it is of a sane size and ordered.

    Parameters
    ----------
    path : Path
    max_atoms : int
        More atoms than this in the cell are refused, before symmetry is applied if possible.

    Returns
    -------
    pymatgen Structure

    Raises
    ------
    InputError
        If the file cannot be parsed.
    StructureError
        Too many atoms, disorder, or a coordinate that is not a number.
    """
    _check_before_parsing(path, max_atoms)
    with warnings.catch_warnings(record=True) as said:
        # pymatgen warns of every rounding it does, and of why it gave up.
        warnings.simplefilter("always")
        try:
            parser = CifParser(path, occupancy_tolerance=1.0, site_tolerance=1e-3)
            structure: Structure = parser.parse_structures(primitive=False)[0]
        except Exception as error:  # the parser raises whatever it likes on broken files
            said_texts = (" ".join(str(w.message).split()) for w in said)
            reasons = [str(error) or type(error).__name__, *said_texts]
            raise InputError(
                f"file: {path} cannot be read: {'; '.join(dict.fromkeys(reasons))[:300]}.",
                "Check that it is a complete CIF file.",
            ) from error
    disordered = [s for s in structure if not s.is_ordered]
    if disordered:
        kinds = sorted({str(s.species) for s in disordered})[:4]
        raise StructureError(
            f"file: {path} has {len(disordered)} disordered sites ({', '.join(kinds)}).",
            "Delete or resolve the disordered sites; only ordered structures are read.",
        )
    if len(structure) > max_atoms:
        raise StructureError(
            f"file: {path} has {len(structure)} atoms in the cell, at most {max_atoms} are read.",
            "Cut the anion out first.",
        )
    return structure


def _check_before_parsing(path: Path, max_atoms: int) -> None:
    """Count sites and symmetry operations, and look at the coordinates."""
    sites = operations = 1
    for loop in _loops(path, max_atoms):
        if set(_COORDINATES) <= set(loop.columns):
            sites = len(loop.rows)
            if sites > max_atoms:
                raise StructureError(
                    f"file: {path} lists more than {max_atoms} atoms.", "Cut the anion out first."
                )
            _check_coordinates(path, loop)
        elif set(_OPERATIONS) & set(loop.columns):
            operations = max(1, len(loop.rows))
    if sites * operations > 4 * max_atoms:
        raise StructureError(
            f"file: {path} lists {sites} atoms under {operations} symmetry operations, up to "
            f"{sites * operations} atoms in the cell; at most {max_atoms} are read.",
            "Cut the anion out first.",
        )


def _loops(path: Path, max_rows: int) -> Iterator[CifLoop]:
    """Yield the loops of a file; no more than ``max_rows + 1`` rows of each are kept."""
    columns: list[str] = []
    rows: list[str] = []
    in_text = in_header = False
    with path.open(encoding="utf-8", errors="replace") as handle:
        for line in handle:
            text = line.strip()
            if line.startswith(";"):
                in_text = not in_text
            elif in_text or text.startswith("#"):
                continue
            elif text.lower().startswith(("loop_", "data_")) or (
                text.startswith("_") and not in_header
            ):
                if columns:
                    yield CifLoop(tuple(columns), tuple(rows))
                columns, rows = [], []
                in_header = text.lower().startswith("loop_")
            elif in_header and text.startswith("_"):
                columns.append(text.split()[0].lower())
            elif text:
                in_header = False
                if columns and len(rows) <= max_rows:
                    rows.append(text)
    if columns:
        yield CifLoop(tuple(columns), tuple(rows))


def _check_coordinates(path: Path, loop: CifLoop) -> None:
    for row in loop.rows:
        values = row.split()
        if len(values) != len(loop.columns):
            continue  # quoted text or a broken row: the parser's business
        for column in _COORDINATES:
            value = values[loop.columns.index(column)]
            try:
                finite = math.isfinite(float(value.partition("(")[0]))
            except ValueError:
                finite = False
            if not finite:
                raise StructureError(
                    f"file: {path}: {column} of atom {values[0]} is {value!r}, not a finite "
                    "number.",
                    "Complete or delete the atom.",
                )
