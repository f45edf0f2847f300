"""A POM taking protons one by one: where each goes, and what moves with it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Molecule
from scipy.spatial.transform import Rotation

from pomdft.errors import ChargeError, UnknownNameError
from pomdft.structures.charges import formal_charge, lowest_multiplicity
from pomdft.structures.connectivity import find_connectivity
from pomdft.structures.poms import build_pom
from pomdft.structures.protonation import proton_positions, spread_out

FloatArray = NDArray[np.float64]

#: Roles of the oxygens that may be asked for, the most basic one that a POM has first: the
#: unshared ones of a vacancy, then bridging ones, for corner-bridging ones hold a proton best in
#: intact Keggin anions (J. M. Poblet, X. Lopez, C. Bo, Chem. Soc. Rev. 32, 297 (2003),
#: doi:10.1039/b109928k).
ACID_SITES: Final = ("unshared", "corner-bridging", "edge-bridging", "terminal")


#: Directions about a bond that are tried for a proton, radians.
_TURNS: Final = np.radians(np.arange(0, 360, 10))
#: No other atom comes nearer to it where that can be helped, about the shortest hydrogen bond.
_CONTACT_ANGSTROM: Final = 1.6


def choose_acid_oxygens(pom: str, count: int, site: str | None = None) -> tuple[str, list[int]]:
    """Choose the oxygens that take protons, in the order in which they do.

    Parameters
    ----------
    pom : str
        Name.
    count : int
        Protons in all.
    site : str, optional
        One of `ACID_SITES`; by default the first that the POM has.

    Returns
    -------
    site : str
    oxygens : list of int
        Indices in the bare anion, as far from each other as each next one can be.

    Raises
    ------
    UnknownNameError
        No such site.
    ChargeError
        It has fewer oxygens.
    """
    anion = build_pom(pom, "solvated")
    symbols, positions = _arrays(anion)
    found = find_connectivity(symbols, positions)
    present = [role for role in ACID_SITES if found.indices(role)]
    if site is None:
        site = present[0]
    if site not in present:
        raise UnknownNameError(f"site of {pom}", site, present)
    members = list(found.indices(site))
    if count > len(members):
        raise ChargeError(
            f"{count} protons are asked for, but {pom} has {len(members)} {site} oxygens.",
            "Ask for fewer, or name another site.",
        )
    chosen: list[int] = []
    for _ in range(count):
        free = [i for i in members if i not in chosen]
        chosen += spread_out(positions, free, 1, chosen, None)
    return site, chosen


def find_resting_atoms(pom: str, oxygens: list[int], shell: str) -> tuple[int, ...]:
    """Return the atoms of a POM that stay in place while protons come and go.

    Parameters
    ----------
    pom : str
        Name.
    oxygens : list of int
        All oxygens that take a proton in the series.
    shell : {"contact", "all"}
        With "contact" these oxygens, the addenda they are bonded to and the oxygens of these
        move; with "all" everything does.
    """
    if shell == "all":
        return ()
    anion = build_pom(pom, "solvated")
    found = find_connectivity(*_arrays(anion))
    moving = set(oxygens)
    for oxygen in oxygens:
        for addendum in found.neighbours[oxygen]:
            moving |= {addendum} | {
                i for i in found.neighbours[addendum] if found.roles[i] != "heteroatom"
            }
    return tuple(i for i in range(len(anion)) if i not in moving)


def add_proton(molecule: Molecule, oxygen: int) -> Molecule:
    """Return a molecule with one more proton, at its end.

    On a bridging oxygen it goes along the outward bisector of the bonds; on one with a single bond
    it turns about that bond to where the formal charges of all other atoms hold it best, for an
    O-H that points away from the other oxygens of a vacancy relaxes to a minimum of its own.

    Parameters
    ----------
    molecule : pymatgen Molecule
        The anion, with or without protons before.
    oxygen : int
        Which atom takes it.
    """
    symbols, positions = _arrays(molecule)
    found = find_connectivity(symbols, positions)
    place = proton_positions(found, positions, [oxygen])[0]
    if len(found.neighbours[oxygen]) == 1:
        place = _turn_proton(symbols, positions, place, oxygen, found.neighbours[oxygen][0])
    charge = molecule.charge + 1
    names: dict[str, list[Any]] = {
        name: [*values, {"role": "proton", "fragment": "ligand"}.get(name)]
        for name, values in molecule.site_properties.items()
    }
    all_symbols = [*symbols, "H"]
    return Molecule(
        all_symbols,
        np.round(np.vstack([positions, place]), 6),
        charge=charge,
        spin_multiplicity=lowest_multiplicity(all_symbols, charge),
        site_properties=names,
        properties=dict(molecule.properties),
    )


def _turn_proton(
    symbols: list[str], positions: FloatArray, place: FloatArray, oxygen: int, bonded: int
) -> FloatArray:
    """Return the place on the cone about the oxygen's bond where the potential is lowest."""
    axis = positions[oxygen] - positions[bonded]
    turns = Rotation.from_rotvec(np.outer(_TURNS, axis / np.linalg.norm(axis)))
    places = positions[oxygen] + turns.apply(place - positions[oxygen])
    charges = np.array([formal_charge([symbol]) for symbol in symbols], dtype=float)
    others = np.arange(len(symbols)) != oxygen
    distances = np.linalg.norm(places[:, None] - positions[None, others], axis=2)
    potential = (charges[others] / distances).sum(axis=1)
    # A proton between two oxygens would belong to both.
    close = distances.min(axis=1) < _CONTACT_ANGSTROM
    if not close.all():
        potential[close] = np.inf
    return np.asarray(places[np.argmin(np.round(potential, 8))], dtype=float)


def _arrays(molecule: Molecule) -> tuple[list[str], FloatArray]:
    symbols = [site.specie.symbol for site in molecule]
    return symbols, np.asarray(molecule.cart_coords, dtype=float)
