#include "lattice.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 12

int pomdft_fcc_neighbours(const int32_t *coordinates, int64_t n, int32_t *table) {
    int64_t low[3], size[3];
    for (int d = 0; d < 3; d++) {
        int64_t least = coordinates[d], most = coordinates[d];
        for (int64_t i = 1; i < n; i++) {
            const int64_t c = coordinates[3 * i + d];
            least = c < least ? c : least;
            most = c > most ? c : most;
        }
        low[d] = least - 1;
        size[d] = most + 2 - low[d];
    }
    const int64_t stride_y = size[2], stride_x = size[1] * size[2];
    const int64_t cells = size[0] * stride_x;
    int32_t *site = malloc((size_t)cells * sizeof *site);
    if (!site) return -1;
    memset(site, 0xff, (size_t)cells * sizeof *site);
    for (int64_t i = 0; i < n; i++) {
        const int32_t *c = coordinates + 3 * i;
        site[(c[0] - low[0]) * stride_x + (c[1] - low[1]) * stride_y + (c[2] - low[2])] =
            (int32_t)i;
    }
    /* In lexicographic order of the offsets, so that the rows ascend. */
    const int64_t offsets[WIDTH] = {-stride_x - stride_y, -stride_x - 1,       -stride_x + 1,
                                    -stride_x + stride_y, -stride_y - 1,       -stride_y + 1,
                                    stride_y - 1,         stride_y + 1,        stride_x - stride_y,
                                    stride_x - 1,         stride_x + 1,        stride_x + stride_y};
    for (int64_t i = 0; i < n; i++) {
        const int32_t *c = coordinates + 3 * i;
        const int32_t *here =
            site + (c[0] - low[0]) * stride_x + (c[1] - low[1]) * stride_y + (c[2] - low[2]);
        int32_t *row = table + WIDTH * i;
        int z = 0;
        for (int k = 0; k < WIDTH; k++) {
            const int32_t j = here[offsets[k]];
            row[z] = j;
            z += j >= 0;
        }
        for (; z < WIDTH; z++) row[z] = -1;
    }
    free(site);
    return 0;
}

/* Put a neighbour into a row of z that ascend; returns how many there are then. */
static int insert(int32_t *row, int z, int32_t j) {
    int at = z;
    while (at > 0 && row[at - 1] > j) at--;
    if (at > 0 && row[at - 1] == j) return z;
    if (z == WIDTH) return WIDTH + 1;
    for (int k = z; k > at; k--) row[k] = row[k - 1];
    row[at] = j;
    return z + 1;
}

int pomdft_grid_neighbours(const int32_t *numbers, const int64_t shape[4], const int32_t *steps,
                           int64_t n, int32_t *table) {
    const int64_t stride_y = shape[3], stride_x = shape[2] * shape[3];
    int64_t offsets[WIDTH];
    for (int k = 0; k < WIDTH; k++)
        offsets[k] = steps[3 * k] * stride_x + steps[3 * k + 1] * stride_y + steps[3 * k + 2];
    memset(table, 0xff, (size_t)n * WIDTH * sizeof *table);
    for (int64_t piece = 0; piece < shape[0]; piece++)
        for (int64_t x = 1; x + 1 < shape[1]; x++)
            for (int64_t y = 1; y + 1 < shape[2]; y++) {
                const int32_t *line =
                    numbers + (piece * shape[1] + x) * stride_x + y * stride_y;
                for (int64_t place = 1; place + 1 < shape[3]; place++) {
                    if (line[place] < 0) continue;
                    const int32_t *here = line + place;
                    int32_t *row = table + WIDTH * (int64_t)*here, found[WIDTH], last = -1;
                    int z = 0, ascending = row[0] < 0;
                    for (int k = 0; k < WIDTH; k++) {
                        const int32_t j = here[offsets[k]];
                        found[z] = j;
                        z += j >= 0;
                        ascending &= (j < 0) | (j > last);
                        last = j > last ? j : last;
                    }
                    if (ascending) {
                        for (int k = 0; k < WIDTH; k++) row[k] = k < z ? found[k] : -1;
                        continue;
                    }
                    /* A site that pieces share has neighbours from each of them. */
                    int had = 0;
                    while (had < WIDTH && row[had] >= 0) had++;
                    for (int k = 0; k < z; k++) {
                        had = insert(row, had, found[k]);
                        if (had > WIDTH) return -2;
                    }
                }
            }
    return 0;
}

/* Where rows ascend, the sites that name site j come in the order of row j, so that one cursor per
 * row checks the symmetry in a single pass. Returns 0 where a row does not ascend or does not fit. */
static int is_sound_ascending(const int32_t *table, int64_t n, uint8_t *cursor) {
    for (int64_t i = 0; i < n; i++) {
        const int32_t *row = table + WIDTH * i;
        int32_t last = -1;
        int k = 0;
        for (; k < WIDTH && row[k] >= 0; k++) {
            const int32_t j = row[k];
            const int at = cursor[j];
            if (j <= last || at == WIDTH || table[WIDTH * (int64_t)j + at] != (int32_t)i || j == i)
                return 0;
            cursor[j] = (uint8_t)(at + 1);
            last = j;
        }
        for (; k < WIDTH; k++)
            if (row[k] >= 0) return 0;
    }
    for (int64_t i = 0; i < n; i++)
        if (cursor[i] < WIDTH && table[WIDTH * i + cursor[i]] >= 0) return 0;
    return 1;
}

int64_t pomdft_find_fault(const int32_t *table, int64_t n) {
    uint8_t *cursor = calloc((size_t)n, 1);
    if (!cursor) return -2;
    const int sound = is_sound_ascending(table, n, cursor);
    free(cursor);
    if (sound) return -1;
    for (int64_t i = 0; i < n; i++) {
        const int32_t *row = table + WIDTH * i;
        int z = 0;
        while (z < WIDTH && row[z] >= 0) z++;
        for (int k = z; k < WIDTH; k++)
            if (row[k] >= 0) return i;
        for (int k = 0; k < z; k++) {
            const int32_t j = row[k];
            const int32_t *other = table + WIDTH * (int64_t)j;
            int named = 0, doubled = 0;
            for (int m = 0; m < WIDTH; m++) {
                named |= other[m] == (int32_t)i;
                doubled += row[m] == j;
            }
            if (!named || doubled > 1 || j == i) return i;
        }
    }
    return -1;
}

void pomdft_layer(const int32_t *table, int64_t n, int8_t *coordination, int16_t *shell,
                  int32_t *queue) {
    int64_t head = 0, tail = 0;
    for (int64_t i = 0; i < n; i++) {
        int z = 0;
        for (int k = 0; k < WIDTH; k++) z += table[WIDTH * i + k] >= 0;
        coordination[i] = (int8_t)z;
        shell[i] = z < WIDTH ? 0 : -1;
        if (z < WIDTH) queue[tail++] = (int32_t)i;
    }
    while (head < tail) {
        const int64_t i = queue[head++];
        for (int k = 0; k < coordination[i]; k++) {
            const int32_t j = table[WIDTH * i + k];
            if (shell[j] >= 0) continue;
            shell[j] = (int16_t)(shell[i] + 1);
            queue[tail++] = j;
        }
    }
    if (tail < n)
        for (int64_t i = 0; i < n; i++)
            if (shell[i] < 0) shell[i] = 0;
}
