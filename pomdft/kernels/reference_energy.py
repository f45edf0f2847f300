"""NumPy twins of the energy kernels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.int8]


def total(
    neighbours: Ints,
    coordination: Bytes,
    half_bond: Floats,
    site: Floats,
    species: Bytes,
    level: int,
) -> float:
    """Return the total energy; `site` has no rows where there is no site term."""
    present = neighbours >= 0
    terms = half_bond[species[:, None], species[neighbours], coordination[:, None]]
    energy = float(terms[present].sum())
    if len(site):
        energy += float(site[np.arange(len(species)), species].sum())
    return energy


def fields(
    neighbours: Ints,
    coordination: Bytes,
    bonds: Floats,
    site: Floats,
    species: Bytes,
    level: int,
) -> Floats:
    """Return the local field, shape (n, s): bonds and site term were each species on the site.

    `bonds` is the model's bond table; `site` has s columns, and no rows where there is no term.
    """
    code = np.where(neighbours >= 0, species[neighbours] * 16 + coordination[neighbours], 63)
    field: Floats = bonds[coordination[:, None], code, : site.shape[1]].sum(axis=1)
    return field + site if len(site) else field


def exchange(
    neighbours: Ints,
    coordination: Bytes,
    bonds: Floats,
    site: Floats,
    species: Bytes,
    level: int,
) -> Floats:
    """Return the energy change, shape (n, s), when a site takes each species."""
    field = fields(neighbours, coordination, bonds, site, species, level)
    return field - field[np.arange(len(species)), species][:, None]


def bond_correction(half_bond: Floats, a: Bytes, b: Bytes, z_i: Bytes, z_j: Bytes) -> Floats:
    """Return what a swap of two bonded sites (species a, b) adds to their exchange energies."""

    def pair(s: Bytes, t: Bytes) -> Floats:
        return np.asarray(half_bond[s, t, z_i] + half_bond[t, s, z_j])

    return pair(b, a) + pair(a, b) - pair(a, a) - pair(b, b)


def swap_block(
    neighbours: Ints,
    coordination: Bytes,
    half_bond: Floats,
    species: Bytes,
    change: Floats,
    rows: npt.NDArray[np.int32],
    columns: npt.NDArray[np.int32],
    level: int,
) -> Floats:
    """Return swap energies, shape (rows, columns), from the exchange energies `change`."""
    a, b = species[rows], species[columns]
    block = change[rows[:, None], b[None, :]] + change[columns[None, :], a[:, None]]
    place = np.full(len(species), -1)
    # A site may be listed more than once: the last place stands for it, copies follow below.
    place[columns] = np.arange(len(columns))
    source = place[columns]
    for k in range(neighbours.shape[1]):
        other = neighbours[rows, k]
        column = np.where(other >= 0, place[other], -1)
        hit = np.flatnonzero(column >= 0)
        j = columns[column[hit]]
        block[hit, column[hit]] += bond_correction(
            half_bond, a[hit], species[j], coordination[rows[hit]], coordination[j]
        )
    block = block[:, source]
    block[a[:, None] == b[None, :]] = 0.0
    return block


def best_swaps(
    neighbours: Ints,
    coordination: Bytes,
    half_bond: Floats,
    species: Bytes,
    change: Floats,
    k: int,
    level: int,
) -> tuple[Floats, Ints]:
    """Return the `k` lowest swap energies and their sites, shape (k, 2), in ascending order."""
    energies, pairs = [np.empty(0)], [np.empty((0, 2), dtype=np.int32)]
    i, column = np.nonzero(neighbours >= 0)
    j = neighbours[i, column]
    keep = species[i] < species[j]
    i, j = i[keep].astype(np.int32), j[keep]
    a, b = species[i], species[j]
    bonded = change[i, b] + change[j, a]
    bonded += bond_correction(half_bond, a, b, coordination[i], coordination[j])
    energies.append(bonded)
    pairs.append(np.stack([i, j], axis=1))
    n_species = half_bond.shape[0]
    for low in range(n_species):
        for high in range(low + 1, n_species):
            # A site has at most 12 bonded partners, so those ranked later cannot be among the
            # best k of the pairs that are not bonded.
            first = _lowest(np.flatnonzero(species == low), change[:, high], k + 12)
            second = _lowest(np.flatnonzero(species == high), change[:, low], k + 12)
            block = change[first, high][:, None] + change[second, low][None, :]
            touching = (neighbours[first][:, :, None] == second[None, None, :]).any(axis=1)
            row, col = np.nonzero(~touching)
            energies.append(block[row, col])
            pairs.append(np.stack([first[row], second[col]], axis=1).astype(np.int32))
    energy, pair = np.concatenate(energies), np.concatenate(pairs)
    order = np.lexsort((pair[:, 1], pair[:, 0], energy))[:k]
    return energy[order], pair[order]


def _lowest(sites: npt.NDArray[np.intp], values: Floats, k: int) -> npt.NDArray[np.intp]:
    return sites[np.lexsort((sites, values[sites]))[:k]]
