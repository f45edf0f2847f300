"""Comparable affinities per contact out of stored affinity documents."""

from __future__ import annotations

from collections.abc import Iterable

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
    documents: Iterable[Affinity], metals: tuple[str, ...] | None = None
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

    Returns
    -------
    dict
        Metal to :class:`ContactAffinity`; metals without contacts are left out.
    """
    chosen = choose_comparable(
        d for d in documents if d.contacts and (metals is None or d.metal in metals)
    )
    if not chosen:
        return {}
    corrected = all(d.counterpoise_energy_ev is not None for d in chosen.values())
    contacts = float(np.mean([document.contacts for document in chosen.values()]))
    return {m: _per_contact(document, corrected, contacts) for m, document in chosen.items()}


def _per_contact(document: Affinity, corrected: bool, contacts: float) -> ContactAffinity:
    shift = (document.counterpoise_correction_ev or 0.0) if corrected else 0.0
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
        f"{document.key}, {document.level.name}{note}",
        contacts,
    )
