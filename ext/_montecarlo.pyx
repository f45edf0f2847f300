# Threads: "#pragma omp" in montecarlo_driver.c.
"""Sweeps of lattice Monte Carlo; pomdft.kernels.montecarlo checks and builds what goes in."""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "montecarlo_driver.h" nogil:
    ctypedef struct mc_lattice:
        int32_t n, n_species, n_classes, n_cells, bandwidth
        int64_t n_bonds
        const int32_t *rows
        const int32_t *bonds
        const int32_t *cell_sites
        const int32_t *cell_start

    ctypedef struct mc_run:
        mc_lattice lattice
        uint64_t seed
        int32_t n_replicas, mode, level, n_threads, chains
        int64_t sweep, n_sweeps, first_measured, n_measured, count_every, exchange_every
        const uint32_t *log_table
        const uint32_t *stream
        int32_t *slot
        int32_t *walker
        const int32_t *ladder
        const int32_t *ladder_start
        int32_t n_ladders
        const double *beta
        void *field
        void *pair
        void *list_or_bits
        const int16_t *site
        uint8_t *species
        int64_t field_stride, pair_stride
        const int32_t *counts
        const int32_t *correction
        int64_t *energy
        const double *kt
        const uint16_t *cut
        const uint16_t *shift
        const uint16_t *scale
        int64_t *accepted
        int64_t *proposed
        int64_t *samples
        int64_t *reference
        int64_t *sum
        double *square
        double *part_sum
        int64_t *part_samples
        int64_t *counted
        int64_t *cell_counts
        int64_t *pair_counts
        int64_t *exchanges
        int64_t *exchanged
        int64_t *best_energy
        uint8_t *best_species

    int mc_advance(mc_run *run) noexcept


def advance(state, int64_t sweep, int64_t n_sweeps, int level, int n_threads):
    """Do `n_sweeps` sweeps from the `sweep`-th on; changes the arrays of `state` in place."""
    cdef mc_run run
    cdef int fault
    cdef const int32_t[:, ::1] rows = state.tables.rows
    cdef const int32_t[:, ::1] bonds = state.tables.bonds
    cdef const int32_t[::1] cell_sites = state.tables.cell_sites
    cdef const int32_t[::1] cell_start = state.tables.cell_start
    cdef const uint32_t[::1] log_table = state.log_table
    cdef const uint32_t[::1] stream = state.stream
    cdef int32_t[::1] slot = state.slot
    cdef int32_t[::1] walker = state.walker
    cdef const int32_t[::1] ladder = state.ladder
    cdef const int32_t[::1] ladder_start = state.ladder_start
    cdef const double[::1] beta = state.acceptance.beta
    cdef const double[::1] kt = state.acceptance.kt
    cdef const uint16_t[::1] cut = state.acceptance.cut
    cdef const uint16_t[::1] shift = state.acceptance.shift
    cdef const uint16_t[::1] scale = state.acceptance.scale
    cdef int32_t[::1] field32
    cdef const int32_t[::1] pair32
    cdef int32_t[::1] lists
    cdef int16_t[::1] field16
    cdef const int16_t[::1] pair16
    cdef const int16_t[::1] site16
    cdef uint32_t[::1] bits
    cdef uint8_t[::1] species = state.species.reshape(-1)
    cdef const int32_t[:, ::1] counts = state.counts
    cdef const int32_t[:, ::1] correction = state.correction
    cdef int64_t[::1] energy = state.energy
    cdef int64_t[::1] accepted = state.sums.accepted
    cdef int64_t[::1] proposed = state.sums.proposed
    cdef int64_t[::1] samples = state.sums.samples
    cdef int64_t[::1] reference = state.sums.reference
    cdef int64_t[::1] total = state.sums.total
    cdef double[::1] square = state.sums.square
    cdef double[:, ::1] part_sum = state.sums.part_sum
    cdef int64_t[:, ::1] part_samples = state.sums.part_samples
    cdef int64_t[::1] counted = state.sums.counted
    cdef int64_t[:, :, ::1] cell_counts = state.sums.cell_counts
    cdef int64_t[:, :, ::1] pair_counts = state.sums.pair_counts
    cdef int64_t[::1] exchanges = state.sums.exchanges
    cdef int64_t[::1] exchanged = state.sums.exchanged
    cdef int64_t[::1] best_energy
    cdef uint8_t[::1] best_species

    run.lattice.n = <int32_t>rows.shape[0]
    run.lattice.n_species = state.n_species
    run.lattice.n_classes = state.tables.n_classes
    run.lattice.n_cells = <int32_t>(cell_start.shape[0] - 1)
    run.lattice.bandwidth = state.tables.bandwidth
    run.lattice.n_bonds = bonds.shape[0]
    run.lattice.rows = &rows[0, 0]
    run.lattice.bonds = &bonds[0, 0] if bonds.shape[0] else NULL
    run.lattice.cell_sites = &cell_sites[0]
    run.lattice.cell_start = &cell_start[0]
    run.seed = state.seed
    run.n_replicas = <int32_t>stream.shape[0]
    run.mode = state.mode
    run.level = level
    run.n_threads = n_threads
    run.chains = state.chains
    run.sweep = sweep
    run.n_sweeps = n_sweeps
    run.first_measured = state.first_measured
    run.n_measured = state.n_measured
    run.count_every = state.count_every
    run.exchange_every = state.exchange_every
    run.log_table = &log_table[0]
    run.stream = &stream[0]
    run.slot = &slot[0]
    run.walker = &walker[0]
    run.ladder = &ladder[0]
    run.ladder_start = &ladder_start[0]
    run.n_ladders = <int32_t>(ladder_start.shape[0] - 1)
    run.beta = &beta[0]
    run.species = &species[0]
    if state.chains:
        field32 = state.field.reshape(-1)
        pair32 = state.pair.reshape(-1)
        lists = state.lists.reshape(-1)
        run.field = &field32[0]
        run.pair = <void *>&pair32[0]
        run.list_or_bits = &lists[0]
        run.site = NULL
    else:
        field16 = state.field.reshape(-1)
        pair16 = state.pair.reshape(-1)
        site16 = state.site.reshape(-1)
        bits = state.bits.reshape(-1)
        run.field = &field16[0]
        run.pair = <void *>&pair16[0]
        run.list_or_bits = &bits[0]
        run.site = &site16[0]
    run.field_stride = state.field_stride
    run.pair_stride = state.pair_stride
    run.counts = &counts[0, 0]
    run.correction = &correction[0, 0]
    run.energy = &energy[0]
    run.kt = &kt[0]
    run.cut = &cut[0]
    run.shift = &shift[0]
    run.scale = &scale[0]
    run.accepted = &accepted[0]
    run.proposed = &proposed[0]
    run.samples = &samples[0]
    run.reference = &reference[0]
    run.sum = &total[0]
    run.square = &square[0]
    run.part_sum = &part_sum[0, 0]
    run.part_samples = &part_samples[0, 0]
    run.counted = &counted[0]
    run.cell_counts = &cell_counts[0, 0, 0]
    run.pair_counts = &pair_counts[0, 0, 0]
    run.exchanges = &exchanges[0]
    run.exchanged = &exchanged[0]
    run.best_energy = NULL
    run.best_species = NULL
    if state.best_energy is not None:
        best_energy = state.best_energy
        best_species = state.best_species.reshape(-1)
        run.best_energy = &best_energy[0]
        run.best_species = &best_species[0]
    with nogil:
        fault = mc_advance(&run)
    if fault:
        raise MemoryError("lattice Monte Carlo: out of memory")
