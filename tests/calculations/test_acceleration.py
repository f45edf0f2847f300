"""pomdft's integrals inside GPAW against GPAW's own: energies, forces, potentials."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

gpaw = pytest.importorskip("gpaw")

import gpaw.new.xc as new_functionals  # noqa: E402
import gpaw.xc.gga as functionals  # noqa: E402
from gpaw.fd_operators import Gradient, Laplace  # noqa: E402
from gpaw.lfc import BasisFunctions  # noqa: E402
from gpaw.old.grid_descriptor import GridDescriptor  # noqa: E402
from gpaw.poisson import FastPoissonSolver  # noqa: E402
from gpaw.solvation.cavity import Power12Potential  # noqa: E402
from gpaw.solvation.dielectric import Dielectric  # noqa: E402
from gpaw.solvation.hamiltonian import SolvationRealSpaceHamiltonian  # noqa: E402
from gpaw.solvation.poisson import SolvationPoissonSolver  # noqa: E402
from gpaw.utilities.timing import nulltimer  # noqa: E402
from gpaw.wfd_operators import WeightedFDOperator  # noqa: E402
from gpaw.xc.gga import GGARadialExpansion  # noqa: E402
from gpaw.xc.kernel import XCKernel  # noqa: E402

from pomdft.calculations.acceleration import continuum  # noqa: E402
from pomdft.calculations.acceleration import functionals as acceleration_functionals  # noqa: E402
from pomdft.calculations.acceleration.basis_integrals import use_blocked_integrals  # noqa: E402
from pomdft.calculations.acceleration.continuum import (  # noqa: E402
    read_operator,
    use_common_cavities,
    use_dielectric_sweeps,
    use_lasting_compensation,
)
from pomdft.calculations.acceleration.functionals import use_many_points_at_once  # noqa: E402
from pomdft.calculations.acceleration.gradient_corrections import (  # noqa: E402
    read_differences,
    use_common_divergences,
    use_gradients_by_lines,
)
from pomdft.calculations.acceleration.paw_corrections import use_whole_angular_grids  # noqa: E402
from pomdft.calculations.acceleration.poisson import use_direct_sine_transforms  # noqa: E402
from pomdft.calculations.solvation import make_solvated_calculator  # noqa: E402
from pomdft.kernels import basis as blocked  # noqa: E402
from pomdft.kernels import compiled, dielectric, gradients  # noqa: E402
from pomdft.schemas.solvent import find_solvent  # noqa: E402

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
    (new_functionals.GGAFunctional, "calculate"),
    (functionals.GGA, "calculate_impl"),
    (XCKernel, "calculate"),
    (Power12Potential, "update"),
    (SolvationRealSpaceHamiltonian, "calculate_forces"),
    (Dielectric, "update"),
    (SolvationPoissonSolver, "load_gauss"),
    (WeightedFDOperator, "set_weights"),
    (WeightedFDOperator, "relax"),
    (WeightedFDOperator, "apply"),
)
_SWITCHES = (
    use_blocked_integrals,
    use_whole_angular_grids,
    use_direct_sine_transforms,
    use_common_divergences,
    use_gradients_by_lines,
    use_many_points_at_once,
    use_common_cavities,
    use_lasting_compensation,
    use_dielectric_sweeps,
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
    """Names of the kernels that were called."""
    found = []
    for owner, name in (
        (blocked.BlockedBasis, "integrate_potential"),
        (blocked.BlockedBasis, "compute_density"),
        (blocked.BlockedBasis, "fold"),
        (gradients, "subtract_divergences"),
        (acceleration_functionals, "evaluate_pbe"),
        (continuum, "sum_repulsion"),
        (continuum, "project_repulsion"),
        (dielectric.DielectricOperator, "smooth"),
        (dielectric.DielectricOperator, "apply"),
    ):
        original = getattr(owner, name)

        def count(*args, name=name, original=original):
            found.append(name)
            return original(*args)

        monkeypatch.setattr(owner, name, count)
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
    assert set(calls) == {
        "integrate_potential",
        "compute_density",
        "fold",
        "subtract_divergences",
        "evaluate_pbe",
    }
    assert our_energy == pytest.approx(energy, abs=1e-8)
    assert our_forces == pytest.approx(forces, abs=1e-5)


@pytest.mark.parametrize("kpts", [(1, 1, 1), (2, 1, 1)])
def test_images_and_k_points_are_left_to_gpaw(with_and_without, calls, kpts):
    atoms = Atoms("H2", [(0.0, 2.0, 2.0), (0.9, 2.1, 2.0)], cell=(2.0, 4.0, 4.0), pbc=(1, 0, 0))
    work = compute(atoms, h=0.25, kpts=kpts)
    (energy, forces), (our_energy, our_forces) = with_and_without(work)
    assert not set(calls) & {"integrate_potential", "compute_density", "fold"}
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


@pytest.mark.parametrize("oblique", [False, True])
@pytest.mark.parametrize("pbc", [(0, 0, 0), (0, 1, 0)])
@pytest.mark.parametrize("n_spins", [1, 2])
def test_gradient_correction_of_a_potential(with_and_without, calls, n_spins, pbc, oblique):
    from gpaw.xc import XC

    cell = np.diag([4.5, 6.2, 5.0])
    cell[0, 1] = 2.0 if oblique else 0.0
    grid = GridDescriptor((16, 20, 18), cell, pbc_c=pbc)
    rng = np.random.default_rng(4)
    density = 0.1 + 0.05 * rng.random((n_spins, *grid.n_c))
    density *= np.array([1.0, 0.6])[:n_spins, None, None, None]

    def work():
        functional = XC("PBE")
        functional.set_grid_descriptor(grid)
        potential = np.ones_like(density)
        energy = functional.calculate(grid, density.copy(), potential)
        return np.append(potential, energy)

    theirs, ours = with_and_without(work)
    assert ours == pytest.approx(theirs, abs=1e-11)
    assert abs(theirs - 1.0).max() > 0.1
    assert ("evaluate_pbe" in calls) == compiled.is_compiled("pbe")
    assert ("subtract_divergences" in calls) == (compiled.is_compiled("gradients") and not oblique)


def test_functionals_with_more_than_gradients_are_left_to_gpaw(with_and_without, calls):
    def work():
        atoms = Atoms("H", [(0.0, 0.0, 0.0)], magmoms=[1.0])
        atoms.center(vacuum=2.0)
        atoms.calc = gpaw.GPAW(mode="lcao", basis="dzp", xc="BEEF-vdW", h=0.25, txt=None)
        return atoms.get_potential_energy()

    theirs, ours = with_and_without(work)
    assert not {"subtract_divergences", "evaluate_pbe"} & set(calls)
    assert ours == pytest.approx(theirs, abs=1e-7)


def test_distributed_grids_are_left_to_gpaw():
    grid = GridDescriptor((16, 20, 18), (4.5, 6.2, 5.0), pbc_c=(0, 1, 0))
    operators = [derivative.__self__ for derivative in functionals.get_gradient_ops(grid, 2, np)]
    weights, periodic = read_differences(operators)
    # doi:10.1103/PhysRevB.50.11355
    spacing_bohr = grid.h_cv.diagonal()
    assert weights == pytest.approx(np.array([2 / 3, -1 / 12]) / spacing_bohr[:, None])
    assert periodic == (False, True, False)
    operators[1].comm = object()
    assert read_differences(operators) is None


@pytest.mark.parametrize("pbc", [(0, 0, 0), (1, 1, 0)])
def test_an_ion_in_a_continuum(with_and_without, calls, pbc):
    """At two geometries: cavity and compensating charge follow the atoms."""

    def work():
        atoms = Atoms("OH", [(0.1, 0.0, 0.0), (0.0, 0.1, 0.96)])
        atoms.center(vacuum=2.5)
        atoms.pbc = pbc
        # Periodic layers stay neutral.
        parameters = {"charge": 0 if any(pbc) else -1, "symmetry": "off", "xc": "PBE"}
        parameters |= {"mode": "lcao", "basis": "dzp", "h": 0.25, "convergence": {"density": 1e-5}}
        parameters["occupations"] = {"name": "fermi-dirac", "width": 0.1}
        symbols = atoms.get_chemical_symbols()
        atoms.calc = make_solvated_calculator(parameters, symbols, find_solvent("water"), None)
        found = []
        for _ in range(2):
            found.append((atoms.get_potential_energy(), atoms.get_forces()))
            atoms.positions[1, 2] += 0.1
        return found

    theirs, ours = with_and_without(work)
    assert ({"sum_repulsion", "project_repulsion"} <= set(calls)) == compiled.is_compiled("cavity")
    open_grid = compiled.is_compiled("dielectric") and not any(pbc)
    assert bool({"smooth", "apply"} & set(calls)) == open_grid
    for (energy, forces), (our_energy, our_forces) in zip(theirs, ours, strict=True):
        assert our_energy == pytest.approx(energy, abs=1e-7)
        assert our_forces == pytest.approx(forces, abs=1e-5)
    assert abs(theirs[1][0] - theirs[0][0]) > 0.01
    if not any(pbc):
        # The ion is held by the continuum's field, which has to be that of its own charge.
        assert abs(theirs[0][1]).max() > 0.1


@pytest.mark.parametrize("reach", [1, 3])
@pytest.mark.parametrize(("cell", "pbc"), [("box", 0), ("box", 1), ("oblique", 0)])
def test_sweeps_over_a_potential_in_a_dielectric(with_and_without, calls, reach, cell, pbc):
    lengths = np.diag([4.5, 6.2, 5.0])
    lengths[0, 1] = 2.0 if cell == "oblique" else 0.0
    grid = GridDescriptor((15, 22, 18), lengths, pbc_c=(0, 0, pbc))
    rng = np.random.default_rng(5)
    weights = [1.0 + rng.random(grid.n_c), *rng.normal(size=(3, *grid.n_c))]
    start, source = rng.normal(size=(2, *grid.n_c))

    def work():
        parts = [Laplace(grid, 1.0, reach), *(Gradient(grid, v, 1.0, reach) for v in range(3))]
        operator = WeightedFDOperator(parts)
        operator.set_weights(weights)
        assert (read_operator(operator) is None) == (cell == "oblique" or pbc == 1)
        found = []
        for method in (1, 2):
            phi = start.copy()
            operator.relax(method, phi, source, 3, 0.6)
            product = np.empty_like(phi)
            operator.apply(phi, product)
            found += [phi, product]
        return np.array(found)

    theirs, ours = with_and_without(work)
    assert ours == pytest.approx(theirs, abs=1e-9 * abs(theirs).max())
    # The second method is not that of Gauss and Seidel.
    sweeps = 1 if compiled.is_compiled("dielectric") and cell == "box" and not pbc else 0
    assert calls.count("smooth") == sweeps
    assert calls.count("apply") == 2 * sweeps
