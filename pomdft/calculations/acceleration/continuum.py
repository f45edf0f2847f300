"""GPAW's continuum solvent without work done twice.

The cavity follows the atoms, through a repulsion from each of them on the whole fine grid: once for
the cavity, and once more for each atom's force, on arrays of the size of the grid. The kernels of
`pomdft.kernels.cavity` go through the grid once for all atoms. The charge that compensates that of
an ion is the same until the cavity changes, and is kept until then. Poisson's equation is solved by
GPAW's multigrid, its sweeps by `pomdft.kernels.dielectric`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pomdft.kernels import compiled
from pomdft.kernels.cavity import project_repulsion, sum_repulsion
from pomdft.kernels.dielectric import REACH, DielectricOperator, make_dielectric_operator

Floats = npt.NDArray[np.float64]

_CHANGES = "_pomdft_changes"
_LOADED = "_pomdft_loaded"
_OPERATOR = "_pomdft_operator"
#: GPAW's number of the method of Gauss and Seidel.
_GAUSS_SEIDEL = 1


@cache
def use_common_cavities() -> None:
    """Let GPAW build the cavity of all atoms, and their forces from it, at once in this process.

    Cells that are not orthorhombic and cavities of another kind are left to GPAW. Nothing changes
    where the kernels are not compiled.
    """
    from ase.units import Hartree
    from gpaw.old.hamiltonian import RealSpaceHamiltonian
    from gpaw.solvation.cavity import EffectivePotentialCavity, Power12Potential
    from gpaw.solvation.hamiltonian import SolvationRealSpaceHamiltonian as Hamiltonian

    if not compiled.is_compiled("cavity"):
        return
    their_update = Power12Potential.update
    their_forces = Hamiltonian.calculate_forces

    def update(self: Any, atoms: Any, density: Any) -> bool:
        if atoms is None or not self.gd.orthogonal or type(self) is not Power12Potential:
            return bool(their_update(self, atoms, density))
        if not _follow(self, atoms):
            return False
        centres, owners = _list_centres(self)
        self.u_g[:], self.grad_u_vg[:] = sum_repulsion(
            centres, self.r12_a[owners], _list_planes(self.gd), self.tiny
        )
        self.u_g *= self.u0 / Hartree
        self.grad_u_vg *= -12.0 * self.u0 / Hartree
        # Within the atoms, where squares would be infinite.
        np.clip(self.grad_u_vg, -1e20, 1e20, out=self.grad_u_vg)
        return True

    def calculate_forces(self: Any, density: Any, forces: Floats) -> Any:
        cavity = self.cavity
        if (
            type(cavity) is not EffectivePotentialCavity
            or type(cavity.effective_potential) is not Power12Potential
            or not self.finegd.orthogonal
            or any(interaction.depends_on_atomic_positions for interaction in self.interactions)
        ):
            return their_forces(self, density, forces)
        weights = self.grad_squared(self.vHt_g)
        weights *= self.dielectric.del_eps_del_g_g / (8.0 * np.pi)
        for interaction in self.interactions:
            weights -= interaction.delta_E_delta_g_g
        weights *= cavity.g_g
        potential = cavity.effective_potential
        centres, owners = _list_centres(potential)
        sums = project_repulsion(centres, _list_planes(self.finegd), weights, potential.tiny)
        sums *= potential.r12_a[owners, None]
        scale = 12.0 * potential.u0 / Hartree * cavity.minus_beta * self.finegd.dv
        np.add.at(forces, owners, scale * sums)
        return RealSpaceHamiltonian.calculate_forces(self, density, forces)

    Power12Potential.update = update
    Hamiltonian.calculate_forces = calculate_forces


@cache
def use_lasting_compensation() -> None:
    """Let GPAW keep an ion's compensating charge while the cavity stays, in this process."""
    from gpaw.solvation.dielectric import Dielectric
    from gpaw.solvation.poisson import SolvationPoissonSolver

    their_update = Dielectric.update
    their_charge = SolvationPoissonSolver.load_gauss

    def update(self: Any, cavity: Any) -> None:
        setattr(self, _CHANGES, getattr(self, _CHANGES, 0) + 1)
        their_update(self, cavity)

    def load_gauss(self: Any, center: Any = None) -> None:
        # The charge holds for one grid, one dielectric and one state of it; before the first change
        # the state is not known.
        state = (self.gd, self.dielectric, getattr(self.dielectric, _CHANGES, None))
        loaded = getattr(self, _LOADED, (None, None, None))
        same = all(old is new for old, new in zip(loaded[:2], state[:2], strict=True))
        if center is None and same and state[2] is not None and loaded[2] == state[2]:
            return
        their_charge(self, center)
        setattr(self, _LOADED, state if center is None else (None, None, None))

    Dielectric.update = update
    SolvationPoissonSolver.load_gauss = load_gauss


@cache
def use_dielectric_sweeps() -> None:
    """Let GPAW smooth potentials in a dielectric with pomdft's kernels in this process.

    Periodic axes, distributed grids, cells that are not orthorhombic and other methods than that of
    Gauss and Seidel are left to GPAW. Nothing changes where the kernels are not compiled.
    """
    from gpaw.wfd_operators import WeightedFDOperator

    if not compiled.is_compiled("dielectric"):
        return
    their_weights = WeightedFDOperator.set_weights
    their_sweeps = WeightedFDOperator.relax
    their_product = WeightedFDOperator.apply

    def set_weights(self: Any, weights: Any) -> None:
        their_weights(self, weights)
        setattr(self, _OPERATOR, read_operator(self))

    def relax(self: Any, method: int, *arguments: Any) -> None:
        ours = getattr(self, _OPERATOR, None)
        if ours is None or method != _GAUSS_SEIDEL:
            their_sweeps(self, method, *arguments)
        else:
            phi, source, sweeps, *_ = arguments
            ours.smooth(phi, source, sweeps)

    def apply(self: Any, in_xg: Any, out_xg: Any, phase_cd: Any = None) -> None:
        ours = getattr(self, _OPERATOR, None)
        if ours is None or in_xg.ndim != 3:
            their_product(self, in_xg, out_xg, phase_cd)
        else:
            ours.apply(in_xg, out_xg)

    WeightedFDOperator.set_weights = set_weights
    WeightedFDOperator.relax = relax
    WeightedFDOperator.apply = apply


def read_operator(operator: Any) -> DielectricOperator | None:
    """Return GPAW's weighted differences in the form that `pomdft.kernels.dielectric` takes.

    Parameters
    ----------
    operator : gpaw.wfd_operators.WeightedFDOperator
        A Laplacian and the derivatives along x, y and z, with weights.

    Returns
    -------
    DielectricOperator or None
        None where the grid is periodic or distributed, or differences leave their axis or reach
        too far.
    """
    if operator.gd.pbc_c.any() or operator.comm is not None or operator.nweights != 4:
        return None
    _, n_y, n_z = np.array(operator.gd.n_c) + 2 * operator.mp
    strides = np.array([n_y * n_z, n_z, 1])
    values = np.zeros((4, 3, 2 * REACH + 1))
    for part, offsets, factors in zip(values, operator.offset_ps, operator.coef_ps, strict=True):
        for offset, factor in zip(offsets, factors, strict=True):
            steps = offset / strides
            (axes,) = np.nonzero((steps == np.round(steps)) & (abs(steps) <= REACH))
            if len(axes) == 0:
                return None
            part[axes[0], REACH + int(steps[axes[0]])] += factor
    after, before = values[:, :, REACH + 1 :], values[:, :, REACH - 1 :: -1]
    own = values[1:, range(3), REACH]
    along = np.eye(3, dtype=bool)
    laplacian_is_even = np.allclose(after[0], before[0])
    gradients_are_odd = np.allclose(after[1:], -before[1:]) and not own.any()
    if not laplacian_is_even or not gradients_are_odd or after[1:][~along].any():
        return None
    centre = float(values[0, :, REACH].sum())
    return make_dielectric_operator(tuple(operator.weights), centre, after[0], after[1:][along])


def _follow(potential: Any, atoms: Any) -> bool:
    """Take over the places of the atoms; return whether they are new."""
    from ase.units import Bohr

    potential.r12_a = (potential.atomic_radii_output / Bohr) ** 12
    reach = (potential.r12_a.max() * potential.u0 / potential.pbc_cutoff) ** (1.0 / 12.0)
    return not potential.check_for_position_changes(atoms, reach)


def _list_centres(potential: Any) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return the places of atoms and their images (bohr), and which atom each belongs to."""
    owners = [atom for atom, places in potential.pos_aav.items() for _ in places]
    centres = np.concatenate([np.asarray(places) for places in potential.pos_aav.values()])
    return centres.reshape(-1, 3), np.array(owners, dtype=np.int64)


def _list_planes(grid: Any) -> list[Floats]:
    """Return the coordinates of this rank's planes of an orthorhombic grid, in bohr."""
    return [
        (grid.beg_c[axis] + np.arange(grid.n_c[axis])) * grid.h_cv[axis, axis] for axis in range(3)
    ]
