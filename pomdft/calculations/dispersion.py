"""London dispersion by DFT-D4."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pomdft.errors import CalculationError
from pomdft.units import BOHR_ANGSTROM, HARTREE_EV

#: Names under which dftd4 knows functionals that GPAW calls otherwise.
_DAMPING_NAMES = {"PBE": "pbe", "RPBE": "rpbe", "revPBE": "revpbe", "TPSS": "tpss", "SCAN": "scan"}


def d4_functionals() -> tuple[str, ...]:
    """Return the exchange-correlation functionals D4 parameters are used for."""
    return tuple(_DAMPING_NAMES)


def compute_d4(
    numbers: NDArray[np.int64],
    positions_angstrom: NDArray[np.float64],
    functional: str,
    *,
    variant: str = "d4",
    charge: int = 0,
    cell_angstrom: NDArray[np.float64] | None = None,
    pbc: tuple[bool, bool, bool] = (False, False, False),
) -> tuple[float, NDArray[np.float64]]:
    """Compute the D4 dispersion energy and forces, with three-body terms.

    D4 takes the coefficients of an atom from the reference system nearest in coordination number,
    and goes from one to the next within a few hundredths of it. Where an atom stands between two
    the energy has a step: 0.036 eV for one tungsten atom of a polyoxometalate that moves by 0.02
    angstrom, with forces up to 5 eV/angstrom. D4S interpolates smoothly.

    Parameters
    ----------
    numbers : ndarray of int, shape (n_atoms,)
        Atomic numbers.
    positions_angstrom : ndarray of float, shape (n_atoms, 3)
        Positions in angstrom.
    functional : str
        GPAW's name of the functional whose damping parameters are used.
    variant : {"d4", "d4s"}
        The original interpolation between reference systems, or the smooth one.
    charge : int
        Total charge.
    cell_angstrom : ndarray of float, shape (3, 3), optional
        Needed where periodic.
    pbc : tuple of bool
        Periodicity.

    Returns
    -------
    energy_ev : float
        Dispersion energy in eV, negative.
    forces : ndarray of float64, shape (n_atoms, 3)
        eV/angstrom.

    Raises
    ------
    CalculationError
        There are no D4 parameters for the functional.

    References
    ----------
    E. Caldeweyher et al., J. Chem. Phys. 150, 154122 (2019), doi:10.1063/1.5090222. D4S:
    N. V. Tkachenko et al., J. Phys. Chem. Lett. 15, 10629 (2024), doi:10.1021/acs.jpclett.4c02653.
    """
    from dftd4.interface import DampingParam, DispersionModel

    if functional not in _DAMPING_NAMES:
        names = ", ".join(_DAMPING_NAMES)
        raise CalculationError(
            f"No D4 parameters for xc={functional!r} (there are for {names}).",
            "Set dispersion: null for this level.",
        )
    lattice = None if cell_angstrom is None or not any(pbc) else cell_angstrom / BOHR_ANGSTROM
    model = DispersionModel(
        numbers.astype(np.int32),
        positions_angstrom / BOHR_ANGSTROM,
        charge=float(charge),
        lattice=lattice,
        periodic=np.array(pbc) if lattice is not None else None,
        model=variant,
    )
    result = model.get_dispersion(DampingParam(method=_DAMPING_NAMES[functional]), grad=True)
    forces = -np.asarray(result["gradient"]) * (HARTREE_EV / BOHR_ANGSTROM)
    return float(result["energy"]) * HARTREE_EV, forces
