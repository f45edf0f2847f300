"""pomdft's integrals inside GPAW against GPAW's own: energies, forces, potentials."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

gpaw = pytest.importorskip("gpaw")

import gpaw.new.xc as new_functionals  # noqa: E402
import gpaw.xc.gga as functionals  # noqa: E402
from gpaw.lfc import BasisFunctions  # noqa: E402
from gpaw.old.grid_descriptor import GridDescriptor  # noqa: E402
from gpaw.poisson import FastPoissonSolver  # noqa: E402
from gpaw.utilities.timing import nulltimer  # noqa: E402
from gpaw.xc.gga import GGARadialExpansion  # noqa: E402

from pomdft.calculations.acceleration.basis_integrals import use_blocked_integrals  # noqa: E402
from pomdft.calculations.acceleration.gradient_corrections import use_common_divergences  # noqa: E402
from pomdft.calculations.acceleration.paw_corrections import use_whole_angular_grids  # noqa: E402
from pomdft.calculations.acceleration.poisson import use_direct_sine_transforms  # noqa: E402
from pomdft.kernels import basis as blocked  # noqa: E402
from pomdft.kernels import compiled  # noqa: E402

pytestmark = pytest.mark.gpaw

_METHODS = (
    (BasisFunctions, "construct_density"),
    (BasisFunctions, "calculate_potential_matrices"),
    (BasisFunctions, "calculate_potential_matrix"),
    (BasisFunctions, "calculate_force_contribution"),
    (GGARadialExpansion, "__call__"),
    (FastPoissonSolver, "set_grid_descriptor"),
    (FastPoissonSolver, "solve_neutral"),
    (functionals, "add_gradient_correction"),
    (new_functionals, "add_gradient_correction"),
)
_SWITCHES = (
    use_blocked_integrals,
    use_whole_angular_grids,
    use_direct_sine_transforms,
    use_common_divergences,
)


@pytest.fixture
def with_and_without(monkeypatch):
    """Run a function with GPAW's own integrals, then with ours."""

    def run(work):
        for owner, name in _METHODS:
            # Otherwise ours would be compared with itself.
            assert getattr(owner, name).__module__.startswith("gpaw.")
            monkeypatch.setattr(owner, name, getattr(owner, name))
        theirs = work()
        for switch in _SWITCHES:
            switch.cache_clear()
            switch()
        return theirs, work()

    yield run
    for switch in _SWITCHES:
        switch.cache_clear()


def compute(atoms, **options):
    def work():
        atoms.calc = gpaw.GPAW(
            mode="lcao",
            basis="dzp",
            xc="PBE",
            txt=None,
            convergence={"density": 1e-5},
            **options,
        )
        return atoms.get_potential_energy(), atoms.get_forces()

    return work


@pytest.fixture
def calls(monkeypatch):
    """Count the calls of the blocked kernels."""
    found = []
    for name in ("integrate_potential", "compute_density", "fold"):
        original = getattr(blocked.BlockedBasis, name)

        def count(self, *args, name=name, original=original):
            found.append(name)
            return original(self, *args)

        monkeypatch.setattr(blocked.BlockedBasis, name, count)
    return found


@pytest.mark.skipif(not compiled.is_compiled("basis"), reason="the kernels are not compiled")
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("spin_polarised", [False, True])
def test_energy_and_forces_of_a_molecule(with_and_without, calls, legacy, spin_polarised):
    atoms = molecule("OH" if spin_polarised else "H2O", vacuum=2.5)
    atoms.rattle(0.05, seed=1)
    options = {"h": 0.25, "symmetry": "off", "occupations": {"name": "fermi-dirac", "width": 0.1}}
    if spin_polarised:
        options["spinpol"] = True
    if legacy:
        options["legacy_gpaw"] = True
    (energy, forces), (our_energy, our_forces) = with_and_without(compute(atoms, **options))
    assert {"integrate_potential", "compute_density", "fold"} == set(calls)
    assert our_energy == pytest.approx(energy, abs=1e-8)
    assert our_forces == pytest.approx(forces, abs=1e-5)


@pytest.mark.parametrize("kpts", [(1, 1, 1), (2, 1, 1)])
def test_images_and_k_points_are_left_to_gpaw(with_and_without, calls, kpts):
    atoms = Atoms("H2", [(0.0, 2.0, 2.0), (0.9, 2.1, 2.0)], cell=(2.0, 4.0, 4.0), pbc=(1, 0, 0))
    work = compute(atoms, h=0.25, kpts=kpts)
    (energy, forces), (our_energy, our_forces) = with_and_without(work)
    assert not calls
    assert our_energy == pytest.approx(energy, abs=1e-8)
    assert our_forces == pytest.approx(forces, abs=1e-5)


def test_the_blocks_follow_the_atoms(with_and_without):
    """After a move the functions at the new places are taken."""

    def work():
        atoms = Atoms("H2", [(3.0, 3.0, 2.6), (3.0, 3.1, 3.4)], cell=(6.0, 6.2, 6.0))
        atoms.calc = gpaw.GPAW(mode="lcao", basis="dzp", xc="PBE", h=0.25, txt=None, symmetry="off")
        first = atoms.get_potential_energy()
        atoms.positions[1, 2] += 0.1
        return first, atoms.get_potential_energy()

    theirs, ours = with_and_without(work)
    assert ours == pytest.approx(theirs, abs=1e-6)
    assert abs(theirs[1] - theirs[0]) > 0.01


def test_other_functionals_are_left_alone(with_and_without):
    from gpaw.setup import Setups
    from gpaw.xc import XC

    functional = XC("LDA")
    setup = Setups([8], "paw", {}, functional)[0]
    density = np.full((1, setup.ni * (setup.ni + 1) // 2), 0.1)
    theirs, ours = with_and_without(lambda: functional.calculate_paw_correction(setup, density))
    assert ours == theirs


@pytest.mark.parametrize("pbc", [(0, 0, 0), (1, 1, 0)])
def test_potential_of_a_density(with_and_without, pbc):
    grid = GridDescriptor((15, 22, 18), (4.5, 6.2, 5.0), pbc_c=pbc)
    density = grid.zeros()
    density[:] = np.random.default_rng(2).normal(size=density.shape)
    density -= density.mean()

    def work():
        solver = FastPoissonSolver(nn=3)
        solver.set_grid_descriptor(grid)
        potential = grid.zeros()
        solver.solve_neutral(potential, density, timer=nulltimer)
        return potential, solver.get_description()

    (theirs, their_words), (ours, our_words) = with_and_without(work)
    assert ours == pytest.approx(theirs, abs=1e-11)
    assert abs(theirs).max() > 0.01
    assert our_words.splitlines()[:2] == their_words.splitlines()[:2]


@pytest.mark.parametrize("n_spins", [1, 2])
def test_gradient_correction_of_a_potential(with_and_without, n_spins):
    from gpaw.xc import XC

    grid = GridDescriptor((16, 20, 18), (4.5, 6.2, 5.0), pbc_c=(0, 1, 0))
    rng = np.random.default_rng(4)
    density = 0.1 + 0.05 * rng.random((n_spins, *grid.n_c))
    density *= np.array([1.0, 0.6])[:n_spins, None, None, None]

    def work():
        functional = XC("PBE")
        functional.set_grid_descriptor(grid)
        potential = np.zeros_like(density)
        energy = functional.calculate(grid, density.copy(), potential)
        return np.append(potential, energy)

    theirs, ours = with_and_without(work)
    assert ours == pytest.approx(theirs, abs=1e-11)
    assert abs(theirs).max() > 0.1
