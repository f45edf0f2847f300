/* Growth of a particle atom by atom on the sites of a lattice: deposition, galvanic exchange and
 * local moves of surface atoms. The energy of an atom is atom[s][z] + sum_j half[s][t_j][z], z being
 * its number of occupied neighbours. */
#ifndef POMDFT_GROWTH_H
#define POMDFT_GROWTH_H

#include <stdint.h>

enum { GROWTH_SWAP_NONE = 0, GROWTH_SWAP_SURFACE = 1, GROWTH_SWAP_ANY = 2 };
/* hops tried and made, swaps tried and made, galvanic exchanges, atoms that found no place */
enum { GROWTH_COUNTS = 6 };

typedef struct {
    int32_t n, n_species;
    const int32_t *neighbours; /* (n, 12), padded with -1 */
    const double *half;        /* (S, S, 13) */
    const double *atom;        /* (S, 13) */
    const double *galvanic;    /* (S, S): an arriving s replaces a surface t with this probability */
    const uint32_t *log_table;
    uint64_t seed;
    double kt;                 /* k T ln 2 / 2^25, eV */
    int32_t moves_per_atom, swap, least_contacts;
} growth_model;

/* Grow one replica: `queue` holds `n_atoms` species to deposit and room for `capacity`, atoms
 * displaced by galvanic exchange being appended. Returns 0, or -1 where memory ran out. */
int growth_run(const growth_model *model, uint32_t stream, int8_t *species, int32_t *arrival,
               uint8_t *queue, int64_t n_atoms, int64_t capacity, int64_t *counts, double *energy);

/* The same for replicas in threads; arrays have a leading replica axis. */
int growth_run_all(const growth_model *model, int32_t n_replicas, int32_t n_threads,
                   const uint32_t *stream, int8_t *species, int32_t *arrival, uint8_t *queue,
                   int64_t n_atoms, int64_t capacity, int64_t *counts, double *energy);

#endif
