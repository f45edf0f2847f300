"""Affinities shipped with the package: converged, with provenance, read only.

Layout::

    reference/affinities.json            binding energies
    reference/<kind>.json                other documents, see pomdft.store.documents
    reference/provenance.json            a record of every calculation behind them
    reference/calculations/<key>.json.xz its input and result
    reference/logs/<key>.txt.xz          its GPAW log
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

from pomdft.errors import CorruptDocumentError, NotComputedError
from pomdft.schemas.affinity import BALANCE, OTHER_POSE, SAME_MINIMUM_EV, Affinity
from pomdft.schemas.provenance import ArchivedCalculation, CalculationRecord

#: Roles of the calculations without which an affinity is no affinity.
NEEDED_ROLES = frozenset({"complex", "ligand", "cluster", "frozen-ligand", "frozen-cluster"})
#: Those that have to be relaxed.
MINIMA = tuple(BALANCE)
#: A shipped energy has to follow from its calculations this closely, eV.
TOLERANCE_EV = 1e-6


@lru_cache(maxsize=1)
def load_provenance() -> dict[str, CalculationRecord]:
    """Return the record of every calculation behind the shipped data, by key.

    Raises
    ------
    CorruptDocumentError
        A record is damaged.
    """
    path = resources.files("pomdft.store") / "reference" / "provenance.json"
    if not path.is_file():
        return {}
    records = (
        CalculationRecord.from_json(json.dumps(entry), origin=str(path))
        for entry in json.loads(path.read_text())
    )
    return {record.key: record for record in records}


@lru_cache(maxsize=1)
def load_reference_affinities() -> tuple[Affinity, ...]:
    """Return the shipped affinities.

    Raises
    ------
    CorruptDocumentError
        A shipped document is damaged, unrelaxed, unconverged, without its calculations, or does
        not follow from them.
    """
    path = resources.files("pomdft.store") / "reference" / "affinities.json"
    if not path.is_file():
        return ()
    records = load_provenance()
    return tuple(
        check_reference(Affinity.from_json(json.dumps(entry), origin=str(path)), records)
        for entry in json.loads(path.read_text())
    )


def check_reference(affinity: Affinity, records: Mapping[str, CalculationRecord]) -> Affinity:
    """Return the affinity if it may be shipped.

    Parameters
    ----------
    affinity : Affinity
    records : mapping of str to CalculationRecord
        By key.

    Raises
    ------
    CorruptDocumentError
        It is not relaxed, names no calculations, one of them is unknown or has not reached its
        limit of forces, or the energy is not what follows from them (typed by hand, say).
    """
    name = f"Reference affinity {affinity.key}"
    if not affinity.relaxed or not affinity.level.relax:
        raise CorruptDocumentError(f"{name} is not relaxed.")
    if not set(affinity.calculations) >= NEEDED_ROLES:
        raise CorruptDocumentError(f"{name} lacks its calculations.")
    if affinity.source != "reference":
        raise CorruptDocumentError(f"{name} is marked {affinity.source}.")
    for role, key in affinity.calculations.items():
        if key not in records:
            raise CorruptDocumentError(f"{name}: no record of its calculation {key} ({role}).")
    parts = {role: records[affinity.calculations[role]] for role in MINIMA}
    for role, record in parts.items():
        # A single atom has nothing to relax, yet its relaxation is recorded as one.
        if not record.relaxed:
            raise CorruptDocumentError(f"{name}: the {role} ({record.key}) is not relaxed.")
        if record.level_title != affinity.level.title:
            raise CorruptDocumentError(f"{name}: the {role} is of level {record.level_title}.")
    _check_other_poses(name, affinity, records)
    expected = sum(factor * parts[role].energy_ev for role, factor in BALANCE.items())
    if abs(expected - affinity.energy_ev) > TOLERANCE_EV:
        raise CorruptDocumentError(
            f"{name} says {affinity.energy_ev:.6f} eV, its calculations {expected:.6f} eV."
        )
    return affinity


def _check_other_poses(
    name: str, affinity: Affinity, records: Mapping[str, CalculationRecord]
) -> None:
    lowest = records[affinity.calculations["complex"]].energy_ev
    for role, key in affinity.calculations.items():
        if not role.startswith(OTHER_POSE):
            continue
        if not records[key].relaxed:
            raise CorruptDocumentError(f"{name}: the {role} ({key}) is not relaxed.")
        if records[key].level_title != affinity.level.title:
            raise CorruptDocumentError(f"{name}: the {role} ({key}) is of another level.")
        if records[key].energy_ev < lowest - SAME_MINIMUM_EV:
            raise CorruptDocumentError(f"{name}: the {role} ({key}) is lower than its complex.")


def read_archived(key: str) -> ArchivedCalculation:
    """Return input and result of a calculation behind the shipped data.

    Raises
    ------
    NotComputedError
        There is no such calculation.
    CorruptDocumentError
        Its archive is damaged.
    """
    content = _read_packed("calculations", f"{key}.json.xz")
    return ArchivedCalculation.from_json(content, origin=f"shipped calculation {key}")


def read_archived_log(key: str) -> bytes:
    """Return GPAW's log of a calculation behind the shipped data, without user and folders.

    Raises
    ------
    NotComputedError
        There is no such calculation.
    CorruptDocumentError
        Its archive is damaged.
    """
    return _read_packed("logs", f"{key}.txt.xz")


def _read_packed(folder: str, name: str) -> bytes:
    path = resources.files("pomdft.store") / "reference" / folder / name
    try:
        return lzma.decompress(path.read_bytes())
    except FileNotFoundError:
        raise NotComputedError(f"No {folder}/{name} in the shipped data.") from None
    except lzma.LZMAError as error:
        raise CorruptDocumentError(f"{path} is damaged: {error}.", "Reinstall pomdft.") from error
