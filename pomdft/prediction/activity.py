"""Activity of monometallic, alloy and core-shell surfaces relative to their parents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pomdft.analysis.elements import find_metal
from pomdft.analysis.segregation import segregation_energy
from pomdft.errors import InputError, NotComputedError, UnknownNameError
from pomdft.prediction.adsorption import (
    D_BAND_SLOPE,
    PARENT_STD_EV,
    SLOPE_STD_SHARE,
    SurfaceSites,
    describe_surface,
    parent_energies,
)
from pomdft.prediction.kinetics import REACTIONS, Reaction, complete_pressures
from pomdft.prediction.question import check_sampling
from pomdft.units import BOLTZMANN_EV_PER_K

FloatArray = npt.NDArray[np.float64]

ORDERINGS = ("random-alloy", "ordered-alloy", "core-shell", "janus")
#: What the energies of the parents are, said in every answer.
ADSORPTION_SOURCE = "published DFT (RPBE) on (111), alloys by the d-band model"
#: Largest believable shift of a d-band centre by a ligand, eV.
_MAX_SHIFT_EV = 3.0
_N_MEMBERS = 400
_CONTROL_STEP_EV = 0.01


@dataclass(frozen=True)
class Activity:
    """Predicted activity of one surface.

    Attributes
    ----------
    reaction : str
        Which reaction.
    composition : dict
        Metal to atomic fraction of the particle.
    ordering : str
        "random-alloy", "ordered-alloy", "core-shell" or "janus".
    shell : str or None
        Surface metal of a core-shell.
    ligand : str or None
        Protecting ligand.
    temperature_k : float
        Temperature.
    relative_rate : float
        Rate per surface site over that of the better monometallic parent.
    best_parent : str
        That parent.
    std : float
        Standard uncertainty of log10(relative_rate), in decades.
    descriptors_ev : dict
        Adsorbate to its mean adsorption energy on the surface, eV; negative = bound.
    d_band_shift_ev : dict
        Metal to the shift of its d-band centre from the pure surface, eV.
    limiting_step : str
        Step whose transition state controls the rate most.
    rate_control : dict
        Step to its degree of rate control.
    log10_rate : float
        log10 of the model's own rate per site and second; only differences are meaningful.
    log10_rate_std : float
        Its standard uncertainty, decades.
    source : str
        Where the adsorption energies and the ligand's shift come from.
    """

    reaction: str
    composition: dict[str, float]
    ordering: str
    shell: str | None
    ligand: str | None
    temperature_k: float
    relative_rate: float
    best_parent: str
    std: float
    descriptors_ev: dict[str, float]
    d_band_shift_ev: dict[str, float]
    limiting_step: str
    rate_control: dict[str, float]
    log10_rate: float
    log10_rate_std: float
    source: str

    def __repr__(self) -> str:
        name = "".join(f"{m}{x:.2g}" for m, x in self.composition.items())
        shell = f" ({self.shell} shell)" if self.shell else ""
        return (
            f"Activity({name} {self.ordering}{shell}, {self.reaction} at {self.temperature_k:g} K: "
            f"{self.relative_rate:.3g} x {self.best_parent}, ± {self.std:.1f} decades, "
            f"limited by {self.limiting_step}; {self.source})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as a plain dictionary."""
        return asdict(self)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row; energies in eV (negative = bound), rates relative, std in decades."""
        row: dict[str, Any] = {
            "composition": " ".join(f"{m}:{x:.3g}" for m, x in self.composition.items()),
            "reaction": self.reaction,
            "ordering": self.ordering,
            "shell": self.shell,
            "ligand": self.ligand or "none",
            "temperature_k": self.temperature_k,
            "relative_rate": self.relative_rate,
            "best_parent": self.best_parent,
            "std_decades": self.std,
            "limiting_step": self.limiting_step,
            **{f"{adsorbate}_ev": e for adsorbate, e in self.descriptors_ev.items()},
            **{f"d_band_shift_{metal}_ev": e for metal, e in self.d_band_shift_ev.items()},
            "log10_rate": self.log10_rate,
            "log10_rate_std": self.log10_rate_std,
            "source": self.source,
        }
        return pd.DataFrame([row])


@dataclass(frozen=True, eq=False)
class _Surface:
    """A surface and the members of its rate."""

    metals: tuple[str, ...]
    sites: SurfaceSites


def predict_activity(
    composition: Mapping[str, float],
    reaction: str = "co-oxidation",
    ordering: str = "random-alloy",
    ligand: str | None = None,
    temperature_k: float | None = None,
    *,
    pressures_bar: Mapping[str, float] | None = None,
    shell: str | None = None,
    surface_fraction: float | None = None,
    core_fraction: float | None = None,
    ligand_d_shift_ev: Mapping[str, float] | None = None,
    ligand_source: str = "given",
    blocked_fraction: float = 0.0,
    seed: int = 0,
) -> Activity:
    """Predict the rate of a surface relative to its better monometallic parent.

    Parameters
    ----------
    composition : mapping
        One or two metals to their amounts; normalised to fractions.
    reaction : {"co-oxidation", "aerobic-oxidation", "formic-acid-dehydrogenation"}
        Which reaction.
    ordering : {"random-alloy", "ordered-alloy", "core-shell", "janus"}
        Structure of the particle.
    ligand : str, optional
        Protecting ligand. Needs `ligand_d_shift_ev`.
    temperature_k : float, optional
        Default: where the reaction is commonly run (600, 333, 323 K).
    pressures_bar : mapping, optional
        Gas to pressure; missing ones take the reaction's default.
    shell : str, optional
        Surface metal of a core-shell; default: the one that segregates to the surface.
    surface_fraction, core_fraction : float, optional
        Fraction of the second metal in the surface layer and below it, as from
        :func:`pomdft.prediction.ordering.predict_ordering`; override what `ordering` implies.
    ligand_d_shift_ev : mapping, optional
        Metal to the shift of its surface d-band centre under the ligand, eV (positive: towards
        the Fermi level). This is how the ligand's charge on the metal enters.
    ligand_source : str
        Where `ligand_d_shift_ev` comes from.
    blocked_fraction : float
        Share of surface sites that the ligand takes, 0 to below 1.
    seed : int
        Of the uncertainty's members.

    Returns
    -------
    Activity

    Raises
    ------
    UnknownNameError
        Reaction, ordering, metal or gas is not known.
    InputError
        Composition, temperature, pressure or a fraction is out of range.
    NotComputedError
        An adsorption energy or the ligand's d-band shift is not known.
    """
    model = _find_reaction(reaction)
    amounts = _normalise(composition)
    metals = tuple(amounts)
    if ordering not in ORDERINGS:
        raise UnknownNameError("ordering", ordering, ORDERINGS)
    temperature = model.default_temperature_k if temperature_k is None else float(temperature_k)
    if not 100.0 <= temperature <= 2000.0:
        raise InputError(f"temperature_k {temperature:g} is not between 100 and 2000 K.")
    pressures = complete_pressures(model, pressures_bar)
    if not 0.0 <= blocked_fraction < 1.0:
        raise InputError(f"blocked_fraction {blocked_fraction} is not from 0 to below 1.")
    if ligand is not None and ligand_d_shift_ev is None:
        raise NotComputedError(
            f"The d-band shift of {' and '.join(metals)} under {ligand} is not known.",
            f"Compute the d bands under {ligand}, or give ligand_d_shift_ev={{'{metals[0]}': ...}}"
            " in eV.",
        )
    shift = _check_shifts(metals, ligand_d_shift_ev)
    if ordering == "core-shell" and len(metals) == 2:
        shell = _choose_shell(metals, shell)
    elif shell is not None:
        raise InputError(
            f"shell {shell!r} was given for ordering {ordering!r}.",
            "A shell needs ordering='core-shell' and two metals.",
        )
    check_sampling(_N_MEMBERS, 1, seed)
    surfaces = _describe(amounts, ordering, shell, surface_fraction, core_fraction)

    rng = np.random.default_rng(seed)
    errors = {a: PARENT_STD_EV * rng.standard_normal((_N_MEMBERS, 2)) for a in model.descriptors}
    slopes = 1.0 + SLOPE_STD_SHARE * rng.standard_normal((_N_MEMBERS, 1))
    for deviates in (*errors.values(), slopes - 1.0):
        deviates[0] = 0.0  # the first member is the central estimate
    slopes[0] = 1.0

    def evaluate(surface: _Surface, with_ligand: bool) -> dict[str, FloatArray]:
        index = [metals.index(m) for m in surface.metals]
        moved = surface.sites.d_shift_ev + (shift[index] if with_ligand else 0.0)
        share = surface.sites.parent_share
        return {
            adsorbate: (parent_energies(surface.metals, adsorbate) + errors[adsorbate][:, index])
            @ share.T
            + D_BAND_SLOPE[adsorbate] * slopes * (share @ moved)
            for adsorbate in model.descriptors
        }

    def log_rate(
        energies: Mapping[str, FloatArray], weights: FloatArray, **kw: float
    ) -> FloatArray:
        per_site = model.log_rate(energies, temperature, pressures, kw)
        peak = per_site.max(axis=1, keepdims=True)
        total: FloatArray = np.log(np.exp(per_site - peak) @ weights) + peak[:, 0]
        return total

    def total_rate(**kw: float) -> FloatArray:
        parts = [
            log_rate(evaluate(s, True), s.sites.weights, **kw) + np.log(w) for s, w in surfaces
        ]
        free = np.log1p(-blocked_fraction)
        return np.asarray(np.logaddexp.reduce(parts) + free, dtype=np.float64)

    alloy = total_rate()
    parents = {
        m: log_rate(evaluate(s, False), s.sites.weights)
        for m in metals
        for s in (_pure_surface(m),)
    }
    best = max(parents, key=lambda m: parents[m][0])
    relative = (alloy - np.maximum.reduce(list(parents.values()))) / np.log(10.0)
    kt = BOLTZMANN_EV_PER_K * temperature
    control = {}
    for step in model.steps:
        higher = total_rate(**{step: _CONTROL_STEP_EV})[0]
        lower = total_rate(**{step: -_CONTROL_STEP_EV})[0]
        control[step] = float((lower - higher) / (2.0 * _CONTROL_STEP_EV) * kt)
    descriptors = {
        adsorbate: float(
            sum(w * (evaluate(s, True)[adsorbate][0] @ s.sites.weights) for s, w in surfaces)
        )
        for adsorbate in model.descriptors
    }
    first_sites = surfaces[0][0]
    shown = dict(zip(first_sites.metals, first_sites.sites.d_shift_ev, strict=True))
    return Activity(
        reaction,
        amounts,
        ordering if len(metals) == 2 else "monometallic",
        shell,
        ligand,
        temperature,
        float(10.0 ** relative[0]),
        best,
        float(relative.std()),
        descriptors,
        {
            m: float(v + (shift[metals.index(m)] if ligand_d_shift_ev else 0.0))
            for m, v in shown.items()
        },
        max(control, key=lambda step: abs(control[step])),
        control,
        float(alloy[0] / np.log(10.0)),
        float(alloy.std() / np.log(10.0)),
        ADSORPTION_SOURCE
        + (f"; d-band shift by the ligand: {ligand_source}" if ligand_d_shift_ev else ""),
    )


def _find_reaction(name: str) -> Reaction:
    if name not in REACTIONS:
        raise UnknownNameError("reaction", name, REACTIONS)
    return REACTIONS[name]


def _normalise(composition: Mapping[str, float]) -> dict[str, float]:
    if not 1 <= len(composition) <= 2:
        raise InputError(
            f"composition names {len(composition)} metals.", "Give one or two: {'Au': 1, 'Pd': 3}."
        )
    for metal, amount in composition.items():
        find_metal(metal)
        if not (np.isfinite(amount) and amount >= 0.0):
            raise InputError(f"composition of {metal} is {amount}.", "Give a positive amount.")
    total = float(sum(composition.values()))
    if total <= 0.0:
        raise InputError("composition is empty.", "Give positive amounts.")
    return {metal: float(amount) / total for metal, amount in composition.items()}


def _check_shifts(metals: tuple[str, ...], given: Mapping[str, float] | None) -> FloatArray:
    """Return the ligand's d-band shift of each metal, eV; 0 without ligand."""
    if given is None:
        return np.zeros(len(metals))
    for metal, value in given.items():
        find_metal(metal)
        if not (np.isfinite(value) and abs(value) <= _MAX_SHIFT_EV):
            raise InputError(
                f"ligand_d_shift_ev of {metal} is {value}.",
                f"Give eV, between -{_MAX_SHIFT_EV:g} and {_MAX_SHIFT_EV:g}.",
            )
    missing = [m for m in metals if m not in given]
    if missing:
        raise InputError(
            f"ligand_d_shift_ev has no value for {' and '.join(missing)}.",
            "Give the shift of every metal, 0 where it does not move.",
        )
    return np.array([float(given[m]) for m in metals])


def _choose_shell(metals: tuple[str, ...], shell: str | None) -> str:
    if shell is None:
        first, second = metals
        inward = segregation_energy(first, second).energy_ev
        outward = segregation_energy(second, first).energy_ev
        return second if inward < outward else first
    if shell not in metals:
        raise UnknownNameError("shell metal", shell, metals)
    return shell


def _pure_surface(metal: str) -> _Surface:
    share = np.ones((1, 1))
    return _Surface((metal,), SurfaceSites(np.ones(1), share, np.zeros(1), 0.0))


def _describe(
    amounts: Mapping[str, float],
    ordering: str,
    shell: str | None,
    surface_fraction: float | None,
    core_fraction: float | None,
) -> list[tuple[_Surface, float]]:
    """List the surfaces of a particle with their shares of its area."""
    metals = tuple(amounts)
    present = [metal for metal in metals if amounts[metal] > 0.0]
    if len(present) == 1:
        return [(_pure_surface(present[0]), 1.0)]
    first, second = metals
    x = amounts[second]
    if ordering == "janus":
        return [(_pure_surface(first), 1.0 - x), (_pure_surface(second), x)]
    surface, core = x, x
    if ordering == "core-shell":
        surface = 1.0 if shell == second else 0.0
        core = 1.0 - surface
    for name, value in (("surface_fraction", surface_fraction), ("core_fraction", core_fraction)):
        if value is not None and not 0.0 <= value <= 1.0:
            raise InputError(f"{name} {value} is not between 0 and 1.")
    surface = surface if surface_fraction is None else surface_fraction
    core = core if core_fraction is None else core_fraction
    return [(_Surface(metals, describe_surface(first, second, surface, core)), 1.0)]
