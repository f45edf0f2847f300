"""Springs between neighbours in crystals and slabs of metals."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111
from ase.calculators.emt import EMT
from numpy.typing import NDArray

from pomdft.calculations.communicator import SerialCommunicator
from pomdft.calculations.hessian import compute_crystal_hessian, unit_hessian
from pomdft.calculations.relaxation import RelaxationState, positive_definite, relax
from pomdft.schemas.level import RelaxationSettings

LATTICE_ANGSTROM = {"Pd": 3.89, "Au": 4.08, "Cu": 3.61, "Ag": 4.09}


class EffectiveMedium:
    """Forces of effective medium theory in place of DFT."""

    def __init__(self, atoms: Atoms) -> None:
        self.atoms = atoms

    def at(self, positions: NDArray[np.float64]) -> Atoms:
        atoms = self.atoms.copy()
        atoms.positions = positions
        return atoms

    def evaluate(
        self, positions: NDArray[np.float64], *, roughness: float = 1.0
    ) -> tuple[float, NDArray[np.float64]]:
        atoms = self.at(positions)
        atoms.calc = EMT()
        return float(atoms.get_potential_energy()), atoms.get_forces()


def slab_with_solute(host: str, solute: str, site: int) -> Atoms:
    slab = fcc111(host, (2, 2, 4), a=LATTICE_ANGSTROM[host], vacuum=5.0)
    slab.pbc = (True, True, False)
    slab.symbols[site] = solute
    return slab


def count_steps(slab: Atoms, *, springs: bool) -> int:
    engine = EffectiveMedium(slab)
    free = np.arange(len(slab))

    def guess(positions: NDArray[np.float64]) -> NDArray[np.float64]:
        return positive_definite(compute_crystal_hessian(engine.at(positions), free))

    outcome = relax(
        engine,
        RelaxationState(slab.positions.copy(), unit_hessian(len(slab)), 0.1),
        free,
        RelaxationSettings(fmax_ev_per_angstrom=0.05, max_steps=60, max_step_angstrom=0.1),
        SerialCommunicator(),
        save=lambda _: None,
        report=lambda *_: None,
        guess=guess if springs else None,
    )
    assert np.linalg.norm(outcome.forces, axis=1).max() <= 0.05
    return outcome.n_steps


@pytest.mark.parametrize("cubic", [True, False])
def test_all_neighbours_of_an_fcc_atom_are_counted_through_the_cell(cubic: bool) -> None:
    # Twelve springs of 3 eV/angstrom^2, a third of each along any axis, and the hold of 1.
    crystal = bulk("Pd", a=3.94, cubic=cubic) * (3, 3, 3)
    one = compute_crystal_hessian(crystal, np.array([4]))
    assert np.allclose(one, 13.0 * np.eye(3))


def test_small_cell_moves_with_its_images() -> None:
    # All images of the only atom move along, so that its springs keep their lengths.
    alone = compute_crystal_hessian(bulk("Au", a=4.17), np.array([0]))
    assert np.allclose(alone, np.eye(3))


def test_slab_has_no_neighbours_through_the_vacuum() -> None:
    slab = slab_with_solute("Cu", "Ag", 12)
    hessian = compute_crystal_hessian(slab, np.arange(16))
    assert np.allclose(hessian, hessian.T)
    assert np.linalg.eigvalsh(hessian).min() > 0.9
    # Rows of the uppermost layer do not reach the lowest one.
    assert (hessian[36:, :12] == 0).all()
    # Nine neighbours of a surface atom instead of twelve.
    assert np.trace(hessian[36:39, 36:39]) == pytest.approx(9 * 3.0 + 3.0)


def test_springs_save_most_steps_of_a_slab_with_a_solute() -> None:
    pairs = [(h, s, site) for h in LATTICE_ANGSTROM for s in LATTICE_ANGSTROM for site in (4, 12)]
    slabs = [slab_with_solute(h, s, site) for h, s, site in pairs if h != s]
    with_springs = [count_steps(slab, springs=True) for slab in slabs]
    without = [count_steps(slab, springs=False) for slab in slabs]
    assert max(with_springs) <= 5
    assert sum(with_springs) < 0.4 * sum(without)
