"""Names of ligands of all kinds, and of metals, checked."""

from __future__ import annotations

from pomdft.errors import UnknownNameError
from pomdft.structures.clusters import known_metals
from pomdft.structures.ligands import find_charge, is_conventional
from pomdft.structures.ligands import list_ligands as list_conventional_ligands
from pomdft.structures.registry import find_definition, list_poms, list_synonyms
from pomdft.structures.supports import SUPPORTS


def list_ligands() -> list[str]:
    """Return the names of all ligands: POMs, conventional protecting ligands and supports."""
    return [*list_poms(), *list_conventional_ligands(), *SUPPORTS]


def check_names(ligand: str | None, metal: str | None) -> str | None:
    """Return the ligand's name as results carry it: ``P2W17O61`` is ``alpha2-P2W17O61``.

    Raises
    ------
    UnknownNameError
        The ligand or metal does not exist; the near names are listed.
    """
    if metal is not None and metal not in known_metals():
        raise UnknownNameError("metal", metal, known_metals())
    if ligand is None:
        return None
    name = list_synonyms().get(ligand, ligand)
    if name not in list_ligands():
        raise UnknownNameError("ligand", ligand, list_ligands(), list_synonyms())
    return name


def carries_charge(ligand: str) -> bool:
    """Return whether a ligand has a charge that a model has to compensate.

    Parameters
    ----------
    ligand : str
        Name, checked.
    """
    if ligand in SUPPORTS:
        return False
    if is_conventional(ligand):
        return find_charge(ligand) != 0
    return find_definition(ligand).charge != 0
