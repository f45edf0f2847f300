"""Export finished work of a store as shipped data: `python -m pomdft.store.export --help`.

Every document goes through the checks of the loader before it is written; what does not pass is
named and left out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import re
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from pomdft.errors import PomdftError, StoreError
from pomdft.schemas.dband import DBand
from pomdft.schemas.provenance import ArchivedCalculation, CalculationRecord
from pomdft.settings import load_settings
from pomdft.store.checks import check_document
from pomdft.store.documents import (
    KINDS,
    list_every,
)
from pomdft.store.files import write_atomically
from pomdft.store.results import ResultStore

#: Only affinities of these levels are shipped unless others are asked for.
DEFAULT_LEVELS = ("lcao", "lcao-water")
_MACHINE_LINES = re.compile(rb"^(?:User|Pid|CWD):.*\n", re.MULTILINE)
_FOLDERS = re.compile(rb"(?<=\s)/(?:[\w.+-]+/)+")


def export_reference(
    store: ResultStore,
    target: Path,
    levels: Iterable[str] = DEFAULT_LEVELS,
    drop: Collection[str] = (),
) -> list[str]:
    """Write all finished affinities and other documents of a store as shipped data.

    Parameters
    ----------
    store : ResultStore
        Where they were computed.
    target : Path
        The folder pomdft/store/reference of a source tree. Documents that it holds already and
        the store does not are kept.
    levels : iterable of str
        Affinities of levels of these names only.
    drop : collection of str
        Keys of documents that are no longer shipped, with the calculations that only they need;
        with an affinity go the d-bands of its clusters.

    Returns
    -------
    list of str
        One line for each document: written, or left out and why.

    Raises
    ------
    CorruptDocumentError
        A document of the store cannot be read; nothing is written.
    """
    # All of it is read before anything is written: a damaged document must leave no half export.
    wanted = [affinity for level in levels for affinity in store.affinities(level=level)]
    documents = {kind: list_every(store.root, kind) for kind in KINDS}
    records = {record.key: record for record in _read_records(target)}
    lines = []
    affinities = {entry["key"]: entry for entry in _read_list(target / "affinities.json")}
    for affinity in wanted:
        shipped = affinity.model_copy(update={"source": "reference"})
        try:
            found = _archive(store, target, shipped.calculations.values())
            check_document(shipped, records | found)
        except PomdftError as error:
            lines.append(f"left out {affinity!r}: {error}")
            continue
        records |= found
        affinities[shipped.key] = shipped.model_dump(mode="json")
        lines.append(f"affinity {affinity!r}")
    kept = {"affinities.json": affinities}
    for kind, name in KINDS.items():
        entries = {entry["key"]: entry for entry in _read_list(target / f"{name}.json")}
        for document in documents[kind]:
            other = document.model_copy(update={"source": "reference"})
            try:
                found = _archive(store, target, other.calculations.values())
                check_document(other, records | found)
            except PomdftError as error:
                lines.append(f"left out {document!r}: {error}")
                continue
            records |= found
            entries[other.key] = other.model_dump(mode="json")
            lines.append(f"{name} {document!r}")
        kept |= {f"{name}.json": entries}
    drop = {*drop, *_find_orphaned_bands(kept, drop)}
    lines += [f"dropped {key}" for entries in kept.values() for key in set(drop) & set(entries)]
    unknown = set(drop).difference(*kept.values())
    lines += [f"nothing shipped has the key {key}" for key in sorted(unknown)]
    for name, entries in kept.items():
        kept[name] = {key: entry for key, entry in entries.items() if key not in drop}
        _write_list(target / name, list(kept[name].values()))
    needed = {key for entries in kept.values() for e in entries.values() for key in _used(e)}
    dumped = [records[key].model_dump(mode="json") for key in sorted(needed & set(records))]
    _write_list(target / "provenance.json", dumped)
    for path in [*target.glob("calculations/*.xz"), *target.glob("logs/*.xz")]:
        if path.name.partition(".")[0] not in needed:
            path.unlink()
    return lines


def _find_orphaned_bands(
    kept: dict[str, dict[str, dict[str, Any]]], drop: Collection[str]
) -> Iterable[str]:
    """Return the keys of d-bands of clusters that no affinity is made with any more."""
    stays = {
        used
        for key, entry in kept["affinities.json"].items()
        if key not in drop
        for used in _used(entry)
    }
    for key, entry in kept[f"{KINDS[DBand]}.json"].items():
        if entry["facet"].startswith("M") and stays.isdisjoint(_used(entry)):
            yield key


def _used(entry: dict[str, Any]) -> Iterable[str]:
    """Return the keys of the calculations that a document is made of."""
    return dict(entry["calculations"]).values()


def _archive(store: ResultStore, target: Path, keys: Iterable[str]) -> dict[str, CalculationRecord]:
    """Write input, result and log of calculations; return their records."""
    return {key: _archive_one(store, target, key) for key in sorted(set(keys))}


def _archive_one(store: ResultStore, target: Path, key: str) -> CalculationRecord:
    request, result = store.read_input(key), store.read_result(key)
    if request.key != key:
        raise StoreError(f"Calculation {key} has the input of {request.key}.", "Compute it again.")
    logs = [*sorted(store.folder(key).glob("gpaw.*.txt")), store.folder(key) / "gpaw.txt"]
    text = strip_machine(b"".join(path.read_bytes() for path in logs if path.exists()))
    if request.level.method == "gpaw" and not text:
        raise StoreError(f"Calculation {key} has no GPAW log.", "Compute it again.")
    archived = ArchivedCalculation(request=request, result=result).model_dump_json().encode()
    packed = lzma.compress(archived, preset=9)
    write_atomically(target / "calculations" / f"{key}.json.xz", packed)
    write_atomically(target / "logs" / f"{key}.txt.xz", lzma.compress(text, preset=9))
    return CalculationRecord(
        key=key,
        label=request.model.label,
        task=request.task,
        level_title=request.level.title,
        energy_ev=result.energy_ev,
        max_force_ev_per_angstrom=result.max_force_ev_per_angstrom,
        fmax_ev_per_angstrom=request.level.relaxation.fmax_ev_per_angstrom,
        codes=result.codes,
        wall_time_s=result.wall_time_s,
        n_ranks=result.n_ranks,
        finished=result.finished,
        archive_sha256=hashlib.sha256(packed).hexdigest(),
        log_sha256=hashlib.sha256(text).hexdigest(),
    )


def strip_machine(log: bytes) -> bytes:
    """Return a GPAW log without user, process number and the folders of the machine."""
    return _FOLDERS.sub(b"", _MACHINE_LINES.sub(b"", log))


def _read_records(target: Path) -> list[CalculationRecord]:
    entries = _read_list(target / "provenance.json")
    return [CalculationRecord.model_validate(entry) for entry in entries]


def _read_list(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    entries: list[dict[str, Any]] = json.loads(path.read_text())
    return entries


def _write_list(path: Path, entries: list[dict[str, Any]]) -> None:
    if entries or path.exists():
        write_atomically(path, json.dumps(entries, indent=None, separators=(",", ":")) + "\n")


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="python -m pomdft.store.export", description=__doc__)
    here = Path(__file__).parent / "reference"
    parser.add_argument("--target", type=Path, default=here, help="folder of the shipped data")
    parser.add_argument("--level", action="append", help=f"levels; by default {DEFAULT_LEVELS}")
    parser.add_argument("--drop", action="append", help="key of what is no longer shipped")
    chosen = parser.parse_args()
    store = ResultStore(load_settings().store)
    try:
        lines = export_reference(
            store, chosen.target, chosen.level or DEFAULT_LEVELS, chosen.drop or ()
        )
    except PomdftError as error:
        sys.exit(f"error: {error}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
