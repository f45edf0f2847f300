"""Calculations behind the data shipped with the package: records, inputs, results and logs.

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
from functools import lru_cache
from importlib import resources

from pomdft.errors import CorruptDocumentError, NotComputedError
from pomdft.schemas.provenance import ArchivedCalculation, CalculationRecord


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
