/* The engines with AVX-512; two species in 32 replicas are written out by hand, the species of a
 * site being one mask register. */
#include "montecarlo.h"

#if POMDFT_X86
#include <immintrin.h>

#define MC_AVX512 1
#define MC_NAME(name) avx512_##name
#define MC_TARGET POMDFT_TARGET_AVX512
#include "montecarlo_chain.h"
#include "montecarlo_block.h"

MC_TARGET static void pack_bits(const mc_lattice *lattice, mc_block *block) {
    if (lattice->n_species != 2) return;
    for (int64_t i = 0; i < lattice->n; i++) {
        const __m256i s = _mm256_loadu_si256((const __m256i *)(block->species + i * MC_LANES));
        block->bits[i] = _mm256_test_epi8_mask(s, s);
    }
}

MC_TARGET static void unpack_bits(const mc_lattice *lattice, mc_block *block) {
    if (lattice->n_species != 2) return;
    for (int64_t i = 0; i < lattice->n; i++)
        _mm256_storeu_si256((__m256i *)(block->species + i * MC_LANES),
                            _mm256_maskz_set1_epi8(block->bits[i], 1));
}

typedef struct {
    __m512i cut, shift, scale, accepted, proposed;
} lanes;

/* Lanes that accept, among those that are unlike. */
MC_TARGET MC_ALWAYS __mmask32 decide_bits(lanes *v, __m512i change, __mmask32 unlike,
                                          const uint16_t *bits, const mc_block *block,
                                          uint64_t seed, uint64_t step) {
    const __mmask32 up = _mm512_cmpgt_epi16_mask(change, _mm512_setzero_si512());
    const __mmask32 tried = unlike & up & _mm512_cmple_epi16_mask(change, v->cut);
    __mmask32 accept = unlike & ~up;
    if (tried) {
        const __m512i shifted = _mm512_sllv_epi16(change, v->shift);
        const __m512i high = _mm512_mulhi_epu16(shifted, v->scale);
        const __m512i low = _mm512_mullo_epi16(shifted, v->scale);
        const __m512i f = _mm512_or_si512(_mm512_slli_epi16(high, 6), _mm512_srli_epi16(low, 10));
        __m512i p = _mm512_sub_epi16(_mm512_set1_epi16((short)MC_P3),
                                     _mm512_mulhi_epu16(f, _mm512_set1_epi16((short)MC_P4)));
        p = _mm512_sub_epi16(_mm512_set1_epi16((short)MC_P2), _mm512_mulhi_epu16(f, p));
        p = _mm512_sub_epi16(_mm512_set1_epi16((short)MC_P1), _mm512_mulhi_epu16(f, p));
        const __m512i mantissa =
            _mm512_sub_epi16(_mm512_set1_epi16((short)65535u), _mm512_mulhi_epu16(f, p));
        const __m512i whole = _mm512_srli_epi16(high, 10);
        const __m512i bound = _mm512_srlv_epi16(mantissa, whole);
        const __m512i random = _mm512_loadu_si512(bits);
        accept |= tried & _mm512_cmplt_epu16_mask(random, bound);
        __mmask32 open = tried & _mm512_cmpeq_epi16_mask(random, bound);
        if (__builtin_expect(open != 0, 0)) {
            uint16_t m[MC_LANES], w[MC_LANES];
            _mm512_storeu_si512(m, mantissa);
            _mm512_storeu_si512(w, whole);
            for (; open; open &= open - 1) {
                const int l = __builtin_ctz(open);
                if (avx512_refine(seed, step, block->stream[l], m[l], w[l])) accept |= 1u << l;
            }
        }
    }
    const __m512i minus_one = _mm512_set1_epi16(-1);
    v->accepted = _mm512_mask_sub_epi16(v->accepted, accept, v->accepted, minus_one);
    v->proposed = _mm512_mask_sub_epi16(v->proposed, unlike, v->proposed, minus_one);
    return accept;
}

/* Lanes `up` go from species 0 to 1 on site i, lanes `down` the other way. */
MC_TARGET MC_ALWAYS void spread_bits(mc_block *block, const int32_t *row, int K, __mmask32 up,
                                     __mmask32 down) {
    const int16_t *pair = block->pair + (int64_t)(3 * K + row[12]) * K * MC_LANES;
    __m512i delta[16];
    for (int q = 0; q < K; q++) {
        if (!(row[14] >> q & 1)) continue;
        const __m512i w = _mm512_loadu_si512(pair + q * MC_LANES);
        delta[q] = _mm512_mask_sub_epi16(_mm512_maskz_mov_epi16(up, w), down,
                                         _mm512_setzero_si512(), w);
    }
    const int degree = row[13];
    for (int m = 0; m < degree; m++) {
        int16_t *f = block->field + (int64_t)(row[m] >> 4) * MC_LANES;
        _mm512_storeu_si512(f, _mm512_add_epi16(_mm512_loadu_si512(f), delta[row[m] & 15]));
    }
}

MC_TARGET MC_ALWAYS void bits_step(const mc_lattice *lattice, mc_block *block, lanes *v,
                                   uint64_t seed, uint64_t step, int32_t i, int32_t j,
                                   const uint16_t *bits, const int mode) {
    const int K = lattice->n_classes;
    const int32_t *ri = lattice->rows + (int64_t)i * MC_ROW;
    const __mmask32 si = block->bits[i];
    const __m512i fi = _mm512_loadu_si512(block->field + (int64_t)i * MC_LANES);
    const __m512i zero = _mm512_setzero_si512();
    if (mode == MC_FLIP) {
        const __m512i change = _mm512_mask_sub_epi16(fi, si, zero, fi);
        const __mmask32 accept =
            decide_bits(v, change, 0xFFFFFFFFu, bits, block, seed, step);
        if (!accept) return;
        block->bits[i] = si ^ accept;
        spread_bits(block, ri, K, accept & ~si, accept & si);
        return;
    }
    const __mmask32 sj = block->bits[j];
    const __mmask32 unlike = si ^ sj;
    const int32_t *rj = lattice->rows + (int64_t)j * MC_ROW;
    const __m512i d = _mm512_sub_epi16(fi, _mm512_loadu_si512(block->field + (int64_t)j * MC_LANES));
    __m512i change = _mm512_mask_sub_epi16(d, si, zero, d);
    int bonded = 1;
    if (mode == MC_SWAP_ANY) {
        const __m512i row = _mm512_srai_epi32(_mm512_loadu_si512(ri), 4);
        bonded = _mm512_mask_cmpeq_epi32_mask(0x0FFF, row, _mm512_set1_epi32(j)) != 0;
    }
    if (bonded)
        change = _mm512_sub_epi16(
            change, _mm512_loadu_si512(block->pair +
                                       (int64_t)((3 * K + ri[12]) * K + rj[12]) * MC_LANES));
    const __mmask32 accept = decide_bits(v, change, unlike, bits, block, seed, step);
    if (!accept) return;
    block->bits[i] = si ^ accept;
    block->bits[j] = sj ^ accept;
    spread_bits(block, ri, K, accept & ~si, accept & si);
    spread_bits(block, rj, K, accept & ~sj, accept & sj);
}

MC_TARGET static void flush_counts(mc_block *block, lanes *v) {
    uint16_t part[MC_LANES];
    _mm512_storeu_si512(part, v->accepted);
    for (int l = 0; l < MC_LANES; l++) block->accepted[l] += part[l];
    _mm512_storeu_si512(part, v->proposed);
    for (int l = 0; l < MC_LANES; l++) block->proposed[l] += part[l];
    v->accepted = v->proposed = _mm512_setzero_si512();
}

MC_TARGET MC_ALWAYS void bits_loop(const mc_lattice *lattice, mc_block *block, uint64_t seed,
                                   uint64_t step, int32_t n_steps, const int mode) {
    uint32_t first[MC_BATCH], second[MC_BATCH];
    int32_t site_i[MC_BATCH + 8], site_j[MC_BATCH + 8];
    uint16_t bits[8][MC_LANES] __attribute__((aligned(64)));
    const uint32_t n = (uint32_t)lattice->n;
    lanes v;
    v.cut = _mm512_loadu_si512(block->cut);
    v.scale = _mm512_loadu_si512(block->scale);
    v.accepted = v.proposed = _mm512_setzero_si512();
    uint16_t power[MC_LANES];
    for (int l = 0; l < MC_LANES; l++) power[l] = (uint16_t)__builtin_ctz(block->shift[l]);
    v.shift = _mm512_loadu_si512(power);
    for (int32_t done = 0; done < n_steps; done += MC_BATCH) {
        const int count = n_steps - done < MC_BATCH ? n_steps - done : MC_BATCH;
        avx512_propose(seed, step + (uint64_t)done, count, first, second);
        for (int k = 0; k < count; k++) {
            site_i[k] = (int32_t)philox_below(first[k], n);
            site_j[k] = (int32_t)philox_below(second[k], mode == MC_SWAP_NEIGHBOURS ? 12u : n);
        }
        for (int k = 0; k < 8; k++) {
            site_i[count + k] = site_i[count - 1];
            site_j[count + k] = site_j[count - 1];
        }
        if (mode == MC_SWAP_NEIGHBOURS)
            for (int k = 0; k < count + 8; k++)
                site_j[k] = lattice->rows[(int64_t)site_i[k] * MC_ROW + site_j[k]] >> 4;
        for (int k = 0; k < count; k++) {
            const uint64_t now = step + (uint64_t)(done + k);
            if (k % 8 == 0) avx512_accept_bits(seed, now, block->stream, bits);
            const int64_t pi = site_i[k + 4], pj = site_j[k + 4];
            __builtin_prefetch(block->field + pi * MC_LANES, 1);
            __builtin_prefetch(lattice->rows + pi * MC_ROW);
            __builtin_prefetch(block->bits + pi, 1);
            if (mode != MC_FLIP) {
                __builtin_prefetch(block->field + pj * MC_LANES, 1);
                __builtin_prefetch(lattice->rows + pj * MC_ROW);
                __builtin_prefetch(block->bits + pj, 1);
                if (mode == MC_SWAP_NEIGHBOURS && site_j[k] >= lattice->n) continue;
            }
            bits_step(lattice, block, &v, seed, now, site_i[k], site_j[k], bits[k % 8], mode);
        }
        if (done % 32768 == 32768 - MC_BATCH) flush_counts(block, &v);
    }
    flush_counts(block, &v);
}

MC_TARGET static void block_steps(const mc_lattice *lattice, mc_block *block, uint64_t seed,
                                  uint64_t step, int32_t n_steps, int mode) {
    if (lattice->n_species != 2)
        avx512_block_steps(lattice, block, seed, step, n_steps, mode);
    else if (mode == MC_FLIP)
        bits_loop(lattice, block, seed, step, n_steps, MC_FLIP);
    else if (mode == MC_SWAP_NEIGHBOURS)
        bits_loop(lattice, block, seed, step, n_steps, MC_SWAP_NEIGHBOURS);
    else
        bits_loop(lattice, block, seed, step, n_steps, MC_SWAP_ANY);
}

MC_TARGET static void block_energy(const mc_lattice *lattice, mc_block *block) {
    if (lattice->n_species != 2) {
        avx512_block_energy(lattice, block);
        return;
    }
    int64_t total[MC_LANES] = {0};
    for (int32_t at = 0; at < lattice->n; at += 16384) {
        const int32_t end = at + 16384 < lattice->n ? at + 16384 : lattice->n;
        __m512i low = _mm512_setzero_si512(), high = _mm512_setzero_si512();
        for (int64_t i = at; i < end; i++) {
            const __m512i f = _mm512_loadu_si512(block->field + i * MC_LANES);
            const __m512i g = _mm512_loadu_si512(block->site + i * MC_LANES);
            const __m512i v = _mm512_maskz_add_epi16(block->bits[i], f, g);
            low = _mm512_add_epi32(low, _mm512_cvtepi16_epi32(_mm512_castsi512_si256(v)));
            high = _mm512_add_epi32(high, _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(v, 1)));
        }
        int32_t part[MC_LANES];
        _mm512_storeu_si512(part, low);
        _mm512_storeu_si512(part + 16, high);
        for (int l = 0; l < MC_LANES; l++) total[l] += part[l];
    }
    for (int l = 0; l < MC_LANES; l++) block->energy[l] = total[l] / 2;
}

const mc_path mc_avx512 = {
    avx512_chain_steps, block_steps,  pack_bits,
    unpack_bits,        block_energy, avx512_block_count,
};
#else
typedef int mc_avx512_absent;
#endif
