"""NumPy twin of the kernel for the PBE functional."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_BETA, _GAMMA, _MU, _KAPPA = 0.066725, 0.031091, 0.2195164512208958, 0.804
#: Parameters of equation 10 of Perdew and Wang: unpolarised, polarised, and the spin stiffness.
_UNPOLARISED = (_GAMMA, 0.21370, 7.5957, 3.5876, 1.6382, 0.49294)
_POLARISED = (0.015545, 0.20548, 14.1189, 6.1977, 3.3662, 0.62517)
_STIFFNESS = (0.016887, 0.11125, 10.357, 3.6231, 0.88026, 0.49671)
_F_CURVATURE = 8.0 / (9.0 * (2.0 ** (4.0 / 3.0) - 2.0))
_LEAST = 1e-10


@dataclass
class _Part:
    """Energy per electron and its derivatives by radius, squared gradient and zeta."""

    energy: Floats
    by_radius: Floats
    by_product: Floats
    by_zeta: Floats | float = 0.0


def _radius(n: Floats) -> Floats:
    return np.cbrt(3.0 / (4.0 * np.pi * n))


def _exchange(n: Floats, product: Floats) -> _Part:
    radius = _radius(n)
    plain = -0.75 * np.cbrt(9.0 / (4.0 * np.pi**2)) / radius
    c = 1.0 / (2.0 * np.cbrt(3.0 * np.pi**2) * n ** (4.0 / 3.0)) ** 2
    x = 1.0 + _MU / _KAPPA * product * c
    enhancement, slope = 1.0 + _KAPPA - _KAPPA / x, _MU / x**2
    by_radius = plain / radius * (8.0 * c * product * slope - enhancement)
    return _Part(plain * enhancement, by_radius, plain * slope * c)


def _uniform(radius: Floats, parameters: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Return the energy and its derivative by the radius."""
    a, alpha, b1, b2, b3, b4 = parameters
    root = np.sqrt(radius)
    q0 = -2.0 * a * (1.0 + alpha * radius)
    q1 = 2.0 * a * (b1 * root + b2 * radius + b3 * radius * root + b4 * radius**2)
    log = np.log1p(1.0 / q1)
    q1_slope = a * (b1 / root + 2.0 * b2 + 3.0 * b3 * root + 4.0 * b4 * radius)
    return q0 * log, -2.0 * a * alpha * log - q0 * q1_slope / (q1 * (q1 + 1.0))


def _correlation(n: Floats, zeta: Floats | None, product: Floats) -> _Part:
    radius = _radius(n)
    energy, by_radius = _uniform(radius, _UNPOLARISED)
    by_zeta = np.zeros_like(n)
    phi, phi_by_zeta = np.ones_like(n), np.zeros_like(n)
    if zeta is not None:
        full, full_by_radius = _uniform(radius, _POLARISED)
        stiffness, stiffness_by_radius = (-x / _F_CURVATURE for x in _uniform(radius, _STIFFNESS))
        up, down = np.cbrt(1.0 + zeta), np.cbrt(1.0 - zeta)
        scale = 2.0 ** (4.0 / 3.0) - 2.0
        f, f_slope = (up**4 + down**4 - 2.0) / scale, 4.0 / 3.0 * (up - down) / scale
        z4 = zeta**4
        by_zeta = 4.0 * zeta**3 * f * (full - energy - stiffness)
        by_zeta += f_slope * (z4 * (full - energy) + (1.0 - z4) * stiffness)
        by_radius = by_radius + f * z4 * (full_by_radius - by_radius)
        by_radius += f * (1.0 - z4) * stiffness_by_radius
        energy = energy + f * z4 * (full - energy) + f * (1.0 - z4) * stiffness
        phi, phi_by_zeta = (up**2 + down**2) / 2.0, (1.0 / up - 1.0 / down) / 3.0
    t2_by_product = np.pi / (16.0 * np.cbrt(3.0 * np.pi**2) * phi**2 * n ** (7.0 / 3.0))
    t2 = t2_by_product * product
    x = np.exp(-energy / (_GAMMA * phi**3))
    a = _BETA / _GAMMA / (x - 1.0)
    above, below = 1.0 + a * t2, 1.0 + a * t2 + (a * t2) ** 2
    h = _GAMMA * phi**3 * np.log1p(_BETA / _GAMMA * t2 * above / below)
    common = phi**3 * _GAMMA * _BETA / (below * (_BETA * t2 * above + _GAMMA * below))
    h_by_t2 = (1.0 + 2.0 * a * t2) * common
    h_by_a = -a * t2**3 * (2.0 + a * t2) * common
    a_by_energy = a**2 * x / (_BETA * phi**3)
    return _Part(
        energy + h,
        by_radius + 7.0 * h_by_t2 * t2 / radius + h_by_a * a_by_energy * by_radius,
        h_by_t2 * t2_by_product,
        by_zeta
        + (3.0 * h - 2.0 * h_by_t2 * t2) / phi * phi_by_zeta
        + h_by_a * a_by_energy * (by_zeta - 3.0 * energy * phi_by_zeta / phi),
    )


def evaluate(
    densities: Floats,
    products: Floats,
    energies: Floats,
    potentials: Floats,
    slopes: Floats,
    level: int = 0,
) -> None:
    """Set energy densities and slopes, add to potentials.

    Parameters
    ----------
    densities : ndarray of float64, shape (n_spins, n_points)
        Of one or two spins.
    products : ndarray of float64, shape (2 * n_spins - 1, n_points)
        Of gradients.
    energies : ndarray of float64, shape (n_points,)
        Set.
    potentials : ndarray of float64, shape (n_spins, n_points)
        Added to.
    slopes : ndarray of float64, shape (2 * n_spins - 1, n_points)
        Set.
    level : int
        Of vector instructions; not used here.
    """
    if len(densities) == 1:
        n = np.maximum(densities[0], _LEAST)
        x, c = _exchange(n, products[0]), _correlation(n, None, products[0])
        energies[:] = n * (x.energy + c.energy)
        potentials += x.energy + c.energy - _radius(n) * (x.by_radius + c.by_radius) / 3.0
        slopes[0] = n * (x.by_product + c.by_product)
        return
    doubled = np.maximum(2.0 * densities, _LEAST)
    n = doubled.mean(axis=0)
    zeta = (doubled[0] - doubled[1]) / (2.0 * n)
    parts = [_exchange(doubled[s], 4.0 * products[2 * s]) for s in (0, 1)]
    c = _correlation(n, zeta, products[0] + 2.0 * products[1] + products[2])
    energies[:] = n * c.energy
    slopes[:] = n * c.by_product
    slopes[1] *= 2.0
    for s, (x, sign) in enumerate(zip(parts, (1.0, -1.0), strict=True)):
        energies += 0.5 * doubled[s] * x.energy
        slopes[2 * s] += 2.0 * doubled[s] * x.by_product
        potentials[s] += x.energy - _radius(doubled[s]) * x.by_radius / 3.0
        potentials[s] += c.energy - _radius(n) * c.by_radius / 3.0 + (sign - zeta) * c.by_zeta
