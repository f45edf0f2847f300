"""Rates of the three reactions from their descriptors: scaling, BEP and mean-field kinetics.

Every rate is a function of adsorption energies, temperature and pressures; only ratios of rates
between surfaces are meant to be used.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from ase.build import molecule
from ase.thermochemistry import IdealGasThermo
from ase.units import invcm
from scipy import constants

from pomdft.errors import InputError, UnknownNameError
from pomdft.units import BOLTZMANN_EV_PER_K

FloatArray = npt.NDArray[np.float64]

PLANCK_EV_S = constants.value("Planck constant in eV/Hz")
#: Vibrations (cm-1, NIST), geometry, symmetry number and spin of the gases.
_GASES: dict[str, tuple[tuple[float, ...], str, int, float]] = {
    "CO": ((2170.0,), "linear", 1, 0.0),
    "O2": ((1580.0,), "linear", 2, 1.0),
    "H2": ((4401.0,), "linear", 2, 0.0),
}
#: Mean repulsion between neighbouring CO at full coverage, eV: keeps poisoned surfaces from
#: closing altogether.
CO_REPULSION_EV = 1.0
#: CO2 and HCOOH in the gas against CO, H2O and H2, eV (Yoo et al., see :func:`rate_formic_acid`).
CO2_EV = -0.43
FORMIC_ACID_EV = -0.69


@dataclass(frozen=True)
class Reaction:
    """A reaction, its descriptors and its rate.

    Attributes
    ----------
    name : str
        "co-oxidation", "aerobic-oxidation" or "formic-acid-dehydrogenation".
    descriptors : tuple of str
        Adsorbates whose energies decide the rate.
    steps : tuple of str
        Steps of which one limits the rate.
    default_temperature_k : float
        Where the reaction is commonly run.
    default_pressures_bar : Mapping
        Gases and their pressures, bar.
    log_rate : callable
        (energies in eV, temperature in K, pressures in bar, added step energies in eV) to the
        natural logarithm of the rate per site and second.
    """

    name: str
    descriptors: tuple[str, ...]
    steps: tuple[str, ...]
    default_temperature_k: float
    default_pressures_bar: Mapping[str, float]
    log_rate: Callable[
        [Mapping[str, FloatArray], float, Mapping[str, float], Mapping[str, float]], FloatArray
    ]


@functools.lru_cache(maxsize=512)
def gas_entropy(gas: str, temperature_k: float) -> float:
    """Compute the entropy of an ideal gas at 1 bar, eV/K.

    Parameters
    ----------
    gas : {"CO", "O2", "H2"}
        Molecule.
    temperature_k : float
        Temperature.

    Returns
    -------
    float
    """
    vibrations, geometry, symmetry, spin = _GASES[gas]
    thermo = IdealGasThermo(
        [v * invcm for v in vibrations],
        geometry,
        atoms=molecule(gas),
        symmetrynumber=symmetry,
        spin=spin,
    )
    return float(thermo.get_entropy(temperature_k, 1e5, verbose=False))


def _log_constant(barrier_ev: FloatArray, kt: float) -> FloatArray:
    """Eyring's rate constant, natural logarithm."""
    constant: FloatArray = np.log(kt / PLANCK_EV_S) - np.maximum(barrier_ev, 0.0) / kt
    return constant


def strike_rate(gas: str, temperature_k: float) -> float:
    """Compute how often molecules at 1 bar strike one surface site (Hertz-Knudsen), 1/s.

    Parameters
    ----------
    gas : {"CO", "O2", "H2"}
        Molecule.
    temperature_k : float
        Temperature.

    Returns
    -------
    float
        For a site of 8 angstrom^2.
    """
    mass = molecule(gas).get_masses().sum() * constants.atomic_mass
    momentum = np.sqrt(2.0 * np.pi * mass * constants.Boltzmann * temperature_k)
    return float(1e5 * 8e-20 / momentum)


def rate_co_oxidation(
    energies: Mapping[str, FloatArray],
    temperature_k: float,
    pressures_bar: Mapping[str, float],
    added_ev: Mapping[str, float],
) -> FloatArray:
    """Compute the mean-field rate of CO oxidation.

    CO is adsorbed in equilibrium, O2 dissociates (reversibly) on two free sites, CO and O
    combine; the steady state is solved in closed form.

    Parameters
    ----------
    energies : mapping
        "o" and "co": adsorption energies, eV.
    temperature_k : float
        Temperature.
    pressures_bar : mapping
        "CO" and "O2".
    added_ev : mapping
        Step to energy added to its transition state (or adsorption) for rate control.

    Returns
    -------
    ndarray of float64
        Natural logarithm of the rate per site and second.

    References
    ----------
    H. Falsig et al., Angew. Chem. Int. Ed. 47, 4835 (2008), doi:10.1002/anie.200801479:
    E_TS(O2) = 1.39 E_O + 1.56 eV, E_TS(CO + O) = 0.70 (E_O + E_CO) + 0.02 eV.
    """
    kt = BOLTZMANN_EV_PER_K * temperature_k
    e_o, e_co = energies["o"], energies["co"]
    entropy_o2 = temperature_k * gas_entropy("O2", temperature_k)
    entropy_co = temperature_k * gas_entropy("CO", temperature_k)
    split_ev = 1.39 * e_o + 1.56 + added_ev.get("O2 dissociation", 0.0)
    # Where the transition state lies low, molecules cannot arrive faster than they strike a site.
    log_strike = np.full_like(e_o, np.log(strike_rate("O2", temperature_k)))
    log_split = np.minimum(_log_constant(split_ev + entropy_o2, kt), log_strike)
    # Detailed balance: two O leave as O2 over the same transition state.
    log_join = log_split + (2.0 * e_o + entropy_o2) / kt
    log_split = log_split + np.log(pressures_bar["O2"])
    combine_ev = 0.70 * (e_o + e_co) + 0.02 - e_o - e_co
    log_combine = _log_constant(combine_ev + added_ev.get("CO + O combination", 0.0), kt)
    bound_ev = e_co + added_ev.get("CO adsorption", 0.0)
    log_co = np.log(pressures_bar["CO"]) - (bound_ev + entropy_co) / kt
    # With y = coverage of O per free site: 2 k_join y^2 + k_combine K_CO y - 2 k_split = 0.
    linear = log_combine + log_co - np.log(2.0)
    root = 0.5 * np.logaddexp(2.0 * linear, np.log(4.0) + log_join + log_split)
    log_o = np.log(2.0) + log_split - np.logaddexp(linear, root)
    log_free = -np.logaddexp(np.logaddexp(0.0, log_co), log_o)
    rate: FloatArray = log_combine + log_co + log_o + 2.0 * log_free
    return rate


def rate_aerobic_oxidation(
    energies: Mapping[str, FloatArray],
    temperature_k: float,
    pressures_bar: Mapping[str, float],
    added_ev: Mapping[str, float],
) -> FloatArray:
    """Compute the Sabatier rate of aerobic oxidation in water, limited by O2 activation.

    O2 must be split (easier the tighter O is bound) and the oxygen taken up by the substrate's
    hydrogen (harder the tighter it is bound); the slower of the two decides.

    Parameters
    ----------
    energies : mapping
        "o": adsorption energy, eV.
    temperature_k : float
        Temperature.
    pressures_bar : mapping
        "O2".
    added_ev : mapping
        As for :func:`rate_co_oxidation`.

    Returns
    -------
    ndarray of float64
        Natural logarithm of the rate per site and second.

    References
    ----------
    In water O2 is split over OOH, which leaves half of the slope of the bare dissociation of
    Falsig et al. (see :func:`rate_co_oxidation`): B. N. Zope, D. D. Hibbitts, M. Neurock,
    R. J. Davis, Science 330, 74 (2010), doi:10.1126/science.1195055. Removal of O: a BEP line
    (A. Logadottir et al., J. Catal. 197, 229 (2001), doi:10.1006/jcat.2000.3087). The intercepts,
    0.90 and 0.35 eV, are assumptions of this model; activation of the substrate is left out.
    """
    kt = BOLTZMANN_EV_PER_K * temperature_k
    e_o = energies["o"]
    split = 0.90 + 0.70 * e_o + added_ev.get("O2 dissociation", 0.0)
    removal = 0.35 - 0.6 * e_o + added_ev.get("O removal", 0.0)
    # Dissolved O2 has already lost most of its entropy; its share is the same on every surface.
    log_split = _log_constant(split, kt) + np.log(pressures_bar["O2"])
    rate: FloatArray = -np.logaddexp(-log_split, -_log_constant(removal, kt))
    return rate


def rate_formic_acid(
    energies: Mapping[str, FloatArray],
    temperature_k: float,
    pressures_bar: Mapping[str, float],
    added_ev: Mapping[str, float],
) -> FloatArray:
    """Compute the rate of formic acid dehydrogenation through formate.

    Formate loses CO2 (BEP with slope 0.5 on the reaction energy), H2 leaves; CO that is formed on
    the side blocks sites, with repulsion between CO (Frumkin isotherm).

    Parameters
    ----------
    energies : mapping
        "ocho", "h" (against CO, H2O and H2) and "co" (against CO), eV.
    temperature_k : float
        Temperature.
    pressures_bar : mapping
        "CO" (traces).
    added_ev : mapping
        As for :func:`rate_co_oxidation`.

    Returns
    -------
    ndarray of float64
        Natural logarithm of the rate per site and second.

    References
    ----------
    J. S. Yoo, F. Abild-Pedersen, J. K. Norskov, F. Studt, ACS Catal. 4, 1226 (2014),
    doi:10.1021/cs400664z (energies).
    """
    kt = BOLTZMANN_EV_PER_K * temperature_k
    e_h, e_formate, e_co = energies["h"], energies["ocho"], energies["co"]
    scission = 0.70 + 0.5 * (CO2_EV + e_h - e_formate)
    # Where formate and H are less stable than the acid, few sites hold them.
    uphill = np.maximum(e_formate + e_h - FORMIC_ACID_EV, 0.0)
    apparent = scission + uphill + added_ev.get("formate decomposition", 0.0)
    # Zero-point energy and repulsion between H make up for 0.2 eV.
    desorption = -2.0 * e_h - 0.2 + added_ev.get("H2 desorption", 0.0)
    turnover = -np.logaddexp(-_log_constant(apparent, kt), -_log_constant(desorption, kt))
    bound_ev = e_co + added_ev.get("CO poisoning", 0.0)
    entropy = temperature_k * gas_entropy("CO", temperature_k)
    log_co = np.log(pressures_bar["CO"]) - (bound_ev + entropy) / kt
    blocked = frumkin_coverage(log_co, CO_REPULSION_EV / kt)
    rate: FloatArray = turnover + np.log1p(-blocked)
    return rate


def frumkin_coverage(log_affinity: FloatArray, repulsion_kt: float) -> FloatArray:
    """Solve theta / (1 - theta) = K exp(-g theta) for the coverage.

    Parameters
    ----------
    log_affinity : ndarray of float64
        Natural logarithm of K (with the pressure in it).
    repulsion_kt : float
        g, repulsion at full coverage in units of kT.

    Returns
    -------
    ndarray of float64
        Coverages between 0 and 1, by bisection.
    """
    low, high = np.zeros_like(log_affinity), np.ones_like(log_affinity)
    for _ in range(60):
        theta = 0.5 * (low + high)
        inside = np.clip(theta, 1e-15, 1.0 - 1e-15)
        too_small = np.log(inside / (1.0 - inside)) < log_affinity - repulsion_kt * theta
        low, high = np.where(too_small, theta, low), np.where(too_small, high, theta)
    return np.minimum(0.5 * (low + high), 1.0 - 1e-12)


REACTIONS: dict[str, Reaction] = {
    reaction.name: reaction
    for reaction in (
        Reaction(
            "co-oxidation",
            ("o", "co"),
            ("O2 dissociation", "CO + O combination", "CO adsorption"),
            600.0,
            {"CO": 0.67, "O2": 0.33},
            rate_co_oxidation,
        ),
        Reaction(
            "aerobic-oxidation",
            ("o",),
            ("O2 dissociation", "O removal"),
            333.0,
            {"O2": 1.0},
            rate_aerobic_oxidation,
        ),
        Reaction(
            "formic-acid-dehydrogenation",
            ("ocho", "h", "co"),
            ("formate decomposition", "H2 desorption", "CO poisoning"),
            323.0,
            {"CO": 1e-6},
            rate_formic_acid,
        ),
    )
}


def complete_pressures(model: Reaction, given: Mapping[str, float] | None) -> dict[str, float]:
    """Fill up pressures with the defaults of a reaction.

    Parameters
    ----------
    model : Reaction
        The reaction.
    given : mapping or None
        Gas to pressure, bar.

    Returns
    -------
    dict
        Every gas of the reaction to its pressure, bar.

    Raises
    ------
    UnknownNameError
        The reaction has no such gas.
    InputError
        A pressure is not positive.
    """
    pressures = dict(model.default_pressures_bar)
    for gas, value in (given or {}).items():
        if gas not in pressures:
            raise UnknownNameError("gas", gas, pressures)
        if not (np.isfinite(value) and value > 0.0):
            raise InputError(f"pressure of {gas} is {value} bar.", "Give a positive pressure.")
        pressures[gas] = float(value)
    return pressures
