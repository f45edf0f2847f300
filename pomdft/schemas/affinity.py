"""Affinity: the binding energy of a ligand to a metal, with all that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

import numpy as np
from pydantic import Field, model_validator

from pomdft.schemas.base import Document
from pomdft.schemas.beef import N_MEMBERS, fit_terms
from pomdft.schemas.reaction import ReactionEnergy

#: Role of a calculation -> coefficient in a binding energy.
BINDING_BALANCE: Final[Mapping[str, float]] = MappingProxyType(
    {"complex": 1.0, "ligand": -1.0, "cluster": -1.0}
)
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

    @property
    def options(self) -> list[str]:
        """Options of a command that ask for this model; none for the usual one."""
        words = []
        for name in ("cluster", "site", "charge_model"):
            value = getattr(self, name)
            if value != type(self).model_fields[name].default:
                words += [f"--{name.replace('_', '-')}", value]
        return words


class Affinity(ReactionEnergy):
    """Binding energy of a ligand to a metal cluster. Negative = bound.

    Attributes
    ----------
    model : AffinityModel
        Ligand, metal, cluster, site, charge model.
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
    calculations : dict of str
        "complex", "ligand", "cluster", "frozen-ligand", "frozen-cluster" and, with counterpoise
        correction, "ghost-ligand", "ghost-cluster" -> calculation key.

    Others are those of :class:`~pomdft.schemas.reaction.ReactionEnergy`.
    """

    CURRENT_VERSION: ClassVar[int] = 2
    schema_version: int = Field(default=2, ge=1)

    model: AffinityModel
    counterpoise_correction_ev: float | None = None
    interaction_energy_ev: float
    reorganisation_ligand_ev: float
    reorganisation_metal_ev: float
    dispersion_ev: float | None = None
    contacts: int = Field(ge=0)
    per_contact_ev: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_members(cls, data: Any) -> Any:
        """Turn a document of version 1, which has all members, into one with their terms."""
        if not isinstance(data, dict) or data.get("schema_version") != 1:
            return data
        kept = {name: value for name, value in data.items() if name != "ensemble_ev"}
        kept["schema_version"] = 2
        members = data.get("ensemble_ev")
        if members is None:
            return {**kept, "std_ev": None}
        if len(members) != N_MEMBERS:
            msg = f"ensemble_ev has {len(members)} members instead of {N_MEMBERS}"
            raise ValueError(msg)
        shifts = np.asarray(members, dtype=np.float64) - float(data["energy_ev"])
        return {**kept, "beef_terms_ev": tuple(fit_terms(shifts).tolist())}

    @property
    def balance(self) -> Mapping[str, float]:
        """Complex less fragments."""
        return BINDING_BALANCE

    @property
    def title(self) -> str:
        """The model."""
        return self.model.title

    @property
    def ligand(self) -> str:
        """Name of the ligand."""
        return self.model.ligand

    @property
    def metal(self) -> str:
        """Symbol of the metal."""
        return self.model.metal

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
