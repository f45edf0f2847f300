/* 32 replicas side by side with 16-bit fields, in loops over lanes that the compiler turns into
 * vector instructions; compiled once for each code path (MC_TARGET, MC_NAME).
 *
 * Acceptance: the change is scaled to x = change / (k T ln 2); 2^-x comes from its whole part
 * (a shift) and a fourth-degree polynomial of its fraction. A 16-bit random number decides but where
 * it equals the upper 16 bits of 2^-x, when 16 more are drawn: 32 bits in all. */

#define MC_P1 45421u /* least squares of 2^-f on 0 to 1 in units of 2^-16: error 4.4e-6 */
#define MC_P2 15699u
#define MC_P3 3500u
#define MC_P4 455u

#define MC_HIGH(a, b) ((uint16_t)(((uint32_t)(uint16_t)(a) * (uint16_t)(b)) >> 16))
#define MC_LOW(a, b) ((uint16_t)((uint32_t)(uint16_t)(a) * (uint16_t)(b)))

/* Sites offered to all replicas: two words of the generator a step, steps even to begin with. */
MC_TARGET static void MC_NAME(propose)(uint64_t seed, uint64_t step, int count,
                                       uint32_t *restrict first, uint32_t *restrict second) {
    const int blocks = (count + 31) / 32 * 16;
    for (int k = 0; k < blocks; k++) {
        const uint64_t index = step / 2 + (uint64_t)k;
        uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32), c2 = 0, c3 = PHILOX_PROPOSAL;
        PHILOX_ROUNDS(c0, c1, c2, c3, seed);
        first[2 * k] = c0;
        second[2 * k] = c1;
        first[2 * k + 1] = c2;
        second[2 * k + 1] = c3;
    }
}

#ifndef MC_AVX512
/* 16 random bits for each of 8 steps (the first a multiple of 8) and 32 replicas. */
MC_TARGET static void MC_NAME(accept_bits)(uint64_t seed, uint64_t step,
                                           const uint32_t *restrict stream,
                                           uint16_t (*restrict out)[MC_LANES]) {
    const uint32_t low = (uint32_t)(step / 8), high = (uint32_t)((step / 8) >> 32);
    for (int l = 0; l < MC_LANES; l++) {
        uint32_t c0 = low, c1 = high, c2 = stream[l], c3 = PHILOX_ACCEPT;
        PHILOX_ROUNDS(c0, c1, c2, c3, seed);
        out[0][l] = (uint16_t)c0;
        out[1][l] = (uint16_t)(c0 >> 16);
        out[2][l] = (uint16_t)c1;
        out[3][l] = (uint16_t)(c1 >> 16);
        out[4][l] = (uint16_t)c2;
        out[5][l] = (uint16_t)(c2 >> 16);
        out[6][l] = (uint16_t)c3;
        out[7][l] = (uint16_t)(c3 >> 16);
    }
}
#endif

/* The other 16 bits, drawn only where the first ones left it open. */
static inline int MC_NAME(refine)(uint64_t seed, uint64_t step, uint32_t stream, uint16_t mantissa,
                                  int whole) {
    uint32_t words[4];
    philox_words(seed, step, stream, PHILOX_REFINE, words);
    return (words[0] & 0xFFFFu) < ((((uint32_t)mantissa << 16) >> whole) & 0xFFFFu);
}

/* Which lanes accept: 0xFFFF or 0 in `accept`; lanes with the same species are left alone. */
MC_TARGET MC_ALWAYS int MC_NAME(decide)(mc_block *restrict block, uint64_t seed, uint64_t step,
                                        const int16_t *restrict change,
                                        const uint16_t *restrict unlike,
                                        const uint16_t *restrict bits, uint16_t *restrict accept) {
    uint16_t mantissa[MC_LANES], whole[MC_LANES], open[MC_LANES];
    uint16_t any = 0, any_open = 0;
    for (int l = 0; l < MC_LANES; l++) {
        const uint16_t shifted = (uint16_t)((uint16_t)change[l] * block->shift[l]);
        const uint16_t high = MC_HIGH(shifted, block->scale[l]);
        const uint16_t low = MC_LOW(shifted, block->scale[l]);
        const uint16_t f = (uint16_t)((uint16_t)(high << 6) | (uint16_t)(low >> 10));
        uint16_t p = (uint16_t)(MC_P3 - MC_HIGH(f, MC_P4));
        p = (uint16_t)(MC_P2 - MC_HIGH(f, p));
        p = (uint16_t)(MC_P1 - MC_HIGH(f, p));
        mantissa[l] = (uint16_t)(65535u - MC_HIGH(f, p));
        whole[l] = (uint16_t)(high >> 10);
    }
    for (int l = 0; l < MC_LANES; l++) {
        const uint16_t bound = (uint16_t)((uint32_t)mantissa[l] >> whole[l]);
        const uint16_t down = change[l] <= 0 ? 0xFFFFu : 0;
        const uint16_t tried = change[l] <= (int16_t)block->cut[l] ? 0xFFFFu : 0;
        const uint16_t below = bits[l] < bound ? 0xFFFFu : 0;
        const uint16_t equal = bits[l] == bound ? 0xFFFFu : 0;
        const uint16_t yes = (uint16_t)(unlike[l] & (down | (tried & below)));
        const uint16_t maybe = (uint16_t)(unlike[l] & tried & equal & (uint16_t)~down);
        accept[l] = yes;
        open[l] = maybe;
        any |= yes;
        any_open |= maybe;
    }
    if (__builtin_expect(any_open != 0, 0))
        for (int l = 0; l < MC_LANES; l++)
            if (open[l] && MC_NAME(refine)(seed, step, block->stream[l], mantissa[l], whole[l]))
                any |= accept[l] = 0xFFFFu;
    for (int l = 0; l < MC_LANES; l++) {
        block->accepted[l] += accept[l] & 1u;
        block->proposed[l] += unlike[l] & 1u;
    }
    return any != 0;
}

/* Change of the fields around a site, class by class, where lanes that accept go from a to b. */
MC_TARGET MC_ALWAYS void MC_NAME(spread_block)(const mc_lattice *lattice, mc_block *restrict block,
                                               int32_t i, const uint16_t *restrict a,
                                               const uint16_t *restrict b,
                                               const uint16_t *restrict accept, const int S) {
    const int K = lattice->n_classes;
    const int32_t *row = lattice->rows + (int64_t)i * MC_ROW;
    const int own = row[12], degree = row[13], present = row[14];
    int16_t delta[13][3][MC_LANES], sign[4][MC_LANES];
    for (int t = 1; t < S; t++)
        for (int l = 0; l < MC_LANES; l++)
            sign[t][l] = (int16_t)(((b[l] == t ? 1 : 0) - (a[l] == t ? 1 : 0)) & (int16_t)accept[l]);
    for (int q = 0; q < K; q++) {
        if (!(present >> q & 1)) continue;
        for (int c = 1; c < S; c++) {
            const int16_t *w = block->pair + ((int64_t)((c * S + 1) * K + q) * K + own) * MC_LANES;
            const int64_t next = (int64_t)K * K * MC_LANES;
            int16_t *out = delta[q][c - 1];
            for (int l = 0; l < MC_LANES; l++) {
                int16_t sum = (int16_t)(w[l] * sign[1][l]);
                if (S > 2) sum = (int16_t)(sum + w[next + l] * sign[2][l]);
                if (S > 3) sum = (int16_t)(sum + w[2 * next + l] * sign[3][l]);
                out[l] = sum;
            }
        }
    }
    for (int m = 0; m < degree; m++) {
        int16_t *restrict f = block->field + (int64_t)(row[m] >> 4) * (S - 1) * MC_LANES;
        const int16_t *restrict d = &delta[row[m] & 15][0][0];
        for (int l = 0; l < (S - 1) * MC_LANES; l++) f[l] = (int16_t)(f[l] + d[l]);
    }
}

MC_TARGET MC_ALWAYS void MC_NAME(select_field)(const int16_t *restrict field,
                                               const uint16_t *restrict species,
                                               int16_t *restrict out, const int S) {
    /* Masks rather than conditions, which the compiler would not turn into vector code. */
    for (int l = 0; l < MC_LANES; l++)
        out[l] = (int16_t)(field[l] & (int16_t)(species[l] == 1 ? 0xFFFFu : 0));
    for (int c = 2; c < S; c++)
        for (int l = 0; l < MC_LANES; l++)
            out[l] = (int16_t)(out[l] | (field[(c - 1) * MC_LANES + l] &
                                         (int16_t)(species[l] == c ? 0xFFFFu : 0)));
}

MC_TARGET MC_ALWAYS void MC_NAME(block_step)(const mc_lattice *lattice, mc_block *restrict block,
                                             uint64_t seed, uint64_t step, uint32_t first,
                                             uint32_t second, const uint16_t *restrict bits,
                                             int mode, const int S) {
    const int K = lattice->n_classes;
    const int32_t i = (int32_t)philox_below(first, (uint32_t)lattice->n);
    const int32_t *row = lattice->rows + (int64_t)i * MC_ROW;
    uint16_t a[MC_LANES], b[MC_LANES], unlike[MC_LANES], accept[MC_LANES];
    int16_t change[MC_LANES], plus[MC_LANES], minus[MC_LANES];
    uint8_t *si = block->species + (int64_t)i * MC_LANES;
    const int16_t *fi = block->field + (int64_t)i * (S - 1) * MC_LANES;
    if (mode == MC_FLIP) {
        /* For given random numbers the offer is its own inverse, as it must be for replicas that
         * share it to stay uncorrelated: two species trade places, or two pairs of them. */
        const uint16_t offer = (uint16_t)philox_below(second, 3);
        for (int l = 0; l < MC_LANES; l++) {
            a[l] = si[l];
            b[l] = (uint16_t)(S == 2   ? 1 - a[l]
                              : S == 4 ? a[l] ^ (offer + 1)
                                       : (a[l] == offer ? a[l] : 3 - offer - a[l]));
            unlike[l] = a[l] != b[l] ? 0xFFFFu : 0;
        }
        MC_NAME(select_field)(fi, b, plus, S);
        MC_NAME(select_field)(fi, a, minus, S);
        for (int l = 0; l < MC_LANES; l++) change[l] = (int16_t)(plus[l] - minus[l]);
        if (!MC_NAME(decide)(block, seed, step, change, unlike, bits, accept)) return;
        for (int l = 0; l < MC_LANES; l++) si[l] = (uint8_t)(accept[l] ? b[l] : a[l]);
        MC_NAME(spread_block)(lattice, block, i, a, b, accept, S);
        return;
    }
    int32_t j;
    int bonded = 0;
    if (mode == MC_SWAP_NEIGHBOURS) {
        j = row[philox_below(second, 12)] >> 4;
        if (j >= lattice->n) return;
        bonded = 1;
    } else {
        j = (int32_t)philox_below(second, (uint32_t)lattice->n);
        for (int m = 0; m < 12; m++) bonded |= (row[m] >> 4) == j;
    }
    uint8_t *sj = block->species + (int64_t)j * MC_LANES;
    const int16_t *fj = block->field + (int64_t)j * (S - 1) * MC_LANES;
    for (int l = 0; l < MC_LANES; l++) {
        a[l] = si[l];
        b[l] = sj[l];
        unlike[l] = a[l] != b[l] ? 0xFFFFu : 0;
    }
    int16_t change_j[MC_LANES];
    MC_NAME(select_field)(fi, b, plus, S);
    MC_NAME(select_field)(fi, a, minus, S);
    for (int l = 0; l < MC_LANES; l++) change[l] = (int16_t)(plus[l] - minus[l]);
    MC_NAME(select_field)(fj, a, plus, S);
    MC_NAME(select_field)(fj, b, minus, S);
    for (int l = 0; l < MC_LANES; l++) change_j[l] = (int16_t)(plus[l] - minus[l]);
    for (int l = 0; l < MC_LANES; l++) change[l] = (int16_t)(change[l] + change_j[l]);
    if (bonded) {
        const int at = row[12] * K + lattice->rows[(int64_t)j * MC_ROW + 12];
        for (int s = 1; s < S; s++)
            for (int t = 1; t < S; t++) {
                const int16_t *w = block->pair + ((int64_t)(s * S + t) * K * K + at) * MC_LANES;
                for (int l = 0; l < MC_LANES; l++) {
                    const int16_t on = (int16_t)(((b[l] == s) & (a[l] == t)) +
                                                 ((a[l] == s) & (b[l] == t)) -
                                                 ((a[l] == s) & (a[l] == t)) -
                                                 ((b[l] == s) & (b[l] == t)));
                    change[l] = (int16_t)(change[l] + on * w[l]);
                }
            }
    }
    if (!MC_NAME(decide)(block, seed, step, change, unlike, bits, accept)) return;
    for (int l = 0; l < MC_LANES; l++) {
        si[l] = (uint8_t)(accept[l] ? b[l] : a[l]);
        sj[l] = (uint8_t)(accept[l] ? a[l] : b[l]);
    }
    MC_NAME(spread_block)(lattice, block, i, a, b, accept, S);
    MC_NAME(spread_block)(lattice, block, j, b, a, accept, S);
}

MC_TARGET MC_ALWAYS void MC_NAME(block_loop)(const mc_lattice *lattice, mc_block *block,
                                             uint64_t seed, uint64_t step, int32_t n_steps,
                                             int mode, const int S) {
    uint32_t first[MC_BATCH], second[MC_BATCH];
    uint16_t bits[8][MC_LANES];
    for (int32_t done = 0; done < n_steps; done++) {
        const uint64_t now = step + (uint64_t)done;
        if (done % MC_BATCH == 0)
            MC_NAME(propose)(seed, now, n_steps - done < MC_BATCH ? n_steps - done : MC_BATCH, first,
                             second);
        if (done % 8 == 0) MC_NAME(accept_bits)(seed, now, block->stream, bits);
        MC_NAME(block_step)(lattice, block, seed, now, first[done % MC_BATCH],
                            second[done % MC_BATCH], bits[done % 8], mode, S);
    }
}

MC_TARGET static void MC_NAME(block_steps)(const mc_lattice *lattice, mc_block *block, uint64_t seed,
                                           uint64_t step, int32_t n_steps, int mode) {
    switch (lattice->n_species) {
        case 2: MC_NAME(block_loop)(lattice, block, seed, step, n_steps, mode, 2); break;
        case 3: MC_NAME(block_loop)(lattice, block, seed, step, n_steps, mode, 3); break;
        default: MC_NAME(block_loop)(lattice, block, seed, step, n_steps, mode, 4); break;
    }
}

/* Energy of each replica from its fields, above E0: half the sum of field and site term. */
MC_TARGET static void MC_NAME(block_energy)(const mc_lattice *lattice, mc_block *block) {
    const int S = lattice->n_species;
    int64_t total[MC_LANES] = {0};
    for (int32_t at = 0; at < lattice->n; at += 16384) {
        const int32_t end = at + 16384 < lattice->n ? at + 16384 : lattice->n;
        int32_t part[MC_LANES] = {0};
        for (int32_t i = at; i < end; i++)
            for (int c = 1; c < S; c++) {
                const int64_t base = ((int64_t)i * (S - 1) + c - 1) * MC_LANES;
                const int16_t *f = block->field + base, *g = block->site + base;
                const uint8_t *s = block->species + (int64_t)i * MC_LANES;
                for (int l = 0; l < MC_LANES; l++)
                    part[l] += s[l] == c ? (int32_t)f[l] + (int32_t)g[l] : 0;
            }
        for (int l = 0; l < MC_LANES; l++) total[l] += part[l];
    }
    for (int l = 0; l < MC_LANES; l++) block->energy[l] = total[l] / 2;
}

/* Add the number of atoms by cell and species, (n_cells, S - 1, 32), and of bonds between species
 * s <= t, both above 0, ((S - 1) S / 2, 32). */
MC_TARGET static void MC_NAME(block_count)(const mc_lattice *lattice, const mc_block *block,
                                           int64_t *cells, int64_t *pairs) {
    const int S = lattice->n_species;
    for (int32_t cell = 0; cell < lattice->n_cells; cell++)
        for (int c = 1; c < S; c++) {
            int64_t *out = cells + ((int64_t)cell * (S - 1) + c - 1) * MC_LANES;
            for (int32_t at = lattice->cell_start[cell]; at < lattice->cell_start[cell + 1];
                 at += 32768) {
                const int32_t stop = lattice->cell_start[cell + 1];
                const int32_t end = at + 32768 < stop ? at + 32768 : stop;
                uint16_t part[MC_LANES] = {0};
                for (int32_t k = at; k < end; k++) {
                    const uint8_t *s = block->species + (int64_t)lattice->cell_sites[k] * MC_LANES;
                    for (int l = 0; l < MC_LANES; l++) part[l] = (uint16_t)(part[l] + (s[l] == c));
                }
                for (int l = 0; l < MC_LANES; l++) out[l] += part[l];
            }
        }
    int kind = 0;
    for (int c = 1; c < S; c++)
        for (int d = c; d < S; d++, kind++) {
            int64_t *out = pairs + (int64_t)kind * MC_LANES;
            for (int64_t at = 0; at < lattice->n_bonds; at += 32768) {
                const int64_t end =
                    at + 32768 < lattice->n_bonds ? at + 32768 : lattice->n_bonds;
                uint16_t part[MC_LANES] = {0};
                for (int64_t k = at; k < end; k++) {
                    const uint8_t *s = block->species + (int64_t)lattice->bonds[2 * k] * MC_LANES;
                    const uint8_t *t =
                        block->species + (int64_t)lattice->bonds[2 * k + 1] * MC_LANES;
                    for (int l = 0; l < MC_LANES; l++)
                        part[l] = (uint16_t)(part[l] + (((s[l] == c) & (t[l] == d)) |
                                                        ((s[l] == d) & (t[l] == c))));
                }
                for (int l = 0; l < MC_LANES; l++) out[l] += part[l];
            }
        }
}
