"""What a key stands for: in the user's store first, then in the data shipped with the package."""

from __future__ import annotations

from dataclasses import dataclass

from pomdft.errors import NotComputedError
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.calculation import CalculationInput, CalculationResult
from pomdft.store.documents import (
    KINDS,
    StoredDocument,
    load_every_reference_document,
    load_reference_affinities,
)
from pomdft.store.reference import load_provenance, read_archived
from pomdft.store.results import ResultStore


@dataclass(frozen=True)
class Entry:
    """One thing that has a key.

    Attributes
    ----------
    kind : str
        "affinity", "calculation", or another document's kind as in `pomdft.store.documents.KINDS`.
    key : str
    shipped : bool
        Whether it comes with the package and is not in the user's store.
    """

    kind: str
    key: str
    shipped: bool = False


def find_entries(store: ResultStore, prefix: str) -> list[Entry]:
    """Return everything whose key begins with `prefix`.

    Parameters
    ----------
    store : ResultStore
        Asked first; of what it has, the shipped copy is left out.
    prefix : str
        Hexadecimal digits.

    Raises
    ------
    CorruptDocumentError
        A shipped document is damaged.
    """
    own: list[Entry] = []
    if store.root.exists():
        own += [Entry(kind, key) for kind, key in store.index.find_keys(prefix)]
    own += [Entry("calculation", k) for k in store.calculation_keys() if k.startswith(prefix)]
    for kind in KINDS.values():
        paths = sorted((store.root / "documents" / kind).glob("*.json"))
        own += [Entry(kind, path.stem) for path in paths if path.stem.startswith(prefix)]
    shipped = [Entry("affinity", a.key, shipped=True) for a in load_reference_affinities()]
    shipped += [
        Entry(KINDS[type(document)], document.key, shipped=True)
        for document in load_every_reference_document()
    ]
    shipped += [Entry("calculation", key, shipped=True) for key in load_provenance()]
    here = {(entry.kind, entry.key) for entry in own}
    return list(dict.fromkeys(own)) + [
        entry
        for entry in shipped
        if entry.key.startswith(prefix) and (entry.kind, entry.key) not in here
    ]


def read_document(store: ResultStore, entry: Entry) -> Affinity | StoredDocument:
    """Return the document of an entry that is no calculation.

    Raises
    ------
    NotComputedError
        It is gone.
    CorruptDocumentError
        It cannot be read.
    """
    if entry.shipped:
        every = (*load_reference_affinities(), *load_every_reference_document())
        return next(document for document in every if document.key == entry.key)
    if entry.kind == "affinity":
        return store.read_affinity(entry.key)
    kind = next(kind for kind, folder in KINDS.items() if folder == entry.kind)
    path = store.root / "documents" / entry.kind / f"{entry.key}.json"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NotComputedError(f"No {entry.kind} with key {entry.key} in {store.root}.") from None
    return kind.from_json(content, origin=str(path))


def read_calculation(store: ResultStore, key: str) -> tuple[CalculationInput, CalculationResult]:
    """Return input and result of a finished calculation, of the store or shipped.

    Raises
    ------
    NotComputedError
        It is neither in the store nor shipped.
    CorruptDocumentError
        It cannot be read.
    """
    found = store.find_result(key)
    if found is not None:
        return store.read_input(key), found
    if key not in load_provenance():
        raise NotComputedError(
            f"Calculation {key} is neither in {store.root} nor shipped.", "Compute it again."
        )
    archived = read_archived(key)
    return archived.request, archived.result
