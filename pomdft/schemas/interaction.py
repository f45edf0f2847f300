"""Interaction energy of one geometry at one level: how far an affinity is converged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from pydantic import Field

from pomdft.schemas.base import Document, UtcTime
from pomdft.schemas.level import Level

#: Printed with every table and plot of interaction energies.
SIGN_CONVENTION = (
    "interaction energy in eV: complex less ligand and cluster frozen as in it; negative = bound"
)


class InteractionEnergy(Document):
    """Energy of a complex less those of its two fragments, frozen as in it. Negative = bound.

    Computed for one and the same geometry at several levels, it says how an affinity moves with
    grid, cell, basis and functional.

    Attributes
    ----------
    key : str
        Content key.
    ligand, metal, cluster, site, charge_model : str
        Which complex.
    variant : str
        What is changed against the level of the geometry, e.g. "h 0.18".
    level : Level
        Level of theory of the energies.
    energy_ev : float
        E(complex) - E(frozen ligand) - E(frozen cluster), each in its own basis.
    counterpoise_energy_ev : float or None
        The same with both fragments in the basis of the complex; None where no such correction
        is needed or none was computed.
    std_ev : float or None
        Standard deviation; None where none was computed.
    calculations : dict of str
        "complex", "frozen-ligand", "frozen-cluster" and, with the counterpoise correction,
        "ghost-ligand" and "ghost-cluster" -> key; "geometry" -> key of the relaxation that the
        geometry is taken from.
    source : str
        "store" or "reference".
    """

    CURRENT_VERSION: ClassVar[int] = 1

    key: str
    ligand: str
    metal: str
    cluster: str
    site: str
    charge_model: str
    variant: str
    level: Level
    energy_ev: float
    counterpoise_energy_ev: float | None = None
    std_ev: float | None = Field(default=None, ge=0)
    calculations: dict[str, str] = Field(min_length=1)
    source: str = "store"
    finished: UtcTime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def title(self) -> str:
        """The complex in a few words."""
        return f"{self.ligand} + {self.metal}{self.cluster.removeprefix('M')}"

    def __repr__(self) -> str:
        corrected = self.counterpoise_energy_ev
        more = "" if corrected is None else f", counterpoise-corrected {corrected:+.3f} eV"
        return (
            f"InteractionEnergy({self.title}, {self.variant}: {self.energy_ev:+.3f} eV{more}, no "
            f"uncertainty computed, at {self.level.title}; negative = bound; key {self.key})"
        )

    __str__ = __repr__
