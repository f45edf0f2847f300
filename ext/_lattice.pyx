"""Neighbour tables of lattices; checked by pomdft.kernels.lattice."""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t

import numpy as np

cdef extern from "lattice.h" nogil:
    int pomdft_fcc_neighbours(const int32_t *coordinates, int64_t n, int32_t *table) noexcept
    int pomdft_grid_neighbours(
        const int32_t *numbers, const int64_t *shape, const int32_t *steps, int64_t n,
        int32_t *table) noexcept
    int64_t pomdft_find_fault(const int32_t *table, int64_t n) noexcept
    void pomdft_layer(
        const int32_t *table, int64_t n, int8_t *coordination, int16_t *shell,
        int32_t *queue) noexcept


def fcc_neighbours(const int32_t[:, ::1] coordinates not None):
    """Return the neighbours, int32 of shape (n, 12), of fcc sites in ascending order."""
    cdef int64_t n = coordinates.shape[0]
    table = np.empty((n, 12), dtype=np.int32)
    cdef int32_t[:, ::1] view = table
    cdef int status
    with nogil:
        status = pomdft_fcc_neighbours(&coordinates[0, 0], n, &view[0, 0])
    if status != 0:
        raise MemoryError
    return table


def grid_neighbours(
        const int32_t[:, :, :, ::1] numbers not None, const int32_t[:, ::1] steps not None,
        int64_t n):
    """Return the neighbours, int32 of shape (n, 12), of sites on grids in ascending order."""
    cdef int64_t[4] shape = [
        numbers.shape[0], numbers.shape[1], numbers.shape[2], numbers.shape[3]]
    table = np.empty((n, 12), dtype=np.int32)
    cdef int32_t[:, ::1] view = table
    cdef int status
    with nogil:
        status = pomdft_grid_neighbours(&numbers[0, 0, 0, 0], shape, &steps[0, 0], n, &view[0, 0])
    if status != 0:
        raise ValueError("a site has more than 12 neighbours")
    return table


def find_fault(const int32_t[:, ::1] neighbours not None):
    """Return the first row not filled from the left, double, self-naming or one-sided; else -1."""
    cdef int64_t fault
    with nogil:
        fault = pomdft_find_fault(&neighbours[0, 0], neighbours.shape[0])
    if fault == -2:
        raise MemoryError
    return fault


def layer(const int32_t[:, ::1] neighbours not None):
    """Return coordination numbers (int8) and shells (int16), both of shape (n,)."""
    cdef int64_t n = neighbours.shape[0]
    coordination = np.empty(n, dtype=np.int8)
    shell = np.empty(n, dtype=np.int16)
    queue = np.empty(n, dtype=np.int32)
    cdef int8_t[::1] coordination_view = coordination
    cdef int16_t[::1] shell_view = shell
    cdef int32_t[::1] queue_view = queue
    with nogil:
        pomdft_layer(
            &neighbours[0, 0], n, &coordination_view[0], &shell_view[0], &queue_view[0])
    return coordination, shell
