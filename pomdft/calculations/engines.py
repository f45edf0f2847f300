"""Engines that give energy and forces at a geometry: ASE calculators in this process."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from pomdft.errors import CalculationError, ConvergenceError
from pomdft.schemas.calculation import CalculationInput, RecoveryStep

Array = NDArray[np.float64]


def make_atoms(request: CalculationInput) -> Atoms:
    """Return the model as ASE atoms, with cell and magnetic moments, without a calculator."""
    model = request.model
    atoms = Atoms(
        model.numbers,
        positions=model.positions,
        cell=None if model.cell_angstrom is None else np.array(model.cell_angstrom),
        pbc=model.pbc,
    )
    if model.magnetic_moments_bohr_magneton is not None:
        atoms.set_initial_magnetic_moments(model.magnetic_moments_bohr_magneton)
    return atoms


class SemiempiricalEngine:
    """GFN-xTB (tblite) or EMT (ASE), in the calling process.

    Parameters
    ----------
    request : CalculationInput
        Level with method "tblite" or "emt".
    """

    recovery: tuple[RecoveryStep, ...] = ()

    def __init__(self, request: CalculationInput) -> None:
        self._atoms = make_atoms(request)
        parameters = dict(request.level.parameters)
        if request.level.method == "tblite":
            from tblite.ase import TBLite

            multiplicity = 1 + request.model.electron_count % 2
            solvent = request.level.solvent
            self._atoms.calc = TBLite(
                charge=request.model.charge,
                multiplicity=multiplicity,
                verbosity=0,
                solvation=None if solvent is None else ("alpb", solvent),
                **parameters,
            )
        else:
            from ase.calculators.emt import EMT

            self._atoms.calc = EMT(**parameters)

    def evaluate(self, positions: Array, *, roughness: float = 1.0) -> tuple[float, Array]:
        """Return energy in eV and forces in eV/angstrom at positions in angstrom.

        They cost so little that `roughness` changes nothing.

        Raises
        ------
        ConvergenceError
            The xTB self-consistency does not converge.
        """
        from ase.calculators.calculator import CalculationFailed, InputError

        self._atoms.set_positions(positions)
        try:
            energy = float(self._atoms.get_potential_energy())
            forces = np.asarray(self._atoms.get_forces(), dtype=np.float64)
        except (CalculationFailed, RuntimeError) as error:
            raise ConvergenceError(
                f"The xTB calculation failed: {error}.", "Check geometry, charge and spin."
            ) from error
        except (InputError, NotImplementedError) as error:
            raise CalculationError(f"The calculator refuses this model: {error}.") from error
        return energy, forces

    def summary(self) -> dict[str, Any]:
        """Return further fields of the result: none for these methods."""
        return {}

    def dispersion_energy_ev(self) -> float | None:
        """Return None: these methods have no separate dispersion correction."""
        return None
