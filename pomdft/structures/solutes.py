"""Small solutes: water, hydronium, chloride, and the aquo and chloro complexes of metal ions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Molecule

from pomdft.errors import UnknownNameError
from pomdft.structures.charges import check_electron_count
from pomdft.structures.clusters import default_multiplicity

FloatArray = NDArray[np.float64]

#: Geometry of free water: W. S. Benedict et al., J. Chem. Phys. 24, 1139 (1956),
#: doi:10.1063/1.1742731.
_OH_ANGSTROM: Final = 0.958
_HOH_DEGREES: Final = 104.5
#: Hydronium near its minimum in DFT; it is relaxed before use.
_HYDRONIUM_OH_ANGSTROM: Final = 0.98
_HYDRONIUM_HOH_DEGREES: Final = 111.0
#: Displacement that lets a symmetric start leave a saddle point, angstrom.
_RATTLE: Final = 0.03


@dataclass(frozen=True)
class IonComplex:
    """A metal ion with the ligands it has in water.

    Attributes
    ----------
    name : str
        E.g. "[Pd(H2O)4]2+".
    salt : str
        What is reduced, as in the table of reduction potentials.
    metal : str
        Symbol.
    oxidation_state : int
        z, in units of e.
    donor : str
        "H2O" or "Cl-".
    shape : str
        "linear", "square", "tetrahedron" or "octahedron".
    bond_angstrom : float
        Metal-donor distance to start from; it is relaxed before use.
    """

    name: str
    salt: str
    metal: str
    oxidation_state: int
    donor: str
    shape: str
    bond_angstrom: float

    @property
    def donors(self) -> int:
        """Number of ligands."""
        return len(_SHAPES[self.shape])

    @property
    def charge(self) -> int:
        """Total charge, e."""
        return self.oxidation_state - (self.donors if self.donor == "Cl-" else 0)

    @property
    def ion(self) -> str:
        """The bare ion, e.g. "Pd2+"."""
        sign = str(self.oxidation_state) if self.oxidation_state > 1 else ""
        return f"{self.metal}{sign}+"


_SHAPES: Final[dict[str, FloatArray]] = {
    "linear": np.array([[0, 0, 1], [0, 0, -1]], dtype=float),
    "square": np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]], dtype=float),
    "tetrahedron": np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0),
    "octahedron": np.array(
        [[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], dtype=float
    ),
}

#: The first complex of a salt is the one taken where none is named. Starting bond lengths: sums of
#: covalent radii (B. Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j) shortened as
#: for anions on d8 and d10 ions; all are relaxed.
ION_COMPLEXES: Final[dict[str, IonComplex]] = {
    c.name: c
    for c in (
        IonComplex("[Ag(H2O)2]+", "Ag+", "Ag", 1, "H2O", "linear", 2.15),
        IonComplex("[Ag(H2O)4]+", "Ag+", "Ag", 1, "H2O", "tetrahedron", 2.38),
        IonComplex("[Pd(H2O)4]2+", "Pd2+", "Pd", 2, "H2O", "square", 2.05),
        IonComplex("[PdCl4]2-", "[PdCl4]2-", "Pd", 2, "Cl-", "square", 2.34),
        IonComplex("[Pt(H2O)4]2+", "Pt2+", "Pt", 2, "H2O", "square", 2.05),
        IonComplex("[PtCl4]2-", "[PtCl4]2-", "Pt", 2, "Cl-", "square", 2.34),
        IonComplex("[AuCl2]-", "[AuCl2]-", "Au", 1, "Cl-", "linear", 2.29),
        IonComplex("[Au(H2O)2]+", "Au+", "Au", 1, "H2O", "linear", 2.08),
        IonComplex("[AuCl4]-", "[AuCl4]-", "Au", 3, "Cl-", "square", 2.32),
        IonComplex("[Cu(H2O)4]2+", "Cu2+", "Cu", 2, "H2O", "square", 1.96),
        IonComplex("[Cu(H2O)6]2+", "Cu2+", "Cu", 2, "H2O", "octahedron", 2.05),
        IonComplex("[RhCl6]3-", "[RhCl6]3-", "Rh", 3, "Cl-", "octahedron", 2.38),
    )
}


def list_salts() -> list[str]:
    """Return the salts whose ions can be bound to a ligand."""
    return list(dict.fromkeys(c.salt for c in ION_COMPLEXES.values()))


def find_ion_complex(name: str) -> IonComplex:
    """Return a complex by its name or by its salt ("Ag+": the first one listed).

    Raises
    ------
    UnknownNameError
        There is none; the known ones are listed.
    """
    if name in ION_COMPLEXES:
        return ION_COMPLEXES[name]
    for complex_ in ION_COMPLEXES.values():
        if complex_.salt == name:
            return complex_
    raise UnknownNameError("ion", name, [*list_salts(), *ION_COMPLEXES])


def build_ion_complex(name: str) -> Molecule:
    """Build the complex of a metal ion, near its minimum and a little off its symmetry.

    Parameters
    ----------
    name : str
        Name or salt, see `find_ion_complex`.

    Returns
    -------
    pymatgen Molecule
        The metal first, at the origin; meant for continuum water. Low spin.
    """
    found = find_ion_complex(name)
    symbols, positions = [found.metal], [np.zeros(3)]
    for number, direction in enumerate(_SHAPES[found.shape]):
        at = found.bond_angstrom * direction
        if found.donor == "Cl-":
            symbols.append("Cl")
            positions.append(at)
        else:
            symbols += ["O", "H", "H"]
            positions += [at, *_hydrogens(at, direction, number)]
    return _solute(symbols, np.array(positions), found.charge, found.name, metal=True)


def _hydrogens(oxygen: FloatArray, outward: FloatArray, number: int) -> list[FloatArray]:
    """Return the hydrogens of a bound water, planes of neighbours turned against each other."""
    side = np.cross(outward, [0.0, 0.0, 1.0] if abs(outward[2]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    up = np.cross(outward, side)
    turn = np.pi / 2 * (number % 2)
    across = np.cos(turn) * side + np.sin(turn) * up
    half = np.radians(_HOH_DEGREES / 2)
    return [
        oxygen + _OH_ANGSTROM * (np.cos(half) * outward + sign * np.sin(half) * across)
        for sign in (1.0, -1.0)
    ]


def build_solute(name: str) -> Molecule:
    """Build H2O, H3O+ or Cl-, meant for continuum water.

    Raises
    ------
    UnknownNameError
        None of these.
    """
    if name == "Cl-":
        return _solute(["Cl"], np.zeros((1, 3)), -1, name)
    if name == "H2O":
        half = np.radians(_HOH_DEGREES / 2)
        x, z = _OH_ANGSTROM * np.sin(half), _OH_ANGSTROM * np.cos(half)
        return _solute(["O", "H", "H"], np.array([[0, 0, 0], [x, 0, z], [-x, 0, z]]), 0, name)
    if name == "H3O+":
        # Three bonds at equal angles about z.
        sine = np.sqrt(2.0 / 3.0 * (1.0 - np.cos(np.radians(_HYDRONIUM_HOH_DEGREES))))
        drop = np.sqrt(1.0 - sine**2)
        angles = 2.0 * np.pi / 3.0 * np.arange(3)
        bonds = np.stack([sine * np.cos(angles), sine * np.sin(angles), np.full(3, -drop)], axis=1)
        places = np.vstack([np.zeros(3), _HYDRONIUM_OH_ANGSTROM * bonds])
        return _solute(["O", "H", "H", "H"], places, 1, name)
    raise UnknownNameError("solute", name, ["H2O", "H3O+", "Cl-"])


def _solute(
    symbols: list[str], positions: FloatArray, charge: int, name: str, *, metal: bool = False
) -> Molecule:
    if metal:
        positions = positions + np.random.default_rng(0).uniform(-_RATTLE, _RATTLE, positions.shape)
    state = charge + symbols.count("Cl") if metal else 0
    multiplicity = default_multiplicity([symbols[0]], state) if metal else 1
    check_electron_count(symbols, charge, multiplicity)
    open_shell = metal and multiplicity > 1
    return Molecule(
        symbols,
        np.round(positions, 6),
        charge=charge,
        spin_multiplicity=multiplicity,
        site_properties={
            "role": ["metal" if metal and i == 0 else "ligand-atom" for i in range(len(symbols))],
            # Only an open-shell ion starts from a moment of its own.
            "fragment": [
                "metal" if open_shell and i == 0 else "ligand" for i in range(len(symbols))
            ],
        },
        properties={"name": name, "solvent": "water"},
    )
