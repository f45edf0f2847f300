"""Copying the shipped calculations into a store."""

from __future__ import annotations

from dataclasses import dataclass

from pomdft.store.documents import (
    document_path,
    load_every_reference_document,
    load_reference_affinities,
    save_document,
)
from pomdft.store.files import write_atomically
from pomdft.store.reference import load_provenance, read_archived, read_archived_log
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
    of a shipped affinity. Nothing that the store has is changed; documents stay marked as shipped,
    and one that names a calculation whose energy is another in the store is left out.

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
        write_atomically(folder / "gpaw.txt", read_archived_log(key))
        store.save_result(archived.request, archived.result)
        new += 1
    # What follows from calculations of one's own is for their owner to assemble.
    same = {
        k for k, record in records.items() if store.read_result(k).energy_ev == record.energy_ev
    }
    known = {affinity.key for affinity in store.affinities()}
    for affinity in load_reference_affinities():
        if affinity.key not in known and same.issuperset(affinity.calculations.values()):
            store.save_affinity(affinity)
    for document in load_every_reference_document():
        here = document_path(store.root, document).exists()
        if not here and same.issuperset(document.calculations.values()):
            save_document(store.root, document)
    return AdoptionReport(calculations=new, kept=len(records) - new)
