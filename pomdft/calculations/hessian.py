"""First guess of a Hessian from GFN1-xTB, so that a DFT relaxation needs few steps."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from numpy.typing import NDArray

from pomdft.calculations.communicator import Communicator
from pomdft.errors import CalculationError
from pomdft.schemas.model import AtomicModel

#: Displacement of the finite differences, angstrom.
DISPLACEMENT_ANGSTROM = 0.01


def compute_xtb_hessian(
    model: AtomicModel, free: NDArray[np.intp], comm: Communicator
) -> NDArray[np.float64]:
    """Compute the Hessian of the free atoms by forward differences of GFN1-xTB gradients.

    The columns are shared among the ranks. Forward differences are enough: the Hessian only
    preconditions, its error costs steps, never accuracy.

    Parameters
    ----------
    model : AtomicModel
        Geometry, charge; open shells are treated by electronic smearing.
    free : ndarray of int, shape (n_free,)
        Indices of the atoms that move.
    comm : Communicator
        Ranks to share the work.

    Returns
    -------
    ndarray of float64, shape (3 n_free, 3 n_free)
        Symmetric, eV/angstrom^2.

    Raises
    ------
    CalculationError
        xTB fails for some displacement; on all ranks, whichever it was.

    References
    ----------
    S. Grimme, C. Bannwarth, P. Shushkov, J. Chem. Theory Comput. 13, 1989 (2017),
    doi:10.1021/acs.jctc.7b00118.
    """
    n = 3 * len(free)
    columns = np.zeros((n, n))
    failed = np.zeros(1)
    reason = "xTB failed on another rank"
    try:
        _fill_columns(columns, model, free, comm)
    except (CalculationFailed, RuntimeError, TypeError, ValueError) as error:
        # The others wait in the sum below: tell them instead of leaving.
        failed[0] = 1.0
        reason = f"xTB failed: {error}"
    comm.sum(failed)
    if failed[0]:
        raise CalculationError(reason)
    comm.sum(columns)
    return 0.5 * (columns + columns.T)


def _fill_columns(
    columns: NDArray[np.float64], model: AtomicModel, free: NDArray[np.intp], comm: Communicator
) -> None:
    """Compute this rank's columns of the Hessian."""
    from pomdft.structures.xtb import make_xtb_calculator

    positions = model.positions
    atoms = Atoms(model.numbers, positions=positions)
    atoms.calc = make_xtb_calculator(model.charge, 1 + model.electron_count % 2)
    reference = atoms.get_forces()[free].ravel()
    for k in range(comm.rank, len(columns), comm.size):
        displaced = positions.copy()
        displaced[free[k // 3], k % 3] += DISPLACEMENT_ANGSTROM
        atoms.positions = displaced
        columns[:, k] = (reference - atoms.get_forces()[free].ravel()) / DISPLACEMENT_ANGSTROM


def unit_hessian(n_free: int) -> NDArray[np.float64]:
    """Return the stiffness ASE's BFGS starts from: 70 eV/angstrom^2 times the unit matrix."""
    return 70.0 * np.eye(3 * n_free)
