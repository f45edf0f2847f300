"""Segregation and mixing energies of two metals from DFT."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from pydantic import Field

from pomdft.schemas.base import Document
from pomdft.schemas.level import Level

#: Printed with every table and plot of segregation energies.
SIGN_CONVENTION = "segregation energy in eV; negative = the solute goes to the surface"


class SegregationEnergyDocument(Document):
    """Energy of a solute atom at the surface of a host, less that inside. Negative = surface.

    Attributes
    ----------
    key : str
        Content key.
    host, solute : str
        Metals.
    facet : str
        "111", "100", "211" or "0001".
    layers : int
        Of the slab.
    repeat : tuple of int
        Surface cells of the slab; the solute's coverage of the surface layer is one over their
        number.
    level : Level
        Level of theory.
    energy_ev : float
        E(solute in the surface layer) - E(solute in the middle of the slab); eV a solute atom.
    relaxed : bool
        Whether both slabs were relaxed at the level.
    lattice_constant_angstrom : float
        Of the host.
    calculations : dict of str
        "surface" and "inside" -> key.
    source : str
        "store" or "reference".
    """

    CURRENT_VERSION: ClassVar[int] = 1

    key: str
    host: str
    solute: str
    facet: str
    layers: int = Field(ge=3)
    repeat: tuple[int, int]
    level: Level
    energy_ev: float
    relaxed: bool
    lattice_constant_angstrom: float = Field(gt=0)
    calculations: dict[str, str]
    source: str = "store"
    finished: datetime = Field(default_factory=lambda: datetime.now(UTC))

    def __repr__(self) -> str:
        return (
            f"SegregationEnergyDocument({self.solute} in {self.host}({self.facet}): "
            f"{self.energy_ev:+.3f} eV at {self.level.title}; negative = to the surface)"
        )

    __str__ = __repr__


class SubstitutionEnergyDocument(Document):
    """Energy to dissolve one solute atom in bulk host. Negative = mixes.

    Attributes
    ----------
    key : str
        Content key.
    host, solute : str
        Metals.
    n_atoms : int
        Of the supercell; one of them is the solute.
    level : Level
        Level of theory.
    energy_ev : float
        E(host with one solute) - (n - 1)/n E(host) - E(solute), the first two of n atoms in one
        cell, the solute one atom of its bulk at its own lattice constant; eV a solute atom.
    relaxed : bool
        Whether the atoms around the solute were relaxed.
    lattice_constant_angstrom : float
        Of the host.
    calculations : dict of str
        "alloy", "host", "solute" -> key.
    source : str
        "store" or "reference".
    """

    CURRENT_VERSION: ClassVar[int] = 1

    key: str
    host: str
    solute: str
    n_atoms: int = Field(ge=2)
    level: Level
    energy_ev: float
    relaxed: bool
    lattice_constant_angstrom: float = Field(gt=0)
    calculations: dict[str, str]
    source: str = "store"
    finished: datetime = Field(default_factory=lambda: datetime.now(UTC))

    def __repr__(self) -> str:
        return (
            f"SubstitutionEnergyDocument({self.solute} in {self.n_atoms} atoms of {self.host}: "
            f"{self.energy_ev:+.3f} eV at {self.level.title}; negative = mixes)"
        )

    __str__ = __repr__
