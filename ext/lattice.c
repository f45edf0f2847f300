#include "lattice.h"

#include <math.h>
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

int pomdft_near_neighbours(const double *positions, int64_t n, double cutoff, int32_t *table) {
    double low[3];
    int64_t size[3], cells = 1;
    for (int d = 0; d < 3; d++) {
        double least = positions[d], most = positions[d];
        for (int64_t i = 1; i < n; i++) {
            least = fmin(least, positions[3 * i + d]);
            most = fmax(most, positions[3 * i + d]);
        }
        low[d] = least;
        size[d] = (int64_t)((most - least) / cutoff) + 1;
        cells *= size[d];
    }
    int32_t *start = calloc((size_t)cells + 1, sizeof *start);
    int32_t *cell_of = malloc((size_t)n * sizeof *cell_of);
    int32_t *order = malloc((size_t)n * sizeof *order);
    double *sorted = malloc((size_t)n * 3 * sizeof *sorted);
    int status = start && cell_of && order && sorted ? 0 : -1;
    if (!status) {
        for (int64_t i = 0; i < n; i++) {
            int64_t c[3];
            for (int d = 0; d < 3; d++) c[d] = (int64_t)((positions[3 * i + d] - low[d]) / cutoff);
            cell_of[i] = (int32_t)((c[0] * size[1] + c[1]) * size[2] + c[2]);
            start[cell_of[i] + 1]++;
        }
        for (int64_t c = 0; c < cells; c++) start[c + 1] += start[c];
        for (int64_t i = 0; i < n; i++) {
            const int32_t slot = start[cell_of[i]]++;
            order[slot] = (int32_t)i;
            memcpy(sorted + 3 * slot, positions + 3 * i, 3 * sizeof *sorted);
        }
        for (int64_t c = cells; c > 0; c--) start[c] = start[c - 1];
        start[0] = 0;
    }
    const double limit = cutoff * cutoff;
    for (int64_t i = 0; i < n && !status; i++) {
        const double *p = positions + 3 * i;
        const int64_t cell = cell_of[i], cz = cell % size[2], cy = cell / size[2] % size[1],
                      cx = cell / (size[2] * size[1]);
        int32_t *row = table + WIDTH * i;
        int z = 0;
        const int64_t z0 = cz > 0 ? cz - 1 : 0, z1 = cz + 1 < size[2] ? cz + 1 : cz;
        for (int64_t x = cx > 0 ? cx - 1 : 0; x <= cx + 1 && x < size[0]; x++)
            for (int64_t y = cy > 0 ? cy - 1 : 0; y <= cy + 1 && y < size[1]; y++) {
                /* Cells along z lie one after another. */
                const int64_t line = (x * size[1] + y) * size[2];
                for (int32_t s = start[line + z0]; s < start[line + z1 + 1]; s++) {
                    const double dx = sorted[3 * s] - p[0], dy = sorted[3 * s + 1] - p[1],
                                 dz = sorted[3 * s + 2] - p[2];
                    if (dx * dx + dy * dy + dz * dz > limit || order[s] == i) continue;
                    if (z == WIDTH) {
                        status = -2;
                        break;
                    }
                    int at = z++;
                    for (; at > 0 && row[at - 1] > order[s]; at--) row[at] = row[at - 1];
                    row[at] = order[s];
                }
            }
        for (; z < WIDTH; z++) row[z] = -1;
    }
    free(start);
    free(cell_of);
    free(order);
    free(sorted);
    return status;
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
        while (z < WIDTH && table[WIDTH * i + z] >= 0) z++;
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
