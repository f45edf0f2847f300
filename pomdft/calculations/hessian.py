"""First guesses of a Hessian, so that a DFT relaxation needs few steps."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from ase.data import atomic_numbers, covalent_radii
from ase.neighborlist import natural_cutoffs, neighbor_list
from numpy.typing import NDArray

from pomdft.calculations.communicator import Communicator
from pomdft.errors import CalculationError
from pomdft.schemas.model import AtomicModel

#: Springs softer than this share of a bond between touching atoms are left out.
_LEAST_CLOSENESS = 0.2
#: Stiffness (eV/angstrom^2) of springs per unit of closeness exp(1 - d / (r_i + r_j)), fitted to
#: the changes of forces in LCAO relaxations of H6-W5O18 bare and on Au4 and Ag4, and rounded: they
#: decide how many steps a relaxation takes, not the energy of the minimum it finds.
_METAL_METAL, _METAL_OTHER, _ADDENDUM_ADDENDUM, _OXYGEN_OXYGEN = 3.6, 0.3, 2.0, 6.0
#: Metal-oxygen contacts: stiffness of touching atoms, and the elongation that makes them e times
#: softer; beyond 2.3 angstrom gold slides over oxygen.
_CONTACT_STIFFNESS, _CONTACT_SOFTENING_ANGSTROM = 8.0, 0.12
#: Addendum-oxygen bonds of the same runs: stiffness at the length of a terminal one, and the
#: elongation (angstrom) that makes them e times softer.
_TERMINAL_STIFFNESS, _TERMINAL_ANGSTROM, _SOFTENING_ANGSTROM = 36.0, 1.72, 0.21
#: All other pairs: 0.35 hartree/bohr^2 for a bond of touching atoms, as in the model Hessian of
#: M. Swart, F. M. Bickelhaupt, Int. J. Quantum Chem. 106, 2536 (2006), doi:10.1002/qua.21049,
#: and the third power of the closeness, so that pairs two bonds apart stand in for angles.
_BOND = 34.0
#: What holds an atom in its place besides its springs (angles, the cage), eV/angstrom^2: without it
#: oxygens bend too easily and the last steps of a relaxation swing to and fro. From the changes of
#: forces of a run with Pt4, rounded. With GFN1-xTB in place of DFT complexes of W5O18 with six
#: metals took 139 steps in all instead of 202 (benchmarks/relaxation_steps.py), gold ending in
#: another minimum.
OXYGEN_ON_SITE, METAL_ON_SITE = 2.0, 1.0
#: O-H bonds: the harmonic force constant of water, 8.45 mdyn/angstrom (A. R. Hoy, I. M. Mills,
#: G. Strey, Mol. Phys. 24, 1265 (1972), doi:10.1080/00268977200102361), lowered by a tenth for PBE;
#: and what holds a proton on its cone: one that swings too far stretches its bond.
_HYDROXYL_STIFFNESS, HYDROGEN_ON_SITE = 48.0, 1.0
#: What stands in for the angles of organic ligands: holds C, N, S and their hydrogens in place.
#: Springs alone let them bend so easily that butanethiol and N-vinylpyrrolidone swung to and fro
#: for 80 steps; with it they take 7 and 9 (benchmarks/relaxation_steps.py; GFN1-xTB for DFT).
#: eV/angstrom^2, chosen by these counts.
ORGANIC_ON_SITE = 4.0
#: Spring between neighbours in a crystal of metals, eV/angstrom^2. Central springs k in an fcc
#: crystal give the bulk modulus B = 4 k / (3 a): 1.7 (Ag) to 4.6 (Pt) from the PBE lattice
#: constants a and B. See C. Kittel, Introduction to Solid State Physics, chapter 3.
_CRYSTAL_STIFFNESS = 3.0
#: Neighbours are nearer than this share of the sum of covalent radii; second ones are at 1.4.
_NEIGHBOUR_REACH = 1.25
_ADDENDA = frozenset(atomic_numbers[s] for s in ("W", "Mo", "V", "Nb", "Ta"))
_LIGHT = 18
_HYDROGEN, _OXYGEN = 1, 8
_ORGANIC = [atomic_numbers[s] for s in ("C", "N", "S")]
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


def compute_spring_hessian(
    numbers: NDArray[np.intp], positions: NDArray[np.float64], free: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Compute the Hessian of springs between all pairs of atoms that are near each other.

    Oxygens, metals and organic atoms are held a little where they are as well: springs along bonds
    alone let them bend too easily. Without a polyoxometalate that does not hold the cluster, nor a
    wholly free molecule, as a rigid body: they slide over each other almost without resistance.

    GFN1-xTB does not have its minima where DFT has them for polyoxometalates, and finds modes
    soft or unstable there that are stiff; springs at rest cannot be unstable.

    Parameters
    ----------
    numbers : ndarray of int, shape (n_atoms,)
        Atomic numbers.
    positions : ndarray of float64, shape (n_atoms, 3)
        Angstrom.
    free : ndarray of int, shape (n_free,)
        Indices of the atoms that move.

    Returns
    -------
    ndarray of float64, shape (3 n_free, 3 n_free)
        Symmetric, positive semidefinite, eV/angstrom^2.
    """
    numbers = np.asarray(numbers)
    vectors = positions[:, None, :] - positions[None, :, :]
    lengths = np.linalg.norm(vectors, axis=2)
    np.fill_diagonal(lengths, np.inf)
    stiffness = _spring_stiffness(numbers, lengths)
    directions = vectors / lengths[:, :, None]
    blocks = -stiffness[:, :, None, None] * directions[:, :, :, None] * directions[:, :, None, :]
    on_site = -blocks.sum(axis=1) + _on_site_stiffness(numbers, lengths)
    index = np.arange(len(positions))
    blocks[index, index] = on_site
    matrix = _as_matrix(blocks)
    if not np.isin(numbers, list(_ADDENDA)).any():
        metal = _is_metal(numbers)
        places = _on_site_stiffness(numbers, lengths)[:, 0, 0]
        for body in (np.flatnonzero(metal), np.flatnonzero(~metal)):
            if len(body) and np.isin(body, free).all():
                _release(matrix, places, positions, body)
    kept = (3 * free[:, None] + np.arange(3)).ravel()
    return np.ascontiguousarray(matrix[np.ix_(kept, kept)])


def _release(
    matrix: NDArray[np.float64],
    places: NDArray[np.float64],
    positions: NDArray[np.float64],
    body: NDArray[np.intp],
) -> None:
    """Take from the Hessian what holds a body's atoms in place against its rigid motion.

    Held so, M4 crept over the PVP unit and stopped, all forces below the limit, 0.07 to 0.13 eV
    above where it goes now (benchmarks/relaxation_steps.py, GFN1-xTB). Under a polyoxometalate,
    whose oxygens keep their places, it changed little: six metals on W5O18 took 129 steps instead
    of 137, Ag and Au on A-alpha-SiW9O34 54 instead of 38. So there the cluster stays held.
    """
    n = len(body)
    centred = positions[body] - positions[body].mean(axis=0)
    motions = np.zeros((6, n, 3))
    for axis, direction in enumerate(np.eye(3)):
        motions[axis] = direction
        motions[3 + axis] = np.cross(direction, centred)
    _, size, rigid = np.linalg.svd(motions.reshape(6, -1), full_matrices=False)
    # A single atom does not turn, and a row of atoms not about itself.
    rigid = rigid[size > 1e-6 * size[0]]
    inner = np.eye(3 * n) - rigid.T @ rigid
    held = np.repeat(places[body], 3)
    rows = (3 * body[:, None] + np.arange(3)).ravel()
    matrix[np.ix_(rows, rows)] += inner @ (held[:, None] * inner) - np.diag(held)


def compute_crystal_hessian(atoms: Atoms, free: NDArray[np.intp]) -> NDArray[np.float64]:
    """Compute the Hessian of springs between neighbours in a crystal or slab of metals.

    Each atom is held a little where it is as well, so that a slab does not drift.

    Parameters
    ----------
    atoms : Atoms
        Periodic along some axes.
    free : ndarray of int, shape (n_free,)
        Indices of the atoms that move.

    Returns
    -------
    ndarray of float64, shape (3 n_free, 3 n_free)
        Symmetric, positive definite, eV/angstrom^2.
    """
    reach = natural_cutoffs(atoms, mult=_NEIGHBOUR_REACH)
    first, second, vectors = neighbor_list("ijD", atoms, reach)
    directions = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    springs = _CRYSTAL_STIFFNESS * directions[:, :, None] * directions[:, None, :]
    n_atoms = len(atoms)
    blocks = np.zeros((n_atoms, n_atoms, 3, 3))
    np.add.at(blocks, (first, first), springs)
    np.add.at(blocks, (first, second), -springs)
    index = np.arange(n_atoms)
    blocks[index, index] += METAL_ON_SITE * np.eye(3)
    return _as_matrix(blocks[np.ix_(free, free)])


def _as_matrix(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return blocks of shape (n, n, 3, 3) as a matrix of shape (3 n, 3 n)."""
    n = 3 * len(blocks)
    return np.ascontiguousarray(blocks.transpose(0, 2, 1, 3).reshape(n, n))


def _is_metal(numbers: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which atoms are metals of a cluster: heavy ones that are no addenda."""
    return np.asarray((numbers > _LIGHT) & ~np.isin(numbers, list(_ADDENDA)))


def _on_site_stiffness(
    numbers: NDArray[np.intp], lengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what is added to the block of each atom with itself, shape (n_atoms, 3, 3)."""
    bearer = np.where(numbers == _HYDROGEN, numbers[lengths.argmin(axis=1)], numbers)
    stiffness = np.select(
        [
            np.isin(bearer, _ORGANIC),
            numbers == _HYDROGEN,
            numbers == _OXYGEN,
            _is_metal(numbers),
        ],
        [ORGANIC_ON_SITE, HYDROGEN_ON_SITE, OXYGEN_ON_SITE, METAL_ON_SITE],
        0.0,
    )
    return np.asarray(stiffness[:, None, None] * np.eye(3))


def _spring_stiffness(
    numbers: NDArray[np.intp], lengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the stiffness of the spring between each pair of atoms, eV/angstrom^2."""
    radii = covalent_radii[numbers]
    closeness = np.exp(1.0 - lengths / (radii[:, None] + radii[None, :]))
    addendum = np.isin(numbers, list(_ADDENDA))
    oxygen = numbers == _OXYGEN
    metal = _is_metal(numbers)

    def between(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> NDArray[np.bool_]:
        either: NDArray[np.bool_] = np.logical_and.outer(first, second)
        return either | either.T

    anything = np.ones_like(metal)
    stiffness = _BOND * closeness**3
    for pairs, per_closeness in (
        (between(oxygen, oxygen), _OXYGEN_OXYGEN),
        (between(addendum, addendum), _ADDENDUM_ADDENDUM),
        (between(metal, anything), _METAL_OTHER),
        (between(metal, metal), _METAL_METAL),
    ):
        stiffness = np.where(pairs, per_closeness * closeness, stiffness)
    excess = lengths - (radii[:, None] + radii[None, :])
    contacts = _CONTACT_STIFFNESS * np.exp(-excess / _CONTACT_SOFTENING_ANGSTROM)
    stiffness = np.where(between(metal, oxygen), np.clip(contacts, None, 20.0), stiffness)
    bonds = _TERMINAL_STIFFNESS * np.exp((_TERMINAL_ANGSTROM - lengths) / _SOFTENING_ANGSTROM)
    stiffness = np.where(between(addendum, oxygen), bonds, stiffness)
    hydroxyl = between(numbers == _HYDROGEN, oxygen)
    stiffness = np.where(hydroxyl, _HYDROXYL_STIFFNESS * closeness**3, stiffness)
    return np.asarray(np.where(closeness < _LEAST_CLOSENESS, 0.0, stiffness), dtype=np.float64)


def unit_hessian(n_free: int) -> NDArray[np.float64]:
    """Return the stiffness ASE's BFGS starts from: 70 eV/angstrom^2 times the unit matrix."""
    return 70.0 * np.eye(3 * n_free)
