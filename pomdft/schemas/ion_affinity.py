"""Ion affinity: what binding a metal ion to a ligand changes against its own complex in water."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from pomdft.schemas.reaction import ReactionEnergy

#: Printed with every table and plot of ion affinities.
SIGN_CONVENTION = (
    "ion affinity in eV an ion, electronic and continuum energies only; negative = the ligand "
    "takes the ion; potential shift in V, negative = harder to reduce"
)


def balance_exchange(released_count: int) -> dict[str, float]:
    """Return role -> coefficient of an exchange that releases so many ligands of the ion."""
    released = float(released_count)
    return {"complex": 1.0, "released": released, "ligand": -1.0, "reference": -1.0}


class IonAffinity(ReactionEnergy):
    r"""Energy of a ligand taking a metal ion from its aquo or chloro complex. Negative = it does.

    The reaction, balanced in atoms and charge:

    .. math:: L^{n-} + [M X_m]^{q} \to [M L]^{z-n} + m X

    Included: PBE electronic energies with dispersion, and the continuum's solvation free energies
    (electrostatics, cavity, short-range interactions). Not included: vibrations, translation and
    rotation (releasing m ligands gains entropy, which favours binding further), concentrations,
    counter-cations, protons on the ligand, explicit water around the bound ion.

    Attributes
    ----------
    ligand : str
        Name of the POM.
    metal : str
        Symbol.
    oxidation_state : int
        z, in units of e.
    salt : str
        What is reduced, as in the table of reduction potentials: "Ag+", "[AuCl4]-".
    reference_complex : str
        What the ion is taken from, e.g. "[Ag(H2O)2]+".
    released : str
        "H2O" or "Cl-".
    released_count : int
        m.
    site, charge_model : str
        Of the ligand.
    orientation : str
        Which of the docked poses; the lowest of those computed.
    energy_ev : float
        E(ion on ligand) + m E(released) - E(ligand) - E(reference complex), each at its own
        relaxed minimum in the solvent; eV an ion, negative = bound to the ligand.
    potential_shift_v : float
        energy_ev / z: shift of the reduction potential of the salt to the metal, V;
        negative = harder to reduce.
    dispersion_ev : float or None
        Share of dispersion in `energy_ev`; None where the level has none.
    contacts : int
        Metal-oxygen contacts of the bound ion.
    shortest_contact_angstrom : float or None
        Shortest metal-oxygen distance of the bound ion.
    calculations : dict of str
        "complex", "ligand", "reference", "released" -> calculation key.

    Others are those of :class:`~pomdft.schemas.reaction.ReactionEnergy`.
    """

    CURRENT_VERSION: ClassVar[int] = 1

    ligand: str
    metal: str
    oxidation_state: int = Field(ge=1, le=8)
    salt: str
    reference_complex: str
    released: str
    released_count: int = Field(ge=1, le=12)
    site: str = "vacancy"
    charge_model: str = "solvated"
    orientation: str = ""
    potential_shift_v: float
    dispersion_ev: float | None = None
    contacts: int = Field(ge=0)
    shortest_contact_angstrom: float | None = Field(default=None, gt=0)

    @property
    def balance(self) -> Mapping[str, float]:
        """Products less reactants."""
        return balance_exchange(self.released_count)

    @property
    def title(self) -> str:
        """The reaction."""
        return self.reaction

    @property
    def reaction(self) -> str:
        """The reaction in one line, "W5O18 + [PdCl4]2- -> W5O18-Pd + 4 Cl-"."""
        return (
            f"{self.ligand} + {self.reference_complex} -> {self.ligand}-{self.metal} + "
            f"{self.released_count} {self.released}"
        )

    def __repr__(self) -> str:
        poses = "one pose" if self.poses == 1 else f"the lowest of {self.poses} poses"
        return (
            f"IonAffinity({self.reaction}: {self.energy_ev:+.3f} eV ({self.uncertainty}), shift "
            f"{self.potential_shift_v:+.3f} V of {self.salt}, at {self.level.title}; negative = "
            f"bound, harder to reduce; without entropy; {poses}; key {self.key})"
        )

    __str__ = __repr__
