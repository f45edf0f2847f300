"""What is taken from a converged electronic structure besides energy and forces.

Runs inside the GPAW process only; all ranks call every function.
"""

from __future__ import annotations

from typing import Any

from pomdft.calculations.projections import read_projections
from pomdft.errors import CalculationError
from pomdft.schemas.calculation import Property

#: The d-band is looked for here, relative to the Fermi level, eV. Above, what the d projectors of
#: a metal see is no longer its d-band but free-electron states.
D_BAND_RANGE_EV = (-15.0, 8.0)
#: The narrower window in which many published centres are taken, eV.
D_BAND_WINDOW_EV = (-10.0, 2.0)
#: Standard deviation of the Gaussian that stands for a state, eV.
D_BAND_BROADENING_EV = 0.1
#: Legendre polynomials in the exchange of BEEF-vdW.
N_BEEF_EXCHANGE = 30


def compute_properties(calculator: Any, names: tuple[Property, ...]) -> dict[str, Any]:
    """Return the wanted properties as plain data for the result's `extras`.

    Parameters
    ----------
    calculator : gpaw calculator
        Converged.
    names : tuple of str
        "d-band": under "d_band"; "beef-ensemble": under "beef_contributions_ev".
    """
    extras: dict[str, Any] = {}
    if "d-band" in names:
        extras["d_band"] = compute_d_band(calculator)
    if "beef-ensemble" in names:
        extras["beef_contributions_ev"] = compute_beef_contributions(calculator)
    return extras


def compute_d_band(calculator: Any) -> dict[str, Any]:
    """Return the moments of the d-band of every atom that has one.

    The weights are the squared projections of the states on the bound d partial waves of the PAW
    setup. Energies are relative to the Fermi level.

    Parameters
    ----------
    calculator : gpaw calculator
        Converged.

    Returns
    -------
    dict
        `range_ev`, `window_ev`, `broadening_ev`, `highest_state_ev` (of those
        computed) and `sites`: a list of dicts with index, symbol, weight, center_ev, width_ev,
        filling, upper_edge_ev, window_center_ev, window_width_ev.
    """
    states = read_projections(calculator)
    whole = states.moments(
        window_ev=D_BAND_RANGE_EV, broadening_ev=D_BAND_BROADENING_EV, upper_edge=True
    )
    window = states.moments(window_ev=D_BAND_WINDOW_EV, broadening_ev=D_BAND_BROADENING_EV)
    edges = whole.upper_edge_ev
    if edges is None:
        raise CalculationError("The upper edge of the d-band was not computed.")
    symbols = calculator.atoms.get_chemical_symbols()
    sites = [
        {
            "index": int(index),
            "symbol": symbols[index],
            "weight": float(whole.weight[i]),
            "center_ev": float(whole.center_ev[i]),
            "width_ev": float(whole.width_ev[i]),
            "filling": float(whole.filling[i]),
            "upper_edge_ev": float(edges[i]),
            "window_center_ev": float(window.center_ev[i]),
            "window_width_ev": float(window.width_ev[i]),
        }
        for i, index in enumerate(states.atoms)
    ]
    return {
        "range_ev": list(D_BAND_RANGE_EV),
        "window_ev": list(D_BAND_WINDOW_EV),
        "broadening_ev": D_BAND_BROADENING_EV,
        "highest_state_ev": float(states.eigenvalues_ev.max()),
        "sites": sites,
    }


def compute_beef_contributions(calculator: Any) -> list[float]:
    """Return the 32 energies that the members of the BEEF-vdW ensemble weigh differently.

    Thirty terms of the exchange energy (Legendre polynomials), LDA and PBE correlation, each
    evaluated with the density of the calculation, whatever functional that is of. GPAW's own
    function insists on a BEEF-vdW density, which is not needed: the energies are those of one
    density, in first order the same for two similar functionals.

    Parameters
    ----------
    calculator : gpaw calculator
        Converged.

    Returns
    -------
    list of 32 floats
        eV; the order is that of `ase.dft.bee`.

    References
    ----------
    J. Wellendorff et al., Phys. Rev. B 85, 235149 (2012), doi:10.1103/PhysRevB.85.235149.
    """
    from gpaw.xc import XC
    from gpaw.xc.kernel import XCNull

    def energy(functional: Any) -> float:
        return float(calculator.get_xc_difference(functional)) - null

    null = 0.0
    null = energy(XC(XCNull()))
    correlation = [energy("LDA_C_PW"), energy("GGA_C_PBE")]
    # GPAW evaluates a bare Legendre term together with PBE correlation.
    exchange = [energy(XC("BEE2", [4, 0, p, 1.0])) - correlation[1] for p in range(N_BEEF_EXCHANGE)]
    return [round(value, 8) for value in [*exchange, *correlation]]
