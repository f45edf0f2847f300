"""Proton affinity of a POM in water, proton by proton."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from pydantic import Field

from pomdft.schemas.reaction import ReactionEnergy

#: Printed with every table and plot of protonation energies.
SIGN_CONVENTION = (
    "protonation energy in eV a proton, from H3O+, electronic and continuum energies only; "
    "negative = the anion takes the proton from H3O+"
)


#: Role of a calculation -> coefficient in a step.
STEP_BALANCE: Final[Mapping[str, float]] = MappingProxyType(
    {"protonated": 1.0, "water": 1.0, "parent": -1.0, "hydronium": -1.0}
)


class ProtonationEnergy(ReactionEnergy):
    r"""Energy of a POM taking one more proton from H3O+. Negative = it does.

    .. math:: H_k P + H_3O^+ \to H_{k+1} P + H_2O

    Included: PBE electronic energies with dispersion, and the continuum's solvation free energies.
    Not included: zero-point and thermal energies, concentrations, counter-cations, explicit water.
    A single H3O+ in a continuum is solvated too weakly by several tenths of an eV, which shifts
    all values alike: differences between anions and between successive protons are meant.

    Attributes
    ----------
    pom : str
        Name, e.g. "alpha-PMo12O40".
    protons : int
        k + 1: the number of protons after the reaction.
    series : int
        Protons of the series the step was computed in; it decides which oxygens and, where only
        their surroundings move, which atoms.
    charge : int
        Of the anion before the reaction, in units of e.
    site : str
        Role of the oxygen that takes the proton, e.g. "corner-bridging".
    oxygen : int
        Its index in the POM.
    energy_ev : float
        E(H_(k+1)P) + E(H2O) - E(H_kP) - E(H3O+), each at its own relaxed minimum in the solvent;
        eV a proton, negative = the anion takes the proton.
    dispersion_ev : float or None
        Share of dispersion in it.
    oh_length_angstrom : float
        Length of the new O-H bond.
    moving : int
        Atoms of the POM that moved, protons not counted; the others stay where the first
        calculation of the series has them, with and without the proton.
    calculations : dict of str
        "protonated", "parent", "water", "hydronium" -> calculation key.

    Others are those of :class:`~pomdft.schemas.reaction.ReactionEnergy`.
    """

    CURRENT_VERSION: ClassVar[int] = 1

    pom: str
    protons: int = Field(ge=1, le=60)
    series: int = Field(ge=1, le=60)
    charge: int
    site: str
    oxygen: int = Field(ge=0)
    dispersion_ev: float | None = None
    oh_length_angstrom: float = Field(gt=0)
    moving: int = Field(ge=1)

    @property
    def balance(self) -> Mapping[str, float]:
        """Products less reactants."""
        return STEP_BALANCE

    @property
    def title(self) -> str:
        """The reaction."""
        return self.reaction

    @property
    def reaction(self) -> str:
        """The reaction in one line."""
        before = "" if self.protons == 1 else f"H{self.protons - 1}-"
        after = "H-" if self.protons == 1 else f"H{self.protons}-"
        return f"{before.replace('H1-', 'H-')}{self.pom} + H3O+ -> {after}{self.pom} + H2O"

    def __repr__(self) -> str:
        return (
            f"ProtonationEnergy({self.reaction}: {self.energy_ev:+.3f} eV ({self.uncertainty}), "
            f"{self.site} oxygen, at {self.level.title}; negative = takes the proton; without "
            f"zero-point energy; key {self.key})"
        )

    __str__ = __repr__
