"""Bulk metal: lattice constants and cohesive energy from an equation of state."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar, Final, Literal

from pydantic import Field

from pomdft.schemas.base import Document, UtcTime
from pomdft.schemas.level import Level

#: Role of a point of the equation of state: this and its linear strain.
STRAIN_ROLE: Final = "strain "


class BulkMetal(Document):
    """Equilibrium of a bulk metal at one level of theory.

    Attributes
    ----------
    key : str
        Content key.
    metal : str
        Symbol.
    symmetry : {"fcc", "hcp"}
        Crystal structure.
    level : Level
        Level of theory.
    lattice_constant_angstrom : float
        Of the cubic cell for fcc, a for hcp.
    c_over_a : float or None
        For hcp.
    bulk_modulus_gpa : float
        From the same fit.
    energy_ev_per_atom : float
        At the minimum of the fit, on the level's own scale of total energies.
    cohesive_energy_ev_per_atom : float or None
        Energy of the free atom, spin-polarised, less that of the bulk: positive. None where the
        free atom was not computed.
    lattice_constant_std_angstrom, bulk_modulus_std_gpa : float or None
        Standard deviations of the BEEF-vdW ensemble, c/a kept; None where none was computed.
    cohesive_std_ev_per_atom : float or None
        The same of the cohesive energy.
    fit_residual_ev : float
        Largest deviation of a computed energy from the fit.
    magnetic_moment_bohr_magneton_per_atom : float or None
        At the point nearest to the minimum.
    calculations : dict of str
        Role -> key of the calculation: the points of the equation of state, and "atom"; with an
        ensemble also "ensemble-" and role.
    source : str
        "store" or "reference".
    """

    CURRENT_VERSION: ClassVar[int] = 1

    key: str
    metal: str
    symmetry: Literal["fcc", "hcp"]
    level: Level
    lattice_constant_angstrom: float = Field(gt=0)
    c_over_a: float | None = Field(default=None, gt=0)
    bulk_modulus_gpa: float
    energy_ev_per_atom: float
    cohesive_energy_ev_per_atom: float | None = None
    lattice_constant_std_angstrom: float | None = Field(default=None, ge=0)
    bulk_modulus_std_gpa: float | None = Field(default=None, ge=0)
    cohesive_std_ev_per_atom: float | None = Field(default=None, ge=0)
    fit_residual_ev: float = Field(ge=0)
    magnetic_moment_bohr_magneton_per_atom: float | None = None
    calculations: dict[str, str] = Field(min_length=1)
    source: str = "store"
    finished: UtcTime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def has_ensemble(self) -> bool:
        """Whether everything in it that was computed has its standard deviation."""
        stds = [self.lattice_constant_std_angstrom]
        if self.cohesive_energy_ev_per_atom is not None:
            stds.append(self.cohesive_std_ev_per_atom)
        return None not in stds

    def __repr__(self) -> str:
        ratio = "" if self.c_over_a is None else f", c/a = {self.c_over_a:.3f}"
        cohesion = self.cohesive_energy_ev_per_atom
        bound = "" if cohesion is None else f", cohesive energy {cohesion:.2f}"
        if cohesion is not None:
            bound += f"{_spread(self.cohesive_std_ev_per_atom, '.2f')} eV an atom"
        unknown = "" if self.has_ensemble else "; no uncertainty computed"
        return (
            f"BulkMetal({self.metal} {self.symmetry}: a = {self.lattice_constant_angstrom:.3f}"
            f"{_spread(self.lattice_constant_std_angstrom, '.3f')} angstrom{ratio}, B = "
            f"{self.bulk_modulus_gpa:.0f}{_spread(self.bulk_modulus_std_gpa, '.0f')} GPa{bound} "
            f"at {self.level.title}{unknown})"
        )

    __str__ = __repr__


def _spread(std: float | None, form: str) -> str:
    return "" if std is None else f" +- {std:{form}}"
