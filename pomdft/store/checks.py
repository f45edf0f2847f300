"""What a document has to pass before it is shipped with the package or read from there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pomdft.errors import CorruptDocumentError, PomdftError
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.bulk import STRAIN_ROLE, BulkMetal
from pomdft.schemas.dband import DBand
from pomdft.schemas.interaction import InteractionEnergy
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.schemas.level import Level
from pomdft.schemas.poses import SAME_MINIMUM_EV, other_poses
from pomdft.schemas.provenance import CalculationRecord
from pomdft.schemas.reaction import ENSEMBLE_ROLE, ReactionEnergy
from pomdft.store.reference import read_archived

#: A shipped energy has to follow from its calculations this closely, eV.
TOLERANCE_EV = 1e-6
#: Calculations of an affinity beside its minima: the first two are needed.
_FROZEN = frozenset({"frozen-ligand", "frozen-cluster"})
_GHOSTS = frozenset({"ghost-ligand", "ghost-cluster"})

Checked = TypeVar("Checked", bound=BulkMetal | DBand | ReactionEnergy | InteractionEnergy)
Records = Mapping[str, CalculationRecord]


def check_document(document: Checked, records: Records) -> Checked:
    """Return the document if it may be shipped.

    Parameters
    ----------
    document : BulkMetal, DBand, ReactionEnergy or InteractionEnergy
    records : mapping of str to CalculationRecord
        By key.

    Raises
    ------
    CorruptDocumentError
        It is not marked "reference", one of its calculations is missing or unknown, or it is an
        energy that is unrelaxed, of calculations at another level, or does not follow from its
        calculations (typed by hand, say).
    """
    name = f"Reference document {document.key}"
    if document.source != "reference":
        raise CorruptDocumentError(f"{name} is marked {document.source}.")
    for role, key in document.calculations.items():
        if key not in records:
            raise CorruptDocumentError(f"{name}: no record of its calculation {key} ({role}).")
    if isinstance(document, BulkMetal):
        _check_bulk(name, document, records)
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


def _check_bulk(name: str, document: BulkMetal, records: Records) -> None:
    keys = document.calculations
    with_atom = document.cohesive_energy_ev_per_atom is not None
    needed = {"atom"} if with_atom else set()
    if document.lattice_constant_std_angstrom is not None:
        needed |= {f"{ENSEMBLE_ROLE}{role}" for role in keys if role.startswith(STRAIN_ROLE)}
    if document.cohesive_std_ev_per_atom is not None:
        needed.add(f"{ENSEMBLE_ROLE}atom")
    if not needed <= set(keys):
        raise CorruptDocumentError(f"{name} lacks its calculations.")
    if document.cohesive_energy_ev_per_atom is not None:
        expected = records[keys["atom"]].energy_ev - document.energy_ev_per_atom
        _check_energy(name, document.cohesive_energy_ev_per_atom, expected)


def _check_reaction(name: str, document: ReactionEnergy, records: Records) -> None:
    balance = document.balance
    needed = set(balance)
    if document.std_ev is not None:
        needed |= {f"{ENSEMBLE_ROLE}{role}" for role in balance}
    allowed = needed | set(other_poses(document.calculations) if "complex" in balance else ())
    if isinstance(document, Affinity):
        needed |= _FROZEN
        allowed |= _FROZEN | _GHOSTS
    if not needed <= set(document.calculations) <= allowed:
        raise CorruptDocumentError(f"{name} lacks its calculations.")
    parts = {role: records[key] for role, key in document.calculations.items()}
    poses = {role: parts[role] for role in other_poses(document.calculations)}
    minima = {role: parts[role] for role in document.minima} | poses
    if not document.relaxed or not document.level.relax:
        raise CorruptDocumentError(f"{name} is not relaxed.")
    for role, record in minima.items():
        # A single atom has nothing to relax, yet its relaxation is recorded as one.
        if not record.relaxed:
            raise CorruptDocumentError(f"{name}: the {role} ({record.key}) is not relaxed.")
    _check_level(name, document.level, parts)
    for role, record in poses.items():
        if record.energy_ev < parts["complex"].energy_ev - SAME_MINIMUM_EV:
            raise CorruptDocumentError(
                f"{name}: the {role} ({record.key}) is lower than its complex."
            )
    expected = sum(factor * parts[role].energy_ev for role, factor in balance.items())
    _check_energy(name, document.energy_ev, expected)


def _check_interaction(name: str, document: InteractionEnergy, records: Records) -> None:
    keys = dict(document.calculations)
    if "geometry" not in keys:
        raise CorruptDocumentError(f"{name} lacks its calculations.")
    if not records[keys.pop("geometry")].relaxed:
        raise CorruptDocumentError(f"{name}: its geometry is not relaxed.")
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


def _check_level(name: str, level: Level, parts: Records) -> None:
    for role, record in parts.items():
        if record.level_title != level.title and not _is_the_same_at(level, record.key):
            raise CorruptDocumentError(
                f"{name}: the {role} ({record.key}) is of level {record.level_title}."
            )


def _is_the_same_at(level: Level, key: str) -> bool:
    """Return whether what sets a level apart does not enter a calculation, and so not its key.

    Levels that differ in which atoms of a POM move share the calculations of small molecules.
    """
    try:
        request = read_archived(key).request
    except PomdftError:
        return False
    return request.model_copy(update={"level": level}).key == key


def _check_energy(name: str, given_ev: float, expected_ev: float) -> None:
    if abs(given_ev - expected_ev) > TOLERANCE_EV:
        raise CorruptDocumentError(
            f"{name} says {given_ev:.6f} eV, its calculations {expected_ev:.6f} eV."
        )
