"""Energies of occupied lattices; checked by pomdft.kernels.energy."""

from libc.stdint cimport int8_t, int32_t, int64_t

import numpy as np

cdef extern from "energy.h" nogil:
    ctypedef struct pomdft_occupied:
        const int32_t *neighbours
        const int8_t *coordination
        const double *half_bond
        const double *site
        const int8_t *species
        int64_t n
        int s
    int pomdft_total_energy(const pomdft_occupied *o, double *energy, int level) noexcept
    int pomdft_site_energies(
        const pomdft_occupied *o, const double *bonds, int relative, double *out,
        int level) noexcept
    int pomdft_swap_block(
        const pomdft_occupied *o, const double *change, const int32_t *rows, int64_t n_rows,
        const int32_t *columns, int64_t n_columns, double *out, int level) noexcept
    int64_t pomdft_best_swaps(
        const pomdft_occupied *o, const double *change, int64_t k, double *energies,
        int32_t *pairs) noexcept


cdef pomdft_occupied _occupied(
        const int32_t[:, ::1] neighbours, const int8_t[::1] coordination,
        const double[:, :, ::1] half_bond, const int8_t[::1] species) except *:
    cdef pomdft_occupied o
    o.neighbours = &neighbours[0, 0]
    o.coordination = &coordination[0]
    o.half_bond = &half_bond[0, 0, 0]
    o.site = NULL
    o.species = &species[0]
    o.n = neighbours.shape[0]
    o.s = <int>half_bond.shape[0]
    return o


def total(
        const int32_t[:, ::1] neighbours not None, const int8_t[::1] coordination not None,
        const double[:, :, ::1] half_bond not None, const double[:, ::1] site not None,
        const int8_t[::1] species not None, int level):
    """Return the total energy; `site` has no rows where there is no site term."""
    cdef pomdft_occupied o = _occupied(neighbours, coordination, half_bond, species)
    cdef double energy = 0.0
    cdef int status
    if site.shape[0] > 0:
        o.site = &site[0, 0]
    with nogil:
        status = pomdft_total_energy(&o, &energy, level)
    if status != 0:
        raise MemoryError
    return energy


cdef _site_energies(
        const int32_t[:, ::1] neighbours, const int8_t[::1] coordination,
        const double[:, :, ::1] bonds, const double[:, ::1] site, const int8_t[::1] species,
        int relative, int level):
    # The bond table stands in for the half bonds, which these functions do not need.
    cdef pomdft_occupied o = _occupied(neighbours, coordination, bonds, species)
    o.s = <int>site.shape[1]
    if site.shape[0] > 0:
        o.site = &site[0, 0]
    out = np.empty((o.n, o.s))
    cdef double[:, ::1] view = out
    cdef int status
    with nogil:
        status = pomdft_site_energies(&o, &bonds[0, 0, 0], relative, &view[0, 0], level)
    if status != 0:
        raise MemoryError
    return out


def fields(
        const int32_t[:, ::1] neighbours not None, const int8_t[::1] coordination not None,
        const double[:, :, ::1] bonds not None, const double[:, ::1] site not None,
        const int8_t[::1] species not None, int level):
    """Return the local field, shape (n, s): bonds and site term were each species on the site."""
    return _site_energies(neighbours, coordination, bonds, site, species, 0, level)


def exchange(
        const int32_t[:, ::1] neighbours not None, const int8_t[::1] coordination not None,
        const double[:, :, ::1] bonds not None, const double[:, ::1] site not None,
        const int8_t[::1] species not None, int level):
    """Return the energy change, shape (n, s), when a site takes each species."""
    return _site_energies(neighbours, coordination, bonds, site, species, 1, level)


def swap_block(
        const int32_t[:, ::1] neighbours not None, const int8_t[::1] coordination not None,
        const double[:, :, ::1] half_bond not None, const int8_t[::1] species not None,
        const double[:, ::1] change not None, const int32_t[::1] rows not None,
        const int32_t[::1] columns not None, int level):
    """Return swap energies, shape (rows, columns), from the exchange energies `change`."""
    cdef pomdft_occupied o = _occupied(neighbours, coordination, half_bond, species)
    cdef int64_t n_rows = rows.shape[0], n_columns = columns.shape[0]
    out = np.empty((n_rows, n_columns))
    cdef double[:, ::1] view = out
    cdef int status
    with nogil:
        status = pomdft_swap_block(
            &o, &change[0, 0], &rows[0], n_rows, &columns[0], n_columns, &view[0, 0], level)
    if status != 0:
        raise MemoryError
    return out


def best_swaps(
        const int32_t[:, ::1] neighbours not None, const int8_t[::1] coordination not None,
        const double[:, :, ::1] half_bond not None, const int8_t[::1] species not None,
        const double[:, ::1] change not None, int64_t k, int level):
    """Return the `k` lowest swap energies and their sites, shape (k, 2), in ascending order."""
    cdef pomdft_occupied o = _occupied(neighbours, coordination, half_bond, species)
    energies = np.empty(k)
    pairs = np.empty((k, 2), dtype=np.int32)
    cdef double[::1] energies_view = energies
    cdef int32_t[:, ::1] pairs_view = pairs
    cdef int64_t found
    with nogil:
        found = pomdft_best_swaps(&o, &change[0, 0], k, &energies_view[0], &pairs_view[0, 0])
    if found < 0:
        raise MemoryError
    return energies[:found], pairs[:found]
