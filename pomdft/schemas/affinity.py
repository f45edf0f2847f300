"""Affinity: the binding energy of a ligand to a metal, with all that belongs to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar, Final

from pydantic import Field

from pomdft.schemas.base import Document, UtcTime
from pomdft.schemas.level import Level

#: Role of a calculation -> what its energy is multiplied with in a binding energy.
BALANCE: Final = {"complex": 1.0, "ligand": -1.0, "cluster": -1.0}
#: Role in `calculations` of a pose that was computed and not taken: this and a number.
OTHER_POSE: Final = "other-pose-"
#: Poses nearer than this (eV) to the lowest have met the same minimum; the one that docking ranks
#: first is taken, so that it stays the same however many are computed.
SAME_MINIMUM_EV: Final = 0.01
#: Printed with every table and plot of affinities.
SIGN_CONVENTION = "binding energy in eV; negative = bound"


class AffinityModel(Document):
    """Which model an affinity was computed for.

    Attributes
    ----------
    ligand, metal : str
        Names.
    cluster : str
        Metal model, e.g. "M4".
    site : str
        Docking site of the ligand.
    charge_model : str
        How the ligand's charge is compensated.
    orientation : str
        Which of the distinct orientations at the site.
    """

    ligand: str
    metal: str
    cluster: str = "M4"
    site: str = "vacancy"
    charge_model: str = "protonated"
    orientation: str = ""

    @property
    def title(self) -> str:
        """One short line, e.g. "W5O18 + Au4, vacancy, protonated"."""
        count = self.cluster.removeprefix("M")
        metal = self.metal + (count if count != "1" else "")
        return f"{self.ligand} + {metal}, {self.site}, {self.charge_model}"


class Affinity(Document):
    """Binding energy of a ligand to a metal cluster. Negative = bound.

    Attributes
    ----------
    key : str
        Content key.
    model : AffinityModel
        Ligand, metal, cluster, site, charge model.
    level : Level
        Level of theory.
    energy_ev : float
        Binding energy E(complex) - E(ligand) - E(cluster), each at its own relaxed minimum (at
        the given geometry for levels that do not relax); eV, negative = bound; not corrected for
        basis-set superposition.
    counterpoise_correction_ev : float or None
        To be added to `energy_ev` (Boys & Bernardi, doi:10.1080/00268977000101561); positive.
    interaction_energy_ev : float
        E(complex) - E(frozen ligand) - E(frozen cluster); eV.
    reorganisation_ligand_ev, reorganisation_metal_ev : float
        Energy to bring each fragment from its minimum to its geometry in the complex; eV.
    dispersion_ev : float or None
        Share of dispersion in `energy_ev`; None where the level has none.
    contacts : int
        Metal-oxygen (or metal-ligand-atom) contacts in the relaxed complex.
    per_contact_ev : float or None
        `energy_ev` / `contacts`; None without contacts.
    std_ev : float or None
        Standard deviation of the functional's error from a BEEF-vdW ensemble; None where no
        ensemble was computed.
    ensemble_ev : tuple of float or None
        Binding energy of each ensemble member, eV.
    calculations : dict of str
        Role ("complex", "ligand", "cluster", "frozen-ligand" ...) -> calculation key; where
        several poses were computed also "other-pose-1" ... -> those that came out higher or met
        the same minimum.
    source : str
        "store" or "reference" (shipped with the package).
    """

    CURRENT_VERSION: ClassVar[int] = 1

    key: str
    model: AffinityModel
    level: Level
    energy_ev: float
    counterpoise_correction_ev: float | None = None
    interaction_energy_ev: float
    reorganisation_ligand_ev: float
    reorganisation_metal_ev: float
    dispersion_ev: float | None = None
    contacts: int = Field(ge=0)
    per_contact_ev: float | None = None
    std_ev: float | None = Field(default=None, ge=0)
    ensemble_ev: tuple[float, ...] | None = None
    calculations: dict[str, str]
    relaxed: bool
    source: str = "store"
    finished: UtcTime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def ligand(self) -> str:
        """Name of the ligand."""
        return self.model.ligand

    @property
    def metal(self) -> str:
        """Symbol of the metal."""
        return self.model.metal

    @property
    def poses(self) -> int:
        """How many poses were computed; the energy is that of the lowest, to 0.01 eV."""
        return 1 + sum(role.startswith(OTHER_POSE) for role in self.calculations)

    @property
    def counterpoise_energy_ev(self) -> float | None:
        """Binding energy with the counterpoise correction added, eV."""
        if self.counterpoise_correction_ev is None:
            return None
        return self.energy_ev + self.counterpoise_correction_ev

    def __repr__(self) -> str:
        std = "" if self.std_ev is None else f" +- {self.std_ev:.2f}"
        poses = "one pose" if self.poses == 1 else f"the lowest of {self.poses} poses"
        return (
            f"Affinity({self.model.title}: {self.energy_ev:+.3f}{std} eV at {self.level.title}; "
            f"negative = bound; {poses}; key {self.key})"
        )

    __str__ = __repr__
