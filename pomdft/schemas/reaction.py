"""Energies that are sums of total energies, with the uncertainty of the functional."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Final

from pydantic import Field, model_validator

from pomdft.schemas.base import Document
from pomdft.schemas.level import Level

#: Exchange and correlation terms that the members of the BEEF-vdW ensemble weigh differently.
N_BEEF_TERMS: Final = 32
#: Role of the single point that gives a calculation's terms: this, then the calculation's own.
ENSEMBLE_ROLE: Final = "ensemble-"


class ReactionEnergy(Document):
    """An energy difference between calculations of one level.

    Attributes
    ----------
    level : Level
        Level of theory.
    energy_ev : float
        Sum of the energies of the calculations times their `balance`, eV.
    std_ev : float or None
        Standard deviation of the BEEF-vdW ensemble, eV; None where none was computed.
    beef_terms_ev : tuple of 32 floats or None
        The same sum of the exchange and correlation terms that the members weigh differently, in
        the order of `ase.dft.bee`, eV: `pomdft.flows.ensemble.ensemble_coefficients` times these is
        the deviation of each member, the same member whatever the energy.
    relaxed : bool
        Whether what can relax was relaxed at the level.
    calculations : dict of str
        Role -> key of a calculation; with an ensemble also "ensemble-" and role.
    source : str
        "store" or "reference".
    """

    level: Level
    energy_ev: float
    std_ev: float | None = Field(default=None, ge=0)
    beef_terms_ev: tuple[float, ...] | None = Field(
        default=None, min_length=N_BEEF_TERMS, max_length=N_BEEF_TERMS
    )
    relaxed: bool
    calculations: dict[str, str] = Field(min_length=1)
    source: str = "store"

    @model_validator(mode="after")
    def _check_ensemble(self) -> ReactionEnergy:
        if (self.std_ev is None) != (self.beef_terms_ev is None):
            msg = "std_ev and beef_terms_ev belong together"
            raise ValueError(msg)
        return self

    @property
    @abstractmethod
    def balance(self) -> Mapping[str, float]:
        """Role of a calculation -> what its energy is multiplied with."""

    @property
    def minima(self) -> tuple[str, ...]:
        """Roles of what has to be relaxed."""
        return tuple(self.balance)

    @property
    def title(self) -> str:
        """What the energy is of, in a few words."""
        return type(self).__name__

    @property
    def uncertainty(self) -> str:
        """The standard deviation in words."""
        return "no uncertainty computed" if self.std_ev is None else f"+- {self.std_ev:.2f} eV"
