#ifndef POMDFT_ENERGY_H
#define POMDFT_ENERGY_H

#include <stdint.h>

/* Energy of an occupied lattice; arrays as in pomdft.kernels. `site` may be NULL. */
typedef struct {
    const int32_t *neighbours;  /* (n, 12), filled from the left */
    const int8_t *coordination; /* (n) */
    const double *half_bond;    /* (s, s, 13) */
    const double *site;         /* (n, s) or NULL */
    const int8_t *species;      /* (n) */
    int64_t n;
    int s;
} pomdft_occupied;

/* Returns -1 where memory is short. */
int pomdft_total_energy(const pomdft_occupied *o, double *energy, int level);

/* Energy of bonds and site term were each species on the site, shape (n, s); with `relative` less
 * that of the species it has. `bonds` is the model's bond table. Returns -1 where memory is short. */
int pomdft_site_energies(const pomdft_occupied *o, const double *bonds, int relative, double *out,
                         int level);

/* Swap energies of `rows` with `columns` from the exchange energies `change`. */
int pomdft_swap_block(const pomdft_occupied *o, const double *change, const int32_t *rows,
                      int64_t n_rows, const int32_t *columns, int64_t n_columns, double *out,
                      int level);

/* The k lowest swaps in ascending order; returns how many there are, -1 where memory is short. */
int64_t pomdft_best_swaps(const pomdft_occupied *o, const double *change, int64_t k,
                          double *energies, int32_t *pairs);

#endif
