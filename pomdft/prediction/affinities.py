"""Comparable affinities per contact out of stored affinity documents."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pomdft.analysis.segregation_ligand import ContactAffinity
from pomdft.schemas.affinity import Affinity
from pomdft.structures.supports import split_support

#: Levels from best to worst; others rank between "lcao-static" and "xtb".
LEVEL_ORDER = ("pw", "fd", "lcao", "lcao-static", "xtb")
#: Assumed where no ensemble was computed, eV per contact; named in the source of the affinity.
ASSUMED_STD_EV = 0.10


def collect_contact_affinities(
    documents: Iterable[Affinity], metals: tuple[str, ...] | None = None
) -> dict[str, ContactAffinity]:
    """Choose affinities of one ligand that may be compared between metals.

    Only affinities of the same level (not only its name), cluster, site and charge model are put
    together; of these sets the one with most of the metals is taken, clusters without a support
    before those with one, then the best level, then the latest. Counterpoise-corrected energies
    are used where every metal of the set has them.

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
    sets: dict[tuple[str, str, str, str], dict[str, Affinity]] = {}
    for document in documents:
        if document.contacts == 0 or (metals is not None and document.metal not in metals):
            continue
        model = document.model
        key = (document.level.title, model.cluster, model.site, model.charge_model)
        known = sets.setdefault(key, {})
        previous = known.get(document.metal)
        # Of several orientations the most strongly bound one is the one that is populated.
        if previous is None or document.energy_ev <= previous.energy_ev:
            known[document.metal] = document
    if not sets:
        return {}

    def rank(item: tuple[int, dict[str, Affinity]]) -> tuple[int, bool, float, int]:
        number, members = item
        first = next(iter(members.values()))
        level = first.level.name
        quality = LEVEL_ORDER.index(level) if level in LEVEL_ORDER else 3.5
        _, support = split_support(first.model.cluster)
        return len(members), support is None, -quality, number

    chosen = max(enumerate(sets.values()), key=rank)[1]
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
