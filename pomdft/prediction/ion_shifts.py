"""Ion affinities for the co-reduction route: by hand, else computed ones, and what is said of it.

A shift of one salt alone would move it against the other by the whole hold of the ligand, so that
computed values are used only where both metals of a pair have one, at one level.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pomdft.errors import NotComputedError
from pomdft.prediction.reduction import CoReduction, find_potential
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.store.solution import load_ion_affinities

#: Said with every computed value.
_CAVEAT = "electronic and continuum energies, without entropy, protons or counter-cations"


def fill_in_ions(
    plan: CoReduction | None, ligand: str | None, metals: tuple[str, ...]
) -> CoReduction:
    """Return the same as `with_known_ions`, with what the store and the shipped data know.

    Parameters are those of `with_known_ions`.
    """
    known = [] if ligand is None else load_ion_affinities(ligand)
    return with_known_ions(plan, ligand, metals, known)


def with_known_ions(
    plan: CoReduction | None,
    ligand: str | None,
    metals: tuple[str, ...],
    documents: Iterable[IonAffinity],
) -> CoReduction:
    """Return a plan with computed ion affinities where none are given by hand.

    Parameters
    ----------
    plan : CoReduction or None
        What the user gave; None for the default.
    ligand : str or None
        Protecting ligand.
    metals : tuple of str
        The pair.
    documents : iterable of IonAffinity
        Known ones of this ligand; of equal ones the last counts. Only relaxed ones of GPAW are
        used.

    Returns
    -------
    CoReduction
        With `ion_affinity_ev` and `ion_std_ev` filled in where that is possible, and `ion_note` to
        say so.
    """
    plan = plan or CoReduction()
    if ligand is None:
        return plan
    try:
        salts = {metal: find_potential(metal, plan).salt for metal in metals}
    except NotComputedError:
        # The route itself tells, with what to do about it.
        return plan
    asked = [metal for metal in metals if metal not in plan.ion_affinity_ev]
    if not asked:
        return replace(plan, ion_note="Ion affinities were given by hand.")
    usable = [d for d in documents if d.ligand == ligand and d.relaxed and d.level.method == "gpaw"]
    best = _choose_level(usable, salts, asked)
    missing = [salts[metal] for metal in asked if metal not in best]
    if missing:
        known = f", only for {', '.join(salts[m] for m in asked if m in best)}" if best else ""
        note = (
            f"No ion affinity of {ligand} for {' and '.join(missing)} is known{known}: potentials "
            "are not shifted by computed ion affinities"
        )
        return replace(plan, ion_note=f"{note}.")
    note = "; ".join(_describe(best[metal]) for metal in asked)
    given = [metal for metal in metals if metal in plan.ion_affinity_ev]
    if given:
        note += f"; {', '.join(given)} by hand"
    return replace(
        plan,
        ion_affinity_ev={
            **plan.ion_affinity_ev,
            **{metal: best[metal].energy_ev for metal in asked},
        },
        ion_std_ev={
            **plan.ion_std_ev,
            **{m: std for m in asked if (std := best[m].std_ev) is not None},
        },
        ion_note=f"Ion affinities ({_CAVEAT}): {note}.",
    )


def _choose_level(
    documents: list[IonAffinity], salts: dict[str, str], metals: list[str]
) -> dict[str, IonAffinity]:
    """Return metal -> document, of the one level that knows most of the metals, newest first."""
    by_level: dict[str, dict[str, IonAffinity]] = {}
    for document in documents:
        if document.metal in metals and document.salt == salts[document.metal]:
            # Taken out and put in again, so that the level of the newest document comes last.
            held = by_level.pop(document.level.title, {})
            by_level[document.level.title] = {**held, document.metal: document}
    return max(reversed(by_level.values()), key=len, default={})


def _describe(document: IonAffinity) -> str:
    unknown = document.std_ev is None
    std = "" if unknown else f" +- {document.std_ev:.2f}"
    return (
        f"{document.salt} {document.energy_ev:+.2f}{std} eV ({document.level.title}, "
        f"{document.source}, key {document.key}{', no uncertainty computed' if unknown else ''})"
    )
