"""Unit conversions. Inside pomdft: energies in eV, lengths in angstrom, temperatures in kelvin."""

from __future__ import annotations

from typing import Final

from scipy import constants

#: Boltzmann constant in eV/K (CODATA, through SciPy).
BOLTZMANN_EV_PER_K: Final[float] = constants.value("Boltzmann constant in eV/K")
#: Faraday constant in C/mol; numerically F = N_A e.
FARADAY_C_PER_MOL: Final[float] = constants.value("Faraday constant")
#: One eV per particle in kJ/mol.
KJ_PER_MOL_PER_EV: Final[float] = constants.electron_volt * constants.Avogadro / 1000.0
#: Hartree energy in eV.
HARTREE_EV: Final[float] = constants.value("Hartree energy in eV")
#: Bohr radius in angstrom.
BOHR_ANGSTROM: Final[float] = constants.value("Bohr radius") * 1e10


def ev_to_kj_per_mol(energy_ev: float) -> float:
    """Convert an energy per particle in eV to kJ/mol."""
    return energy_ev * KJ_PER_MOL_PER_EV
