"""What Monte Carlo needs of a lattice, and the lattice model in whole multiples of a resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pomdft.kernels.lattice import Lattice

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

ROW = 16
FIELD_LIMITS = {"chain": 2**30, "replicas": 32_700}


@dataclass(frozen=True, eq=False)
class SiteTables:
    """Neighbour rows, bonds, and sites ordered by cell, of one lattice.

    Parameters
    ----------
    rows : ndarray of int32, shape (n, 16)
        Twelve neighbours as ``site << 4 | class`` (absent ones are ``n + slot``), then the site's
        own class of coordination, its number of neighbours, and a bit for each class among them.
    bonds : ndarray of int32, shape (n_bonds, 2)
        Each bond once.
    site_class : ndarray of int32, shape (n,)
        Class of coordination of each site.
    class_degree : ndarray of int32, shape (n_classes,)
        Coordination number of each class.
    cell_sites, cell_start : ndarray of int32, shapes (n,), (n_cells + 1,)
        Sites ordered by cell, and where each cell begins; a cell is a shell and a coordination
        number.
    cell_shell, cell_degree : ndarray of int32, shape (n_cells,)
        Shell and coordination number of each cell.
    around : ndarray of float64, shape (n, n_classes)
        Number of neighbours of each class.
    bandwidth : int
        Largest difference between the numbers of two bonded sites.
    """

    rows: Ints
    bonds: Ints
    site_class: Ints
    class_degree: Ints
    cell_sites: Ints
    cell_start: Ints
    cell_shell: Ints
    cell_degree: Ints
    around: Floats
    bandwidth: int

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return len(self.rows)

    @property
    def n_classes(self) -> int:
        """Number of coordination numbers that occur."""
        return len(self.class_degree)

    @property
    def n_shells(self) -> int:
        """Number of shells."""
        return int(self.cell_shell.max()) + 1


def tabulate_sites(lattice: Lattice) -> SiteTables:
    """Return the tables of a lattice.

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbours.

    Returns
    -------
    SiteTables
        Rows of neighbours, bonds and cells.
    """
    n = len(lattice)
    neighbours = lattice.neighbours
    degree = lattice.coordination.astype(np.int32)
    class_degree, inverse = np.unique(degree, return_inverse=True)
    site_class: Ints = inverse.astype(np.int32)
    present = neighbours >= 0
    rows = np.zeros((n, ROW), np.int32)
    rows[:, :12] = np.where(
        present,
        neighbours << 4 | site_class[neighbours],
        (n + np.arange(12, dtype=np.int32)) << 4,
    )
    rows[:, 12] = site_class
    rows[:, 13] = degree
    rows[:, 14] = np.bitwise_or.reduce(np.where(present, 1 << site_class[neighbours], 0), axis=1)
    own = np.broadcast_to(np.arange(n, dtype=np.int32)[:, None], neighbours.shape)
    once = present & (neighbours > own)
    bonds = np.ascontiguousarray(np.stack([own[once], neighbours[once]], axis=1))
    k = len(class_degree)
    ends = np.concatenate([bonds, bonds[:, ::-1]])
    pairs = ends[:, 0].astype(np.int64) * k + site_class[ends[:, 1]]
    around = np.bincount(pairs, minlength=n * k).reshape(n, k).astype(np.float64)
    shell = lattice.shell.astype(np.int32)
    cells, cell = np.unique(shell * 16 + degree, return_inverse=True)
    cell_sites = np.argsort(cell, kind="stable").astype(np.int32)
    cell_start = np.searchsorted(cell[cell_sites], np.arange(len(cells) + 1)).astype(np.int32)
    bandwidth = int(np.abs(bonds[:, 1] - bonds[:, 0]).max()) if len(bonds) else 0
    return SiteTables(
        rows=rows,
        bonds=bonds,
        site_class=site_class,
        class_degree=class_degree.astype(np.int32),
        cell_sites=cell_sites,
        cell_start=cell_start,
        cell_shell=(cells // 16).astype(np.int32),
        cell_degree=(cells % 16).astype(np.int32),
        around=around,
        bandwidth=bandwidth,
    )


@dataclass(frozen=True, eq=False)
class ReducedModel:
    """The lattice model against a particle of species 0 only.

    E = E0 + sum over sites of g + sum over bonds of b, with g and b zero for species 0.

    Parameters
    ----------
    tables : SiteTables
        The lattice.
    origin_ev : ndarray of float64, shape (R or 1,)
        E0 (eV).
    site_ev : ndarray of float64, shape (R or 1, n, S)
        g (eV).
    bond_ev : ndarray of float64, shape (R or 1, S, S, K, K)
        b (eV) by the species and coordination classes of both ends.
    """

    tables: SiteTables
    origin_ev: Floats
    site_ev: Floats
    bond_ev: Floats

    def energies(self, species: npt.NDArray[np.uint8]) -> Floats:
        """Return the energy (eV) of each replica's occupation, float64, shape (R,)."""
        n_species, n_classes = self.bond_ev.shape[1], self.bond_ev.shape[3]
        i, j = self.tables.bonds.T
        of = self.tables.site_class
        kinds = (of[i] * n_classes + of[j]).astype(np.int32)
        squared = n_classes * n_classes
        n = self.tables.n_sites
        bond, site = self.bond_ev.reshape(-1), self.site_ev.reshape(-1)
        own = np.arange(n) * n_species
        energy = np.empty(len(species))
        # A few million entries at a time.
        rows = max(1, 4_000_000 // (len(i) + n))
        for start in range(0, len(species), rows):
            wide = species[start : start + rows].astype(np.int64)
            replica = np.arange(start, start + len(wide))[:, None]
            index = (wide[:, i] * n_species + wide[:, j]) * squared + kinds
            if len(self.bond_ev) > 1:
                index += replica * self.bond_ev[0].size
            place = own + wide
            if len(self.site_ev) > 1:
                place += replica * (n * n_species)
            energy[start : start + rows] = bond[index].sum(axis=1) + site[place].sum(axis=1)
        return energy + self.origin_ev


def reduce_model(tables: SiteTables, half_bond_ev: Floats, site_ev: Floats | None) -> ReducedModel:
    """Return the model against a particle of species 0 only.

    Parameters
    ----------
    tables : SiteTables
        The lattice.
    half_bond_ev : ndarray of float64, shape (R or 1, S, S, 13)
        Half bonds (eV), as in `LatticeModel`.
    site_ev : ndarray of float64, shape (R or 1, n, S), optional
        Site terms (eV).

    Returns
    -------
    ReducedModel
        Exactly the same energies, up to rounding in float64.
    """
    h = half_bond_ev[..., tables.class_degree]
    p = h - h[:, :, :1] - h[:, :1, :] + h[:, :1, :1]
    bond = p[..., :, None] + p.swapaxes(1, 2)[..., None, :]
    of, around = tables.site_class, tables.around
    own = (h[:, :, 0] - h[:, :1, 0])[..., of] * around.sum(axis=1)  # (R, S, n)
    theirs = (h[:, 0] - h[:, 0, :1]) @ around.T
    site = (own + theirs).swapaxes(1, 2)
    origin = (h[:, 0, 0][:, of] * around.sum(axis=1)).sum(axis=1)
    if site_ev is not None:
        site = site + (site_ev - site_ev[..., :1])
        origin = origin + site_ev[..., 0].sum(axis=1)
    return ReducedModel(tables, origin, np.ascontiguousarray(site), np.ascontiguousarray(bond))


@dataclass(frozen=True, eq=False)
class QuantisedModel:
    """A reduced model in whole multiples of a resolution: what is simulated.

    Parameters
    ----------
    resolution_ev : float
        Unit of the whole numbers (eV).
    error_ev : float
        Bound on what quantisation changes in the energy of any move (eV).
    offset_ev : ndarray of float64, shape (S,)
        Energy (eV) that was taken from g of each species, the same on every site.
    site : ndarray of int32, shape (R or 1, n, S)
        g - offset in units of the resolution.
    bond : ndarray of int32, shape (R or 1, S, S, K, K)
        b in units of the resolution.
    """

    resolution_ev: float
    error_ev: float
    offset_ev: Floats
    site: Ints
    bond: Ints

    def fields(self, tables: SiteTables, species: npt.NDArray[np.uint8]) -> Ints:
        """Return the fields of each replica's occupation, int32, shape (R, n, S)."""
        n_species, n_classes = self.bond.shape[1], self.bond.shape[3]
        field = np.broadcast_to(self.site, (len(species), *self.site.shape[1:])).copy()
        i, j = tables.bonds.T
        of = tables.site_class
        both = (np.concatenate([i, j]), np.concatenate([j, i]))
        kinds = of[both[0]] * n_classes + of[both[1]]
        for r, occupation in enumerate(species):
            bond = self.bond[r if len(self.bond) > 1 else 0]
            index = occupation[both[1]].astype(np.int32) * n_classes * n_classes + kinds
            for c in range(1, n_species):
                terms = bond[c].reshape(-1)[index].astype(np.float64)
                sums = np.bincount(both[0], weights=terms, minlength=tables.n_sites)
                field[r, :, c] += np.rint(sums).astype(np.int32)
        return field

    def energies(self, fields: Ints, species: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Return the energy above E0 of each replica in whole units, int64, shape (R,)."""
        index = species[:, :, None].astype(np.intp)
        own = np.take_along_axis(fields, index, 2)[..., 0].astype(np.int64)
        site = np.broadcast_to(self.site, fields.shape)
        own += np.take_along_axis(site, index, 2)[..., 0]
        total: npt.NDArray[np.int64] = own.sum(axis=1) // 2
        return total


def quantise_model(model: ReducedModel, engine: str, swaps: bool) -> QuantisedModel:
    """Return the model in whole numbers that fit the engine's fields.

    The resolution is the coarsest that can be needed, refined by up to a factor of two to the value
    that represents the bond energies best.

    Parameters
    ----------
    model : ReducedModel
        What to represent.
    engine : {"chain", "replicas"}
        32-bit or 16-bit fields.
    swaps : bool
        Whether atoms are swapped; then an energy per atom of each species is taken out, which makes
        room for a finer resolution. Otherwise single atoms change.

    Returns
    -------
    QuantisedModel
        With the bound on its error.
    """
    tables, bond = model.tables, model.bond_ev
    n_species = bond.shape[1]

    def sum_around(per_bond: Floats) -> Floats:  # (R, K, K) -> (R, n)
        summed: Floats = np.einsum("nk,rnk->rn", tables.around, per_bond[:, tables.site_class])
        return summed

    offset = np.zeros(n_species)
    reach = 0.0
    for c in range(1, n_species):
        low = model.site_ev[..., c] + sum_around(bond[:, c].min(axis=1))
        high = model.site_ev[..., c] + sum_around(bond[:, c].max(axis=1))
        bottom, top = float(low.min()), float(high.max())
        if swaps:
            offset[c] = 0.5 * (bottom + top)
        reach = max(reach, top - offset[c], offset[c] - bottom)
    # A flip takes one field of two species, or two of more, a swap twice as many and the
    # correction of a bond; the engines also add a field and a site term.
    largest = float(np.abs(bond).max())
    fields = (1 if n_species == 2 else 2) * (2 if swaps else 1)
    spread = max(fields, 2) * reach + (4 if n_species > 2 else 1) * largest * swaps
    limit = FIELD_LIMITS[engine]
    coarsest = max(spread, 1e-6) / limit
    candidates = coarsest * (1.0 + np.arange(0, 256 if engine == "replicas" else 1) / 256)
    flat = np.unique(bond)
    worst = [float(np.abs(flat - q * np.rint(flat / q)).max()) for q in candidates]
    score = 12.0 * np.asarray(worst) + 0.5 * candidates
    best = int(np.argmin(score))
    q = float(candidates[best])
    whole = np.rint(bond / q).astype(np.int32)
    # A bond's rounding error depends on the neighbour's species; its middle goes into the site
    # term, which halves what is left.
    rounding = whole * q - bond
    low, high = rounding.min(axis=2), rounding.max(axis=2)
    site_ev = model.site_ev - offset
    per_site = 0.5 * q
    for c in range(1, n_species):
        middle = sum_around(0.5 * (low[:, c] + high[:, c]))
        left = sum_around(0.5 * (high[:, c] - low[:, c]))
        site_ev = site_ev - middle[..., None] * (np.arange(n_species) == c)
        per_site = max(per_site, float(left.max()) + 0.5 * q)
    site = np.rint(site_ev / q).astype(np.int32)
    site[..., 0] = 0
    error = fields * (per_site + float(np.abs(rounding).max()))
    return QuantisedModel(q, error, offset, site, whole)
