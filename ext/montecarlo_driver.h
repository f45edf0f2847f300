/* A part of a run: sweeps, averages and exchanges between temperatures. */
#ifndef POMDFT_MONTECARLO_DRIVER_H
#define POMDFT_MONTECARLO_DRIVER_H

#include "montecarlo.h"

/* Arrays by walker belong to a configuration, arrays by slot to a temperature: where temperatures
 * are exchanged, walkers change slots. Without exchanges they are the same. */
typedef struct {
    mc_lattice lattice;
    uint64_t seed;
    int32_t n_replicas, mode, level, n_threads;
    int32_t chains; /* 1: one chain after the other, 0: blocks of 32 */
    int64_t sweep, n_sweeps;         /* sweeps done before this call, and to do in it */
    int64_t first_measured, n_measured; /* first sweep that is averaged, and how many in the run */
    int64_t count_every, exchange_every;
    const uint32_t *log_table;
    const uint32_t *stream; /* (R,) by walker */
    int32_t *slot;          /* (R,) slot of each walker */
    int32_t *walker;        /* (R,) walker of each slot */
    const int32_t *ladder;  /* (R,) slots, ladder by ladder and warm after cold */
    const int32_t *ladder_start;
    int32_t n_ladders;
    const double *beta;     /* (R,) by slot: 2^25 resolution / (k T ln 2), for exchanges */
    /* by walker; chains: (R, n + 12, width) int32, (R or 1, S, S, K, K) int32, (R, n), (R, n);
     * blocks: (B, n, S - 1, 32) int16, (B, S, S, K, K, 32) int16, (B, n, 32), (B, n + 12) */
    void *field, *pair, *list_or_bits;
    const int16_t *site;
    uint8_t *species;
    int64_t field_stride, pair_stride;
    const int32_t *counts;     /* (R, 4) atoms of each species, chains only */
    const int32_t *correction; /* (R, 2), chains only */
    int64_t *energy;           /* (R,) by walker, whole multiples of the resolution above E0 */
    /* by slot */
    const double *kt;
    const uint16_t *cut, *shift, *scale;
    int64_t *accepted, *proposed, *samples, *reference, *sum;
    double *square, *part_sum;             /* (R,), (R, MC_BLOCKS) */
    int64_t *part_samples;                 /* (R, MC_BLOCKS) */
    int64_t *counted, *cell_counts, *pair_counts; /* (R,), (R, cells, S), (R, S, S) s <= t */
    int64_t *exchanges, *exchanged;        /* (R,) tried and made with the next warmer slot */
    /* by walker; NULL where the best configuration is not kept */
    int64_t *best_energy;
    uint8_t *best_species;
} mc_run;

/* 0, or -1 where memory ran out. */
int mc_advance(mc_run *run);

#endif
