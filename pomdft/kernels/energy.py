"""Energy of an occupied lattice, and what exchanges and swaps of atoms change in it.

All energies are in eV. An exchange puts another species on one site (the composition changes);
a swap exchanges the atoms of two sites. A negative change is favourable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pomdft.errors import KernelInputError
from pomdft.kernels import compiled, reference_energy
from pomdft.kernels.checks import check_array, check_range, check_species
from pomdft.kernels.lattice import Lattice
from pomdft.kernels.model import LatticeModel

MAX_SWAPS = 100_000
# A matrix larger than this (2 GB) is asked for in blocks.
_MAX_BLOCK = 250_000_000


@dataclass(frozen=True, eq=False)
class Swaps:
    """Swaps in ascending order of energy.

    Parameters
    ----------
    energies_ev : ndarray of float64, shape (k,)
        Energy change (eV); negative = favourable.
    sites : ndarray of int32, shape (k, 2)
        Swapped sites; the first carries the species with the lower index.
    """

    energies_ev: npt.NDArray[np.float64]
    sites: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.energies_ev)

    def __repr__(self) -> str:
        if not len(self):
            return "Swaps(none: one species only)"
        return f"Swaps({len(self)}, lowest {self.energies_ev[0]:.4f} eV for {self.sites[0]})"

    def to_dataframe(self) -> pd.DataFrame:
        """Return columns site_a, site_b, energy_ev."""
        return pd.DataFrame(
            {
                "site_a": self.sites[:, 0],
                "site_b": self.sites[:, 1],
                "energy_ev": self.energies_ev,
            }
        )


_NO_SITE_TERM = {s: np.zeros((0, s)) for s in range(1, 5)}


def _prepare(
    lattice: Lattice, model: LatticeModel, species: npt.ArrayLike
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]:
    model.check_sites(len(lattice))
    checked = check_species(species, len(lattice), model.n_species)
    site = _NO_SITE_TERM[model.n_species] if model.site_ev is None else model.site_ev
    return checked, site


def total_energy(lattice: Lattice, model: LatticeModel, species: npt.ArrayLike) -> float:
    """Return the energy of an occupied lattice.

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbours.
    model : LatticeModel
        Half bonds and site terms.
    species : array_like of int, shape (n_sites,)
        Species of each site.

    Returns
    -------
    float
        Energy (eV); negative = bound.

    Raises
    ------
    KernelInputError
        An argument has the wrong dtype, shape or content.
    """
    checked, site = _prepare(lattice, model, species)
    core = compiled.select("energy", reference_energy)
    return float(
        core.total(
            lattice.neighbours,
            lattice.coordination,
            model.half_bond_ev,
            site,
            checked,
            compiled.simd_level(),
        )
    )


def local_fields(
    lattice: Lattice, model: LatticeModel, species: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return the energy of all bonds and the site term of each site were each species on it.

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbours.
    model : LatticeModel
        Half bonds and site terms.
    species : array_like of int, shape (n_sites,)
        Species of each site.

    Returns
    -------
    ndarray of float64, shape (n_sites, n_species)
        Energy (eV), both halves of each bond included; negative = bound.

    Raises
    ------
    KernelInputError
        An argument has the wrong dtype, shape or content.
    """
    return _site_energies("fields", lattice, model, species)


def exchange_energies(
    lattice: Lattice, model: LatticeModel, species: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return the change of energy when a site takes another species, for every site and species.

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbours.
    model : LatticeModel
        Half bonds and site terms.
    species : array_like of int, shape (n_sites,)
        Species of each site.

    Returns
    -------
    ndarray of float64, shape (n_sites, n_species)
        Energy change (eV); 0 for the species the site has.

    Raises
    ------
    KernelInputError
        An argument has the wrong dtype, shape or content.
    """
    return _site_energies("exchange", lattice, model, species)


def _site_energies(
    name: str, lattice: Lattice, model: LatticeModel, species: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    checked, site = _prepare(lattice, model, species)
    core = compiled.select("energy", reference_energy)
    result: npt.NDArray[np.float64] = getattr(core, name)(
        lattice.neighbours,
        lattice.coordination,
        model.bonds_ev,
        site,
        checked,
        compiled.simd_level(),
    )
    return result


def swap_energies(
    lattice: Lattice,
    model: LatticeModel,
    species: npt.ArrayLike,
    sites_a: npt.ArrayLike | None = None,
    sites_b: npt.ArrayLike | None = None,
) -> npt.NDArray[np.float64]:
    """Return the energies of swapping the atoms of each site of one list with each of another.

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbours.
    model : LatticeModel
        Half bonds and site terms.
    species : array_like of int, shape (n_sites,)
        Species of each site.
    sites_a, sites_b : array_like of int, optional
        Sites of the rows and columns; all where not given. Blocks of a large matrix are had by
        giving parts of the sites; the lowest swaps come from `best_swaps` without any matrix.

    Returns
    -------
    ndarray of float64, shape (len(sites_a), len(sites_b))
        Energy change (eV); 0 where both sites carry the same species.

    Raises
    ------
    KernelInputError
        An argument has the wrong dtype, shape or content, or the matrix is larger than 2 GB.
    """
    checked, site = _prepare(lattice, model, species)
    n = len(lattice)
    lists = []
    for name, given in (("sites_a", sites_a), ("sites_b", sites_b)):
        sites = np.arange(n) if given is None else given
        array = check_array(name, sites, np.int32, (None,))
        check_range(name, array, 0, n)
        lists.append(array)
    rows, columns = lists
    if len(rows) * len(columns) > _MAX_BLOCK:
        raise KernelInputError(
            f"sites_a: {len(rows)} x {len(columns)} swap energies take more than 2 GB.",
            "Ask for blocks of the sites, or for best_swaps.",
        )
    core = compiled.select("energy", reference_energy)
    level = compiled.simd_level()
    bonded = (lattice.neighbours, lattice.coordination)
    change = core.exchange(*bonded, model.bonds_ev, site, checked, level)
    block: npt.NDArray[np.float64] = core.swap_block(
        *bonded, model.half_bond_ev, checked, change, rows, columns, level
    )
    return block


def best_swaps(lattice: Lattice, model: LatticeModel, species: npt.ArrayLike, k: int = 1) -> Swaps:
    """Return the swaps of lowest energy among all pairs of sites, without storing the pairs.

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbours.
    model : LatticeModel
        Half bonds and site terms.
    species : array_like of int, shape (n_sites,)
        Species of each site.
    k : int
        Number of swaps; the effort grows with n_sites + k log k.

    Returns
    -------
    Swaps
        `k` of them, or all there are. Swaps closer than 1e-10 eV count as equal: which of them is
        returned is not defined, but the same each time.

    Raises
    ------
    KernelInputError
        An argument has the wrong dtype, shape or content.
    """
    if not 1 <= k <= MAX_SWAPS:
        raise KernelInputError(f"k: is {k}, must be between 1 and {MAX_SWAPS}.")
    checked, site = _prepare(lattice, model, species)
    core = compiled.select("energy", reference_energy)
    level = compiled.simd_level()
    bonded = (lattice.neighbours, lattice.coordination)
    change = core.exchange(*bonded, model.bonds_ev, site, checked, level)
    return Swaps(*core.best_swaps(*bonded, model.half_bond_ev, checked, change, int(k), level))
