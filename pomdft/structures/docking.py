"""Put a metal on a ligand: every distinct orientation at a site, best contacts first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Molecule

from pomdft.errors import InputError, StructureError, UnknownNameError
from pomdft.structures.charges import (
    check_cation_count,
    check_charge_model,
    check_electron_count,
)
from pomdft.structures.clusters import CLUSTER_KINDS, build_cluster
from pomdft.structures.contacts import count_contacts
from pomdft.structures.convert import copy_molecule
from pomdft.structures.ligands import build_ligand, is_conventional
from pomdft.structures.names import list_ligands
from pomdft.structures.poms import balance_charge, place_in_frame
from pomdft.structures.poses import Pose, find_poses
from pomdft.structures.registry import PomDefinition, find_definition, list_synonyms
from pomdft.structures.sites import find_sites, split_site_name
from pomdft.structures.supports import (
    SUPPORTS,
    add_named_support,
    check_support,
    dock_patch,
    lay_on_patch,
    split_support,
)

FloatArray = NDArray[np.float64]


def build_complexes(
    ligand: str,
    metal: str | Mapping[str, float],
    cluster: str = "M4",
    site: str | None = None,
    charge_model: str | None = "protonated",
    *,
    metal_charge: int = 0,
    spin_multiplicity: int | None = None,
    cation: str = "Na",
    n_cations: int | None = None,
    n_best: int = 6,
    seed: int = 0,
    allow_cations_at_contact: bool = False,
    support: str | None = None,
) -> list[Molecule]:
    """Dock a metal atom or cluster on a ligand.

    Parameters
    ----------
    ligand : str
        POM name, e.g. ``A-alpha-SiW9O34``; or a conventional ligand, or ``graphene``, a patch of
        it with the cluster lying on its middle.
    metal : str or mapping of str to float
        Element or alloy composition.
    cluster : str
        See `clusters.build_cluster`.
    site : str, optional
        ``vacancy``, ``terminal-face``, ``bridging-face`` or ``edge``; ``:2`` and so on appended
        takes the second symmetry-distinct one. By default ``vacancy``. A conventional ligand has
        one site only, its donor group, whatever is asked for.
    charge_model : {"protonated", "alkali", "solvated"} or None
    metal_charge : int
        Charge of the metal in units of e (e.g. 1 for a silver ion).
    spin_multiplicity : int, optional
        2S+1 of the complex; by default that of the free metal on a closed-shell ligand.
    cation, n_cations
        As in `poms.build_pom`.
    n_best : int
        At most this many are returned.
    seed : int
        Of an alloy's site assignment.
    allow_cations_at_contact : bool
        Let counter-cations sit between ligand and metal.
    support : {"graphene", None}
        Put a hydrogen-capped graphene patch on the metal's other side.

    Returns
    -------
    list of pymatgen Molecule
        Best contacts first, symmetry duplicates removed. Ligand atoms first, at coordinates that
        are the same for every metal (contact centre at the origin, normal +z), then metal.

    Raises
    ------
    UnknownNameError
        Unknown ligand, metal, cluster, site or charge model.
    InputError
        If the ligand has no such site.
    StructureError
        If no orientation fits without a clash.
    ChargeError
        If charge and multiplicity do not fit the electrons.
    """
    check_charge_model(charge_model)
    check_support(support)
    if n_best < 1:
        raise InputError(f"n_best: {n_best} is not positive.", "Ask for at least one complex.")
    site = "vacancy" if site is None else site
    base = dock_ligand(
        ligand,
        site,
        charge_model,
        cation=cation,
        n_cations=n_cations,
        allow_cations_at_contact=allow_cations_at_contact,
        metal_charge=metal_charge,
    )
    particle = build_cluster(metal, cluster, charge=metal_charge, seed=seed)
    poses = [lay_on_patch(particle)] if ligand in SUPPORTS else find_poses(base, particle)[:n_best]
    if not poses:
        raise StructureError(
            f"No orientation of {particle.properties['name']} fits at site {site!r} of {ligand} "
            "without a clash.",
            "Try another site, a smaller cluster or fewer counter-cations.",
        )
    complexes = [_assemble(base, particle, pose, spin_multiplicity) for pose in poses]
    return [add_named_support(c, support) for c in complexes]


def check_model(cluster: str, site: str, charge_model: str) -> None:
    """Refuse names of a model that no complex could be built with.

    Raises
    ------
    UnknownNameError
        Unknown cluster, support, site or charge model.
    """
    kind, _ = split_support(cluster)
    if kind not in CLUSTER_KINDS:
        raise UnknownNameError("cluster", cluster, CLUSTER_KINDS)
    split_site_name(site)
    check_charge_model(charge_model)


def dock_ligand(
    ligand: str,
    site: str,
    charge_model: str | None,
    *,
    cation: str = "Na",
    n_cations: int | None = None,
    allow_cations_at_contact: bool = False,
    metal_charge: int = 0,
) -> Molecule:
    """Return the ligand in the frame of a docking site: centre at the origin, normal +z.

    Parameters
    ----------
    ligand, site, charge_model, cation, n_cations, allow_cations_at_contact
        As in `build_complexes`.
    metal_charge : int
        Charge of the metal to come, for which an ``alkali`` model may leave out cations.

    Returns
    -------
    pymatgen Molecule
        A copy; `properties["site"]` holds the site's name, centre, normal and oxygens.
    """
    if is_conventional(ligand):
        split_site_name(site)
        return build_ligand(
            ligand, charge_model, cation=cation, n_cations=n_cations, metal_charge=metal_charge
        )
    if ligand in SUPPORTS:
        split_site_name(site)
        check_cation_count(ligand, charge_model, 0, n_cations, metal_charge)
        return dock_patch(charge_model)
    try:
        definition = find_definition(ligand)
    except UnknownNameError:
        # Tell about all kinds of ligands when a name is wrong.
        raise UnknownNameError("ligand", str(ligand), list_ligands(), list_synonyms()) from None
    check_cation_count(definition.name, charge_model, definition.charge, n_cations, metal_charge)
    molecule = _docked_ligand(
        definition,
        site,
        charge_model,
        cation=cation,
        n_cations=n_cations,
        allow_cations_at_contact=allow_cations_at_contact,
    )
    return copy_molecule(molecule)


@lru_cache(maxsize=128)
def _docked_ligand(
    definition: PomDefinition,
    site: str,
    charge_model: str | None,
    *,
    cation: str,
    n_cations: int | None,
    allow_cations_at_contact: bool,
) -> Molecule:
    name, rank = split_site_name(site)
    framework = definition.build()
    found = find_sites(framework.symbols, framework.positions, name)
    if len(found) < rank:
        have = [
            f"{n} ({k})"
            for n in ("vacancy", "terminal-face", "bridging-face", "edge")
            if (k := len(find_sites(framework.symbols, framework.positions, n)))
        ]
        raise InputError(f"site: {definition.name} has no {site!r}.", f"It has: {', '.join(have)}.")
    site_found = found[rank - 1]
    framework = place_in_frame(framework, site_found)
    # Not found again: of sites that are alike by symmetry that might give another one.
    here = replace(site_found, centre=np.zeros(3), normal=np.array([0.0, 0.0, 1.0]))
    molecule = balance_charge(
        definition,
        framework,
        charge_model,
        here,
        cation=cation,
        n_cations=n_cations,
        allow_at_contact=allow_cations_at_contact,
    )
    molecule.properties["site"] = {**here.to_dict(), "name": name, "rank": rank}
    return molecule


def _assemble(
    ligand: Molecule, particle: Molecule, pose: Pose, spin_multiplicity: int | None
) -> Molecule:
    symbols = [s.specie.symbol for s in (*ligand, *particle)]
    charge = int(ligand.charge + particle.charge)
    if spin_multiplicity is None:
        spin_multiplicity = int(particle.spin_multiplicity + ligand.spin_multiplicity - 1)
    check_electron_count(symbols, charge, spin_multiplicity)
    metals = [s.specie.symbol for s in particle]
    contacts = count_contacts(
        [s.specie.symbol for s in ligand], ligand.cart_coords, metals, pose.positions
    )
    properties = dict(ligand.properties)
    properties.update(
        {
            "name": f"{ligand.properties['name']}-{particle.properties['name']}",
            "ligand": ligand.properties["name"],
            "metal": particle.properties["metal"],
            "cluster": particle.properties["cluster"],
            "metal_charge": int(particle.charge),
            "seed": particle.properties["seed"],
            "site_frame": properties["site"],
            "site": _site_label(properties["site"]),
            "orientation": pose.orientation,
            "contacts": contacts,
            "contact_score": round(pose.score, 4),
            "charge_arithmetic": properties["charge_arithmetic"]
            + f"; with metal {int(particle.charge):+d} = {charge:+d}",
        }
    )
    roles = [*ligand.site_properties["role"], *particle.site_properties["role"]]
    fragments = [*ligand.site_properties["fragment"], *particle.site_properties["fragment"]]
    return Molecule(
        symbols,
        np.vstack([ligand.cart_coords, pose.positions]),
        charge=charge,
        spin_multiplicity=spin_multiplicity,
        site_properties={"role": roles, "fragment": fragments},
        properties=properties,
    )


def _site_label(site: Mapping[str, Any]) -> str:
    return str(site["name"]) if site["rank"] == 1 else f"{site['name']}:{site['rank']}"
