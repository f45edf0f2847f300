r"""Lattice energies of a metal pair, from segregation and mixing energies.

A bond-centric form: every atom contributes half bonds that depend on its own coordination z,

.. math:: h_{aa}(z) = e_a(z)/z, \quad h_{ab}(z) = e_a(z)/z + w(z)/2

where e_a(z) is the energy of a site of the pure metal and w(z) the excess of an unlike bond. The
difference of the surface energies and w at the surface are set so that the dilute segregation
energies of both metals in each other on the close-packed facet come out as in
:mod:`pomdft.analysis.segregation`; w in the bulk so that the random alloy has the enthalpy of
:mod:`pomdft.analysis.mixing`.

References
----------
Z. Yan, M. G. Taylor, A. Mascareno, G. Mpourmpakis, Nano Lett. 18, 2696 (2018),
doi:10.1021/acs.nanolett.8b00670.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pomdft.analysis.elements import find_metal
from pomdft.analysis.mixing import DEMIXING_ENTHALPY_EV, mixing_enthalpy
from pomdft.analysis.segregation import ComputedSegregation, segregation_energy
from pomdft.errors import InputError
from pomdft.units import BOLTZMANN_EV_PER_K

FloatArray = npt.NDArray[np.float64]

#: Error of unrelaxed LMTO segregation energies against relaxed ones, eV: what the model is
#: calibrated on carries it, so every model energy does.
CALIBRATION_STD_EV = 0.10
#: Bounds of w(surface)/w(bulk): beyond them the two segregation energies say more than pair
#: bonds can express.
SURFACE_BOND_RATIO = (0.5, 1.25)
_MAX_Z = 12
_SURFACE_Z = 9


@dataclass(frozen=True)
class AlloyEnergetics:
    """What the lattice model of a metal pair is made of.

    Attributes
    ----------
    first, second : str
        The two metals.
    surface_preference_ev : float
        Energy (eV) to exchange a surface atom of the first metal with a bulk atom of the second
        on a close-packed facet, mixing aside; negative: the second metal prefers the surface.
    surface_preference_std_ev : float
        Its standard uncertainty.
    bulk_bond_ev, surface_bond_ev : float
        Excess of an unlike bond in the bulk and between surface atoms, eV; negative: metals mix.
    bulk_bond_std_ev : float
        Its standard uncertainty.
    mixing_ev : float
        Mixing enthalpy of the equiatomic random alloy, eV per atom; negative: metals mix.
    demixes : bool
        Whether the bulk alloy separates where its atoms still move.
    source : str
        "dft" where both segregation energies are computed, else "model".
    mixing_source : str
        "measured" or "model": where the mixing enthalpy comes from.
    """

    first: str
    second: str
    surface_preference_ev: float
    surface_preference_std_ev: float
    bulk_bond_ev: float
    surface_bond_ev: float
    bulk_bond_std_ev: float
    mixing_ev: float
    demixes: bool
    source: str
    mixing_source: str = "model"

    @property
    def cohesive_ev(self) -> float:
        """Cohesive energy of the first metal, eV per atom, positive."""
        return find_metal(self.first).cohesive_energy_ev

    @property
    def demixing_threshold_ev(self) -> float:
        """Mixing enthalpy of the equiatomic alloy above which it demixes, eV per atom."""
        return DEMIXING_ENTHALPY_EV

    @property
    def melting_point_k(self) -> float:
        """Rough melting point of the pair, K: 0.03 of the mean cohesive energy over k."""
        other = find_metal(self.second).cohesive_energy_ev
        return 0.03 * 0.5 * (self.cohesive_ev + other) / BOLTZMANN_EV_PER_K

    def shift_surface(self, energy_ev: float) -> AlloyEnergetics:
        """Return a copy whose second metal costs `energy_ev` more at a (111) surface."""
        return replace(self, surface_preference_ev=self.surface_preference_ev + energy_ev)

    def shift_mixing(self, bond_ev: float) -> AlloyEnergetics:
        """Return a copy whose unlike bonds cost `bond_ev` more everywhere."""
        return replace(
            self,
            bulk_bond_ev=self.bulk_bond_ev + bond_ev,
            surface_bond_ev=self.surface_bond_ev + bond_ev,
        )

    def half_bonds(self) -> FloatArray:
        """Tabulate the half bonds.

        Returns
        -------
        ndarray of float64, shape (2, 2, 13)
            ``[s, t, z]``: energy (eV) that a bond to species t contributes for an atom of species
            s with z neighbours; 0 is the first metal.
        """
        z = np.arange(1, _MAX_Z + 1, dtype=np.float64)
        broken = surface_share(z)
        site = np.empty((2, _MAX_Z))
        site[0] = -self.cohesive_ev * np.sqrt(z / _MAX_Z)
        site[1] = site[0] + self.surface_preference_ev * broken
        depth = np.clip((_MAX_Z - z) / (_MAX_Z - _SURFACE_Z), 0.0, 1.0)
        excess = self.bulk_bond_ev + (self.surface_bond_ev - self.bulk_bond_ev) * depth
        table = np.zeros((2, 2, _MAX_Z + 1))
        for a in range(2):
            table[a, :, 1:] = site[a] / z
            table[a, 1 - a, 1:] += 0.5 * excess
        return table


def surface_share(coordination: npt.ArrayLike) -> FloatArray:
    """Scale a surface energy with coordination: 0 in the bulk, 1 at a (111) site.

    Parameters
    ----------
    coordination : array_like
        Numbers of neighbours, of 12.

    Returns
    -------
    ndarray of float64
        (1 - sqrt(z/12)) / (1 - sqrt(9/12)), the second-moment form.
    """
    z = np.asarray(coordination, dtype=np.float64)
    share: FloatArray = (1.0 - np.sqrt(z / _MAX_Z)) / (1.0 - np.sqrt(_SURFACE_Z / _MAX_Z))
    return share


def build_energetics(
    first: str,
    second: str,
    fraction: float = 0.5,
    computed: ComputedSegregation | None = None,
) -> AlloyEnergetics:
    """Derive the lattice energies of a pair.

    Parameters
    ----------
    first, second : str
        Metals, Ti to Au.
    fraction : float
        Atomic fraction of the second metal, at which the mixing enthalpy is taken.
    computed : mapping, optional
        DFT segregation energies, see :func:`pomdft.analysis.segregation.segregation_energy`.

    Returns
    -------
    AlloyEnergetics

    Raises
    ------
    UnknownNameError
        A metal is not known.
    InputError
        Both metals are the same.
    """
    if first == second:
        raise InputError(f"both metals are {first}.", "Name two different metals.")
    inward = segregation_energy(first, second, "111", computed=computed)
    outward = segregation_energy(second, first, "111", computed=computed)
    equiatomic = mixing_enthalpy(first, second, 0.5)
    # Near the ends the enthalpy itself vanishes; its slope does not.
    at = min(max(fraction, 0.05), 0.95)
    mixing = mixing_enthalpy(first, second, at)
    bonds = _MAX_Z * at * (1.0 - at)  # unlike bonds per atom of the random alloy
    bulk = mixing.energy_ev / bonds
    # Counting bonds of a solute moved to the surface: E1 + E2 = 15 w(surface) - 21 w(bulk).
    surface = (inward.energy_ev + outward.energy_ev + 21.0 * bulk) / 15.0
    limits = sorted(ratio * bulk for ratio in SURFACE_BOND_RATIO)
    is_dft = inward.source == outward.source == "dft"
    # What the functional gets wrong of two surfaces counts in both directions, with opposite sign
    # (members of the ensembles of Ag in Au and Au in Ag are correlated by -0.95): halving the
    # difference does not average it away.
    std = 0.5 * (inward.std_ev + outward.std_ev)
    if not is_dft:
        std = math.hypot(0.5 * math.hypot(inward.std_ev, outward.std_ev), CALIBRATION_STD_EV)
    return AlloyEnergetics(
        first,
        second,
        0.5 * (inward.energy_ev - outward.energy_ev),
        std,
        bulk,
        float(np.clip(surface, limits[0], limits[1])),
        mixing.std_ev / bonds,
        equiatomic.energy_ev,
        equiatomic.demixes,
        "dft" if is_dft else "model",
        mixing.source,
    )
