"""The lattice model of a particle's energy: half bonds by coordination, and a term per site."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError
from pomdft.kernels.checks import check_array

MAX_SPECIES = 4
MAX_COORDINATION = 12


@dataclass(frozen=True, eq=False)
class LatticeModel:
    r"""Energy of an occupied lattice as a sum of half bonds and site terms.

    .. math:: E(s) = \sum_i \Big[ v_{i,s_i} + \sum_{j \in N(i)} h_{s_i,s_j,z_i} \Big]

    with the coordination number :math:`z_i`. The bond-centric model [1]_ is
    :math:`h_{s,t,z} = \gamma_{st} \, E^{coh}_s \sqrt{12 / z} / 12`, with a negative cohesive energy
    :math:`E^{coh}_s` and the bond weights :math:`\gamma_{st}` (1 for equal species).

    Parameters
    ----------
    half_bond_ev : ndarray of float64, shape (n_species, n_species, 13)
        ``half_bond_ev[s, t, z]``: energy (eV) that a bond to a neighbour of species t contributes
        for an atom of species s with coordination number z; negative = bound. Up to 4 species.
    site_ev : ndarray of float64, shape (n_sites, n_species), optional
        Energy (eV) of species s on site i, such as the binding of a polyoxometalate; negative =
        bound.

    Attributes
    ----------
    bonds_ev : ndarray of float64, shape (13, 64, 2 or 4)
        ``bonds_ev[z, 16 * t + y, s]``: energy (eV) of a whole bond of an atom of species s and
        coordination number z to one of species t and coordination number y; zero elsewhere.

    Raises
    ------
    KernelInputError
        Wrong dtype or shape, more than 4 species, or not finite.

    References
    ----------
    .. [1] Z. Yan, M. G. Taylor, A. Mascareno, G. Mpourmpakis, Nano Lett. 18, 2696 (2018).
       https://doi.org/10.1021/acs.nanolett.8b00670
    """

    half_bond_ev: npt.NDArray[np.float64]
    site_ev: npt.NDArray[np.float64] | None = None
    bonds_ev: npt.NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        table = check_array(
            "half_bond_ev", self.half_bond_ev, np.float64, (None, None, MAX_COORDINATION + 1)
        ).copy()
        if table.shape[0] != table.shape[1] or table.shape[0] > MAX_SPECIES:
            raise KernelInputError(
                f"half_bond_ev: got shape {table.shape}, wanted (s, s, 13) with at most "
                f"{MAX_SPECIES} species."
            )
        table.flags.writeable = False
        object.__setattr__(self, "half_bond_ev", table)
        object.__setattr__(self, "bonds_ev", _tabulate_bonds(table))
        if self.site_ev is not None:
            site = check_array("site_ev", self.site_ev, np.float64, (None, table.shape[0])).copy()
            site.flags.writeable = False
            object.__setattr__(self, "site_ev", site)

    @property
    def n_species(self) -> int:
        """Number of species."""
        return int(self.half_bond_ev.shape[0])

    def check_sites(self, n_sites: int) -> None:
        """Raise unless `site_ev`, where given, has `n_sites` rows.

        Raises
        ------
        KernelInputError
            Another number of rows.
        """
        if self.site_ev is not None and len(self.site_ev) != n_sites:
            raise KernelInputError(
                f"site_ev: got {len(self.site_ev)} rows, but the lattice has {n_sites} sites."
            )

    def __repr__(self) -> str:
        site = "no site term" if self.site_ev is None else f"{len(self.site_ev)} sites"
        return f"LatticeModel({self.n_species} species, {site})"


def _tabulate_bonds(half_bond: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    n = len(half_bond)
    table = np.zeros((MAX_COORDINATION + 1, MAX_SPECIES, 16, 2 if n <= 2 else 4))
    # Axes: coordination of the atom, species and coordination of the neighbour, species of it.
    table[:, :n, : MAX_COORDINATION + 1, :n] = (
        half_bond.transpose(2, 1, 0)[:, :, None, :] + half_bond.transpose(0, 2, 1)[None]
    )
    bonds = table.reshape(MAX_COORDINATION + 1, MAX_SPECIES * 16, -1)
    bonds.flags.writeable = False
    return bonds
