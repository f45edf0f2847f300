"""The PBE functional at many points, several of them at once.

Everything is in Hartree atomic units. Formulas: J. P. Perdew, K. Burke, M. Ernzerhof,
doi:10.1103/PhysRevLett.77.3865, and for the uniform gas J. P. Perdew, Y. Wang,
doi:10.1103/PhysRevB.45.13244. The constants have the digits that GPAW gives them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError
from pomdft.kernels import compiled, reference_pbe
from pomdft.kernels.checks import check_array, check_target

Floats = npt.NDArray[np.float64]


def evaluate_pbe(
    densities: npt.ArrayLike,
    products: npt.ArrayLike,
    potentials: Floats,
    energies: Floats | None = None,
    slopes: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Return energy densities and their slopes, and add to the potentials.

    Parameters
    ----------
    densities : array_like of float64, shape (n_spins, ...)
        Electrons per cubic bohr, of one or two spins. Below 1e-10 (of two spins, where twice one is
        below) they are taken as that.
    products : array_like of float64, shape (2 * n_spins - 1, ...)
        Squared gradient; for two spins that of the first, the product of both, that of the second.
    potentials : ndarray of float64, shape of `densities`
        The derivatives of the energy density by the densities, at constant gradients, are added.
        C-contiguous.
    energies, slopes : ndarray of float64, optional
        C-contiguous arrays to set and return, instead of new ones.

    Returns
    -------
    energies : ndarray of float64, shape (...)
        Hartree per cubic bohr.
    slopes : ndarray of float64, shape of `products`
        Derivatives of the energy density by the products.

    Raises
    ------
    KernelInputError
        Wrong shapes or dtypes.
    """
    given = np.asarray(densities)
    shape = given.shape[1:]
    if given.ndim < 2 or len(given) not in (1, 2):
        raise KernelInputError(
            f"densities: got shape {given.shape}, wanted (1, ...) or (2, ...).",
            "Give one array of points a spin.",
        )
    n_spins = len(given)
    n = check_array("densities", given, np.float64, given.shape, finite=False)
    wanted = (2 * n_spins - 1, *shape)
    factors = check_array("products", products, np.float64, wanted, finite=False)
    energies = np.empty(shape) if energies is None else energies
    slopes = np.empty(wanted) if slopes is None else slopes
    results = {"energies": (energies, shape), "potentials": (potentials, given.shape)}
    for name, (array, size) in (results | {"slopes": (slopes, wanted)}).items():
        check_target(name, array, np.float64, size)
    core = compiled.select("pbe", reference_pbe)
    core.evaluate(
        n.reshape(n_spins, -1),
        factors.reshape(len(factors), -1),
        energies.reshape(-1),
        potentials.reshape(n_spins, -1),
        slopes.reshape(len(slopes), -1),
        compiled.simd_level(),
    )
    return energies, slopes
