"""Of several energies of one model, the one that counts: that of the lowest complex."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from pomdft.errors import PomdftError
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.schemas.poses import choose_pose
from pomdft.store.reference import load_provenance
from pomdft.store.results import ResultStore

E = TypeVar("E", Affinity, IonAffinity)


def keep_lowest(
    known: Iterable[E], store: ResultStore, describe: Callable[[E], Hashable]
) -> list[E]:
    """Return one energy of each model, in their order.

    Of several of one model the one whose complex is lowest in energy counts, whoever computed it:
    a pose that is higher says nothing against a lower one. Of those that have met the same minimum
    (`pomdft.schemas.poses.SAME_MINIMUM_EV`) it is the last.

    Parameters
    ----------
    known : iterable of Affinity or IonAffinity
        Shipped, then the user's own, oldest first.
    store : ResultStore
        The user's.
    describe : callable
        Returns what energies of one model at one level have in common.
    """
    by_model: dict[Hashable, list[E]] = {}
    known = list(known)
    for document in known:
        by_model.setdefault(describe(document), []).append(document)
    chosen = {id(_choose(several[::-1], store)) for several in by_model.values()}
    return [document for document in known if id(document) in chosen]


def _choose(newest_first: list[E], store: ResultStore) -> E:
    if len(newest_first) == 1:
        return newest_first[0]
    return newest_first[choose_pose([_complex_energy_ev(d, store) for d in newest_first])]


def _complex_energy_ev(document: Affinity | IonAffinity, store: ResultStore) -> float:
    """Return the total energy of the complex; infinity where its calculation is gone."""
    key = document.calculations.get("complex", "")
    record = load_provenance().get(key)
    if document.source == "reference" and record is not None:
        return record.energy_ev
    try:
        return store.read_result(key).energy_ev
    except PomdftError:
        return float("inf")
