"""Segregation and mixing energies of two metals from DFT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from pomdft.schemas.reaction import ReactionEnergy

#: Printed with every table and plot of segregation energies.
SIGN_CONVENTION = "segregation energy in eV; negative = the solute goes to the surface"


class SegregationEnergyDocument(ReactionEnergy):
    """Energy of a solute atom at the surface of a host, less that inside. Negative = surface.

    Attributes
    ----------
    host, solute : str
        Metals.
    facet : str
        "111", "100", "211" or "0001".
    layers : int
        Of the slab.
    repeat : tuple of int
        Surface cells of the slab; the solute's coverage of the surface layer is one over their
        number.
    energy_ev : float
        E(solute in the surface layer) - E(solute in the middle of the slab); eV a solute atom.
    lattice_constant_angstrom : float
        Of the host.
    calculations : dict of str
        "surface" and "inside" -> key.

    Others are those of :class:`~pomdft.schemas.reaction.ReactionEnergy`.
    """

    CURRENT_VERSION: ClassVar[int] = 1

    host: str
    solute: str
    facet: str
    layers: int = Field(ge=3)
    repeat: tuple[int, int]
    lattice_constant_angstrom: float = Field(gt=0)

    @property
    def balance(self) -> Mapping[str, float]:
        """Solute in the surface layer, less inside."""
        return {"surface": 1.0, "inside": -1.0}

    @property
    def title(self) -> str:
        """Solute, host and facet."""
        return f"{self.solute} in {self.host}({self.facet})"

    def __repr__(self) -> str:
        return (
            f"SegregationEnergyDocument({self.title}: {self.energy_ev:+.3f} eV "
            f"({self.uncertainty}) at {self.level.title}; negative = to the surface)"
        )

    __str__ = __repr__


class SubstitutionEnergyDocument(ReactionEnergy):
    """Energy to dissolve one solute atom in bulk host. Negative = mixes.

    Attributes
    ----------
    host, solute : str
        Metals.
    n_atoms : int
        Of the supercell; one of them is the solute.
    energy_ev : float
        E(host with one solute) - (n - 1)/n E(host) - E(solute), the first two of n atoms in one
        cell, the solute one atom of its bulk at its own lattice constant; eV a solute atom.
    lattice_constant_angstrom : float
        Of the host.
    calculations : dict of str
        "alloy", "host", "solute" -> key; the first is relaxed.

    Others are those of :class:`~pomdft.schemas.reaction.ReactionEnergy`.
    """

    CURRENT_VERSION: ClassVar[int] = 1

    host: str
    solute: str
    n_atoms: int = Field(ge=2)
    lattice_constant_angstrom: float = Field(gt=0)

    @property
    def balance(self) -> Mapping[str, float]:
        """Alloy, less its atoms in their own bulk."""
        return {"alloy": 1.0, "host": -(self.n_atoms - 1) / self.n_atoms, "solute": -1.0}

    @property
    def minima(self) -> tuple[str, ...]:
        """Host and solute are perfect crystals at their lattice constants."""
        return ("alloy",)

    @property
    def title(self) -> str:
        """Solute, host and cell."""
        return f"{self.solute} in {self.n_atoms} atoms of {self.host}"

    def __repr__(self) -> str:
        return (
            f"SubstitutionEnergyDocument({self.title}: {self.energy_ev:+.3f} eV "
            f"({self.uncertainty}) at {self.level.title}; negative = mixes)"
        )

    __str__ = __repr__
