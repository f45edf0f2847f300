"""How tightly a ligand holds each metal, as the segregation and ordering models take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from pomdft.analysis.elements import find_metal
from pomdft.errors import InputError, NotComputedError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ContactAffinity:
    """Binding energy of a ligand to a metal per metal-ligand contact.

    Attributes
    ----------
    metal : str
        Chemical symbol.
    per_contact_ev : float
        eV per contact; negative = bound.
    std_ev : float
        Standard uncertainty, eV per contact.
    members_ev : tuple of float
        Ensemble members (eV per contact), the same functional at the same place for every metal;
        empty where only `std_ev` is known.
    source : str
        "given" or the key of the calculation.
    contacts : float
        Contacts of one ligand, the mean over the metals that are compared; 0 where not known.
    caveat : str
        What else is known that speaks against the comparison of the metals; empty: nothing.
    """

    metal: str
    per_contact_ev: float
    std_ev: float = 0.0
    members_ev: tuple[float, ...] = ()
    source: str = "given"
    contacts: float = 0.0
    caveat: str = ""

    def __post_init__(self) -> None:
        find_metal(self.metal)
        values = np.array([self.per_contact_ev, self.std_ev, *self.members_ev])
        if not np.isfinite(values).all():
            raise InputError(f"affinity of {self.metal} is not finite.", "Give eV per contact.")
        if abs(self.per_contact_ev) > 20.0:
            raise InputError(
                f"affinity of {self.metal} is {self.per_contact_ev:g} eV per contact.",
                "Contacts are worth 0 to a few eV: was kJ/mol given?",
            )
        if self.std_ev < 0.0:
            raise InputError(f"std of the affinity of {self.metal} is negative: {self.std_ev:g}.")

    def __repr__(self) -> str:
        return (
            f"ContactAffinity({self.metal}: {self.per_contact_ev:+.3f} ± "
            f"{self.uncertainty_ev:.3f} eV per contact, negative = bound; {self.source})"
        )

    @property
    def uncertainty_ev(self) -> float:
        """Standard deviation of the members, or `std_ev` without members."""
        return float(np.std(self.members_ev)) if len(self.members_ev) > 1 else self.std_ev


#: Area one ligand takes on a surface, angstrom^2, by the end of its name (the family of a
#: polyoxometalate). Polyoxometalates: projected area of the oxygen shell, from diameters of the
#: crystal structures (0.8 nm Lindqvist, 1.04 nm Keggin, 1.04 x 1.4 nm Wells-Dawson). Thiolate: the
#: (sqrt3 x sqrt3)R30 layer on Au(111), 21.6 angstrom^2 (doi:10.1021/cr0300789). The other
#: conventional ligands: van der Waals cross sections, to 20 %.
LIGAND_FOOTPRINT_ANGSTROM2 = {
    "W6O19": 50.0,
    "W5O18": 50.0,
    "W12O40": 85.0,
    "W11O39": 85.0,
    "W10O36": 85.0,
    "W9O34": 85.0,
    "W18O62": 115.0,
    "W17O61": 115.0,
    "W15O56": 115.0,
    "W48O184": 310.0,
    "PVP": 40.0,
    "citrate": 45.0,
    "thiolate": 21.6,
    "alkylamine": 25.0,
    "phosphine": 50.0,
}

#: What callers may give for one metal: eV per contact, (eV, std), or the whole record.
AffinityLike = float | tuple[float, float] | ContactAffinity


def monolayer_coverage(ligand: str, affinities: Mapping[str, ContactAffinity]) -> float | None:
    """Compute contacts per surface atom under a full monolayer, from contacts and footprint.

    Parameters
    ----------
    ligand : str
        Name.
    affinities : mapping
        Metal to affinity, with the contacts of one ligand.

    Returns
    -------
    float or None
        Mean over the metals; None where the footprint or the contacts are not known.
    """
    # Molybdates are as large as tungstates.
    name = ligand.replace("Mo", "W")
    footprint = next(
        (a for end, a in LIGAND_FOOTPRINT_ANGSTROM2.items() if name.endswith(end)), 0.0
    )
    known = [held for held in affinities.values() if held.contacts > 0]
    if footprint <= 0.0 or not known:
        return None
    areas = [held.contacts * find_metal(held.metal).atomic_area_angstrom2 for held in known]
    return float(np.mean(areas)) / footprint


def read_affinities(
    affinity: Mapping[str, AffinityLike], metals: tuple[str, ...], ligand: str | None = None
) -> dict[str, ContactAffinity]:
    """Bring affinities given by hand or read from a store into one form.

    Parameters
    ----------
    affinity : mapping
        Metal to eV per contact (negative = bound), to (value, std), or to
        :class:`ContactAffinity`.
    metals : tuple of str
        Metals that are needed.
    ligand : str, optional
        Named in the error.

    Returns
    -------
    dict
        Metal to :class:`ContactAffinity`.

    Raises
    ------
    NotComputedError
        The named ligand has no value for one of the metals.
    InputError
        No ligand is named and a metal is missing, or a value is not a number, not finite or absurd.
    """
    found: dict[str, ContactAffinity] = {}
    for metal in metals:
        if metal not in affinity:
            by_hand = f"affinity={{'{metal}': -0.5, ...}} in eV per contact, negative = bound"
            if ligand is None:
                raise InputError(
                    f"affinity has no value for {metal}.", f"Give both metals: {by_hand}."
                )
            raise NotComputedError(
                f"The affinity of {ligand} for {metal} is not known.",
                f"Compute it: pomdft run --ligand {ligand} --metal {metal}; or give it by hand: "
                f"{by_hand}.",
            )
        value = affinity[metal]
        if isinstance(value, ContactAffinity):
            found[metal] = value
            continue
        try:
            if isinstance(value, tuple):
                energy, std = value
                found[metal] = ContactAffinity(metal, float(energy), float(std))
            else:
                found[metal] = ContactAffinity(metal, float(value))
        except (TypeError, ValueError) as error:
            raise InputError(
                f"affinity of {metal} is {value!r}.", "Give eV per contact or (eV, std)."
            ) from error
    return found


def sample_affinity_difference(
    first: ContactAffinity, second: ContactAffinity, n_members: int, rng: np.random.Generator
) -> FloatArray:
    """Draw members of the affinity of the second metal less that of the first.

    Where both have ensemble members these are subtracted one by one, so that what a functional
    gets wrong for both cancels. Otherwise normal deviates are drawn.

    Parameters
    ----------
    first, second : ContactAffinity
        The two metals under one ligand.
    n_members : int
        How many.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (n_members,)
        eV per contact; negative: the second metal is held more tightly.
    """
    centre = second.per_contact_ev - first.per_contact_ev
    if len(first.members_ev) > 1 and len(first.members_ev) == len(second.members_ev):
        pool = np.asarray(second.members_ev) - np.asarray(first.members_ev)
        if n_members <= len(pool):
            # Evenly spaced ranks keep the mean and the spread of the ensemble.
            ranks = (np.arange(n_members) + 0.5) / n_members * len(pool)
            drawn = np.sort(pool)[ranks.astype(np.intp)]
            return np.asarray(rng.permutation(drawn), dtype=np.float64)
        return np.asarray(rng.choice(pool, n_members), dtype=np.float64)
    std = float(np.hypot(first.uncertainty_ev, second.uncertainty_ev))
    return centre + std * spread_normal(n_members, rng)


def spread_normal(n_members: int, rng: np.random.Generator) -> FloatArray:
    """Draw standard normal deviates at evenly spaced quantiles, in random order.

    Fewer members are needed than with independent deviates: mean and spread come out right.

    Parameters
    ----------
    n_members : int
        How many.
    rng : numpy.random.Generator
        Source of the order.

    Returns
    -------
    ndarray of float64, shape (n_members,)
    """
    quantiles = (np.arange(n_members) + 0.5) / n_members
    return np.asarray(rng.permutation(norm.ppf(quantiles)), dtype=np.float64)
