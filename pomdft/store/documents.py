"""Derived documents other than affinities: one JSON file each, shipped ones beside them.

Layout::

    <store>/documents/<kind>/<key>.json
    pomdft/store/reference/<kind>.json      shipped with the package, a list
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pomdft.errors import CorruptDocumentError, PomdftError
from pomdft.schemas.bulk import BulkMetal
from pomdft.schemas.dband import DBand
from pomdft.schemas.interaction import InteractionEnergy
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.schemas.level import Level
from pomdft.schemas.protonation import ProtonationEnergy
from pomdft.schemas.provenance import CalculationRecord
from pomdft.schemas.reaction import ENSEMBLE_ROLE, ReactionEnergy
from pomdft.schemas.segregation import SegregationEnergyDocument, SubstitutionEnergyDocument
from pomdft.store.files import write_atomically
from pomdft.store.reference import TOLERANCE_EV, load_provenance, read_archived

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
        is asked for again; also one to which an ensemble was added.
    """
    path = document_path(root, document)
    if path.exists():
        try:
            known = type(document).from_json(path.read_bytes(), str(path))
        except CorruptDocumentError:
            known = None
        if known is not None and _says_no_less(known, document):
            return known
    save_document(root, document)
    return document


def _says_no_less(known: StoredDocument, document: StoredDocument) -> bool:
    """Return whether a stored document has all that a new one of the same key says."""
    changes: dict[str, Any] = {"finished": document.finished}
    if isinstance(document, ReactionEnergy) and document.std_ev is None:
        added = {role for role in known.calculations if role.startswith(ENSEMBLE_ROLE)}
        own = {role: key for role, key in known.calculations.items() if role not in added}
        changes |= {"std_ev": None, "beef_terms_ev": None, "calculations": own}
    return known.model_copy(update=changes) == document


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
        A shipped document is damaged or does not pass `check_reference_document`.
    """
    return tuple(d for d in _load_shipped(KINDS[kind]) if isinstance(d, kind))


def load_every_reference_document() -> tuple[StoredDocument, ...]:
    """Return the shipped documents of all kinds; raises like `load_reference_documents`."""
    return tuple(itertools.chain.from_iterable(_load_shipped(name) for name in KINDS.values()))


@lru_cache(maxsize=8)
def _load_shipped(name: str) -> tuple[StoredDocument, ...]:
    path = resources.files("pomdft.store") / "reference" / f"{name}.json"
    if not path.is_file():
        return ()
    records = load_provenance()
    kind = next(kind for kind, folder in KINDS.items() if folder == name)
    return tuple(
        check_reference_document(kind.from_json(json.dumps(entry), str(path)), records)
        for entry in json.loads(path.read_text())
    )


def check_reference_document(
    document: StoredDocument, records: Mapping[str, CalculationRecord]
) -> StoredDocument:
    """Return the document if it may be shipped.

    Parameters
    ----------
    document : StoredDocument
    records : mapping of str to CalculationRecord
        By key.

    Raises
    ------
    CorruptDocumentError
        It is not marked "reference", one of its calculations is unknown, or it is an energy
        (segregation, substitution, ion affinity, protonation) that is unrelaxed, of calculations
        at another level, or does not follow from its calculations, or a cohesive or interaction
        energy that does not.
    """
    name = f"Reference document {document.key}"
    if document.source != "reference":
        raise CorruptDocumentError(f"{name} is marked {document.source}.")
    for role, key in document.calculations.items():
        if key not in records:
            raise CorruptDocumentError(f"{name}: no record of its calculation {key} ({role}).")
    if isinstance(document, BulkMetal) and document.cohesive_energy_ev_per_atom is not None:
        if "atom" not in document.calculations:
            raise CorruptDocumentError(f"{name} lacks its calculations.")
        atom = records[document.calculations["atom"]].energy_ev
        expected = atom - document.energy_ev_per_atom
        _check_energy(name, document.cohesive_energy_ev_per_atom, expected)
    if isinstance(document, ReactionEnergy):
        _check_reaction(name, document, records)
    if isinstance(document, IonAffinity):
        shift = document.energy_ev / document.oxidation_state
        if abs(document.potential_shift_v - shift) > TOLERANCE_EV:
            raise CorruptDocumentError(
                f"{name} says {document.potential_shift_v:.6f} V, its energy {shift:.6f} V."
            )
    if isinstance(document, InteractionEnergy):
        _check_interaction(name, document, records)
    return document


def _check_reaction(
    name: str, document: ReactionEnergy, records: Mapping[str, CalculationRecord]
) -> None:
    balance = document.balance
    roles = set(balance)
    if document.std_ev is not None:
        roles |= {f"{ENSEMBLE_ROLE}{role}" for role in balance}
    if set(document.calculations) != roles:
        raise CorruptDocumentError(f"{name} lacks its calculations.")
    parts = {role: records[document.calculations[role]] for role in roles}
    minima = [parts[role] for role in document.minima]
    _check_relaxed(name, document.relaxed and document.level.relax, minima)
    _check_level(name, document.level, parts)
    expected = sum(factor * parts[role].energy_ev for role, factor in balance.items())
    _check_energy(name, document.energy_ev, expected)


def _check_interaction(
    name: str, document: InteractionEnergy, records: Mapping[str, CalculationRecord]
) -> None:
    keys = dict(document.calculations)
    if "geometry" not in keys:
        raise CorruptDocumentError(f"{name} lacks its calculations.")
    _check_relaxed(name, True, [records[keys.pop("geometry")]])
    for fragments, given in (
        (("frozen-ligand", "frozen-cluster"), document.energy_ev),
        (("ghost-ligand", "ghost-cluster"), document.counterpoise_energy_ev),
    ):
        roles = ("complex", *fragments)
        if given is None:
            continue
        if not set(roles) <= set(keys):
            raise CorruptDocumentError(f"{name} lacks its calculations.")
        parts = {role: records[keys[role]] for role in roles}
        _check_level(name, document.level, parts)
        whole, *others = (part.energy_ev for part in parts.values())
        _check_energy(name, given, whole - sum(others))


def _check_level(name: str, level: Level, parts: Mapping[str, CalculationRecord]) -> None:
    for role, record in parts.items():
        if record.level_title != level.title and not _is_the_same_at(level, record.key):
            raise CorruptDocumentError(f"{name}: the {role} is of level {record.level_title}.")


def _is_the_same_at(level: Level, key: str) -> bool:
    """Return whether what sets a level apart does not enter a calculation, and so not its key.

    Levels that differ in which atoms of a POM move share the calculations of small molecules.
    """
    try:
        request = read_archived(key).request
    except PomdftError:
        return False
    return request.model_copy(update={"level": level}).key == key


def _check_relaxed(name: str, relaxed: bool, records: Iterable[CalculationRecord]) -> None:
    if not relaxed or not all(record.relaxed for record in records):
        raise CorruptDocumentError(f"{name} is not relaxed.")


def _check_energy(name: str, given_ev: float, expected_ev: float) -> None:
    if abs(given_ev - expected_ev) > TOLERANCE_EV:
        raise CorruptDocumentError(
            f"{name} says {given_ev:.6f} eV, its calculations {expected_ev:.6f} eV."
        )


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
