"""How species are arranged on a lattice: surface composition, shells and short-range order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError
from pomdft.kernels.checks import check_array, check_range
from pomdft.kernels.lattice import Lattice

Floats = npt.NDArray[np.float64]


def compose_shells(cell_counts: npt.NDArray[np.int64], cell_shell: npt.NDArray[np.int32]) -> Floats:
    """Return the fraction of each species in each shell.

    Parameters
    ----------
    cell_counts : ndarray of int64, shape (R, n_cells, S)
        Atoms of each species in each cell.
    cell_shell : ndarray of int32, shape (n_cells,)
        Shell of each cell.

    Returns
    -------
    ndarray of float64, shape (R, n_shells, S)
        Sums to 1 over the species.
    """
    shells = np.arange(int(cell_shell.max()) + 1)
    belongs = (cell_shell[None, :] == shells[:, None]).astype(np.float64)
    return _fractions(np.einsum("hc,rcs->rhs", belongs, cell_counts))


def compose_surface(
    cell_counts: npt.NDArray[np.int64], cell_degree: npt.NDArray[np.int32]
) -> Floats:
    """Return the fraction of each species among the sites with fewer than 12 neighbours.

    Parameters
    ----------
    cell_counts : ndarray of int64, shape (R, n_cells, S)
        Atoms of each species in each cell.
    cell_degree : ndarray of int32, shape (n_cells,)
        Coordination number of each cell.

    Returns
    -------
    ndarray of float64, shape (R, S)
        NaN where there is no surface.
    """
    return _fractions(cell_counts[:, cell_degree < 12].sum(axis=1).astype(np.float64))


def order_pairs(pair_counts: npt.NDArray[np.int64], cell_counts: npt.NDArray[np.int64]) -> Floats:
    r"""Return the Warren-Cowley parameters of the first shell.

    .. math:: \alpha_{st} = 1 - \frac{P_{t|s}}{x_t}

    with the share :math:`P_{t|s}` of species t among the neighbours of species s, and the fraction
    :math:`x_t` of t in the whole particle: negative where unlike neighbours are preferred.

    Parameters
    ----------
    pair_counts : ndarray of int64, shape (R, S, S)
        Bonds between species s <= t, each once.
    cell_counts : ndarray of int64, shape (R, n_cells, S)
        Atoms of each species in each cell.

    Returns
    -------
    ndarray of float64, shape (R, S, S)
        NaN where a species is absent.

    References
    ----------
    J. M. Cowley, Phys. Rev. 77, 669 (1950). https://doi.org/10.1103/PhysRev.77.669
    """
    ends = (pair_counts + pair_counts.swapaxes(1, 2)).astype(np.float64)
    share = _fractions(ends)
    fraction = _fractions(cell_counts.sum(axis=1).astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha = 1.0 - share / fraction[:, None, :]
    return np.where(np.isfinite(alpha), alpha, np.nan)


def _fractions(counts: Floats) -> Floats:
    total = counts.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.where(total > 0, counts / total, np.nan)


def count_occupations(
    lattice: Lattice, species: npt.ArrayLike, n_species: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the atoms of each species by site kind, and the bonds between species.

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbours.
    species : array_like of int, shape (R, n)
        Occupations.
    n_species : int
        Number of species.

    Returns
    -------
    cell_counts : ndarray of int64, shape (R, n_cells, S)
        By cell: shell times 13 plus coordination number.
    pair_counts : ndarray of int64, shape (R, S, S)
        Bonds between species s <= t, each once.

    Raises
    ------
    KernelInputError
        Wrong dtype or shape, or a species out of range.
    """
    checked = check_array("species", species, np.int64, (None, len(lattice)))
    if not 1 <= n_species <= 4:
        raise KernelInputError(f"n_species: is {n_species}, must be between 1 and 4.")
    check_range("species", checked, 0, n_species)
    cell = lattice.shell.astype(np.int64) * 13 + lattice.coordination
    n_cells = lattice.n_shells * 13
    neighbours = lattice.neighbours
    own = np.broadcast_to(np.arange(len(lattice))[:, None], neighbours.shape)
    once = neighbours > own
    i, j = own[once], neighbours[once]
    cells = np.zeros((len(checked), n_cells, n_species), np.int64)
    pairs = np.zeros((len(checked), n_species, n_species), np.int64)
    for r, occupation in enumerate(checked):
        cells[r] = np.bincount(
            cell * n_species + occupation, minlength=n_cells * n_species
        ).reshape(n_cells, n_species)
        low = np.minimum(occupation[i], occupation[j])
        high = np.maximum(occupation[i], occupation[j])
        pairs[r] = np.bincount(low * n_species + high, minlength=n_species**2).reshape(
            n_species, n_species
        )
    return cells, pairs


def describe_ordering(
    lattice: Lattice, species: npt.ArrayLike, n_species: int
) -> tuple[Floats, Floats, Floats]:
    """Return surface composition, shell profile and Warren-Cowley parameters of occupations.

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbours.
    species : array_like of int, shape (R, n)
        Occupations.
    n_species : int
        Number of species.

    Returns
    -------
    surface_composition : ndarray of float64, shape (R, S)
        Fractions among the sites with fewer than 12 neighbours.
    shell_profile : ndarray of float64, shape (R, n_shells, S)
        Fractions in each shell, the surface first.
    warren_cowley : ndarray of float64, shape (R, S, S)
        First shell; see `order_pairs`.

    Raises
    ------
    KernelInputError
        Wrong dtype or shape, or a species out of range.
    """
    cells, pairs = count_occupations(lattice, species, n_species)
    index = np.arange(cells.shape[1], dtype=np.int32)
    return (
        compose_surface(cells, index % 13),
        compose_shells(cells, index // 13),
        order_pairs(pairs, cells),
    )
