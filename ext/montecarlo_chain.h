/* One chain with 32-bit fields, compiled once for each code path (MC_TARGET, MC_NAME).
 *
 * Random numbers and thresholds are drawn a batch ahead, in vector registers, and what the coming
 * steps will touch is prefetched; a step itself is a handful of loads and a comparison. */

typedef struct {
    uint32_t first[MC_BATCH], second[MC_BATCH], third[MC_BATCH], choice[MC_BATCH];
    int32_t threshold[MC_BATCH];
} MC_NAME(draws);

#ifdef MC_AVX512
#include "montecarlo_words.h"
#else
MC_TARGET static void MC_NAME(draw)(MC_NAME(draws) *restrict d, const mc_chain *chain, uint64_t seed,
                                    uint64_t step, int count, const uint32_t *table) {
    const int size = (count + 15) / 16 * 16;
    const uint32_t stream = chain->stream;
    const double kt = chain->kt;
    for (int k = 0; k < size; k++) {
        const uint64_t index = step + (uint64_t)k;
        uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32), c2 = stream, c3 = PHILOX_CHAIN;
        PHILOX_ROUNDS(c0, c1, c2, c3, seed);
        d->first[k] = c0;
        d->second[k] = c1;
        d->third[k] = c2;
        d->choice[k] = c3;
    }
    for (int k = 0; k < size; k++) {
        const double scaled = (double)(int32_t)mc_minus_log2(d->third[k], table) * kt;
        d->threshold[k] = (int32_t)(scaled < 2147483647.0 ? scaled : 2147483647.0);
    }
}
#endif

MC_TARGET static inline int MC_NAME(bonded)(const int32_t *row, int32_t j) {
#ifdef MC_AVX512
    const __m512i sites = _mm512_srai_epi32(_mm512_loadu_si512(row), 4);
    return _mm512_mask_cmpeq_epi32_mask(0x0FFF, sites, _mm512_set1_epi32(j)) != 0;
#endif
    int hit = 0;
    for (int m = 0; m < 12; m++) hit |= (row[m] >> 4) == j;
    return hit;
}

/* Add to the fields around a site what its new species b changes against a. */
MC_TARGET static inline void MC_NAME(spread)(int32_t *restrict field, const int32_t *restrict row,
                                             const int32_t *restrict pair, int n_species, int K,
                                             int a, int b) {
    const int own = row[12];
    if (n_species == 2) {
        const int32_t *w = pair + (3 * K + own) * K;
        if (b)
            for (int m = 0; m < 12; m++) field[row[m] >> 4] += w[row[m] & 15];
        else
            for (int m = 0; m < 12; m++) field[row[m] >> 4] -= w[row[m] & 15];
        return;
    }
    int32_t change[16][4];
    for (int q = 0; q < K; q++)
        for (int c = 0; c < 4; c++)
            change[q][c] = c < n_species ? pair[((c * n_species + b) * K + q) * K + own] -
                                               pair[((c * n_species + a) * K + q) * K + own]
                                         : 0;
    for (int m = 0; m < row[13]; m++) {
        int32_t *f = field + 4 * (int64_t)(row[m] >> 4);
        const int32_t *v = change[row[m] & 15];
        for (int c = 0; c < 4; c++) f[c] += v[c];
    }
}

MC_TARGET __attribute__((always_inline)) static inline void MC_NAME(swaps)(
    const mc_lattice *lattice, mc_chain *chain, const MC_NAME(draws) *d, int count, int mode,
    const int n_species) {
    const int K = lattice->n_classes, S = n_species;
    const int32_t n = lattice->n, band = lattice->bandwidth;
    const int32_t *rows = lattice->rows, *pair = chain->pair;
    int32_t *field = chain->field, *list = chain->list;
    uint8_t *species = chain->species;
    const int32_t least = chain->correction[0];
    const int far = n > 8192;
    int64_t energy = chain->energy, accepted = 0, proposed = 0;
    uint32_t slot_a[MC_BATCH + 32], slot_b[MC_BATCH + 32];
    uint8_t kind[MC_BATCH + 32];
    if (mode == MC_SWAP_ANY) {
        int32_t start[4];
        uint64_t weight[6], total = 0;
        int pa[6], pb[6], pairs = 0;
        for (int s = 0, at = 0; s < S; s++) {
            start[s] = at;
            at += chain->counts[s];
        }
        for (int a = 0; a < S; a++)
            for (int b = a + 1; b < S; b++) {
                if (!chain->counts[a] || !chain->counts[b]) continue;
                total += (uint64_t)chain->counts[a] * (uint64_t)chain->counts[b];
                weight[pairs] = total;
                pa[pairs] = a;
                pb[pairs++] = b;
            }
        if (total == 0) return;
        /* Bounds of each pair of species on the 32-bit word. */
        uint32_t bound[6];
        for (int p = 0; p < pairs; p++) {
            const double b = (double)weight[p] / (double)total * 4294967296.0;
            bound[p] = p == pairs - 1 || b > 4294967295.0 ? 4294967295u : (uint32_t)b;
        }
        if (S == 2) {
            for (int k = 0; k < count; k++) {
                slot_a[k] = philox_below(d->first[k], (uint32_t)chain->counts[0]);
                slot_b[k] = (uint32_t)start[1] +
                            philox_below(d->second[k], (uint32_t)chain->counts[1]);
            }
        } else {
            for (int k = 0; k < count; k++) {
                int p = 0;
                while (p < pairs - 1 && d->choice[k] >= bound[p]) p++;
                kind[k] = (uint8_t)(pa[p] << 2 | pb[p]);
                slot_a[k] = (uint32_t)start[pa[p]] +
                            philox_below(d->first[k], (uint32_t)chain->counts[pa[p]]);
                slot_b[k] = (uint32_t)start[pb[p]] +
                            philox_below(d->second[k], (uint32_t)chain->counts[pb[p]]);
            }
        }
        for (int k = 0; k < 32; k++) {
            slot_a[count + k] = slot_a[count - 1];
            slot_b[count + k] = slot_b[count - 1];
        }
    }
    for (int k = 0; k < count; k++) {
        int32_t i, j;
        int a = 0, b = 1;
        if (mode == MC_SWAP_ANY) {
            if (far) {
                __builtin_prefetch(list + slot_a[k + 32], 1);
                __builtin_prefetch(list + slot_b[k + 32], 1);
                const int64_t ia = list[slot_a[k + 16]], ib = list[slot_b[k + 16]];
                __builtin_prefetch(field + ia * (S == 2 ? 1 : 4), 1);
                __builtin_prefetch(field + ib * (S == 2 ? 1 : 4), 1);
                __builtin_prefetch(rows + ia * MC_ROW);
                __builtin_prefetch(rows + ib * MC_ROW);
            }
            i = list[slot_a[k]];
            j = list[slot_b[k]];
            if (S > 2) {
                a = kind[k] >> 2;
                b = kind[k] & 3;
            }
        } else {
            i = (int32_t)philox_below(d->first[k], (uint32_t)n);
            j = rows[(int64_t)i * MC_ROW + philox_below(d->second[k], 12)] >> 4;
            if (j >= n) continue;
            a = species[i];
            b = species[j];
            if (a == b) continue;
        }
        proposed++;
        int32_t change;
        if (S == 2)
            change = a ? field[j] - field[i] : field[i] - field[j];
        else {
            const int32_t *fi = field + 4 * (int64_t)i, *fj = field + 4 * (int64_t)j;
            change = fi[b] - fi[a] + fj[a] - fj[b];
        }
        const int32_t threshold = d->threshold[k];
        if (change + least > threshold) continue;
        const int32_t *ri = rows + (int64_t)i * MC_ROW, *rj = rows + (int64_t)j * MC_ROW;
        if (mode == MC_SWAP_NEIGHBOURS ||
            ((uint32_t)(i - j + band) <= 2u * (uint32_t)band && MC_NAME(bonded)(ri, j))) {
            const int at = ri[12] * K + rj[12];
            if (S == 2)
                change -= pair[3 * K * K + at];
            else
                change += pair[(b * S + a) * K * K + at] + pair[(a * S + b) * K * K + at] -
                          pair[(a * S + a) * K * K + at] - pair[(b * S + b) * K * K + at];
        }
        if (change > threshold) continue;
        accepted++;
        energy += change;
        species[i] = (uint8_t)b;
        species[j] = (uint8_t)a;
        MC_NAME(spread)(field, ri, pair, S, K, a, b);
        MC_NAME(spread)(field, rj, pair, S, K, b, a);
        if (mode == MC_SWAP_ANY) {
            list[slot_a[k]] = j;
            list[slot_b[k]] = i;
        }
    }
    chain->energy = energy;
    chain->accepted += accepted;
    chain->proposed += proposed;
}

MC_TARGET static void MC_NAME(flips)(const mc_lattice *lattice, mc_chain *chain,
                                     const MC_NAME(draws) *d, int count) {
    const int K = lattice->n_classes, S = lattice->n_species, stride = S == 2 ? 1 : 4;
    for (int k = 0; k < count; k++) {
        const int32_t i = (int32_t)philox_below(d->first[k], (uint32_t)lattice->n);
        const int a = chain->species[i];
        const int b = (a + 1 + (int)philox_below(d->second[k], (uint32_t)(S - 1))) % S;
        const int32_t *f = chain->field + (int64_t)i * stride;
        const int32_t change = S == 2 ? (a ? -f[0] : f[0]) : f[b] - f[a];
        chain->proposed++;
        if (change > d->threshold[k]) continue;
        chain->accepted++;
        chain->energy += change;
        chain->species[i] = (uint8_t)b;
        MC_NAME(spread)(chain->field, lattice->rows + (int64_t)i * MC_ROW, chain->pair, S, K, a, b);
    }
}

MC_TARGET static void MC_NAME(chain_steps)(const mc_lattice *lattice, mc_chain *chain, uint64_t seed,
                                           uint64_t step, int32_t n_steps, int mode,
                                           const uint32_t *table) {
    MC_NAME(draws) d;
    for (int32_t done = 0; done < n_steps; done += MC_BATCH) {
        const int count = n_steps - done < MC_BATCH ? n_steps - done : MC_BATCH;
        MC_NAME(draw)(&d, chain, seed, step + (uint64_t)done, count, table);
        if (mode == MC_FLIP)
            MC_NAME(flips)(lattice, chain, &d, count);
        else if (mode == MC_SWAP_NEIGHBOURS) {
            if (lattice->n_species == 2)
                MC_NAME(swaps)(lattice, chain, &d, count, MC_SWAP_NEIGHBOURS, 2);
            else
                MC_NAME(swaps)(lattice, chain, &d, count, MC_SWAP_NEIGHBOURS, lattice->n_species);
        } else if (lattice->n_species == 2)
            MC_NAME(swaps)(lattice, chain, &d, count, MC_SWAP_ANY, 2);
        else
            MC_NAME(swaps)(lattice, chain, &d, count, MC_SWAP_ANY, lattice->n_species);
    }
}
