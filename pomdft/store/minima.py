"""Of several energies of one model, the one that counts: that of the lowest complex."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from pomdft.errors import PomdftError
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.schemas.poses import SAME_MINIMUM_EV, choose_pose
from pomdft.store.reference import load_provenance
from pomdft.store.results import ResultStore

E = TypeVar("E", Affinity, IonAffinity)


def keep_lowest(
    known: Iterable[E], store: ResultStore, describe: Callable[[E], Hashable]
) -> list[E]:
    """Return one energy of each model, in their order.

    Of several of one model the one whose complex is lowest in energy counts, whoever computed it:
    a pose that is higher says nothing against a lower one. Of those that have met the same minimum
    (`pomdft.schemas.poses.SAME_MINIMUM_EV`) it is the last; where it has no ensemble of the
    functional and another of the same energy has, it is given that one's.

    Parameters
    ----------
    known : iterable of Affinity or IonAffinity
        Shipped, then the user's own, oldest first.
    store : ResultStore
        The user's.
    describe : callable
        Returns what energies of one model at one level have in common.
    """
    by_model: dict[Hashable, list[tuple[int, E]]] = {}
    for numbered in enumerate(known):
        by_model.setdefault(describe(numbered[1]), []).append(numbered)
    found = dict(_choose(several, store) for several in by_model.values())
    return [found[place] for place in sorted(found)]


def _choose(several: list[tuple[int, E]], store: ResultStore) -> tuple[int, E]:
    """Return the place of the energy that counts, and the energy."""
    if len(several) == 1:
        return several[0]
    newest_first = several[::-1]
    complexes_ev = [_complex_energy_ev(document, store) for _, document in newest_first]
    lowest = choose_pose(complexes_ev)
    place, chosen = newest_first[lowest]
    if chosen.std_ev is None:
        for (_, other), complex_ev in zip(newest_first, complexes_ev, strict=True):
            differences_ev = (complex_ev - complexes_ev[lowest], other.energy_ev - chosen.energy_ev)
            same = all(abs(difference) <= SAME_MINIMUM_EV for difference in differences_ev)
            if same and other.std_ev is not None:
                return place, chosen.with_ensemble_of(other)
    return place, chosen


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
