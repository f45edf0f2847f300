"""The answer to a question about ordering, and the sentence that explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pomdft.analysis.segregation_ligand import ContactAffinity
from pomdft.kernels import Lattice
from pomdft.prediction.ensemble import Members
from pomdft.prediction.labels import LIGAND_DRIVE_KT
from pomdft.prediction.question import Particle
from pomdft.units import BOLTZMANN_EV_PER_K

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ordering:
    """Predicted arrangement of two metals in a particle; fractions are of the second metal.

    Attributes
    ----------
    first, second : str
        The metals.
    ligand : str or None
        What covers the particle.
    route : str
        "equilibrium" or "co-reduction".
    fraction, n_atoms, temperature_k
        What was asked; `n_atoms` is the size that was built.
    label : str
        Most probable of "random-alloy", "core-shell", "janus", "ordered-alloy".
    core, shell : str
        The metals enriched in the core and at the surface.
    probabilities : dict
        Label to probability, over the members of the uncertainty.
    surface_fraction, interior_fraction : float
        Mean fraction in the surface layer and below it.
    surface_fraction_std : float
        Standard deviation over the members.
    short_range_order : float
        Warren-Cowley parameter of the first shell: 0 random, positive demixed, negative ordered.
    radial_profile : ndarray of float64, shape (n_shells,)
        Fraction in each layer, counted from outside.
    radial_profile_std : ndarray of float64, shape (n_shells,)
        Standard deviation over the members.
    shell_probability : float
        Probability that `shell` is the metal enriched at the surface.
    monolayers : float
        Atoms of the shell metal over surface sites.
    reason : str
        One sentence.
    extrapolation : tuple of str
        Why the answer leaves the model's ground; empty where it does not.
    source : str
        "dft" or "model": where the segregation energies come from.
    mixing_source : str
        "measured" or "model": where the mixing enthalpy comes from.
    coverage : float
        Contacts of the ligand per surface atom; 0 without ligand.
    affinities : dict or None
        Metal to :class:`ContactAffinity` (eV per contact, negative = bound); None without ligand.
    lattice : Lattice
        The particle.
    species : ndarray of uint8, shape (n_sites,)
        A representative configuration (1: second metal).
    """

    first: str
    second: str
    ligand: str | None
    route: str
    fraction: float
    n_atoms: int
    temperature_k: float
    label: str
    core: str
    shell: str
    probabilities: dict[str, float]
    surface_fraction: float
    interior_fraction: float
    surface_fraction_std: float
    short_range_order: float
    radial_profile: FloatArray
    radial_profile_std: FloatArray
    shell_probability: float
    monolayers: float
    reason: str
    extrapolation: tuple[str, ...]
    source: str
    mixing_source: str
    coverage: float
    affinities: dict[str, ContactAffinity] | None
    lattice: Lattice
    species: npt.NDArray[np.uint8]

    @property
    def core_shell_probability(self) -> float:
        """Probability of the label core-shell."""
        return self.probabilities["core-shell"]

    @property
    def is_segregated(self) -> bool:
        """Whether core-shell and janus together are more probable than the alloys."""
        return self.probabilities["core-shell"] + self.probabilities["janus"] > 0.5

    @property
    def provenance(self) -> str:
        """One line: affinities with unit, sign and source, coverage, and sources of the rest."""
        return describe_provenance(self.affinities, self.coverage, self.source, self.mixing_source)

    def __repr__(self) -> str:
        under = f" under {self.ligand}" if self.ligand else ""
        name = f"{self.core}@{self.shell} " if self.label == "core-shell" else ""
        return (
            f"Ordering({self.first}-{self.second}, x({self.second})={self.fraction:g}{under}, "
            f"{self.n_atoms} atoms, {self.temperature_k:g} K, {self.route}: {name}{self.label} "
            f"with probability {self.probabilities[self.label]:.2f}; surface "
            f"{self.surface_fraction:.0%} {self.second}. {self.reason})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain numbers, strings and lists."""
        left_out = ("lattice", "species")
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left_out}
        plain["radial_profile"] = self.radial_profile.tolist()
        plain["radial_profile_std"] = self.radial_profile_std.tolist()
        plain["extrapolation"] = list(self.extrapolation)
        plain["affinities"] = {
            metal: {
                "per_contact_ev": held.per_contact_ev,
                "std_ev": held.uncertainty_ev,
                "source": held.source,
                "caveat": held.caveat,
            }
            for metal, held in (self.affinities or {}).items()
        }
        return plain

    def to_dataframe(self) -> pd.DataFrame:
        """Return the radial profile: one row per layer, counted from outside."""
        return pd.DataFrame(
            {
                "layer": np.arange(len(self.radial_profile)),
                "fraction": self.radial_profile,
                "std": self.radial_profile_std,
            }
        )


def list_caveats(affinities: Mapping[str, ContactAffinity]) -> list[str]:
    """Return the caveats of affinities, each once."""
    return list(dict.fromkeys(held.caveat for held in affinities.values() if held.caveat))


def describe_provenance(
    affinities: Mapping[str, ContactAffinity] | None,
    coverage: float,
    source: str,
    mixing_source: str,
) -> str:
    """Say in one line what a prediction rests on.

    Parameters
    ----------
    affinities : mapping or None
        Metal to affinity; None without ligand.
    coverage : float
        Contacts per surface atom.
    source, mixing_source : str
        Of the segregation energies and of the mixing enthalpy.

    Returns
    -------
    str
    """
    basis = f"segregation energies: {source}; mixing enthalpy: {mixing_source}"
    if affinities is None:
        return basis
    held = ", ".join(
        f"{metal} {a.per_contact_ev:+.2f} ± {a.uncertainty_ev:.2f} ({a.source})"
        for metal, a in affinities.items()
    )
    return (
        f"affinity / eV per contact, negative = bound: {held}; {coverage:.2f} contacts per surface "
        f"atom; {basis}" + "".join(f". Caution: {caveat}" for caveat in list_caveats(affinities))
    )


def explain(
    particle: Particle,
    members: Members,
    *,
    label: str,
    shell: str,
    core: str,
    monolayers: float,
    temperature_k: float,
) -> str:
    """Say in one sentence why the particle arranges as it does.

    Parameters
    ----------
    particle, members
        What was run.
    label : str
        Predicted label.
    shell, core : str
        Metals enriched outside and inside.
    monolayers : float
        Atoms of the shell metal over surface sites.
    temperature_k : float
        Temperature.

    Returns
    -------
    str
    """
    energetics = particle.energetics
    sign = 1.0 if shell == energetics.second else -1.0
    preference = -sign * energetics.surface_preference_ev
    mixing = "demix" if energetics.demixes else "mix"
    bulk = f"in bulk the metals {mixing} ({energetics.mixing_ev:+.2f} eV per atom)"
    available = f"{monolayers:.1f} monolayers of it are available"
    clean = (
        f"the clean surface {'favours' if preference > 0 else 'disfavours'} {shell} by "
        f"{abs(preference):.2f} ± {energetics.surface_preference_std_ev:.2f} eV per atom"
    )
    held = -sign * members.affinity_difference_ev
    drive = float(particle.coverage * held.mean())
    if abs(drive) < LIGAND_DRIVE_KT * BOLTZMANN_EV_PER_K * temperature_k:
        held_alike = particle.ligand is not None
        opening = f"{particle.ligand} holds both metals about alike, " if held_alike else ""
        sentence = f"{opening}{clean}, {available}, and {bulk}."
        return sentence[0].upper() + sentence[1:]
    how = "more" if drive > 0 else "less"
    text = (
        f"{shell} is held {abs(held.mean()):.2f} ± {held.std():.2f} eV {how} tightly per contact "
        f"than {core} by {particle.ligand}, {clean}, and {available}"
    )
    if label in ("random-alloy", "ordered-alloy"):
        text += f"; {bulk}"
    return text + "."
