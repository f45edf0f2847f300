"""Repulsion that carves a solute's cavity out of a continuum; checked by pomdft.kernels.cavity."""

from libc.stdint cimport int64_t

import numpy as np


def sum_repulsion(
        const double[:, ::1] centres not None, const double[::1] strengths not None,
        const double[::1] x not None, const double[::1] y not None, const double[::1] z not None,
        double least, double[:, :, ::1] potential not None,
        double[:, :, :, ::1] gradient not None):
    """Set the sum of strength / r**12 and of strength (r - centre) / r**14."""
    cdef int64_t n = z.shape[0]
    cdef int64_t i, j, k, a
    cdef double dx, dy, across, square, inverse, term
    cdef double[::1] along = np.empty(n)
    cdef double *u
    cdef double *along_x
    cdef double *along_y
    cdef double *along_z
    with nogil:
        for i in range(x.shape[0]):
            for j in range(y.shape[0]):
                u = &potential[i, j, 0]
                along_x = &gradient[0, i, j, 0]
                along_y = &gradient[1, i, j, 0]
                along_z = &gradient[2, i, j, 0]
                for k in range(n):
                    u[k] = along_x[k] = along_y[k] = along_z[k] = 0.0
                for a in range(centres.shape[0]):
                    dx = x[i] - centres[a, 0]
                    dy = y[j] - centres[a, 1]
                    across = dx * dx + dy * dy
                    for k in range(n):
                        along[k] = z[k] - centres[a, 2]
                    for k in range(n):
                        square = across + along[k] * along[k]
                        inverse = 1.0 / (square if square > least else least)
                        term = inverse * inverse * inverse
                        term = strengths[a] * term * term
                        u[k] += term
                        term *= inverse
                        along_x[k] += term * dx
                        along_y[k] += term * dy
                        along_z[k] += term * along[k]


def project_repulsion(
        const double[:, ::1] centres not None, const double[::1] x not None,
        const double[::1] y not None, const double[::1] z not None, double least,
        const double[:, :, ::1] weights not None, double[:, ::1] sums not None):
    """Set, for every centre, the sum over the points of weight (r - centre) / r**14."""
    cdef int64_t n = z.shape[0]
    cdef int64_t i, j, k, a
    cdef double dx, dy, across, square, inverse, total, along_z
    cdef double[::1] terms = np.empty(n)
    cdef const double *w
    sums[:] = 0.0
    with nogil:
        for i in range(x.shape[0]):
            for j in range(y.shape[0]):
                w = &weights[i, j, 0]
                for a in range(centres.shape[0]):
                    dx = x[i] - centres[a, 0]
                    dy = y[j] - centres[a, 1]
                    across = dx * dx + dy * dy
                    for k in range(n):
                        square = across + (z[k] - centres[a, 2]) * (z[k] - centres[a, 2])
                        inverse = 1.0 / (square if square > least else least)
                        square = inverse * inverse * inverse
                        terms[k] = w[k] * (square * square * inverse)
                    total = 0.0
                    along_z = 0.0
                    for k in range(n):
                        total = total + terms[k]
                        along_z = along_z + terms[k] * (z[k] - centres[a, 2])
                    sums[a, 0] += total * dx
                    sums[a, 1] += total * dy
                    sums[a, 2] += along_z
