"""Derived documents: one JSON file each, and those that are shipped with the package.

Layout::

    <store>/documents/<kind>/<key>.json     all but affinities, see pomdft.store.results
    pomdft/store/reference/<kind>.json      shipped with the package, a list
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pomdft.errors import CorruptDocumentError
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.base import Document
from pomdft.schemas.bulk import BulkMetal
from pomdft.schemas.dband import DBand
from pomdft.schemas.interaction import InteractionEnergy
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.schemas.protonation import ProtonationEnergy
from pomdft.schemas.reaction import ReactionEnergy
from pomdft.schemas.segregation import SegregationEnergyDocument, SubstitutionEnergyDocument
from pomdft.store.checks import check_document
from pomdft.store.files import write_atomically
from pomdft.store.reference import load_provenance

StoredReaction = (
    SegregationEnergyDocument | SubstitutionEnergyDocument | IonAffinity | ProtonationEnergy
)
StoredDocument = BulkMetal | DBand | StoredReaction | InteractionEnergy
D = TypeVar(
    "D",
    BulkMetal,
    DBand,
    SegregationEnergyDocument,
    SubstitutionEnergyDocument,
    IonAffinity,
    ProtonationEnergy,
    InteractionEnergy,
)
S = TypeVar("S", bound=Document)

#: Class -> folder in the store, and name of the shipped file.
KINDS: dict[type[StoredDocument], str] = {
    BulkMetal: "bulk",
    DBand: "d_band",
    SegregationEnergyDocument: "segregation",
    SubstitutionEnergyDocument: "substitution",
    IonAffinity: "ion_affinity",
    ProtonationEnergy: "protonation",
    InteractionEnergy: "interaction",
}


def save_document(root: Path, document: StoredDocument) -> Path:
    """Write a document into the store at `root`; return its path."""
    path = document_path(root, document)
    write_atomically(path, document.to_json())
    return path


def document_path(root: Path, document: StoredDocument) -> Path:
    """Return where the store at `root` has a document, or would have it."""
    return root / "documents" / KINDS[type(document)] / f"{document.key}.json"


def keep_document(root: Path, document: D) -> D:
    """Return the document as it is in the store: put there, or the same one that is there already.

    Parameters
    ----------
    root : Path
        The store.
    document : StoredDocument
        An equal one that was finished earlier is kept, so that nothing changes when finished work
        is asked for again; so is what was added to it, see
        `pomdft.schemas.reaction.ReactionEnergy.with_additions`.
    """
    path = document_path(root, document)
    if path.exists():
        try:
            known = type(document).from_json(path.read_bytes(), str(path))
        except CorruptDocumentError:
            known = None
        if known is not None:
            if isinstance(document, ReactionEnergy) and isinstance(known, ReactionEnergy):
                document = document.with_additions(known)
            if known == document.model_copy(update={"finished": known.finished}):
                return known
    save_document(root, document)
    return document


def list_documents(root: Path, kind: type[D]) -> list[D]:
    """Return all documents of one kind in the store at `root`, oldest first.

    Raises
    ------
    CorruptDocumentError
        One cannot be read; its path is named.
    """
    return [document for document in list_every(root, kind) if isinstance(document, kind)]


def list_every(root: Path, kind: type[StoredDocument]) -> list[StoredDocument]:
    """Return the same as `list_documents`, for a kind known only while running."""
    folder = root / "documents" / KINDS[kind]
    found = [kind.from_json(path.read_bytes(), str(path)) for path in folder.glob("*.json")]
    return sorted(found, key=lambda document: (document.finished, document.key))


def load_reference_documents(kind: type[D]) -> tuple[D, ...]:
    """Return the documents of one kind that are shipped with the package.

    Raises
    ------
    CorruptDocumentError
        A shipped document is damaged or does not pass `pomdft.store.checks.check_document`.
    """
    return tuple(d for d in _load_shipped(KINDS[kind]) if isinstance(d, kind))


def load_every_reference_document() -> tuple[StoredDocument, ...]:
    """Return the shipped documents of all kinds; raises like `load_reference_documents`."""
    return tuple(itertools.chain.from_iterable(_load_shipped(name) for name in KINDS.values()))


@lru_cache(maxsize=1)
def load_reference_affinities() -> tuple[Affinity, ...]:
    """Return the affinities that are shipped with the package.

    Raises
    ------
    CorruptDocumentError
        A shipped document is damaged or does not pass `pomdft.store.checks.check_document`.
    """
    records = load_provenance()
    return tuple(check_document(a, records) for a in _read_shipped("affinities", Affinity))


@lru_cache(maxsize=8)
def _load_shipped(name: str) -> tuple[StoredDocument, ...]:
    records = load_provenance()
    kind = next(kind for kind, folder in KINDS.items() if folder == name)
    return tuple(check_document(document, records) for document in _read_shipped(name, kind))


def _read_shipped(name: str, kind: type[S]) -> list[S]:
    path = resources.files("pomdft.store") / "reference" / f"{name}.json"
    if not path.is_file():
        return []
    entries = json.loads(path.read_text())
    return [kind.from_json(json.dumps(entry), str(path)) for entry in entries]


def find_documents(root: Path, kind: type[D], accept: Callable[[D], bool]) -> list[D]:
    """Return shipped, then own documents that `accept` takes; the last one counts.

    Parameters
    ----------
    root : Path
        The user's store.
    kind : type
        Which documents.
    accept : callable
        Says whether a document is wanted.
    """
    every = itertools.chain(load_reference_documents(kind), list_documents(root, kind))
    return [document for document in every if accept(document)]


def find_segregation_documents(root: Path) -> list[SegregationEnergyDocument]:
    """Return relaxed segregation energies, shipped, then own ones; the last one of a pair counts.

    The two directions of a pair are used together, so own ones of a slab and level that has both
    come after own single ones. Of slabs that differ in their layers the thicker one comes later: in
    it the solute inside is further from both surfaces.

    Parameters
    ----------
    root : Path
        The user's store.
    """
    found = find_documents(root, SegregationEnergyDocument, lambda d: d.relaxed)
    hosts: dict[tuple[object, ...], set[str]] = {}
    for document in found:
        hosts.setdefault(_describe_study(document), set()).add(document.host)
    return sorted(
        found, key=lambda d: (d.source != "reference", len(hosts[_describe_study(d)]), d.layers)
    )


def _describe_study(document: SegregationEnergyDocument) -> tuple[object, ...]:
    """Return what both directions of a pair share where they were computed alike."""
    pair = frozenset((document.host, document.solute))
    slab = (document.facet, document.layers, document.repeat)
    return (pair, *slab, document.level.title, document.source)
