"""What predictions take from the store besides affinities: segregation energies and d-bands."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pomdft.analysis.segregation import ComputedSegregation
from pomdft.errors import NotComputedError
from pomdft.prediction.affinities import choose_comparable, name_model
from pomdft.schemas.affinity import Affinity, AffinityModel
from pomdft.schemas.dband import DBand
from pomdft.schemas.reaction import ENSEMBLE_ROLE
from pomdft.store.documents import find_documents, find_segregation_documents

#: Assumed standard deviation, eV, of what a slab swap leaves out besides the functional: a slab of
#: few layers, the second one instead of the bulk. As far as the shipped ones lie from LMTO's.
COMPUTED_STD_EV = 0.10


@dataclass(frozen=True)
class LigandShift:
    """Shift of the d-band centre of a metal by a ligand.

    Attributes
    ----------
    metal, ligand : str
        Names.
    shift_ev : float
        Centre of the protected cluster less that of the bare one, eV; positive: towards the Fermi
        level.
    source : str
        Cluster, level and keys of the two d-bands.
    """

    metal: str
    ligand: str
    shift_ev: float
    source: str

    def __repr__(self) -> str:
        return (
            f"LigandShift({self.metal} under {self.ligand}: d-band centre {self.shift_ev:+.2f} eV, "
            f"positive = towards the Fermi level; {self.source})"
        )


def collect_segregation(root: Path) -> ComputedSegregation:
    """Return the relaxed DFT segregation energies of a store and those shipped with the package.

    Parameters
    ----------
    root : Path
        The user's store.

    Returns
    -------
    dict
        (host, solute, facet) to (energy, standard deviation), eV; negative = to the surface. The
        deviation is the assumed one, with that of the ensemble where there is one.
    """
    return {
        (d.host, d.solute, d.facet): (d.energy_ev, math.hypot(COMPUTED_STD_EV, d.std_ev or 0.0))
        for d in find_segregation_documents(root)
    }


def find_held_band(root: Path, known: Sequence[Affinity], asked: AffinityModel) -> DBand:
    """Return the d-band of a metal's cluster under a ligand.

    Parameters
    ----------
    root : Path
        The user's store.
    known : sequence of Affinity
        Of the ligand for the metal's cluster; of several models the usual one answers, see
        `pomdft.prediction.affinities.choose_comparable`.
    asked : AffinityModel
        What is asked for, said where it is missing.

    Raises
    ------
    NotComputedError
        The affinity that answers has none; the message names the command that would compute it.
    """
    pairs = _find_bands(root, known)
    chosen = choose_comparable(known).get(asked.metal)
    if chosen is None or chosen.key not in pairs:
        raise NotComputedError(
            f"The d-band of {asked.metal} ({asked.cluster}) under {asked.ligand} has not been "
            "computed.",
            f"Compute it: {_name_command(asked, chosen)}",
        )
    return pairs[chosen.key][0]


def collect_ligand_shifts(
    root: Path,
    known: Sequence[Affinity],
    ligand: str,
    metals: Sequence[str],
    charge_model: str | None = None,
) -> dict[str, LigandShift]:
    """Compute how far a ligand moves the d-band centre of each metal, from stored d-bands.

    Both d-bands are of the minima of one affinity: the same cluster, site, compensation of charge
    and level, that which answers for the metals (`choose_comparable`).

    Parameters
    ----------
    root : Path
        The user's store.
    known : sequence of Affinity
        Of the ligand.
    ligand : str
        Protecting ligand.
    metals : sequence of str
        Metals.
    charge_model : str, optional
        Only with this compensation of the ligand's charge; None for any.

    Returns
    -------
    dict
        Metal to :class:`LigandShift`.

    Raises
    ------
    NotComputedError
        A cluster of one of the metals has no d-band under the ligand, or none bare; the message
        names the command that would compute both.
    """
    pairs = _find_bands(root, known)
    chosen = choose_comparable(
        a for a in known if a.metal in metals and charge_model in (None, a.model.charge_model)
    )
    shifts = {}
    for metal in metals:
        if metal not in chosen or chosen[metal].key not in pairs:
            asked = name_model(ligand, metal, charge_model=charge_model)
            raise NotComputedError(
                f"The d-band shift of {metal} under {ligand} has not been computed.",
                f"Compute it: {_name_command(asked, chosen.get(metal))}; or give it by hand: "
                f"ligand_d_shift_ev={{'{metal}': -0.1}} (eV), on the command line "
                f"--d-shift {metal}=-0.1.",
            )
        held, free = pairs[chosen[metal].key]
        model, level = chosen[metal].model, chosen[metal].level
        which = f"{model.cluster} cluster, {model.charge_model}, {level.name}"
        shifts[metal] = LigandShift(
            metal,
            ligand,
            held.center_ev - free.center_ev,
            f"{which}, {held.key} less {free.key}",
        )
    return shifts


def _name_command(asked: AffinityModel, chosen: Affinity | None) -> str:
    """Return the command that adds a d-band to the affinity that answers, where there is one."""
    words = asked.options
    if chosen is not None:
        words = [*chosen.model.options, "--level", chosen.level.name]
    return shlex.join(["pomdft", "metal", "ensemble", asked.ligand, asked.metal, *words])


def _find_bands(root: Path, known: Sequence[Affinity]) -> dict[str, tuple[DBand, DBand]]:
    """Return key of an affinity -> d-bands of its cluster under the ligand and bare."""
    metals = {affinity.metal for affinity in known}
    found = find_documents(root, DBand, lambda band: band.metal in metals)
    bands = {key: band for band in found for key in band.calculations.values()}
    pairs = {}
    for affinity in known:
        of = affinity.calculations
        points = [of.get(f"{ENSEMBLE_ROLE}{role}", "") for role in ("complex", "cluster")]
        if all(point in bands for point in points):
            pairs[affinity.key] = (bands[points[0]], bands[points[1]])
    return pairs
