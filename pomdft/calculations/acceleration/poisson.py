"""GPAW's fast Poisson solver for isolated systems on one rank, without its detours.

GPAW takes the potential of a density from sine transforms along each axis. Made for many ranks, it
copies the grid four times on the way also where there is only one, and computes the eigenvalues of
its finite-difference Laplacian with complex powers on the whole grid, though in an orthorhombic
cell they are sums over the axes. Same transforms, same stencil: potentials agree to rounding.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.fft import dstn, idstn

Floats = npt.NDArray[np.float64]

_DIRECT = "_pomdft_direct"


@cache
def use_direct_sine_transforms() -> None:
    """Let GPAW solve Poisson's equation of isolated systems directly in this process.

    Periodic axes, cells that are not orthorhombic and distributed grids are left to GPAW.
    """
    from gpaw.poisson import FastPoissonSolver

    their_setup = FastPoissonSolver.set_grid_descriptor
    their_solution = FastPoissonSolver.solve_neutral

    def set_grid_descriptor(self: Any, gd: Any) -> None:
        direct = not gd.pbc_c.any() and gd.comm.size == 1 and gd.orthogonal and self.xp is np
        setattr(self, _DIRECT, direct)
        if direct:
            _set_up(self, gd)
        else:
            their_setup(self, gd)

    def solve_neutral(self: Any, potential: Floats, density: Floats, timer: Any = None) -> Any:
        if not getattr(self, _DIRECT, False):
            return their_solution(self, potential, density, timer=timer)
        amplitudes = dstn(density, type=1)
        amplitudes *= self.inv_fft_lambdas
        potential[:] = idstn(amplitudes, type=1, overwrite_x=True)
        return 1

    FastPoissonSolver.set_grid_descriptor = set_grid_descriptor
    FastPoissonSolver.solve_neutral = solve_neutral


def _set_up(solver: Any, gd: Any) -> None:
    """Set the solver's inverse eigenvalues, and what GPAW says about it in the log."""
    from gpaw.fd_operators import Laplace

    laplace = Laplace(gd, -0.25 / np.pi, solver.nn)
    sums = [np.zeros(n) for n in gd.n_c]
    for coefficient, offset in zip(laplace.coef_p, laplace.offset_pc, strict=True):
        for axis in np.flatnonzero(offset):
            number = np.arange(1, gd.n_c[axis] + 1)
            angle = np.pi * number * offset[axis] / gd.N_c[axis]
            # Offsets come in pairs of both signs: sines cancel.
            sums[axis] += coefficient * (np.cos(angle) - 1.0)
    eigenvalues = sums[0][:, None, None] + sums[1][:, None] + sums[2]
    solver.gd = gd
    solver.inv_fft_lambdas = 1.0 / eigenvalues
    solver.cholesky_axes, solver.fft_axes = [], []
    solver.fst_axes = sorted(range(3), key=lambda c: gd.N_c[c])
    solver.axes = solver.fst_axes
    solver.gd1d = solver.gd2d = gd
    solver.stencil_description = laplace.description
