#include "energy.h"

#include <math.h>
#include <stdlib.h>

#include "clones.h"

#define WIDTH 12
#define NUMBERS 13 /* coordination numbers 0 to 12 */
#define CODES 64   /* species * 16 + coordination number */
#define EQUAL 1e-10 /* swaps closer than this (eV) count as equal */

typedef double v4 __attribute__((vector_size(32), aligned(8)));
typedef double v2 __attribute__((vector_size(16), aligned(8)));

/* Bonds to each species are counted in the four bytes of a word; what stands before the first site
 * is the -1 of the neighbour table and counts nothing. */
POMDFT_BODY double total_body(const pomdft_occupied *o, const uint32_t *one) {
    const int s = o->s;
    double sum = 0.0;
    for (int64_t i = 0; i < o->n; i++) {
        const int a = o->species[i], z = o->coordination[i];
        const int32_t *row = o->neighbours + WIDTH * i;
        uint32_t counts = 0;
        for (int k = 0; k < WIDTH; k++) counts += one[row[k]];
        const double *own = o->half_bond + a * s * NUMBERS + z;
        double e = o->site ? o->site[i * s + a] : 0.0;
        for (int t = 0; t < s; t++) e += (double)(counts >> (8 * t) & 0xff) * own[t * NUMBERS];
        sum += e;
    }
    return sum;
}

POMDFT_CLONES(double, total, (const pomdft_occupied *o, const uint32_t *one), (o, one))

int pomdft_total_energy(const pomdft_occupied *o, double *energy, int level) {
    uint32_t *one = malloc(((size_t)o->n + 1) * sizeof *one);
    if (!one) return -1;
    one[0] = 0;
    for (int64_t i = 0; i < o->n; i++) one[i + 1] = 1u << (8 * o->species[i]);
    *energy = POMDFT_CALL(total, level, (o, one + 1));
    free(one);
    return 0;
}

/* One body for each number of species: the bond table gives, for the
 * coordination number of the centre and the code of the neighbour, the energy of the bond for each
 * species on the centre, so that a neighbour costs one load and one addition. The table's last
 * code, which stands before the first site, is the missing neighbour and zero. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define FIRST(two) ((two) >> 32)
#define SECOND(two) ((int32_t)(two))
#else
#define FIRST(two) ((int32_t)(two))
#define SECOND(two) ((two) >> 32)
#endif
#define SITE_ENERGIES(name, s, vector, lanes)                                                    \
    POMDFT_BODY void name##_body(const pomdft_occupied *o, const uint8_t *code,                 \
                                 const vector *table, int relative, double *out) {              \
        for (int64_t i = 0; i < o->n; i++) {                                                    \
            const int32_t *row = o->neighbours + WIDTH * i;                                     \
            const vector *bond = table + o->coordination[i] * CODES;                            \
            vector even = {0}, odd = {0};                                                       \
            for (int k = 0; k < WIDTH; k += 2) {                                                \
                int64_t two; /* one load for two neighbours */                                  \
                __builtin_memcpy(&two, row + k, sizeof two);                                    \
                even += bond[code[FIRST(two)]];                                                 \
                odd += bond[code[SECOND(two)]];                                                 \
            }                                                                                   \
            even += odd;                                                                        \
            double e[lanes];                                                                    \
            __builtin_memcpy(e, &even, sizeof e);                                               \
            if (o->site)                                                                        \
                for (int b = 0; b < s; b++) e[b] += o->site[i * s + b];                         \
            const double now = relative ? e[o->species[i]] : 0.0;                               \
            for (int b = 0; b < s; b++) out[i * s + b] = e[b] - now;                            \
        }                                                                                       \
    }                                                                                           \
    POMDFT_CLONES(void, name,                                                                   \
                  (const pomdft_occupied *o, const uint8_t *code, const vector *table,          \
                   int relative, double *out),                                                  \
                  (o, code, table, relative, out))

SITE_ENERGIES(one_species, 1, v2, 2)
SITE_ENERGIES(two_species, 2, v2, 2)
SITE_ENERGIES(three_species, 3, v4, 4)
SITE_ENERGIES(four_species, 4, v4, 4)

int pomdft_site_energies(const pomdft_occupied *o, const double *bonds, int relative, double *out,
                         int level) {
    uint8_t *code = malloc((size_t)o->n + 1);
    if (!code) return -1;
    code[0] = CODES - 1;
    for (int64_t i = 0; i < o->n; i++)
        code[i + 1] = (uint8_t)(o->species[i] * 16 + o->coordination[i]);
    const uint8_t *codes = code + 1;
    const v2 *pairs = (const v2 *)bonds;
    const v4 *quads = (const v4 *)bonds;
    if (o->s == 1)
        POMDFT_CALL(one_species, level, (o, codes, pairs, relative, out));
    else if (o->s == 2)
        POMDFT_CALL(two_species, level, (o, codes, pairs, relative, out));
    else if (o->s == 3)
        POMDFT_CALL(three_species, level, (o, codes, quads, relative, out));
    else
        POMDFT_CALL(four_species, level, (o, codes, quads, relative, out));
    free(code);
    return 0;
}

/* What the swap of two bonded sites adds to their exchange energies. */
static double bond_correction(const pomdft_occupied *o, int a, int b, int z_i, int z_j) {
    const double *h = o->half_bond;
    const int s = o->s;
#define PAIR(p, q) (h[((p)*s + (q)) * NUMBERS + z_i] + h[((q)*s + (p)) * NUMBERS + z_j])
    return PAIR(b, a) + PAIR(a, b) - PAIR(a, a) - PAIR(b, b);
#undef PAIR
}

POMDFT_BODY void swap_row_body(const double *own, const double *change, const int8_t *kind,
                               int a, int64_t n, double *out) {
    const double *theirs = change + a * n;
    for (int64_t c = 0; c < n; c++) out[c] = kind[c] == a ? 0.0 : own[kind[c]] + theirs[c];
}

POMDFT_CLONES(void, swap_row,
              (const double *own, const double *change, const int8_t *kind, int a, int64_t n,
               double *out),
              (own, change, kind, a, n, out))

int pomdft_swap_block(const pomdft_occupied *o, const double *change, const int32_t *rows,
                      int64_t n_rows, const int32_t *columns, int64_t n_columns, double *out,
                      int level) {
    const int s = o->s;
    /* A site may stand in several columns: a chain from the last to the first of them. */
    int32_t *last = malloc((size_t)o->n * sizeof *last);
    int32_t *before = malloc((size_t)n_columns * sizeof *before);
    int8_t *kind = malloc((size_t)n_columns);
    double *theirs = malloc((size_t)n_columns * (size_t)s * sizeof *theirs);
    const int ready = last && before && kind && theirs;
    if (ready) {
        for (int64_t i = 0; i < o->n; i++) last[i] = -1;
        for (int64_t c = 0; c < n_columns; c++) {
            const int32_t j = columns[c];
            before[c] = last[j];
            last[j] = (int32_t)c;
            kind[c] = o->species[j];
            for (int a = 0; a < s; a++) theirs[a * n_columns + c] = change[j * (int64_t)s + a];
        }
        for (int64_t r = 0; r < n_rows; r++) {
            const int64_t i = rows[r];
            const int a = o->species[i];
            double *row = out + r * n_columns;
            POMDFT_CALL(swap_row, level, (change + i * s, theirs, kind, a, n_columns, row));
            for (int k = 0; k < o->coordination[i]; k++) {
                const int32_t j = o->neighbours[WIDTH * i + k];
                if (o->species[j] == a || last[j] < 0) continue;
                const double more = bond_correction(o, a, o->species[j], o->coordination[i],
                                                    o->coordination[j]);
                for (int32_t c = last[j]; c >= 0; c = before[c]) row[c] += more;
            }
        }
    }
    free(last);
    free(before);
    free(kind);
    free(theirs);
    return ready ? 0 : -1;
}

/* Heaps with the worst entry on top; of equal energies the one with the higher sites is worse. */
typedef struct {
    double energy;
    int32_t i, j;
} entry;

typedef struct {
    entry *entries;
    int64_t size, room;
} heap;

static int is_less(const entry *p, const entry *q) {
    if (p->energy != q->energy) return p->energy < q->energy;
    if (p->i != q->i) return p->i < q->i;
    return p->j < q->j;
}

static void sift_down(entry *e, int64_t size, int64_t at) {
    const entry moving = e[at];
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= size) break;
        if (child + 1 < size && is_less(&e[child], &e[child + 1])) child++;
        if (!is_less(&moving, &e[child])) break;
        e[at] = e[child];
        at = child;
    }
    e[at] = moving;
}

/* Returns whether the entry was among the lowest so far. */
static int offer(heap *h, entry item) {
    entry *e = h->entries;
    if (h->size < h->room) {
        int64_t at = h->size++;
        for (; at > 0 && is_less(&e[(at - 1) / 2], &item); at = (at - 1) / 2)
            e[at] = e[(at - 1) / 2];
        e[at] = item;
        return 1;
    }
    if (!is_less(&item, &e[0])) return 0;
    e[0] = item;
    sift_down(e, h->size, 0);
    return 1;
}

static void sort_heap(heap *h) {
    for (int64_t size = h->size - 1; size > 0; size--) {
        const entry top = h->entries[0];
        h->entries[0] = h->entries[size];
        h->entries[size] = top;
        sift_down(h->entries, size, 0);
    }
}

static int is_bonded(const pomdft_occupied *o, int32_t i, int32_t j) {
    const int32_t *row = o->neighbours + WIDTH * (int64_t)i;
    for (int k = 0; k < o->coordination[i]; k++)
        if (row[k] == j) return 1;
    return 0;
}

/* Sites are looked at in blocks: one that holds nothing of use is passed by without a branch for
 * each of its sites. */
#define BLOCK 16

/* The lowest exchange energies of sites with species `from` that take species `to`, sorted. */
static void select_lowest(const pomdft_occupied *o, const double *change, int from, int to,
                          heap *h) {
    h->size = 0;
    for (int64_t start = 0; start < o->n; start += BLOCK) {
        const int64_t end = start + BLOCK < o->n ? start + BLOCK : o->n;
        if (h->size == h->room) {
            const double worst = h->entries[0].energy;
            int any = 0;
            for (int64_t i = start; i < end; i++)
                any |= (o->species[i] == from) & (change[i * o->s + to] < worst);
            if (!any) continue;
        }
        for (int64_t i = start; i < end; i++)
            if (o->species[i] == from)
                offer(h, (entry){change[i * o->s + to], (int32_t)i, 0});
    }
    sort_heap(h);
}

static void offer_apart(const pomdft_occupied *o, const heap *first, const heap *second,
                        heap *best) {
    for (int64_t p = 0; p < first->size; p++) {
        const entry *left = &first->entries[p];
        /* Both lists ascend: what follows is no better, here and in the inner loop. */
        if (best->size == best->room &&
            left->energy + second->entries[0].energy >= best->entries[0].energy)
            break;
        for (int64_t q = 0; q < second->size; q++) {
            const entry *right = &second->entries[q];
            if (is_bonded(o, left->i, right->i)) continue;
            if (!offer(best, (entry){left->energy + right->energy, left->i, right->i})) break;
        }
    }
}

/* Swaps of bonded sites. `bound` is the least that a partner can add to the exchange energy of a
 * site with a given coordination number; most sites are passed by for it. */
static void offer_bonded(const pomdft_occupied *o, const double *change, int a, int b,
                         heap *best) {
    double lowest[NUMBERS], bound[16], correction[NUMBERS][NUMBERS];
    for (int z = 0; z < NUMBERS; z++) lowest[z] = INFINITY;
    for (int64_t j = 0; j < o->n; j++) {
        const double e = o->species[j] == b ? change[j * o->s + a] : INFINITY;
        double *low = lowest + o->coordination[j];
        *low = e < *low ? e : *low;
    }
    for (int z_i = 0; z_i < NUMBERS; z_i++) {
        bound[z_i] = INFINITY;
        for (int z_j = 0; z_j < NUMBERS; z_j++) {
            correction[z_i][z_j] = bond_correction(o, a, b, z_i, z_j);
            const double least = lowest[z_j] + correction[z_i][z_j];
            if (least < bound[z_i]) bound[z_i] = least;
        }
    }
    for (int64_t start = 0; start < o->n; start += BLOCK) {
        const int64_t end = start + BLOCK < o->n ? start + BLOCK : o->n;
        if (best->size == best->room) {
            const double worst = best->entries[0].energy - EQUAL;
            int any = 0;
            for (int64_t i = start; i < end; i++)
                any |= (o->species[i] == a) &
                       (change[i * o->s + b] + bound[o->coordination[i]] < worst);
            if (!any) continue;
        }
        for (int64_t i = start; i < end; i++) {
            if (o->species[i] != a) continue;
            const double own = change[i * o->s + b];
            const int z = o->coordination[i];
            if (best->size == best->room && own + bound[z] >= best->entries[0].energy - EQUAL)
                continue;
            for (int k = 0; k < z; k++) {
                const int32_t j = o->neighbours[WIDTH * i + k];
                if (o->species[j] != b) continue;
                const double more = correction[z][o->coordination[j]];
                offer(best, (entry){own + change[j * (int64_t)o->s + a] + more, (int32_t)i, j});
            }
        }
    }
}

int64_t pomdft_best_swaps(const pomdft_occupied *o, const double *change, int64_t k,
                          double *energies, int32_t *pairs) {
    /* A site has at most 12 bonded partners, so those ranked later cannot be among the best k of
     * the pairs that are not bonded. */
    const int64_t room = k + WIDTH < o->n ? k + WIDTH : o->n;
    heap best = {malloc((size_t)k * sizeof(entry)), 0, k};
    heap first = {malloc((size_t)room * sizeof(entry)), 0, room};
    heap second = {malloc((size_t)room * sizeof(entry)), 0, room};
    const int ready = best.entries && first.entries && second.entries;
    for (int a = 0; ready && a < o->s; a++)
        for (int b = a + 1; b < o->s; b++) {
            select_lowest(o, change, a, b, &first);
            select_lowest(o, change, b, a, &second);
            if (!first.size || !second.size) continue;
            offer_apart(o, &first, &second, &best);
            offer_bonded(o, change, a, b, &best);
        }
    if (ready) {
        sort_heap(&best);
        for (int64_t m = 0; m < best.size; m++) {
            energies[m] = best.entries[m].energy;
            pairs[2 * m] = best.entries[m].i;
            pairs[2 * m + 1] = best.entries[m].j;
        }
    }
    free(best.entries);
    free(first.entries);
    free(second.entries);
    return ready ? best.size : -1;
}
