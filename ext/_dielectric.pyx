"""Finite differences for a potential in a dielectric; checked by pomdft.kernels.dielectric."""

from libc.stdint cimport int64_t

import numpy as np

cdef extern from "dielectric.h" nogil:
    enum:
        POMDFT_REACH
    ctypedef struct pomdft_dielectric:
        int64_t shape[3]
        const double *weights[4]
        double centre
        double second[3][POMDFT_REACH]
        double first[3][POMDFT_REACH]
    int64_t POMDFT_DIELECTRIC_WORK(int64_t n)
    void pomdft_smooth_dielectric(
        const pomdft_dielectric *operator_, const double *source, double *phi, double *work,
        int level) noexcept
    void pomdft_apply_dielectric(
        const pomdft_dielectric *operator_, const double *phi, double *result, double *work,
        int level) noexcept

#: Points that differences reach at most.
REACH = POMDFT_REACH


cdef pomdft_dielectric _describe(
        list weights, double centre, const double[:, ::1] second, const double[:, ::1] first):
    cdef pomdft_dielectric found
    cdef const double[:, :, ::1] weight
    cdef int64_t i, k
    for i in range(4):
        weight = weights[i]
        found.weights[i] = &weight[0, 0, 0]
    found.centre = centre
    for i in range(3):
        found.shape[i] = weight.shape[i]
        for k in range(POMDFT_REACH):
            found.second[i][k] = second[i, k] if k < second.shape[1] else 0.0
            found.first[i][k] = first[i, k] if k < first.shape[1] else 0.0
    return found


def smooth(
        list weights not None, double centre, const double[:, ::1] second not None,
        const double[:, ::1] first not None, const double[:, :, ::1] source not None,
        double[:, :, ::1] phi not None, int64_t sweeps, int level):
    """Bring phi nearer to operator phi = source."""
    cdef pomdft_dielectric form = _describe(weights, centre, second, first)
    cdef double[::1] work = np.empty(POMDFT_DIELECTRIC_WORK(form.shape[2]))
    cdef int64_t _
    with nogil:
        for _ in range(sweeps):
            pomdft_smooth_dielectric(&form, &source[0, 0, 0], &phi[0, 0, 0], &work[0], level)


def apply(
        list weights not None, double centre, const double[:, ::1] second not None,
        const double[:, ::1] first not None, const double[:, :, ::1] phi not None,
        double[:, :, ::1] result not None, int level):
    """Set result to operator phi."""
    cdef pomdft_dielectric form = _describe(weights, centre, second, first)
    cdef double[::1] work = np.empty(POMDFT_DIELECTRIC_WORK(form.shape[2]))
    with nogil:
        pomdft_apply_dielectric(&form, &phi[0, 0, 0], &result[0, 0, 0], &work[0], level)
