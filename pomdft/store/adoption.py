"""Copying the shipped calculations into a store."""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from importlib import resources

from pomdft.errors import CorruptDocumentError
from pomdft.store.documents import document_path, load_every_reference_document, save_document
from pomdft.store.files import write_atomically
from pomdft.store.reference import load_provenance, load_reference_affinities, read_archived
from pomdft.store.results import ResultStore


@dataclass(frozen=True)
class AdoptionReport:
    """What was put into a store.

    Attributes
    ----------
    calculations : int
        New in the store.
    kept : int
        Calculations that the store had already; they stay as they are.
    """

    calculations: int
    kept: int


def copy_shipped(store: ResultStore) -> AdoptionReport:
    """Put every shipped calculation, with its log, and what follows from them into a store.

    Studies at the same level find their parts there: a ligand with another metal, or an ensemble
    of a shipped affinity. Nothing that the store has is changed; documents stay marked as shipped.

    Parameters
    ----------
    store : ResultStore

    Raises
    ------
    CorruptDocumentError
        A shipped document is damaged.
    StoreError
        The store cannot be written.
    """
    new = 0
    records = load_provenance()
    for key in records:
        if store.find_result(key) is not None:
            continue
        archived = read_archived(key)
        folder = store.begin(archived.request)
        write_atomically(folder / "gpaw.txt", read_log(key))
        store.save_result(archived.request, archived.result)
        new += 1
    for affinity in load_reference_affinities():
        store.save_affinity(affinity)
    for document in load_every_reference_document():
        if not document_path(store.root, document).exists():
            save_document(store.root, document)
    return AdoptionReport(calculations=new, kept=len(records) - new)


def read_log(key: str) -> bytes:
    """Return the GPAW log of a shipped calculation.

    Raises
    ------
    CorruptDocumentError
        It is missing or damaged.
    """
    path = resources.files("pomdft.store") / "reference" / "logs" / f"{key}.txt.xz"
    try:
        return lzma.decompress(path.read_bytes())
    except (FileNotFoundError, lzma.LZMAError) as error:
        raise CorruptDocumentError(
            f"The shipped log {path} cannot be read: {error}.", "Reinstall pomdft."
        ) from error
