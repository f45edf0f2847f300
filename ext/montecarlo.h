/* Lattice Monte Carlo in whole numbers: energies are multiples of a resolution that the caller
 * chooses, so fields updated step by step never drift and every code path gives the same
 * trajectory.
 *
 * With species 0 as the reference, E = E0 + sum_i g_i[s_i] + sum_bonds b(s_i, s_j), and the field
 * f_i[c] = g_i[c] + sum_{j in N(i)} b(c, s_j) is kept for every site and species c > 0.
 *
 * chain: one replica, 32-bit fields, pairs of unlike atoms from lists of the sites of each species
 * (with AVX-512 see montecarlo_direct.h).
 * block: 32 replicas side by side, 16-bit fields; all are offered the same pair of sites, each
 * accepts with its own random numbers. */
#ifndef POMDFT_MONTECARLO_H
#define POMDFT_MONTECARLO_H

#include <stdint.h>

#include "philox.h"
#include "simd.h"

#define MC_ALWAYS __attribute__((always_inline)) static inline
#define MC_LANES 32
#define MC_BATCH 256
#define MC_ROW 16     /* 12 neighbours as site << 4 | class, then own class, number of
                       * neighbours and a bit for each class among them */
#define MC_BLOCKS 32  /* parts of a run whose means give the standard error */

enum { MC_SWAP_ANY = 0, MC_SWAP_NEIGHBOURS = 1, MC_FLIP = 2 };

typedef struct {
    int32_t n, n_species, n_classes, n_cells, bandwidth;
    int64_t n_bonds;
    const int32_t *rows;       /* (n, MC_ROW); absent neighbours are n + slot */
    const int32_t *bonds;      /* (n_bonds, 2) */
    const int32_t *cell_sites; /* (n,) sites ordered by cell (shell and coordination) */
    const int32_t *cell_start; /* (n_cells + 1,) */
} mc_lattice;

typedef struct {
    int32_t *field;         /* (n + 12, 1 or 4) */
    const int32_t *pair;    /* (S, S, K, K): species, species, class, class */
    uint8_t *species;       /* (n,) */
    int32_t *list;          /* (n,) sites by species, for MC_SWAP_ANY */
    int32_t counts[4];
    int32_t correction[2];  /* least and largest correction of a swap of bonded atoms */
    uint32_t stream;
    double kt;              /* k T ln 2 in units of the resolution, divided by 2^25 */
    int64_t energy;
    int64_t accepted, proposed;
    double share;       /* of what was last tried, how much was accepted */
    int32_t *occupied;  /* (n + 12,) workspace */
    int direct;         /* `field` holds site terms and `occupied` -1 for species 1, 0 else */
} mc_chain;

typedef struct {
    int16_t *field;       /* (n, S - 1, 32) */
    const int16_t *site;  /* (n, S - 1, 32) */
    const int16_t *pair;  /* (S, S, K, K, 32) */
    uint8_t *species;     /* (n, 32) */
    uint32_t *bits;       /* (n + 12,) species as one bit a replica, for two species; 0 at the end */
    uint32_t stream[MC_LANES];
    uint16_t cut[MC_LANES];    /* larger changes are never accepted */
    uint16_t shift[MC_LANES];
    uint16_t scale[MC_LANES];  /* (change << shift) * scale >> 26: -log2 of the acceptance */
    int64_t energy[MC_LANES];
    uint64_t accepted[MC_LANES], proposed[MC_LANES];
} mc_block;

/* What one code path offers. */
typedef struct {
    void (*chain_steps)(const mc_lattice *, mc_chain *, uint64_t seed, uint64_t step, int32_t n_steps,
                        int mode, const uint32_t *log_table);
    void (*chain_end)(const mc_lattice *, mc_chain *);
    void (*block_steps)(const mc_lattice *, mc_block *, uint64_t seed, uint64_t step, int32_t n_steps,
                        int mode);
    void (*block_begin)(const mc_lattice *, mc_block *);
    void (*block_end)(const mc_lattice *, mc_block *);
    void (*block_energy)(const mc_lattice *, mc_block *);
    void (*block_fields)(const mc_lattice *, mc_block *);
    void (*block_count)(const mc_lattice *, const mc_block *, int64_t *cells, int64_t *pairs);
} mc_path;

extern const mc_path mc_plain;
#if POMDFT_X86
extern const mc_path mc_avx2, mc_avx512;
#endif

/* -log2(u / 2^32) in units of 2^-25, u = 0 taken as 1; table of log2(1 + k / 1024), k = 0..1024. */
static inline uint32_t mc_minus_log2(uint32_t word, const uint32_t *table) {
    const double value = (double)(word | (uint32_t)(word == 0));
    union { double d; uint64_t u; } pun = {value};
    const uint32_t exponent = (uint32_t)(pun.u >> 52) - 1023u;
    const uint32_t fraction = (uint32_t)(pun.u >> 20);
    const uint32_t low = table[fraction >> 22], high = table[(fraction >> 22) + 1];
    const uint32_t part = (uint32_t)(((uint64_t)(high - low) * (fraction & 0x3FFFFFu)) >> 22);
    return ((32u - exponent) << 25) - low - part;
}

#endif
