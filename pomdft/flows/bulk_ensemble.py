"""The functional's uncertainty of lattice constants, bulk moduli and cohesive energies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from ase.units import GPa
from jobflow import Maker, job
from numpy.polynomial import polynomial
from numpy.typing import NDArray

from pomdft.errors import InputError
from pomdft.flows.ensemble import PLAIN_PROPERTIES, EnsemblePointMaker
from pomdft.flows.periodic import store_root
from pomdft.schemas.beef import ensemble_coefficients
from pomdft.schemas.bulk import STRAIN_ROLE, BulkMetal
from pomdft.schemas.reaction import ENSEMBLE_ROLE
from pomdft.store.catalogue import read_calculation
from pomdft.store.documents import save_document
from pomdft.store.results import ResultStore


@dataclass(frozen=True, eq=False)
class EquationShifts:
    """What each member of the ensemble changes about the minimum of an equation of state.

    Attributes
    ----------
    relative_length : ndarray of float64, shape (m,)
        Of the lattice constant, as a share of it.
    energy_ev : ndarray of float64, shape (m,)
        Energy at the minimum, an atom.
    bulk_modulus_gpa : ndarray of float64, shape (m,)
    """

    relative_length: NDArray[np.float64]
    energy_ev: NDArray[np.float64]
    bulk_modulus_gpa: NDArray[np.float64]


@dataclass
class BulkEnsembleMaker(Maker):
    """Adds standard deviations of the BEEF-vdW ensemble to a bulk metal.

    Every member has an equation of state of its own, from one more single point of each volume,
    and so a lattice constant, a bulk modulus and, with the free atom, a cohesive energy. What it
    changes is taken to first order. For hcp metals c/a is kept.

    Parameters are those of `pomdft.flows.ensemble.EnsembleMaker`.
    """

    name: str = "bulk ensemble"
    store: str | None = None
    cores: int = 0
    retry: bool = False

    @job(output_schema=BulkMetal)
    def make(self, bulk: BulkMetal) -> BulkMetal:
        """Job: see `add_ensemble`."""
        return self.add_ensemble(bulk)

    def add_ensemble(self, bulk: BulkMetal) -> BulkMetal:
        """Return the document with its standard deviations; it replaces the one in the store.

        Raises
        ------
        InputError
            The level is not GPAW's.
        CalculationError
            A single point meets another electronic state.
        """
        if bulk.has_ensemble:
            return bulk
        if bulk.level.method != "gpaw":
            raise InputError(f"{bulk!r} is not of GPAW.", "Choose a GPAW level.")
        root = store_root(self.store)
        store = ResultStore(root)
        points = EnsemblePointMaker(self.store, self.cores, self.retry)
        roles = [role for role in bulk.calculations if role.startswith(STRAIN_ROLE)]
        probes: dict[str, str] = {}
        volumes, energies, terms = [], [], []

        def probe(role: str) -> NDArray[np.float64]:
            label = f"{ENSEMBLE_ROLE}{role} of {bulk.metal}"
            key, result = points.compute(bulk.calculations[role], label, PLAIN_PROPERTIES)
            probes[f"{ENSEMBLE_ROLE}{role}"] = key
            return np.array(result.extras["beef_contributions_ev"])

        for role in roles:
            request, result = read_calculation(store, bulk.calculations[role])
            atoms = len(request.model.symbols)
            cell = np.array(request.model.cell_angstrom, dtype=float)
            volumes.append(abs(float(np.linalg.det(cell))) / atoms)
            energies.append(result.energy_ev / atoms)
            terms.append(probe(role) / atoms)
        shifts = shift_equation_of_state(*map(np.array, (volumes, energies, terms)))
        cohesive_std = None
        if "atom" in bulk.calculations:
            atom = ensemble_coefficients() @ probe("atom")
            cohesive_std = float(np.std(atom - shifts.energy_ev))
        relative = float(np.std(shifts.relative_length))
        document = bulk.model_copy(
            update={
                "lattice_constant_std_angstrom": relative * bulk.lattice_constant_angstrom,
                "bulk_modulus_std_gpa": float(np.std(shifts.bulk_modulus_gpa)),
                "cohesive_std_ev_per_atom": cohesive_std,
                "calculations": {**bulk.calculations, **probes},
                "source": "store",
                "finished": datetime.now(UTC),
            }
        )
        save_document(root, document)
        return document


def shift_equation_of_state(
    volumes_angstrom3: NDArray[np.float64],
    energies_ev: NDArray[np.float64],
    terms_ev: NDArray[np.float64],
) -> EquationShifts:
    """Return what each member of the ensemble changes, to first order.

    Birch's equation is a cubic in x = V^(-2/3), and the terms are fitted by the same. To second
    order some members of copper would have no minimum (3 %); of the others the lattice constants
    spread as the first order says, to a tenth.

    Parameters
    ----------
    volumes_angstrom3, energies_ev : ndarray of float64, shape (n,)
        Four points or more, an atom.
    terms_ev : ndarray of float64, shape (n, 32)
        Of each point, an atom.

    References
    ----------
    F. Birch, Phys. Rev. 71, 809 (1947), doi:10.1103/PhysRev.71.809.
    """
    # About 1 in these units, so that the fit is well conditioned.
    middle = float(volumes_angstrom3.mean())
    x = (volumes_angstrom3 / middle) ** (-2 / 3) - 1.0
    basis = np.vander(x, 4, increasing=True)
    fit, *_ = np.linalg.lstsq(basis, np.column_stack([energies_ev, terms_ev]), rcond=None)
    place = -fit[1, 0] / (fit[2, 0] + np.sqrt(fit[2, 0] ** 2 - 3.0 * fit[1, 0] * fit[3, 0]))
    # Of the energy in the first column, of the terms in the others.
    derivatives = [polynomial.polyval(place, polynomial.polyder(fit, n)) for n in range(4)]
    curvature, third = derivatives[2][0], derivatives[3][0]
    shift, slope, bend = (ensemble_coefficients() @ values[1:] for values in derivatives[:3])
    moved = -slope / curvature
    # V = V_m (1 + x)^(-3/2), so that at a minimum B = V E''(V) = 4/9 (1 + x)^(7/2) E''(x) / V_m.
    modulus = 4.0 / 9.0 * (1.0 + place) ** 3.5 * curvature / middle / GPa
    relative = 3.5 * moved / (1.0 + place) + (bend + third * moved) / curvature
    return EquationShifts(-0.5 * moved / (1.0 + place), shift, modulus * relative)
