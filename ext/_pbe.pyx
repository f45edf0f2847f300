"""Exchange and correlation of PBE at many points; checked by pomdft.kernels.pbe."""

from libc.stdint cimport int64_t

cdef extern from "pbe.h" nogil:
    void pomdft_evaluate_pbe(
        const double *densities, const double *products, int64_t n_spins, int64_t n_points,
        double *energies, double *potentials, double *slopes, int level) noexcept


def evaluate(
        const double[:, ::1] densities not None, const double[:, ::1] products not None,
        double[::1] energies not None, double[:, ::1] potentials not None,
        double[:, ::1] slopes not None, int level):
    """Set energy densities and slopes, add to potentials."""
    with nogil:
        pomdft_evaluate_pbe(
            &densities[0, 0], &products[0, 0], densities.shape[0], densities.shape[1],
            &energies[0], &potentials[0, 0], &slopes[0, 0], level)
