"""Conventional protecting ligands that lacunary POMs are compared with.

Each stands for the group that touches the metal: PVP as N-vinylpyrrolidone (or a dimer of
pyrrolidone units), citrate, butanethiolate, butylamine, triphenylphosphine.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from numpy.typing import NDArray
from pymatgen.core import Molecule

from pomdft.errors import UnknownNameError
from pomdft.structures.charges import check_cation_count, check_charge_model, lowest_multiplicity
from pomdft.structures.connectivity import check_no_overlap
from pomdft.structures.countercations import place_cations
from pomdft.structures.geometry import Framework
from pomdft.structures.sites import ContactSite, site_frame

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class LigandDefinition:
    """A conventional ligand.

    Attributes
    ----------
    name : str
    template : str
        Its neutral, protonated form in ``data/ligands.json``.
    donor : str
        Element that binds the metal.
    n_acidic : int
        Protons that the anion has lost; the anion's charge is minus this.
    """

    name: str
    template: str
    donor: str
    n_acidic: int = 0


_DEFINITIONS: Final[dict[str, LigandDefinition]] = {
    d.name: d
    for d in (
        LigandDefinition("PVP", "PVP", "O"),
        LigandDefinition("PVP-dimer", "PVP-dimer", "O"),
        LigandDefinition("citrate", "citric-acid", "O", 3),
        LigandDefinition("thiolate", "butanethiol", "S", 1),
        LigandDefinition("alkylamine", "butylamine", "N"),
        LigandDefinition("phosphine", "triphenylphosphine", "P"),
        LigandDefinition("trimethylphosphine", "trimethylphosphine", "P"),
    )
}


def list_ligands() -> list[str]:
    """Return the names of the conventional ligands."""
    return list(_DEFINITIONS)


def find_charge(name: str) -> int:
    """Return the charge of a conventional ligand without its acidic protons, in units of e."""
    return -_DEFINITIONS[name].n_acidic


def is_conventional(name: str) -> bool:
    """Return whether a name is that of a conventional ligand."""
    return name in _DEFINITIONS


@lru_cache(maxsize=1)
def _templates() -> dict[str, Any]:
    text = files("pomdft.structures").joinpath("data/ligands.json").read_text("utf-8")
    templates: dict[str, Any] = json.loads(text)["ligands"]
    return templates


def build_ligand(
    name: str,
    charge_model: str | None = "protonated",
    *,
    cation: str = "Na",
    n_cations: int | None = None,
    metal_charge: int = 0,
) -> Molecule:
    """Build a conventional ligand with its donor at the origin, ready to bind a metal on +z.

    Parameters
    ----------
    name : str
        See `list_ligands`.
    charge_model : {"protonated", "alkali", "solvated"} or None
        ``protonated`` is the acid (citric acid, thiol), ``alkali`` the salt, ``solvated`` and None
        the anion. Ligands without acidic protons are neutral in all of them.
    cation, n_cations
        As in `poms.build_pom`.
    metal_charge : int
        Charge of the metal to come, for which an ``alkali`` model may leave out cations.

    Returns
    -------
    pymatgen Molecule
        Site property ``role`` is "ligand-atom" (acid protons "proton", "cation"); `properties`
        as of a POM, ``properties["site"]`` holds the donor atoms.

    Raises
    ------
    UnknownNameError
        Unknown ligand, charge model or cation.
    ChargeError
        If `n_cations` cannot balance the anion.
    """
    if name not in _DEFINITIONS:
        raise UnknownNameError("ligand", str(name), _DEFINITIONS)
    check_charge_model(charge_model)
    definition = _DEFINITIONS[name]
    check_cation_count(name, charge_model, -definition.n_acidic, n_cations, metal_charge)
    symbols, xyz, acidic = _ordered_template(definition)
    n_body = len(symbols) - len(acidic)
    body = Framework(tuple(symbols[:n_body]), xyz[:n_body])
    donors = _donor_group(definition, symbols, xyz, charge_model == "protonated")
    site = ContactSite(
        "donor",
        xyz[donors].mean(axis=0),
        _lone_pair(donors, body.symbols, body.positions),
        tuple(donors),
        float(np.ptp(xyz[donors], axis=0).max()),
    )
    rotation, origin = site_frame(site, body.positions)
    xyz = (xyz - origin) @ rotation.T
    added: list[str] = []
    extra = np.empty((0, 3))
    if charge_model == "protonated":
        extra, added = xyz[n_body:], ["H"] * len(acidic)
    elif charge_model == "alkali" or (charge_model == "solvated" and n_cations):
        count = definition.n_acidic if n_cations is None else n_cations
        extra = place_cations(
            body.symbols,
            xyz[:n_body],
            cation,
            count,
            contact_centre=np.zeros(3),
            contact_normal=np.array([0.0, 0.0, 1.0]),
        )
        added = [cation] * len(extra)
    total = -definition.n_acidic + len(added)
    all_symbols = [*body.symbols, *added]
    positions = np.vstack([xyz[:n_body], extra])
    check_no_overlap(all_symbols, positions, what=name)
    placed = ContactSite(
        "donor", np.zeros(3), np.array([0.0, 0.0, 1.0]), site.oxygens, site.opening_angstrom
    )
    roles = ["ligand-atom"] * n_body + ["proton" if s == "H" else "cation" for s in added]
    return Molecule(
        all_symbols,
        positions,
        charge=total,
        spin_multiplicity=lowest_multiplicity(all_symbols, total),
        site_properties={"role": roles, "fragment": ["ligand"] * len(roles)},
        properties={
            "name": name,
            "family": "conventional",
            "charge_model": charge_model,
            "formal_charge": -definition.n_acidic,
            "charge_arithmetic": f"{name} {-definition.n_acidic:+d}"
            + (f"; with {len(added)} {added[0]}+ = {total:+d}" if added else ""),
            "n_protons": added.count("H"),
            "n_cations": len(added) - added.count("H"),
            "cation": cation if added and added[0] != "H" else None,
            "protonated_oxygens": [],
            "solvent": "water" if charge_model == "solvated" else None,
            "vacancy": None,
            "site": {**placed.to_dict(), "name": "donor", "rank": 1},
        },
    )


def _bonds(symbols: tuple[str, ...] | list[str], xyz: FloatArray) -> list[list[int]]:
    radii = np.array([covalent_radii[atomic_numbers[s]] for s in symbols])
    distance = np.linalg.norm(xyz[:, None] - xyz[None], axis=2)
    bonded = (distance < 1.2 * (radii[:, None] + radii[None])) & (distance > 0.1)
    return [[int(j) for j in np.flatnonzero(row)] for row in bonded]


def _ordered_template(definition: LigandDefinition) -> tuple[list[str], FloatArray, list[int]]:
    """Return elements and positions with the acidic protons last, and their indices."""
    template = _templates()[definition.template]
    symbols = list(template["symbols"])
    xyz = np.array(template["positions_angstrom"], dtype=float)
    bonds = _bonds(symbols, xyz)
    acidic: list[int] = []
    for i, symbol in enumerate(symbols):
        if symbol != "H" or not definition.n_acidic:
            continue
        parent = bonds[i][0]
        on_carboxyl = symbols[parent] == "O" and any(
            symbols[c] == "C" and sum(symbols[o] == "O" for o in bonds[c]) == 2
            for c in bonds[parent]
        )
        if on_carboxyl or symbols[parent] == "S":
            acidic.append(i)
    order = [i for i in range(len(symbols)) if i not in acidic] + acidic
    n_body = len(symbols) - len(acidic)
    return [symbols[i] for i in order], xyz[order], list(range(n_body, len(order)))


def _donor_group(
    definition: LigandDefinition, symbols: list[str], xyz: FloatArray, protonated: bool
) -> list[int]:
    """Return the donor atoms: both oxygens of one carboxylate, else one donor without proton."""
    bonds = _bonds(symbols, xyz)
    donors = [i for i, s in enumerate(symbols) if s == definition.donor]
    if definition.name == "citrate":
        for c, symbol in enumerate(symbols):
            group = [o for o in bonds[c] if symbols[o] == "O"]
            if symbol == "C" and len(group) == 2:
                free = [o for o in group if not any(symbols[h] == "H" for h in bonds[o])]
                return free if protonated else group
    return donors[:1]


def _lone_pair(donors: list[int], symbols: tuple[str, ...], xyz: FloatArray) -> FloatArray:
    """Return the unit vector from the donors away from what they are bonded to."""
    bonds = _bonds(symbols, xyz)
    away = np.zeros(3)
    for i in donors:
        for j in bonds[i]:
            away -= (xyz[j] - xyz[i]) / np.linalg.norm(xyz[j] - xyz[i])
    return np.asarray(away / np.linalg.norm(away), dtype=float)
