"""Segregation energy of a dilute solute at a surface, bare or under a ligand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from pomdft.analysis.elements import find_metal, load_metals
from pomdft.analysis.segregation_ligand import (
    AffinityLike,
    monolayer_coverage,
    read_affinities,
    sample_affinity_difference,
)
from pomdft.analysis.segregation_model import load_segregation_model
from pomdft.analysis.segregation_sites import scale_to_site
from pomdft.errors import InputError

#: Contacts per surface atom assumed where neither the footprint nor a value is given.
DEFAULT_COVERAGE = 0.5
_MEMBERS = 2000

#: Computed segregation energies: (host, solute, facet) to (energy_ev, std_ev).
ComputedSegregation = Mapping[tuple[str, str, str], tuple[float, float]]


@dataclass(frozen=True)
class SegregationEnergy:
    """Energy to bring one solute atom from the bulk of a host to its surface.

    Attributes
    ----------
    host, solute : str
        The metals.
    facet : str
        Facet or site.
    ligand : str or None
        What covers the surface.
    energy_ev : float
        eV per solute atom; negative: the solute goes to the surface.
    std_ev : float
        Standard uncertainty, eV.
    source : str
        "dft" (a stored slab calculation) or "model" (the fitted model).
    ligand_shift_ev : float
        Part of `energy_ev` that is due to the ligand: affinity difference per contact times
        contacts per surface atom.
    coverage : float
        Contacts per surface atom; 0 without ligand.
    """

    host: str
    solute: str
    facet: str
    ligand: str | None
    energy_ev: float
    std_ev: float
    source: str
    ligand_shift_ev: float = 0.0
    coverage: float = 0.0

    def __repr__(self) -> str:
        under = f" under {self.ligand}" if self.ligand else ""
        where = "surface" if self.energy_ev < 0 else "bulk"
        return (
            f"SegregationEnergy({self.solute} in {self.host}({self.facet}){under}: "
            f"{self.energy_ev:+.2f} ± {self.std_ev:.2f} eV, {self.solute} prefers the {where}; "
            f"source {self.source})"
        )

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row; energies in eV per solute atom, negative = the solute to the surface."""
        return pd.DataFrame([asdict(self)])


def segregation_energy(
    host: str,
    solute: str,
    facet: str = "111",
    ligand: str | None = None,
    *,
    affinity: Mapping[str, AffinityLike] | None = None,
    coverage: float | None = None,
    computed: ComputedSegregation | None = None,
) -> SegregationEnergy:
    """Give the dilute segregation energy of a solute in a host.

    Parameters
    ----------
    host, solute : str
        Metals, Ti to Au.
    facet : str
        "111", "100", "110", "0001" or a site: "step", "edge", "kink", "vertex", "z8". The
        close-packed facet of a bcc or hcp host may be called "111".
    ligand : str, optional
        Name of the covering ligand; its affinities must be in `affinity`.
    affinity : mapping, optional
        Metal to affinity per contact, see
        :func:`pomdft.analysis.segregation_ligand.read_affinities`.
    coverage : float, optional
        Contacts per surface atom, from 0; default: a monolayer by the ligand's footprint where
        footprint and contacts are known, else 0.5.
    computed : mapping, optional
        DFT results: (host, solute, facet) to (energy_ev, std_ev). Used where they hold the entry.

    Returns
    -------
    SegregationEnergy
        Negative: the solute goes to the surface.

    Raises
    ------
    UnknownNameError
        A metal or the facet is not known.
    NotComputedError
        A ligand is named whose affinity for one of the metals is not given.
    InputError
        Host and solute are the same, or the coverage is out of range.
    """
    host_metal, _ = find_metal(host), find_metal(solute)
    if host == solute:
        raise InputError(f"host and solute are both {host}.", "Name two different metals.")
    scaling = scale_to_site(host_metal, facet)
    stored = _find_computed(computed, host_metal.facet, host, solute, facet)
    if stored is not None:
        energy, std = stored
        source = "dft"
    else:
        values, stds = load_segregation_model().predict([host], [solute])
        energy = scaling.factor * float(values[0])
        std, source = scaling.std_ev(float(values[0]), float(stds[0])), "model"
    if ligand is None and affinity is None:
        return SegregationEnergy(host, solute, facet, None, energy, std, source)
    held = read_affinities(affinity or {}, (host, solute), ligand)
    if coverage is None and ligand is not None:
        coverage = monolayer_coverage(ligand, held)
    contacts = check_coverage(coverage)
    members = sample_affinity_difference(
        held[host], held[solute], _MEMBERS, np.random.default_rng(0)
    )
    shift = contacts * (held[solute].per_contact_ev - held[host].per_contact_ev)
    return SegregationEnergy(
        host,
        solute,
        facet,
        ligand or "the ligand",
        energy + shift,
        float(np.hypot(std, contacts * np.std(members))),
        source,
        shift,
        contacts,
    )


def _find_computed(
    computed: ComputedSegregation | None, close_packed: str, host: str, solute: str, facet: str
) -> tuple[float, float] | None:
    """Look a DFT result up; the close-packed facet of hcp and bcc hosts is also called "111"."""
    if computed is None:
        return None
    names = (facet, close_packed) if facet == "111" else (facet,)
    return next(
        (computed[host, solute, name] for name in names if (host, solute, name) in computed), None
    )


def check_coverage(coverage: float | None) -> float:
    """Return contacts per surface atom, the default where None.

    Raises
    ------
    InputError
        Negative, above 6 or not finite.
    """
    if coverage is None:
        return DEFAULT_COVERAGE
    if not 0.0 <= coverage <= 6.0:
        raise InputError(
            f"coverage {coverage!r} contacts per surface atom is not between 0 and 6.",
            "A monolayer of a lacunary polyoxometalate has about 0.3 to 1.",
        )
    return float(coverage)


def contacts_per_surface_atom(metal: str, contacts: float, footprint_angstrom2: float) -> float:
    """Compute the coverage of a full monolayer of a ligand from its footprint.

    Parameters
    ----------
    metal : str
        Surface metal, whose close-packed layer sets the area per atom.
    contacts : float
        Metal-ligand contacts of one ligand.
    footprint_angstrom2 : float
        Area one ligand takes on the surface, angstrom^2.

    Returns
    -------
    float
        Contacts per surface atom.

    Raises
    ------
    InputError
        A value is not positive.
    """
    if not (contacts > 0 and footprint_angstrom2 > 0):
        raise InputError(
            f"contacts {contacts} and footprint {footprint_angstrom2} must be positive."
        )
    return contacts * find_metal(metal).atomic_area_angstrom2 / footprint_angstrom2


def tabulate_segregation(facet: str = "111", metals: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Predict every pair of metals.

    Parameters
    ----------
    facet : str
        Facet or site.
    metals : tuple of str, optional
        Default: all 24.

    Returns
    -------
    DataFrame
        One row per (host, solute), the attributes of :class:`SegregationEnergy` as columns.
    """
    names = tuple(load_metals()) if metals is None else metals
    rows: list[dict[str, Any]] = [
        asdict(segregation_energy(host, solute, facet))
        for host in names
        for solute in names
        if host != solute
    ]
    return pd.DataFrame(rows)
