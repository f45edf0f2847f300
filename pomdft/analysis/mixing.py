"""Mixing energy of a metal pair: measured where it is known, else Miedema's solid solution.

In the model the chemical part is Miedema's, the size part the elastic energy of a misfitting sphere
in a continuum, both from published parameters.
"""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass
from importlib import resources

import numpy as np
import pandas as pd

from pomdft.analysis.elements import TransitionMetal, find_metal
from pomdft.errors import InputError
from pomdft.units import KJ_PER_MOL_PER_EV

#: Constants of Miedema's formula for two transition metals (de Boer et al. 1988).
MIEDEMA_P = 14.1
MIEDEMA_Q_OVER_P = 9.4
#: Share of Eshelby's dilute energy left in a concentrated alloy, whose atoms relax together. Chosen
#: so that the model demixes Ag-Cu while Pt-Ni and Pt-Co mix, as measured.
RELAXED_MISFIT_SHARE = 0.5
#: An alloy whose mixing enthalpy (equiatomic, eV per atom) is below this mixes in practice: its
#: miscibility gap closes below about 0.4 of the melting point, where atoms no longer move in bulk.
DEMIXING_ENTHALPY_EV = 0.042
#: Spread of the model around the measured enthalpies of the shipped table, eV per atom of an
#: equiatomic alloy (root mean square).
MIEDEMA_STD_EV = 0.045


@dataclass(frozen=True)
class MixingEnergy:
    """Mixing enthalpy of the random solid solution at one composition.

    Attributes
    ----------
    first, second : str
        The two metals.
    fraction : float
        Atomic fraction of the second metal.
    energy_ev : float
        Mixing enthalpy, eV per atom; negative: the metals mix.
    chemical_ev, elastic_ev : float
        The two parts of the model, eV per atom; their sum is `energy_ev` where `source` is "model".
    std_ev : float
        Standard uncertainty, eV per atom.
    source : str
        "measured" (the shipped table of solid solutions) or "model".
    """

    first: str
    second: str
    fraction: float
    energy_ev: float
    chemical_ev: float
    elastic_ev: float
    std_ev: float
    source: str = "model"

    @property
    def demixes(self) -> bool:
        """Whether the bulk separates at temperatures where its atoms still move."""
        return self.energy_ev > 4.0 * self.fraction * (1.0 - self.fraction) * DEMIXING_ENTHALPY_EV

    def __repr__(self) -> str:
        return (
            f"MixingEnergy({self.first}-{self.second}, x={self.fraction:g}: "
            f"{self.energy_ev:+.3f} ± {self.std_ev:.3f} eV/atom, negative = mixes; {self.source})"
        )

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row; energies in eV per atom, negative = the metals mix."""
        return pd.DataFrame([asdict(self)])


@functools.cache
def load_measured() -> dict[frozenset[str], tuple[float, float]]:
    """Read the shipped table of measured solid solutions.

    Returns
    -------
    dict
        Pair of metals to the enthalpy of the equiatomic solid solution and its standard
        uncertainty, eV per atom.
    """
    with resources.files("pomdft.analysis").joinpath("data/mixing_enthalpies.csv").open() as file:
        table = pd.read_csv(file, comment="#")
    return {
        frozenset((str(first), str(second))): (
            float(energy) / KJ_PER_MOL_PER_EV,
            float(std) / KJ_PER_MOL_PER_EV,
        )
        for first, second, energy, std in zip(
            table["first"],
            table["second"],
            table["enthalpy_kj_mol"],
            table["std_kj_mol"],
            strict=True,
        )
    }


def interface_enthalpy(solute: TransitionMetal, host: TransitionMetal) -> float:
    """Compute the chemical enthalpy of one solute atom wholly surrounded by the host.

    Parameters
    ----------
    solute, host : TransitionMetal
        The dissolved metal and its surroundings.

    Returns
    -------
    float
        eV per solute atom; negative where unlike neighbours attract.

    References
    ----------
    F. R. de Boer et al., Cohesion in Metals, North-Holland (1988).
    """
    density_s = np.cbrt(solute.miedema_density)
    density_h = np.cbrt(host.miedema_density)
    volume = solute.miedema_volume_cm3 ** (2.0 / 3.0)
    attraction = -((solute.miedema_phi_v - host.miedema_phi_v) ** 2)
    repulsion = MIEDEMA_Q_OVER_P * (density_s - density_h) ** 2
    prefactor = 2.0 * MIEDEMA_P * volume / (1.0 / density_s + 1.0 / density_h)
    return float(prefactor * (attraction + repulsion) / KJ_PER_MOL_PER_EV)


def misfit_energy(solute: TransitionMetal, host: TransitionMetal) -> float:
    """Compute the elastic energy of one solute atom forced into the volume of a host atom.

    Eshelby's sphere in a hole: 2 K_s G_h (V_h - V_s)^2 / (3 K_s V_h + 4 G_h V_s).

    Parameters
    ----------
    solute, host : TransitionMetal
        The dissolved metal and its surroundings.

    Returns
    -------
    float
        eV per solute atom, zero or positive.

    References
    ----------
    J. D. Eshelby, Solid State Phys. 3, 79 (1956), doi:10.1016/S0081-1947(08)60132-0.
    """
    v_s, v_h = solute.miedema_volume_cm3, host.miedema_volume_cm3
    k_s, g_h = solute.bulk_modulus_gpa, host.shear_modulus_gpa
    energy = 2.0 * k_s * g_h * (v_h - v_s) ** 2 / (3.0 * k_s * v_h + 4.0 * g_h * v_s)
    return float(energy / KJ_PER_MOL_PER_EV)  # GPa cm3/mol is kJ/mol


def mixing_enthalpy(
    first: str, second: str, fraction: float = 0.5, *, use_measured: bool = True
) -> MixingEnergy:
    """Give the mixing enthalpy of a random solid solution.

    Measured enthalpies are carried to other compositions as those of a regular solution.

    Parameters
    ----------
    first, second : str
        Metals, Ti to Au.
    fraction : float
        Atomic fraction of the second metal, 0 to 1.
    use_measured : bool
        Whether to prefer a measured enthalpy where there is one.

    Returns
    -------
    MixingEnergy
        eV per atom; negative: the metals mix.

    Raises
    ------
    UnknownNameError
        A metal is not one of the 24.
    InputError
        The fraction is outside 0 to 1.
    """
    if not 0.0 <= fraction <= 1.0:
        raise InputError(f"fraction {fraction} is not between 0 and 1.", "Give an atomic fraction.")
    a, b = find_metal(first), find_metal(second)
    x_a, x_b = 1.0 - fraction, fraction
    area_a = x_a * a.miedema_volume_cm3 ** (2.0 / 3.0)
    area_b = x_b * b.miedema_volume_cm3 ** (2.0 / 3.0)
    share_b = area_b / (area_a + area_b)
    # The surface share of the other metal is the chance that a neighbour is unlike.
    chemical = x_a * share_b * interface_enthalpy(a, b)
    elastic = (
        RELAXED_MISFIT_SHARE * x_a * x_b * (x_b * misfit_energy(a, b) + x_a * misfit_energy(b, a))
    )
    energy, std, source = chemical + elastic, 4.0 * x_a * x_b * MIEDEMA_STD_EV, "model"
    measured = load_measured().get(frozenset((first, second))) if use_measured else None
    if measured is not None:
        energy, std = (4.0 * x_a * x_b * value for value in measured)
        source = "measured"
    return MixingEnergy(first, second, float(fraction), energy, chemical, elastic, std, source)
