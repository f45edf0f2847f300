"""Write structures as xyz, extxyz, cif or ase.db files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from ase import Atoms
from ase.db import connect
from ase.io import write
from pymatgen.core import Molecule, Structure

from pomdft.errors import InputError
from pomdft.structures.convert import to_atoms

FORMATS: Final = (".xyz", ".extxyz", ".cif", ".db")
#: Space round a molecule written as a CIF file, which needs a cell (angstrom).
_CIF_MARGIN: Final = 6.0


def write_structures(structures: Sequence[Molecule | Structure], path: str | Path) -> Path:
    """Write structures to one file; its suffix chooses the format.

    Parameters
    ----------
    structures : sequence of pymatgen Molecule or Structure
        ``.cif`` takes the first only; ``.db`` (ase.db) appends rows.
    path : str or Path
        ``.xyz``, ``.extxyz`` (with roles, charge and properties), ``.cif`` or ``.db``.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        Unknown suffix, nothing to write, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise InputError(
            f"output: {path} has no known suffix.", f"Use one of {', '.join(FORMATS)}."
        )
    if not structures:
        raise InputError("output: there is no structure to write.")
    frames = [_plain_atoms(s) for s in structures]
    try:
        if suffix == ".db":
            with connect(str(path)) as database:
                for atoms in frames:
                    keys = {k: v for k, v in atoms.info.items() if k != "pomdft"}
                    database.write(
                        atoms, key_value_pairs=keys, data=json.loads(atoms.info["pomdft"])
                    )
        elif suffix == ".cif":
            atoms = frames[0]
            if not atoms.pbc.any():
                atoms.center(vacuum=_CIF_MARGIN)
                atoms.pbc = True
            write(path, atoms, format="cif")
        elif suffix == ".xyz":
            for atoms in frames:
                comment = f"{atoms.info['label']} charge={atoms.info['total_charge']}"
                write(path, atoms, format="xyz", comment=comment, append=atoms is not frames[0])
        else:
            write(path, frames, format="extxyz")
    except OSError as error:
        raise InputError(f"output: {path} cannot be written: {error.strerror or error}.") from error
    return path


def _plain_atoms(structure: Molecule | Structure) -> Atoms:
    """Return atoms whose info every format can carry."""
    atoms = to_atoms(structure)
    properties: dict[str, Any] = atoms.info.pop("properties", {})
    atoms.info = {
        "label": str(properties.get("name", structure.composition.reduced_formula)),
        "total_charge": int(np.rint(atoms.info.get("charge", 0))),
        "multiplicity": int(atoms.info.get("spin_multiplicity", 1)),
        "pomdft": json.dumps(properties),
    }
    return atoms
