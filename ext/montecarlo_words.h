/* Random words and thresholds with AVX-512. A 32-bit word stands in the lower half of each 64-bit
 * lane, where the multiplication of the generator takes it from; the upper half is of no account.
 * Two such vectors, of the even and of the odd counters, make one of 16 words in order. */

#define MC_XOR3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define UNROLL _Pragma("GCC unroll 16")

/* Philox on `G` vectors of counters. */
#define PHILOX_VECTORS(G, c0, c1, c2, c3, seed)                                              \
    do {                                                                                     \
        const __m512i philox_m0 = _mm512_set1_epi64(PHILOX_M0);                              \
        const __m512i philox_m1 = _mm512_set1_epi64(PHILOX_M1);                              \
        uint32_t philox_a = (uint32_t)(seed), philox_b = (uint32_t)((seed) >> 32);           \
        for (int philox_r = 0; philox_r < 10; philox_r++) {                                  \
            const __m512i philox_k0 = _mm512_set1_epi64(philox_a);                           \
            const __m512i philox_k1 = _mm512_set1_epi64(philox_b);                           \
            UNROLL for (int g = 0; g < (G); g++) {                                           \
                const __m512i philox_p0 = _mm512_mul_epu32(c0[g], philox_m0);                \
                const __m512i philox_p1 = _mm512_mul_epu32(c2[g], philox_m1);                \
                c0[g] = MC_XOR3(_mm512_srli_epi64(philox_p1, 32), c1[g], philox_k0);         \
                c2[g] = MC_XOR3(_mm512_srli_epi64(philox_p0, 32), c3[g], philox_k1);         \
                c1[g] = philox_p1;                                                           \
                c3[g] = philox_p0;                                                           \
            }                                                                                \
            philox_a += PHILOX_W0;                                                           \
            philox_b += PHILOX_W1;                                                           \
        }                                                                                    \
    } while (0)

/* The lower halves of both, even lanes from the first. */
MC_TARGET MC_ALWAYS __m512i interleave(__m512i even, __m512i odd) {
    return _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
}

/* mc_minus_log2 times k T, whole, in 64-bit lanes. */
MC_TARGET MC_ALWAYS __m512i scale_threshold(__m512i word, const uint32_t *table, __m512d kt) {
    const __m512i lower = _mm512_set1_epi64(0xFFFFFFFF);
    const __m512i u = _mm512_max_epu64(_mm512_and_si512(word, lower), _mm512_set1_epi64(1));
    const __m512i bits = _mm512_castpd_si512(_mm512_cvtepu64_pd(u));
    const __m512i index =
        _mm512_and_si512(_mm512_srli_epi64(bits, 42), _mm512_set1_epi64(1023));
    /* Two entries of the table in one load. */
    const __m512i both = _mm512_i64gather_epi64(index, table, 4);
    const __m512i low = _mm512_and_si512(both, lower);
    const __m512i rise = _mm512_sub_epi64(_mm512_srli_epi64(both, 32), low);
    const __m512i rest =
        _mm512_and_si512(_mm512_srli_epi64(bits, 20), _mm512_set1_epi64(0x3FFFFF));
    const __m512i part = _mm512_srli_epi64(_mm512_mul_epu32(rise, rest), 22);
    const __m512i whole = _mm512_slli_epi64(
        _mm512_sub_epi64(_mm512_set1_epi64(32 + 1023), _mm512_srli_epi64(bits, 52)), 25);
    const __m512i log = _mm512_sub_epi64(_mm512_sub_epi64(whole, low), part);
    const __m512d scaled = _mm512_mul_pd(_mm512_cvtepi64_pd(log), kt);
    return _mm512_cvttpd_epi64(_mm512_min_pd(scaled, _mm512_set1_pd(2147483647.0)));
}

MC_TARGET static void avx512_draw(avx512_draws *restrict d, const mc_chain *chain, uint64_t seed,
                                  uint64_t step, int count, const uint32_t *table) {
    const __m512d kt = _mm512_set1_pd(chain->kt);
    const __m512i even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    for (int k = 0; k < count; k += 32) {
        __m512i c0[4], c1[4], c2[4], c3[4];
        UNROLL for (int g = 0; g < 4; g++) {
            const int64_t first = (int64_t)step + k + g / 2 * 16 + g % 2;
            c0[g] = _mm512_add_epi64(even, _mm512_set1_epi64(first));
            c1[g] = _mm512_srli_epi64(c0[g], 32);
            c2[g] = _mm512_set1_epi64(chain->stream);
            c3[g] = _mm512_set1_epi64(PHILOX_CHAIN);
        }
        PHILOX_VECTORS(4, c0, c1, c2, c3, seed);
        UNROLL for (int g = 0; g < 4; g += 2) {
            const int at = k + 8 * g;
            _mm512_storeu_si512(d->first + at, interleave(c0[g], c0[g + 1]));
            _mm512_storeu_si512(d->second + at, interleave(c1[g], c1[g + 1]));
            _mm512_storeu_si512(d->choice + at, interleave(c3[g], c3[g + 1]));
            _mm512_storeu_si512(d->threshold + at,
                                interleave(scale_threshold(c2[g], table, kt),
                                           scale_threshold(c2[g + 1], table, kt)));
        }
    }
}

/* 16 random bits for each of 8 steps and 32 replicas. Packing to 16 bits takes four words from one
 * vector and four from the other in turns, which decides the replica in each lane. */
MC_TARGET static void avx512_accept_bits(uint64_t seed, uint64_t step, const uint32_t *stream,
                                         uint16_t (*restrict out)[MC_LANES]) {
    const __m512i counter = _mm512_set1_epi64((int64_t)(step / 8));
    const __m512i half = _mm512_set1_epi32(0xFFFF);
    const __m512i some = _mm512_loadu_si512(stream), more = _mm512_loadu_si512(stream + 16);
    __m512i c0[4], c1[4], c2[4], c3[4];
    UNROLL for (int g = 0; g < 4; g++) {
        /* Lane t of vectors 0 and 1: replicas 8 (t / 2) + 2 (t % 2) and one more; of 2 and 3: 4
         * further. */
        const __m512i pick = _mm512_add_epi32(
            _mm512_setr_epi32(0, 0, 2, 0, 8, 0, 10, 0, 16, 0, 18, 0, 24, 0, 26, 0),
            _mm512_set1_epi32(g / 2 * 4 + g % 2));
        c0[g] = counter;
        c1[g] = _mm512_srli_epi64(counter, 32);
        c2[g] = _mm512_permutex2var_epi32(some, pick, more);
        c3[g] = _mm512_set1_epi64(PHILOX_ACCEPT);
    }
    PHILOX_VECTORS(4, c0, c1, c2, c3, seed);
#define STORE_WORDS(c, at)                                                                  \
    do {                                                                                    \
        const __m512i one = interleave(c[0], c[1]), two = interleave(c[2], c[3]);           \
        _mm512_storeu_si512(out[at], _mm512_packus_epi32(_mm512_and_si512(one, half),       \
                                                         _mm512_and_si512(two, half)));     \
        _mm512_storeu_si512(out[(at) + 1], _mm512_packus_epi32(_mm512_srli_epi32(one, 16),  \
                                                               _mm512_srli_epi32(two, 16))); \
    } while (0)
    STORE_WORDS(c0, 0);
    STORE_WORDS(c1, 2);
    STORE_WORDS(c2, 4);
    STORE_WORDS(c3, 6);
#undef STORE_WORDS
}
