"""GPAW's radial integrals of a gradient-corrected functional, for many angles at once.

GPAW evaluates the functional in each atom's augmentation sphere for one angle of the Lebedev grid
after the other, on a few hundred radial points a time; most of that is spent on the way. Here the
same sums are products of matrices over many angles. Energies agree to rounding.

Indices are GPAW's: s spins, n angles, l angular momenta with their magnetic quantum numbers, q
pairs of partial waves, g radial points, v directions, x products of gradients (up-up, up-down,
down-down).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Radial points times angles done together: their arrays stay in the cache of a core.
POINTS_AT_ONCE = 4000


@cache
def use_whole_angular_grids() -> None:
    """Let GPAW expand gradient-corrected functionals over many angles at once in this process.

    Other functionals, and densities that are not collinear, are left to GPAW.
    """
    from gpaw.xc.gga import GGARadialCalculator, GGARadialExpansion

    theirs = GGARadialExpansion.__call__

    def expand(self: Any, rgd: Any, d_slq: Floats, n_qg: Floats, core_sg: Any) -> Any:
        if type(self.rcalc) is not GGARadialCalculator or self.args:
            return theirs(self, rgd, d_slq, n_qg, core_sg)
        return _expand(self.rcalc.kernel, rgd, d_slq, n_qg, core_sg)

    GGARadialExpansion.__call__ = expand


def _expand(
    kernel: Any, rgd: Any, d_slq: Floats, n_qg: Floats, core_sg: Any
) -> tuple[float, Floats]:
    """Return the energy and its derivatives (s, q, l) by `d_slq`, as GPAW's own method does."""
    from gpaw.sphere.lebedev import Y_nL, weight_n
    from gpaw.xc.pawcorrection import rnablaY_nLv

    n_momenta = d_slq.shape[1]
    n_slg = d_slq @ n_qg
    n_slg[:, 0] += core_sg
    slope_slg = np.empty_like(n_slg)
    for s, row in np.ndindex(*n_slg.shape[:2]):
        rgd.derivative(n_slg[s, row], slope_slg[s, row])
    sphere = _Sphere(kernel, rgd, n_qg, n_slg, slope_slg)
    by_d_slq = np.zeros(d_slq.shape)
    e_g = np.zeros(n_qg.shape[1])
    step = max(1, POINTS_AT_ONCE // n_qg.shape[1])
    for start in range(0, len(weight_n), step):
        angles = slice(start, start + step)
        y_nl = Y_nL[angles, :n_momenta]
        nabla_vnl = rnablaY_nLv[angles, :n_momenta].transpose(2, 0, 1)
        some_e_g, some_by_d_slq = sphere.evaluate(weight_n[angles], y_nl, nabla_vnl)
        e_g += some_e_g
        by_d_slq += some_by_d_slq
    return float(rgd.integrate(e_g)), np.ascontiguousarray(by_d_slq.transpose(0, 2, 1))


@dataclass(frozen=True, eq=False)
class _Sphere:
    """Density and its radial slope in an augmentation sphere."""

    kernel: Any
    rgd: Any
    n_qg: Floats
    n_slg: Floats
    slope_slg: Floats

    def evaluate(self, weight_n: Floats, y_nl: Floats, nabla_vnl: Floats) -> tuple[Floats, Floats]:
        """Return energy densities and derivatives, summed over some angles."""
        rgd = self.rgd
        n_spins = len(self.n_slg)
        n_sng = y_nl @ self.n_slg
        radial_sng = y_nl @ self.slope_slg
        angular_vsng = nabla_vnl[:, np.newaxis] @ self.n_slg

        sigma_xng = np.empty((2 * n_spins - 1, *n_sng.shape[1:]))
        sigma_xng[::2] = (angular_vsng**2).sum(axis=0)
        if n_spins == 2:
            sigma_xng[1] = (angular_vsng[:, 0] * angular_vsng[:, 1]).sum(axis=0)
        sigma_xng[..., 1:] /= rgd.r_g[1:] ** 2
        sigma_xng[..., 0] = sigma_xng[..., 1]
        sigma_xng[::2] += radial_sng**2
        if n_spins == 2:
            sigma_xng[1] += radial_sng[0] * radial_sng[1]

        e_ng = np.empty_like(n_sng[0])
        by_n_sng = np.zeros_like(n_sng)
        by_sigma_xng = np.zeros_like(sigma_xng)
        self.kernel.calculate(
            e_ng.reshape(-1),
            n_sng.reshape(n_spins, -1),
            by_n_sng.reshape(n_spins, -1),
            sigma_xng.reshape(len(sigma_xng), -1),
            by_sigma_xng.reshape(len(sigma_xng), -1),
        )

        # The divergence of the radial part; the angular part is integrated with the gradients.
        flux_sng = 2.0 * by_sigma_xng[::2] * radial_sng
        if n_spins == 2:
            flux_sng += by_sigma_xng[1] * radial_sng[::-1]
        flux_sng *= -rgd.dv_g
        divergence_sng = np.empty_like(flux_sng)
        for s, n in np.ndindex(*flux_sng.shape[:2]):
            rgd.derivative2(flux_sng[s, n], divergence_sng[s, n])
        divergence_sng[..., 1:] /= rgd.dv_g[1:]
        divergence_sng[..., 0] = divergence_sng[..., 1]
        by_n_sng += divergence_sng

        by_sigma_xng *= rgd.dr_g
        flux_vsng = by_sigma_xng[::2] * angular_vsng
        if n_spins == 2:
            flux_vsng += 0.5 * by_sigma_xng[1] * angular_vsng[:, ::-1]

        weighted_ln = weight_n * y_nl.T
        by_d_slq = weighted_ln @ ((rgd.dv_g * by_n_sng) @ self.n_qg.T)
        weighted_vln = 8.0 * np.pi * weight_n * nabla_vnl.transpose(0, 2, 1)
        by_d_slq += (weighted_vln[:, np.newaxis] @ (flux_vsng @ self.n_qg.T)).sum(axis=0)
        e_g: Floats = weight_n @ e_ng
        return e_g, by_d_slq
