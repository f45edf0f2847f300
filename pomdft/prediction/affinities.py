"""Comparable affinities per contact out of stored affinity documents."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pomdft.analysis.segregation_ligand import ContactAffinity
from pomdft.schemas.affinity import Affinity, AffinityModel
from pomdft.structures.supports import split_support

#: Levels from best to worst; others rank between "lcao-static" and "xtb".
LEVEL_ORDER = ("pw", "fd", "lcao", "lcao-static", "xtb")
#: What models have in common unless something else is asked for.
_USUAL = {
    name: AffinityModel.model_fields[name].default for name in ("cluster", "site", "charge_model")
}
#: Assumed where no ensemble was computed, eV per contact; named in the source of the affinity.
ASSUMED_STD_EV = 0.10


def name_model(ligand: str, metal: str, **asked: str | None) -> AffinityModel:
    """Return the model that a question is about: the usual one but for what is asked.

    Parameters
    ----------
    ligand, metal : str
        Names.
    **asked : str, optional
        Other fields of the model; None for the usual.

    Returns
    -------
    AffinityModel
    """
    given = {name: value for name, value in asked.items() if value is not None}
    return AffinityModel.model_validate({"ligand": ligand, "metal": metal} | given)


def choose_comparable(documents: Iterable[Affinity]) -> dict[str, Affinity]:
    """Choose affinities of one ligand that may be compared between metals.

    Only affinities of the same level (not only its name), cluster, site and charge model are put
    together. Of these sets the one with most metals is taken; of several such clusters before
    single atoms, without a support before with one, the vacancy before other sites, then the best
    level, the usual cluster and compensation of charge (M4, protonated), and the latest.

    Parameters
    ----------
    documents : iterable of Affinity
        Affinities of one ligand, later ones preferred.

    Returns
    -------
    dict
        Metal to affinity.
    """
    sets: dict[tuple[str, str, str, str], dict[str, Affinity]] = {}
    for document in documents:
        model = document.model
        key = (document.level.title, model.cluster, model.site, model.charge_model)
        known = sets.setdefault(key, {})
        previous = known.get(document.metal)
        # Of several orientations the most strongly bound one is the one that is populated.
        if previous is None or document.energy_ev <= previous.energy_ev:
            known[document.metal] = document
    if not sets:
        return {}

    def rank(item: tuple[int, dict[str, Affinity]]) -> tuple[float, ...]:
        number, members = item
        first = next(iter(members.values()))
        model, level = first.model, first.level.name
        quality = LEVEL_ORDER.index(level) if level in LEVEL_ORDER else 3.5
        _, support = split_support(model.cluster)
        return (
            len(members),
            model.cluster != "M1",
            support is None,
            model.site == _USUAL["site"],
            -quality,
            sum(getattr(model, name) == usual for name, usual in _USUAL.items()),
            number,
        )

    return max(enumerate(sets.values()), key=rank)[1]


def collect_contact_affinities(
    documents: Iterable[Affinity],
    metals: tuple[str, ...] | None = None,
    charge_model: str | None = None,
    others: Iterable[Affinity] = (),
) -> dict[str, ContactAffinity]:
    """Return affinities of one ligand per contact, from those that `choose_comparable` chooses.

    Counterpoise-corrected energies are used where every metal of the set has them.

    All energies of the set are divided by one number, the mean of its contacts: a ligand covers
    the same area whatever the metal, and gains its whole binding energy there. Divided by its own
    two contacts a gold cluster would look held more tightly than a silver one that is bound by
    much more through six.

    Parameters
    ----------
    documents : iterable of Affinity
        Affinities of one ligand, later ones preferred.
    metals : tuple of str, optional
        Metals of interest; None for any.
    charge_model : str, optional
        Only with this compensation of charge; None for any.
    others : iterable of Affinity
        What else is known of the ligand: not taken, but looked at for the caveat.

    Returns
    -------
    dict
        Metal to :class:`ContactAffinity`; metals without contacts are left out. Each has a caveat
        where another compensation of charge turns the order of the metals over.
    """
    known = [d for d in documents if d.contacts and (metals is None or d.metal in metals)]
    chosen = choose_comparable(
        d for d in known if charge_model is None or d.model.charge_model == charge_model
    )
    if not chosen:
        return {}
    corrected = _all_corrected(chosen.values())
    contacts = float(np.mean([document.contacts for document in chosen.values()]))
    caveat = _find_reversal([*known, *others], chosen)
    return {
        metal: _per_contact(document, corrected, contacts, caveat)
        for metal, document in chosen.items()
    }


def _find_reversal(known: Sequence[Affinity], chosen: Mapping[str, Affinity]) -> str:
    """Say which metals change places where another charge model compensates the charge."""
    used = next(iter(chosen.values())).model
    others = {d.model.charge_model for d in known} - {used.charge_model}
    found = []
    for charge_model in sorted(others):
        alike = [
            d
            for d in known
            if (d.model.charge_model, d.model.cluster, d.model.site)
            == (charge_model, used.cluster, used.site)
        ]
        other = choose_comparable(alike)
        for pair in itertools.combinations(sorted(chosen.keys() & other.keys()), 2):
            here, there = (_held_more(answer, pair) for answer in (chosen, other))
            if here[0] != there[0]:
                found.append(
                    f"charge model {charge_model} ({next(iter(other.values())).level.name}) holds "
                    f"{there[0]} more tightly than {there[1]}, by {there[2]:.2f} eV a cluster; "
                    f"{used.charge_model}, used here, {here[0]} by {here[2]:.2f} eV"
                )
    return "; ".join(found)


def _held_more(known: Mapping[str, Affinity], pair: tuple[str, str]) -> tuple[str, str, float]:
    """Return of two metals the one that is held more tightly, the other, and the difference."""
    documents = [known[metal] for metal in pair]
    corrected = _all_corrected(documents)
    first, second = (document.energy_ev + _shift(document, corrected) for document in documents)
    ordered = pair if first <= second else pair[::-1]
    return (*ordered, abs(first - second))


def _all_corrected(documents: Iterable[Affinity]) -> bool:
    """Return whether all have a counterpoise correction: else none of a set is corrected."""
    return all(document.counterpoise_energy_ev is not None for document in documents)


def _shift(document: Affinity, corrected: bool) -> float:
    return (document.counterpoise_correction_ev or 0.0) if corrected else 0.0


def _per_contact(
    document: Affinity, corrected: bool, contacts: float, caveat: str
) -> ContactAffinity:
    shift = _shift(document, corrected)
    ensemble = document.ensemble_ev
    members = () if ensemble is None else tuple(((ensemble + shift) / contacts).tolist())
    std, note = document.std_ev, ""
    if std is None and not members:
        std, note = ASSUMED_STD_EV * contacts, f" (std of {ASSUMED_STD_EV} eV assumed)"
    return ContactAffinity(
        document.metal,
        (document.energy_ev + shift) / contacts,
        (std or 0.0) / contacts,
        members,
        f"{document.key}, {document.level.name}, {document.model.charge_model}{note}",
        contacts,
        caveat,
    )
