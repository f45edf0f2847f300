"""Energies that are sums of total energies, with the uncertainty of the functional."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pomdft.schemas.base import Document, UtcTime
from pomdft.schemas.beef import N_BEEF_TERMS, ensemble_coefficients
from pomdft.schemas.level import Level
from pomdft.schemas.poses import other_poses

#: Role of the single point that gives a calculation's terms: this, then the calculation's own.
ENSEMBLE_ROLE: Final = "ensemble-"


class ReactionEnergy(Document):
    """An energy difference between calculations of one level.

    Attributes
    ----------
    key : str
        Content key.
    level : Level
        Level of theory.
    energy_ev : float
        Sum of the energies of the calculations times their `balance`, eV.
    std_ev : float or None
        Standard deviation of the BEEF-vdW ensemble, eV; None where none was computed.
    beef_terms_ev : tuple of 32 floats or None
        The same sum of the exchange and correlation terms that the members weigh differently, in
        the order of `ase.dft.bee`, eV: `pomdft.schemas.beef.ensemble_coefficients` times these is
        the deviation of each member, the same member whatever the energy.
    relaxed : bool
        Whether what can relax was relaxed at the level.
    calculations : dict of str
        Role -> key of a calculation; with an ensemble also "ensemble-" and role; where several
        poses were computed also "other-pose-1" ... -> those that came out higher or met the same
        minimum.
    source : str
        "store" or "reference" (shipped with the package).
    finished : datetime
        When it was first put together, UTC.
    """

    key: str
    level: Level
    energy_ev: float
    std_ev: float | None = Field(default=None, ge=0)
    beef_terms_ev: tuple[float, ...] | None = Field(
        default=None, min_length=N_BEEF_TERMS, max_length=N_BEEF_TERMS
    )
    relaxed: bool
    calculations: dict[str, str] = Field(min_length=1)
    source: str = "store"
    finished: UtcTime = Field(default_factory=lambda: datetime.now(UTC))

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
    def poses(self) -> int:
        """How many poses were computed; the energy is that of the lowest, to 0.01 eV."""
        return 1 + len(other_poses(self.calculations))

    @property
    def ensemble_ev(self) -> NDArray[np.float64] | None:
        """Energy of each of the 2000 members, eV, scattered about `energy_ev`; None without."""
        if self.beef_terms_ev is None:
            return None
        shifts = ensemble_coefficients() @ np.array(self.beef_terms_ev)
        return np.asarray(self.energy_ev + shifts, dtype=np.float64)

    def with_additions(self, known: Self) -> Self:
        """Return this energy with what was added to the same one, of equal key, before.

        That is its ensemble, and the other poses where fewer were computed this time. Nothing of it
        is kept where the energy is another: a calculation was made again.
        """
        if known.energy_ev != self.energy_ev:
            return self
        merged = self if self.std_ev is not None else self.with_ensemble_of(known)
        if known.poses <= self.poses:
            return merged
        fewer = other_poses(self.calculations)
        calculations = {r: key for r, key in merged.calculations.items() if r not in fewer}
        calculations |= other_poses(known.calculations)
        return merged.model_copy(update={"calculations": calculations})

    def with_ensemble_of(self, known: Self) -> Self:
        """Return this energy with the ensemble of one at the same minima, scattered about it."""
        points = {r: k for r, k in known.calculations.items() if r.startswith(ENSEMBLE_ROLE)}
        changes: dict[str, Any] = {
            "std_ev": known.std_ev,
            "beef_terms_ev": known.beef_terms_ev,
            "calculations": self.calculations | points,
        }
        return self.model_copy(update=changes)

    @property
    def uncertainty(self) -> str:
        """The standard deviation in words."""
        return "no uncertainty computed" if self.std_ev is None else f"+- {self.std_ev:.2f} eV"
