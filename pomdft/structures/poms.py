"""Polyoxometalate anions by name, bare or with their charge balanced."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Molecule

from pomdft.structures.charges import check_cation_count, check_charge_model, describe_charge
from pomdft.structures.connectivity import check_no_overlap, find_connectivity
from pomdft.structures.countercations import place_cations
from pomdft.structures.geometry import Framework
from pomdft.structures.protonation import protonate
from pomdft.structures.registry import PomDefinition, find_definition, list_poms
from pomdft.structures.sites import ContactSite, find_vacancy, site_frame

__all__ = ["balance_charge", "build_pom", "list_poms", "place_in_frame"]

FloatArray = NDArray[np.float64]


def build_pom(
    name: str,
    charge_model: str | None = "protonated",
    *,
    cation: str = "Na",
    n_cations: int | None = None,
    contact: str | None = "vacancy",
) -> Molecule:
    """Build a polyoxometalate.

    Parameters
    ----------
    name : str
        E.g. ``A-alpha-SiW9O34``; see `list_poms`.
    charge_model : {"protonated", "alkali", "solvated"} or None
        How the charge is balanced; None and "solvated" give the bare anion (the latter is marked
        for continuum water).
    cation : {"Li", "Na", "K", "Rb", "Cs"}
        For ``alkali``, or with `n_cations` for ``solvated``.
    n_cations : int, optional
        Counter-cations for ``solvated`` (default 0); ``alkali`` takes as many as make it neutral,
        and refuses any other number.
    contact : {"vacancy", None}
        What is kept free of protons and cations for a metal to bind.

    Returns
    -------
    pymatgen Molecule
        Order: framework, then protons or cations. A lacunary POM has its vacancy's centre at
        the origin and its normal along +z; an intact one its addenda centred at the origin.
        Site property ``role``; `properties` say how the charge adds up and where the vacancy is.

    Raises
    ------
    UnknownNameError
        Unknown POM, charge model or cation; near names are listed.
    ChargeError
        If the charge cannot be balanced, e.g. by a wrong number of cations.
    """
    check_charge_model(charge_model)
    definition = find_definition(name)
    check_cation_count(definition.name, charge_model, definition.charge, n_cations)
    framework = definition.build()
    site = find_vacancy(framework.symbols, framework.positions)
    if site is not None:
        framework = place_in_frame(framework, site)
        site = find_vacancy(framework.symbols, framework.positions)
    return balance_charge(
        definition,
        framework,
        charge_model,
        site if contact == "vacancy" else None,
        cation=cation,
        n_cations=n_cations,
    )


def place_in_frame(framework: Framework, site: ContactSite) -> Framework:
    """Return a framework with the site's centre at the origin and its normal along +z."""
    rotation, origin = site_frame(site, framework.positions)
    return Framework(framework.symbols, (framework.positions - origin) @ rotation.T)


def balance_charge(
    definition: PomDefinition,
    framework: Framework,
    charge_model: str | None,
    site: ContactSite | None,
    *,
    cation: str = "Na",
    n_cations: int | None = None,
    allow_at_contact: bool = False,
) -> Molecule:
    """Make the molecule of a framework under a charge model.

    Parameters
    ----------
    definition : PomDefinition
    framework : Framework
        Already in its final frame.
    charge_model : str or None
    site : ContactSite or None
        Contact that stays free of protons and cations.
    cation, n_cations
        As in `build_pom`.
    allow_at_contact : bool
        Let cations sit between POM and metal.

    Returns
    -------
    pymatgen Molecule

    Raises
    ------
    ChargeError
        If there is no room for the protons or cations.
    """
    symbols, positions = list(framework.symbols), framework.positions
    found = find_connectivity(symbols, positions)
    charge = definition.charge
    added: list[str] = []
    extra = np.empty((0, 3))
    protonated: list[int] = []
    vacancy = find_vacancy(symbols, positions, found)
    if charge_model == "protonated" and charge < 0:
        contacts = site.oxygens if site is not None else ()
        centre = site.centre if site is not None else None
        protonated, extra = protonate(symbols, positions, -charge, contacts, centre)
        added = ["H"] * len(extra)
    elif charge_model == "alkali" or (charge_model == "solvated" and n_cations):
        count = -charge if n_cations is None else n_cations
        extra = place_cations(
            symbols,
            positions,
            cation,
            count,
            contact_centre=None if site is None else site.centre,
            contact_normal=None if site is None else site.normal,
            allow_at_contact=allow_at_contact,
        )
        added = [cation] * len(extra)
    total = charge + len(added)
    all_symbols = symbols + added
    xyz = np.vstack([positions, extra])
    check_no_overlap(all_symbols, xyz, what=definition.name)
    roles = [*found.roles, *("proton" if s == "H" else "cation" for s in added)]
    properties: dict[str, Any] = {
        "name": definition.name,
        "family": definition.family,
        "charge_model": charge_model,
        "formal_charge": charge,
        "charge_arithmetic": _arithmetic(definition, framework, added, total),
        "n_protons": added.count("H"),
        "n_cations": len(added) - added.count("H"),
        "cation": cation if added and added[0] != "H" else None,
        "protonated_oxygens": protonated,
        "solvent": "water" if charge_model == "solvated" else None,
        "vacancy": None if vacancy is None else vacancy.to_dict(),
        "oxygen_roles": {r: found.count(r) for r in sorted(set(found.roles)) if found.count(r)},
    }
    return Molecule(
        all_symbols,
        xyz,
        charge=total,
        spin_multiplicity=definition.spin_multiplicity,
        site_properties={"role": roles, "fragment": ["ligand"] * len(roles)},
        properties=properties,
    )


def _arithmetic(
    definition: PomDefinition, framework: Framework, added: list[str], total: int
) -> str:
    if definition.family == "user":
        text = f"given charge {definition.charge:+d}"
    else:
        text = describe_charge(framework.symbols)
    if added:
        text += f"; with {len(added)} {added[0]}+ = {total:+d}"
    return text
