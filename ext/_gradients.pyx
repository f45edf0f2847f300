"""Gradients of densities on a grid, and divergences; checked by pomdft.kernels.gradients."""

from libc.stdint cimport int64_t

import numpy as np


cdef inline int64_t _neighbour(int64_t i, int64_t n, bint wraps) noexcept nogil:
    """Return a point's index along an axis, or -1 beyond an open end."""
    if 0 <= i < n:
        return i
    if not wraps:
        return -1
    return i - n if i >= n else i + n


cdef inline void _add_difference(
        double weight, const double *after, const double *before, int64_t n,
        double *slope) noexcept nogil:
    cdef int64_t i
    if after and before:
        for i in range(n):
            slope[i] += weight * (after[i] - before[i])
    elif after:
        for i in range(n):
            slope[i] += weight * after[i]
    elif before:
        for i in range(n):
            slope[i] -= weight * before[i]


cdef inline void _add_scaled(
        double weight, const double *source, int64_t n, double *target) noexcept nogil:
    cdef int64_t i
    for i in range(n):
        target[i] += weight * source[i]


cdef void _slope_along_z(
        const double *line, int64_t n, bint wraps, const double *weights, int64_t reach,
        double *padded, double *slope) noexcept nogil:
    """Add the derivative along a line to `slope`; `padded` is working space."""
    cdef int64_t i, k
    for k in range(reach):
        padded[k] = line[n - reach + k] if wraps else 0.0
        padded[reach + n + k] = line[k] if wraps else 0.0
    for i in range(n):
        padded[reach + i] = line[i]
    for k in range(1, reach + 1):
        _add_difference(weights[k - 1], padded + reach + k, padded + reach - k, n, slope)


cdef void _gradient(
        const double *field, int64_t x, int64_t y, const int64_t *shape, const bint *wraps,
        const double *weights, int64_t reach, double *padded, double *slopes) noexcept nogil:
    """Set three lines, of `shape[2]` values each, to the gradient along the line at x, y."""
    cdef int64_t n = shape[2]
    cdef int64_t row = shape[1] * n
    cdef int64_t i, k, low, high
    for i in range(3 * n):
        slopes[i] = 0.0
    for k in range(1, reach + 1):
        high = _neighbour(x + k, shape[0], wraps[0])
        low = _neighbour(x - k, shape[0], wraps[0])
        _add_difference(
            weights[k - 1],
            field + high * row + y * n if high >= 0 else NULL,
            field + low * row + y * n if low >= 0 else NULL, n, slopes)
        high = _neighbour(y + k, shape[1], wraps[1])
        low = _neighbour(y - k, shape[1], wraps[1])
        _add_difference(
            weights[reach + k - 1],
            field + x * row + high * n if high >= 0 else NULL,
            field + x * row + low * n if low >= 0 else NULL, n, slopes + n)
    _slope_along_z(
        field + x * row + y * n, n, wraps[2], weights + 2 * reach, reach, padded, slopes + 2 * n)


def multiply_gradients(
        const double[:, :, :, ::1] densities not None, const double[:, ::1] weights not None,
        const int64_t[::1] periodic not None, double[:, :, :, ::1] products not None):
    """Set `products` to those of the gradients: of one spin, of both, of the other."""
    cdef int64_t n_spins = densities.shape[0]
    cdef int64_t reach = weights.shape[1]
    cdef int64_t[3] shape = [densities.shape[1], densities.shape[2], densities.shape[3]]
    cdef bint[3] wraps = [periodic[0] != 0, periodic[1] != 0, periodic[2] != 0]
    cdef int64_t n = shape[2]
    cdef int64_t x, y, i, p
    cdef double[::1] padded = np.empty(n + 2 * reach)
    cdef double[::1] gradients = np.empty(3 * n_spins * n)
    cdef const double *a
    cdef const double *b
    cdef double *line
    with nogil:
        for x in range(shape[0]):
            for y in range(shape[1]):
                for p in range(n_spins):
                    _gradient(&densities[p, 0, 0, 0], x, y, shape, wraps, &weights[0, 0], reach,
                              &padded[0], &gradients[3 * p * n])
                for p in range(2 * n_spins - 1):
                    a = &gradients[3 * (p // 2) * n]
                    b = &gradients[3 * ((p + 1) // 2) * n]
                    line = &products[p, x, y, 0]
                    for i in range(n):
                        line[i] = a[i] * b[i] + a[n + i] * b[n + i] + a[2 * n + i] * b[2 * n + i]


def subtract_divergences(
        const double[:, :, :, ::1] densities not None, const double[:, :, :, ::1] slopes not None,
        const double[:, ::1] weights not None, const int64_t[::1] periodic not None,
        double[:, :, :, ::1] potentials not None):
    """Subtract the divergence of each spin's flux, that of gradients times slopes.

    The weights of a difference are antisymmetric, so each line of a flux is added where the
    divergence would have looked for it, and no flux is kept.
    """
    cdef int64_t n_spins = densities.shape[0]
    cdef int64_t reach = weights.shape[1]
    cdef int64_t[3] shape = [densities.shape[1], densities.shape[2], densities.shape[3]]
    cdef bint[3] wraps = [periodic[0] != 0, periodic[1] != 0, periodic[2] != 0]
    cdef int64_t n = shape[2]
    cdef int64_t x, y, i, k, s, axis, to
    cdef double[::1] padded = np.empty(n + 2 * reach)
    cdef double[::1] gradients = np.empty(3 * n_spins * n)
    cdef double[::1] fluxes = np.empty(3 * n)
    cdef double[::1] along_z = np.empty(n)
    cdef const double *own
    cdef const double *other
    cdef const double *mine
    cdef const double *common
    cdef double *flux
    with nogil:
        for x in range(shape[0]):
            for y in range(shape[1]):
                for s in range(n_spins):
                    _gradient(&densities[s, 0, 0, 0], x, y, shape, wraps, &weights[0, 0], reach,
                              &padded[0], &gradients[3 * s * n])
                for s in range(n_spins):
                    mine = &slopes[2 * s, x, y, 0]
                    for axis in range(3):
                        own = &gradients[(3 * s + axis) * n]
                        flux = &fluxes[axis * n]
                        if n_spins == 1:
                            for i in range(n):
                                flux[i] = 2.0 * mine[i] * own[i]
                        else:
                            other = &gradients[(3 * (1 - s) + axis) * n]
                            common = &slopes[1, x, y, 0]
                            for i in range(n):
                                flux[i] = 2.0 * mine[i] * own[i] + common[i] * other[i]
                    for k in range(1, reach + 1):
                        to = _neighbour(x - k, shape[0], wraps[0])
                        if to >= 0:
                            _add_scaled(-weights[0, k - 1], &fluxes[0], n, &potentials[s, to, y, 0])
                        to = _neighbour(x + k, shape[0], wraps[0])
                        if to >= 0:
                            _add_scaled(weights[0, k - 1], &fluxes[0], n, &potentials[s, to, y, 0])
                        to = _neighbour(y - k, shape[1], wraps[1])
                        if to >= 0:
                            _add_scaled(-weights[1, k - 1], &fluxes[n], n, &potentials[s, x, to, 0])
                        to = _neighbour(y + k, shape[1], wraps[1])
                        if to >= 0:
                            _add_scaled(weights[1, k - 1], &fluxes[n], n, &potentials[s, x, to, 0])
                    for i in range(n):
                        along_z[i] = 0.0
                    _slope_along_z(&fluxes[2 * n], n, wraps[2], &weights[2, 0], reach, &padded[0],
                                   &along_z[0])
                    _add_scaled(-1.0, &along_z[0], n, &potentials[s, x, y, 0])
