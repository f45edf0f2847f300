"""Scalar products of projected densities of states; checked by pomdft.kernels.dband."""

from libc.stdint cimport int64_t

import numpy as np

cdef extern from "dband.h" nogil:
    void pomdft_project_f64(
        const double *data, int64_t n_sites, int64_t n_channels, int64_t n_points,
        const double *weights, int square, double *out, int level) noexcept
    void pomdft_project_f32(
        const float *data, int64_t n_sites, int64_t n_channels, int64_t n_points,
        const double *weights, int square, double *out, int level) noexcept

ctypedef fused real:
    float
    double


def project(
        const real[:, :, ::1] data not None, const double[:, ::1] weights not None, bint square,
        int level):
    """Return sums over channels and points times each weight, shape (n_sites, 4)."""
    cdef int64_t n_sites = data.shape[0], n_channels = data.shape[1], n_points = data.shape[2]
    out = np.empty((n_sites, 4))
    cdef double[:, ::1] view = out
    with nogil:
        if real is float:
            pomdft_project_f32(
                &data[0, 0, 0], n_sites, n_channels, n_points, &weights[0, 0], square,
                &view[0, 0], level)
        else:
            pomdft_project_f64(
                &data[0, 0, 0], n_sites, n_channels, n_points, &weights[0, 0], square,
                &view[0, 0], level)
    return out
