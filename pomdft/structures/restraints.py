"""Harmonic distance restraints that keep xTB relaxations chemically sane.

With GFN1-xTB bridging W-O bonds of the bare anions come out 0.07-0.09 angstrom short, GFN2-xTB
opens W-O-W angles by 5-6 degrees, and both tear bonds to the central oxygen of protonated
lacunary ions; metal-oxygen contacts are off by up to 0.3 angstrom (Pd too long). So distances
that are known from crystals or DFT are restrained, and xTB decides the rest: protons, cations,
orientation of the metal, hydrogen bonds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from pymatgen.core import Molecule

from pomdft.structures.connectivity import ADDENDA, find_connectivity
from pomdft.structures.contacts import CONTACT_FACTOR, DONORS, contact_distance
from pomdft.structures.countercations import CATION_OXYGEN_ANGSTROM
from pomdft.structures.framework import distance_terms

FloatArray = NDArray[np.float64]

#: Stiffness on metal-oxygen contacts and on framework distances (eV/angstrom^2); xTB's own
#: W-O bonds have some 30-60, so framework bonds end where the restraint wants them, softly.
CONTACT_STIFFNESS: Final = 20.0
FRAMEWORK_STIFFNESS: Final = 150.0
#: Addendum-addendum distances are held this much more softly, so that xTB keeps its say in the
#: angles at bridging oxygens, which it gets right.
_ADDENDA_SHARE: Final = 0.4
#: GFN1-xTB pulls bridging bonds this much (angstrom) below the length they are restrained to;
#: the restraint aims that much longer.
_PULL_ANGSTROM: Final = 0.018
#: Bond of an addendum to a protonated bridging oxygen (angstrom), mean of PBE relaxations of
#: H6-W5O18 on Ag4 (LCAO dzp: 2.03-2.25); without the proton it is 1.93.
HYDROXIDE_BOND_ANGSTROM: Final = 2.10


#: Counter-cations in a docked POM stay this far (angstrom) from the oxygens that are to bind the
#: metal: more than a bond, so that they block none.
CATION_CLEARANCE_ANGSTROM: Final = 3.5
#: Bonds of cations with three neighbours are this much (angstrom) shorter than those of the table,
#: which are for six: sodium moved freely by PBE on W5O18 had three of 2.2 to 2.4. Rounded.
_SHORTER_BOND_ANGSTROM: Final = 0.15


class DistanceRestraint:
    """Harmonic restraint of pairs of atoms to given distances, for ASE optimisers.

    Parameters
    ----------
    pairs : array_like, shape (n, 2), int
    distances_angstrom : array_like, shape (n,)
    stiffness_ev_per_angstrom2 : array_like, shape (n,)
        The energy is ``stiffness / 2 * (d - d0)**2`` a pair.
    """

    def __init__(
        self, pairs: Any, distances_angstrom: Any, stiffness_ev_per_angstrom2: Any
    ) -> None:
        self.pairs = np.asarray(pairs, dtype=np.intp).reshape(-1, 2)
        self.distances = np.asarray(distances_angstrom, dtype=float)
        self.stiffness = np.asarray(stiffness_ev_per_angstrom2, dtype=float)

    def get_removed_dof(self, atoms: Atoms) -> int:
        """Return 0: no degree of freedom is removed."""
        return 0

    def adjust_positions(self, atoms: Atoms, newpositions: FloatArray) -> None:
        """Leave positions alone: the restraint acts through forces."""

    def _vectors(self, atoms: Atoms) -> tuple[FloatArray, FloatArray]:
        vectors = atoms.positions[self.pairs[:, 0]] - atoms.positions[self.pairs[:, 1]]
        return vectors, np.linalg.norm(vectors, axis=1)

    def _stretch(self, lengths: FloatArray) -> FloatArray:
        """Return by how much pairs are too long (angstrom, negative: too short)."""
        stretch: FloatArray = lengths - self.distances
        return stretch

    def adjust_forces(self, atoms: Atoms, forces: FloatArray) -> None:
        """Add the restraint's forces (eV/angstrom) in place."""
        vectors, lengths = self._vectors(atoms)
        pull = (-self.stiffness * self._stretch(lengths) / lengths)[:, None] * vectors
        np.add.at(forces, self.pairs[:, 0], pull)
        np.add.at(forces, self.pairs[:, 1], -pull)

    def adjust_potential_energy(self, atoms: Atoms) -> float:
        """Return the restraint's energy in eV."""
        _, lengths = self._vectors(atoms)
        return float(0.5 * np.sum(self.stiffness * self._stretch(lengths) ** 2))

    def todict(self) -> dict[str, Any]:
        """Return what ASE needs to store the restraint."""
        return {
            "name": type(self).__name__,
            "kwargs": {
                "pairs": self.pairs.tolist(),
                "distances_angstrom": self.distances.tolist(),
                "stiffness_ev_per_angstrom2": self.stiffness.tolist(),
            },
        }


class LeastDistance(DistanceRestraint):
    """The same for pairs that may be further away than the given distances, without energy."""

    def _stretch(self, lengths: FloatArray) -> FloatArray:
        return np.minimum(super()._stretch(lengths), 0.0)


@dataclass(frozen=True)
class RestraintList:
    """Pairs to restrain.

    Attributes
    ----------
    pairs : tuple of (int, int)
    distances_angstrom, stiffness_ev_per_angstrom2 : tuple of float
        One a pair.
    """

    pairs: tuple[tuple[int, int], ...] = ()
    distances_angstrom: tuple[float, ...] = ()
    stiffness_ev_per_angstrom2: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.pairs)

    def __add__(self, other: RestraintList) -> RestraintList:
        return RestraintList(
            self.pairs + other.pairs,
            self.distances_angstrom + other.distances_angstrom,
            self.stiffness_ev_per_angstrom2 + other.stiffness_ev_per_angstrom2,
        )

    def to_constraint(self) -> DistanceRestraint:
        """Return the restraint for ASE."""
        return DistanceRestraint(
            self.pairs, self.distances_angstrom, self.stiffness_ev_per_angstrom2
        )


def keep_cations_off_site(molecule: Molecule) -> LeastDistance | None:
    """Keep the counter-cations of a docked POM away from where the metal binds.

    Free to move, one would slip into the vacancy. xTB binds them too near to oxygens besides
    (sodium at 1.97 angstrom to bridging ones), so they stay at a bond's length from all.

    Parameters
    ----------
    molecule : pymatgen Molecule
        As from `docking.dock_ligand`, with ``properties["site"]``.

    Returns
    -------
    LeastDistance or None
        None for molecules without cations or site.
    """
    symbols = [site.specie.symbol for site in molecule]
    roles = molecule.site_properties.get("role", [])
    cations = [i for i, role in enumerate(roles) if role == "cation"]
    site = molecule.properties.get("site")
    if not cations or not isinstance(site, dict):
        return None
    off_limits = set(site["oxygen_indices"])
    pairs = [(i, j) for i in cations for j, symbol in enumerate(symbols) if symbol == "O"]
    least = [
        CATION_CLEARANCE_ANGSTROM
        if j in off_limits
        else CATION_OXYGEN_ANGSTROM[symbols[i]] - _SHORTER_BOND_ANGSTROM
        for i, j in pairs
    ]
    return LeastDistance(pairs, least, [CONTACT_STIFFNESS] * len(pairs))


def restrain_contacts(molecule: Molecule) -> RestraintList:
    """Restrain every metal-donor pair now in contact to its typical distance.

    Parameters
    ----------
    molecule : pymatgen Molecule
        With the site property ``fragment``.

    Returns
    -------
    RestraintList
        Longer contacts keep up to 8 % more than the typical distance.
    """
    fragments = molecule.site_properties.get("fragment", [])
    symbols = [site.specie.symbol for site in molecule]
    metals = [i for i, f in enumerate(fragments) if f == "metal"]
    donors = [j for j, f in enumerate(fragments) if f == "ligand" and symbols[j] in DONORS]
    pairs: list[tuple[int, int]] = []
    targets: list[float] = []
    for i in metals:
        for j in donors:
            wanted = contact_distance(symbols[i], symbols[j])
            distance = float(molecule.get_distance(i, j))
            if distance < CONTACT_FACTOR * wanted:
                pairs.append((i, j))
                targets.append(max(wanted, min(distance, 1.08 * wanted)))
    return RestraintList(tuple(pairs), tuple(targets), (CONTACT_STIFFNESS,) * len(pairs))


def restrain_framework(molecule: Molecule) -> RestraintList:
    """Restrain the bonds and addendum-addendum distances of a POM to crystal-like lengths.

    Parameters
    ----------
    molecule : pymatgen Molecule
        A POM, or a complex with one, with the site properties ``role`` and ``fragment``.

    Returns
    -------
    RestraintList
        Empty for molecules that are no POM. Bonds to protonated oxygens get the length of a
        bridging hydroxide.
    """
    roles = molecule.site_properties.get("role", [])
    if "addendum" not in roles:
        return RestraintList()
    symbols = [site.specie.symbol for site in molecule]
    cage = [
        i
        for i, r in enumerate(roles)
        if r not in ("proton", "cation", "metal", "support", "ligand-atom")
    ]
    xyz = np.asarray(molecule.cart_coords, dtype=float)
    cage_symbols = [symbols[i] for i in cage]
    found = find_connectivity(cage_symbols, xyz[cage])
    terms = distance_terms(cage_symbols, xyz[cage], {})
    protons = xyz[[i for i, s in enumerate(symbols) if s == "H"]].reshape(-1, 3)
    hydroxides = {
        k
        for k, i in enumerate(cage)
        if symbols[i] == "O"
        and len(protons)
        and np.linalg.norm(protons - xyz[i], axis=1).min() < 1.15
    }
    pairs: list[tuple[int, int]] = []
    targets: list[float] = []
    stiffness: list[float] = []
    for (a, b), target, weight, one_sided in zip(
        terms.pairs, terms.targets_angstrom, terms.weights, terms.one_sided, strict=True
    ):
        if one_sided:
            continue
        length, hold = float(target), FRAMEWORK_STIFFNESS * min(float(weight), 1.0)
        oxygen = a if cage_symbols[a] == "O" else b
        is_bridge = found.roles[oxygen] in ("corner-bridging", "edge-bridging")
        if oxygen in hydroxides and is_bridge:
            length = HYDROXIDE_BOND_ANGSTROM
        elif is_bridge:
            length += _PULL_ANGSTROM
        elif cage_symbols[a] in ADDENDA and cage_symbols[b] in ADDENDA:
            hold *= _ADDENDA_SHARE
            bridges = set(found.neighbours[a]) & set(found.neighbours[b])
            if bridges & hydroxides:
                length *= HYDROXIDE_BOND_ANGSTROM / 1.935
        pairs.append((cage[a], cage[b]))
        targets.append(length)
        stiffness.append(hold)
    return RestraintList(tuple(pairs), tuple(targets), tuple(stiffness))
