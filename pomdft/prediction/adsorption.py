r"""Adsorption energies on the sites of alloy and core-shell surfaces.

Each three-atom site binds as the mean of its atoms in their parent metals, corrected by how far
their d-band centres have moved. The centre follows the width of the band (rectangular band, fixed
filling), and the width the neighbours (ligand effect) and the distances (strain):

.. math:: W_i'^2 / W_i^2 = \frac19 \sum_j \frac{W_j}{W_i} \frac{(d_i d_j)^5}{d^{10}}

from canonical d-d matrix elements that go as :math:`\sqrt{W_i W_j}` and distance to the power -5.

References
----------
J. R. Kitchin, J. K. Norskov, M. A. Barteau, J. G. Chen, Phys. Rev. Lett. 93, 156801 (2004),
doi:10.1103/PhysRevLett.93.156801 (ligand and strain effect through the width).
B. Hammer, J. K. Norskov, Adv. Catal. 45, 71 (2000), doi:10.1016/S0360-0564(02)45013-4.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np
import numpy.typing as npt
import pandas as pd

from pomdft.analysis.elements import find_metal
from pomdft.errors import NotComputedError

FloatArray = npt.NDArray[np.float64]

#: Change of an adsorption energy with the d-band centre, eV/eV; a higher centre binds more tightly.
D_BAND_SLOPE = {"o": -0.8, "co": -0.5, "h": -0.25, "ocho": -0.5}
#: Relative uncertainty of these slopes, and of a parent's adsorption energy (eV).
SLOPE_STD_SHARE = 0.4
PARENT_STD_EV = 0.15
#: Share of a shell's misfit with its core that a thin shell takes up as strain.
SHELL_STRAIN_SHARE = 0.6
_SITE_ATOMS = 3


@dataclass(frozen=True, eq=False)
class SurfaceSites:
    """Kinds of three-atom sites of a surface and how often each occurs.

    Attributes
    ----------
    weights : ndarray of float64, shape (4,)
        Share of sites with 0 to 3 atoms of the second metal; sums to 1.
    parent_share : ndarray of float64, shape (4, 2)
        Share of each metal in the site.
    d_shift_ev : ndarray of float64, shape (2,)
        Shift of the d-band centre of each metal from its pure surface, eV.
    surface_fraction : float
        Fraction of the second metal in the surface.
    """

    weights: FloatArray
    parent_share: FloatArray
    d_shift_ev: FloatArray
    surface_fraction: float


@functools.cache
def load_adsorption_table() -> pd.DataFrame:
    """Read the shipped adsorption energies of the parent metals, indexed by metal."""
    path = resources.files("pomdft.prediction").joinpath("data/adsorption_111.csv")
    with path.open() as file:
        return pd.read_csv(file, comment="#").set_index("metal")


def parent_energies(metals: tuple[str, ...], adsorbate: str) -> FloatArray:
    """Return the adsorption energy of one adsorbate on the pure close-packed surfaces.

    Parameters
    ----------
    metals : tuple of str
        Metals.
    adsorbate : {"o", "co", "h", "ocho"}
        Column of the table.

    Returns
    -------
    ndarray of float64, shape (n_metals,)
        eV, negative = bound.

    Raises
    ------
    NotComputedError
        The table has no value for a metal.
    """
    table = load_adsorption_table()
    column = table[f"{adsorbate}_ev"].dropna()
    for metal in metals:
        if metal not in column.index:
            find_metal(metal)
            raise NotComputedError(
                f"The adsorption energy of {adsorbate.upper()} on {metal} is not known.",
                f"Known for: {', '.join(column.index)}.",
            )
    return column.loc[list(metals)].to_numpy(dtype=np.float64)


def d_band_shift(
    metal: str, neighbours: dict[str, float], distance_angstrom: float
) -> tuple[float, float]:
    """Compute how far the d-band centre of a surface atom moves from its pure surface.

    Parameters
    ----------
    metal : str
        The surface atom.
    neighbours : dict
        Metal to its share of the nine neighbours; shares sum to 1.
    distance_angstrom : float
        Nearest-neighbour distance of the surface.

    Returns
    -------
    shift_ev : float
        eV; positive: towards the Fermi level, tighter binding.
    width_ratio : float
        Width of the band over that of the pure surface.
    """
    own = find_metal(metal)
    d_own = nearest_distance(metal)
    total = 0.0
    for other, share in neighbours.items():
        coupling = find_metal(other).d_width_mry / own.d_width_mry
        distances = (d_own * nearest_distance(other)) ** 5 / distance_angstrom**10
        total += share * coupling * distances
    ratio = float(np.sqrt(total))
    center = float(load_adsorption_table()["d_center_ev"].to_dict()[metal])
    return center * (ratio - 1.0), ratio


def nearest_distance(metal: str) -> float:
    """Return the nearest-neighbour distance of a metal in fcc at its molar volume, angstrom."""
    volume = find_metal(metal).miedema_volume_cm3 / 0.602214076
    return float((4.0 * volume) ** (1.0 / 3.0) / np.sqrt(2.0))


def describe_surface(
    first: str, second: str, surface_fraction: float, core_fraction: float
) -> SurfaceSites:
    """Enumerate the sites of a surface of given composition on a core of given composition.

    Parameters
    ----------
    first, second : str
        Metals.
    surface_fraction, core_fraction : float
        Fraction of the second metal in the surface layer and below it.

    Returns
    -------
    SurfaceSites
    """
    k = np.arange(_SITE_ATOMS + 1)
    counts = np.array([1.0, 3.0, 3.0, 1.0])
    weights = counts * surface_fraction**k * (1.0 - surface_fraction) ** (_SITE_ATOMS - k)
    share = k / _SITE_ATOMS
    lengths = np.array([nearest_distance(first), nearest_distance(second)])

    def vegard(x: float) -> float:
        return float((1.0 - x) * lengths[0] + x * lengths[1])

    free, core = vegard(surface_fraction), vegard(core_fraction)
    distance = free + SHELL_STRAIN_SHARE * (core - free)
    seen = (6.0 * surface_fraction + 3.0 * core_fraction) / 9.0
    surroundings = {first: 1.0 - seen, second: seen}
    shifts = [d_band_shift(metal, surroundings, distance)[0] for metal in (first, second)]
    return SurfaceSites(
        weights, np.stack([1.0 - share, share], axis=1), np.array(shifts), surface_fraction
    )
