# Threads: "#pragma omp" in growth.c.
"""Growth of particles atom by atom; pomdft.kernels.growth checks and builds what goes in."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t

cdef extern from "growth.h" nogil:
    ctypedef struct growth_model:
        int32_t n, n_species
        const int32_t *neighbours
        const double *half
        const double *atom
        const double *galvanic
        const uint32_t *log_table
        uint64_t seed
        double kt
        int32_t moves_per_atom, swap, least_contacts

    int growth_run_all(const growth_model *model, int32_t n_replicas, int32_t n_threads,
                       const uint32_t *stream, int8_t *species, int32_t *arrival, uint8_t *queue,
                       int64_t n_atoms, int64_t capacity, int64_t *counts, double *energy) noexcept


def run(const int32_t[:, ::1] neighbours not None, const double[:, :, ::1] half not None,
        const double[:, ::1] atom not None, const double[:, ::1] galvanic not None,
        const uint32_t[::1] log_table not None, uint64_t seed, double kt, int moves_per_atom,
        int swap, int least_contacts, const uint32_t[::1] stream not None,
        int8_t[:, ::1] species not None, int32_t[:, ::1] arrival not None,
        uint8_t[:, ::1] queue not None, int64_t n_atoms, int64_t[:, ::1] counts not None,
        double[::1] energy not None, int n_threads):
    """Grow all replicas; changes species, arrival, queue, counts and energy in place."""
    cdef growth_model model
    cdef int fault
    model.n = <int32_t>neighbours.shape[0]
    model.n_species = <int32_t>half.shape[0]
    model.neighbours = &neighbours[0, 0]
    model.half = &half[0, 0, 0]
    model.atom = &atom[0, 0]
    model.galvanic = &galvanic[0, 0]
    model.log_table = &log_table[0]
    model.seed = seed
    model.kt = kt
    model.moves_per_atom = moves_per_atom
    model.swap = swap
    model.least_contacts = least_contacts
    with nogil:
        fault = growth_run_all(&model, <int32_t>stream.shape[0], n_threads, &stream[0],
                               &species[0, 0], &arrival[0, 0], &queue[0, 0], n_atoms,
                               queue.shape[1], &counts[0, 0], &energy[0])
    if fault:
        raise MemoryError("growth: out of memory")
