"""GPAW's gradient-corrected functionals without arrays of gradients.

On one rank with an orthorhombic grid the kernels of `pomdft.kernels.gradients` take the products of
the gradients and the divergence line by line. Elsewhere GPAW's operators are used, but with half of
their derivatives where there is spin: what depends on the gradient of one spin's density adds to
the potentials of both, and GPAW takes the divergence of each of the four parts; here those that go
to one spin are added before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pomdft.kernels import compiled, gradients

Floats = npt.NDArray[np.float64]
Differences = tuple[Floats, tuple[bool, bool, bool]]


@cache
def use_common_divergences() -> None:
    """Let GPAW take one divergence a spin for gradient-corrected functionals in this process.

    Potentials without spin polarisation are left to GPAW: they have one anyway.
    """
    from gpaw.new import xc
    from gpaw.xc import gga

    theirs = gga.add_gradient_correction

    def add_gradient_correction(
        grad_v: Any, gradn_svg: Any, sigma_xg: Any, dedsigma_xg: Any, v_sg: Any
    ) -> None:
        if len(v_sg) != 2 or not isinstance(v_sg, np.ndarray):
            theirs(grad_v, gradn_svg, sigma_xg, dedsigma_xg, v_sg)
            return
        # GPAW gives the products of gradients away as working space.
        flux, part, slope = sigma_xg
        for derivative, gradn_sg in zip(grad_v, gradn_svg.swapaxes(0, 1), strict=True):
            for spin in range(2):
                np.multiply(dedsigma_xg[2 * spin], gradn_sg[spin], out=flux)
                flux *= 2.0
                np.multiply(dedsigma_xg[1], gradn_sg[1 - spin], out=part)
                flux += part
                derivative(flux, slope)
                v_sg[spin] -= slope

    gga.add_gradient_correction = add_gradient_correction
    xc.add_gradient_correction = add_gradient_correction


@cache
def use_gradients_by_lines() -> None:
    """Let GPAW take gradients with pomdft's kernels in this process.

    Distributed grids, cells that are not orthorhombic and functionals with more than a kernel of
    density and gradient (van der Waals, meta) are left to GPAW. Nothing changes where the kernels
    are not compiled.
    """
    from gpaw.new.xc import GGAFunctional
    from gpaw.xc.gga import GGA

    if not compiled.is_compiled("gradients"):
        return
    their_functional = GGAFunctional.calculate
    their_old_functional = GGA.calculate_impl

    def calculate(self: Any, density: Any, kinetic: Any = None) -> Any:
        plain = type(self.xc) is GGA and self.xp is np
        differences = read_differences(self.grad_v) if plain else None
        if differences is None:
            return their_functional(self, density, kinetic)
        potential = density.new(zeroed=True)
        energy = self.grid.empty()
        _evaluate(self.xc.kernel, density.data, differences, energy.data, potential.data)
        return energy.integrate(), potential, None

    def calculate_impl(self: Any, gd: Any, n_sg: Floats, v_sg: Floats, e_g: Floats) -> None:
        plain = type(self) is GGA and isinstance(n_sg, np.ndarray) and v_sg.flags.c_contiguous
        operators = [derivative.__self__ for derivative in self.grad_v]
        differences = read_differences(operators) if plain else None
        if differences is None:
            their_old_functional(self, gd, n_sg, v_sg, e_g)
        else:
            _evaluate(self.kernel, n_sg, differences, e_g, v_sg)

    GGAFunctional.calculate = calculate
    GGA.calculate_impl = calculate_impl


def read_differences(operators: Sequence[Any]) -> Differences | None:
    """Return the weights of GPAW's differences along each axis, and which axes are periodic.

    Parameters
    ----------
    operators : sequence of gpaw.fd_operators.Gradient
        For x, y and z.

    Returns
    -------
    tuple of ndarray and tuple of bool, or None
        As `pomdft.kernels.gradients` takes them; None where the grid is distributed, or an operator
        uses points off its axis.
    """
    if any(operator.comm is not None for operator in operators):
        return None
    weights = np.zeros((3, max(operator.mp for operator in operators)))
    for axis, operator in enumerate(operators):
        offsets = np.asarray(operator.offset_pc)
        if np.delete(offsets, axis, axis=1).any():
            return None
        after = offsets[:, axis] > 0
        weights[axis, offsets[after, axis] - 1] = operator.coef_p[after]
    x, y, z = map(bool, operators[0].gd.pbc_c)
    return weights, (x, y, z)


def _evaluate(
    kernel: Any, density: Floats, differences: Differences, energy: Floats, potential: Floats
) -> None:
    """Set the energy density and add to the potential."""
    products = gradients.multiply_gradients(density, *differences)
    slopes = np.empty_like(products)
    kernel.calculate(energy, density, potential, products, slopes)
    gradients.subtract_divergences(density, slopes, *differences, potential)
