#ifndef POMDFT_LATTICE_H
#define POMDFT_LATTICE_H

#include <stdint.h>

/* Neighbours of fcc sites, given as lexicographically sorted integer coordinates; rows ascend.
 * Returns -1 where memory is short. */
int pomdft_fcc_neighbours(const int32_t *coordinates, int64_t n, int32_t *table);

/* Neighbours of n sites on grids of pieces x x x y x z, which hold the site at each place or -1; the
 * outermost places are not gone through. `steps` (12, 3) lead to the neighbours' places. Rows ascend.
 * Returns -2 where a site has more than 12. */
int pomdft_grid_neighbours(const int32_t *numbers, const int64_t shape[4], const int32_t *steps,
                           int64_t n, int32_t *table);

/* First row that is not filled from the left, names a site twice or itself, or names a site that
 * does not name it; -1 where all is well, -2 where memory is short. Entries lie between -1 and
 * n - 1. */
int64_t pomdft_find_fault(const int32_t *table, int64_t n);

/* Coordination numbers and shells counted from outside. `queue` holds n entries. */
void pomdft_layer(const int32_t *table, int64_t n, int8_t *coordination, int16_t *shell,
                  int32_t *queue);

#endif
