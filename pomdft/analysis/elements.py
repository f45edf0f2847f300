"""Constants of the transition metals from Ti to Au that the models are built on."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np
import pandas as pd

from pomdft.errors import UnknownNameError

#: Close-packed host surface of each structure.
CLOSE_PACKED_FACET = {"fcc": "111", "bcc": "110", "hcp": "0001"}


@dataclass(frozen=True)
class TransitionMetal:
    """Constants of one transition metal; sources are named at the head of the table.

    Attributes
    ----------
    symbol : str
        Chemical symbol.
    group : int
        Column of the periodic table (4 to 11): the number of valence d and s electrons.
    period : int
        Row of the periodic table (4, 5 or 6).
    structure : str
        "fcc", "bcc" or "hcp".
    surface_energy_ev : float
        Surface energy of the close-packed facet per surface atom, eV.
    cohesive_energy_ev : float
        Cohesive energy per atom, eV, positive.
    wigner_seitz_bohr : float
        Wigner-Seitz radius, bohr.
    d_width_mry : float
        Width of the d band in Andersen's units, mRy.
    miedema_phi_v : float
        Miedema's electronegativity, V.
    miedema_density : float
        Electron density at the Wigner-Seitz boundary, density units.
    miedema_volume_cm3 : float
        Molar volume, cm3.
    bulk_modulus_gpa, shear_modulus_gpa : float
        Elastic moduli, GPa.
    """

    symbol: str
    group: int
    period: int
    structure: str
    surface_energy_ev: float
    cohesive_energy_ev: float
    wigner_seitz_bohr: float
    d_width_mry: float
    miedema_phi_v: float
    miedema_density: float
    miedema_volume_cm3: float
    bulk_modulus_gpa: float
    shear_modulus_gpa: float

    @property
    def facet(self) -> str:
        """Miller indices of the close-packed facet: "111", "110" or "0001"."""
        return CLOSE_PACKED_FACET[self.structure]

    @property
    def atomic_area_angstrom2(self) -> float:
        """Area of one atom in a close-packed layer, angstrom^2, from the molar volume.

        The fcc lattice constant is a = (4 V)^(1/3) and the area a^2 sqrt(3)/4.
        """
        volume = self.miedema_volume_cm3 / 0.602214076
        return float((4.0 * volume) ** (2.0 / 3.0) * np.sqrt(3.0) / 4.0)


@functools.cache
def load_metals() -> dict[str, TransitionMetal]:
    """Read the shipped table of constants.

    Returns
    -------
    dict
        Symbol to :class:`TransitionMetal`, 24 metals, in the order of the periodic table.
    """
    with resources.files("pomdft.analysis").joinpath("data/transition_metals.csv").open() as file:
        table = pd.read_csv(file, comment="#")
    rows = [
        TransitionMetal(**{str(k): v for k, v in row.items()}) for row in table.to_dict("records")
    ]
    return {metal.symbol: metal for metal in rows}


def find_metal(symbol: str) -> TransitionMetal:
    """Return the constants of one metal.

    Parameters
    ----------
    symbol : str
        Chemical symbol, Ti-Cu, Zr-Ag or Hf-Au.

    Returns
    -------
    TransitionMetal

    Raises
    ------
    UnknownNameError
        The symbol is not one of the 24 metals; the near ones are listed.
    """
    metals = load_metals()
    if symbol not in metals:
        raise UnknownNameError("metal", symbol, metals)
    return metals[symbol]
