"""GPAW in a continuum solvent, by the original implementation.

GPAW 26.7 also has its continuum as an extension of the new implementation. That one is not used:
with LCAO it sets up the cavity twice and keeps the empty one, so that the energy lacks the whole
electrostatic part without a word and the forces are not numbers, and in all modes the cavity stays
where it was when atoms move.

Runs inside the GPAW process only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms

from pomdft.schemas.solvent import Solvent

#: N/m in eV/angstrom^2, with e = 1.602176634e-19 C (exact).
_EV_PER_ANGSTROM2 = 1.0 / 16.02176634


def make_solvated_calculator(
    parameters: dict[str, Any], symbols: Sequence[str], solvent: Solvent, log: str
) -> Any:
    """Return a GPAW calculator in a continuum solvent.

    Parameters
    ----------
    parameters : dict
        Parameters of GPAW for the original implementation, charge included.
    symbols : sequence of str
        Elements of the solute; ghosts have no cavity of their own, so none may be among them.
    solvent : Solvent
    log : str
        Path of the log.

    References
    ----------
    A. Held, M. Walter, J. Chem. Phys. 141, 174108 (2014), doi:10.1063/1.4900838.
    """
    from gpaw.solvation import (
        EffectivePotentialCavity,
        GradientSurface,
        LinearDielectric,
        Power12Potential,
        SolvationGPAW,
        SurfaceInteraction,
    )
    from gpaw.solvation.poisson import WeightedFDPoissonSolver

    potential = Power12Potential(atomic_radii=solvent.radii_of(symbols), u0=solvent.potential_ev)
    # Gauss-Seidel needs two thirds of the iterations of Jacobi, GPAW's default.
    solver = WeightedFDPoissonSolver(relax="GS", eps=solvent.poisson_residual)
    return SolvationGPAW(
        **{"poissonsolver": solver, **parameters},
        cavity=EffectivePotentialCavity(
            effective_potential=potential,
            temperature=solvent.temperature_k,
            surface_calculator=GradientSurface(),
        ),
        dielectric=LinearDielectric(epsinf=solvent.relative_permittivity),
        interactions=[
            SurfaceInteraction(surface_tension=solvent.surface_tension_n_per_m * _EV_PER_ANGSTROM2)
        ],
        txt=log,
    )


def leave_room_for_charge(atoms: Atoms, charge: int) -> None:
    """Lower the initial moments of an anion, so that GPAW finds orbitals for its first density.

    The original implementation spreads the additional electrons evenly over the atoms. An ion such
    as Cu2+ with its whole moment would have more electrons of one spin than its basis has bound
    orbitals. The SCF finds the moment itself.

    Parameters
    ----------
    atoms : ase Atoms
        Changed in place.
    charge : int
        Of the whole, in units of e.
    """
    moments = atoms.get_initial_magnetic_moments()
    if charge < 0 and moments.any():
        smaller = np.maximum(np.abs(moments) + 1.5 * charge / len(atoms), 0.0)
        atoms.set_initial_magnetic_moments(np.sign(moments) * smaller)


def describe_cavity(calculator: Any) -> dict[str, float]:
    """Return what the solvent adds to a result: the short-range energy and the cavity's surface.

    Parameters
    ----------
    calculator : GPAW calculator
        After a converged calculation.

    Returns
    -------
    dict
        "surface_energy_ev" (part of the total energy; eV, positive) and
        "cavity_surface_angstrom2".
    """
    return {
        "surface_energy_ev": float(calculator.get_solvation_interaction_energy("surf")),
        "cavity_surface_angstrom2": float(calculator.get_cavity_surface()),
    }
