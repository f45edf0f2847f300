/* The engines with AVX-512; two species in 32 replicas are written out by hand, the species of a
 * site being one mask register. Fields are not kept then: summing the bonds around a site under the
 * masks of its neighbours, which stay in the nearest cache, is cheaper than updating 64 bytes of
 * each neighbour's fields. They are made again when a run returns. */
#include "montecarlo.h"

#if POMDFT_X86
#include <immintrin.h>

#define MC_AVX512 1
#define MC_NAME(name) avx512_##name
#define MC_TARGET POMDFT_TARGET_AVX512
#include "montecarlo_chain.h"
#include "montecarlo_block.h"
#include "montecarlo_direct.h"

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
    __m512i cut, shift, scale, accepted, proposed, even, odd; /* energies of even and odd lanes */
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
    const __m512i gain = _mm512_maskz_mov_epi16(accept, change);
    v->even = _mm512_add_epi32(v->even, _mm512_madd_epi16(gain, _mm512_set1_epi32(1)));
    v->odd = _mm512_add_epi32(v->odd, _mm512_srai_epi32(gain, 16));
    return accept;
}

/* sum += bond in the lanes of a mask; compilers copy the register for the intrinsic. */
#define ADD_MASKED(sum, mask, bond) \
    __asm__("vpaddw %2, %0, %0%{%1%}" : "+v"(sum) : "Yk"((__mmask32)(mask)), "m"(bond))
#define SUBTRACT_MASKED(sum, mask, bond) \
    __asm__("vpsubw %2, %0, %0%{%1%}" : "+v"(sum) : "Yk"((__mmask32)(mask)), "m"(bond))

typedef int16_t lane_values[MC_LANES];

/* Add (or with `down` take away) the bonds around a site in the lanes that have species 1 there. */
MC_TARGET MC_ALWAYS void add_bonds(const mc_block *block, const int32_t *row, int K, const int down,
                                   __m512i sum[2]) {
    const char *pair =
        (const char *)(block->pair + (int64_t)(3 * K + row[12]) * K * MC_LANES);
    const uint32_t *bits = block->bits;
    UNROLL for (int m = 0; m < 12; m++) {
        const uint32_t entry = (uint32_t)row[m];
        const lane_values *bond = (const lane_values *)(pair + ((entry & 15) << 6));
        if (down)
            SUBTRACT_MASKED(sum[m & 1], bits[entry >> 4], *bond);
        else
            ADD_MASKED(sum[m & 1], bits[entry >> 4], *bond);
    }
}

MC_TARGET MC_ALWAYS void bits_step(const mc_lattice *lattice, mc_block *block, lanes *v,
                                   uint64_t seed, uint64_t step, int32_t i, int32_t j,
                                   const uint16_t *bits, const int mode) {
    const int K = lattice->n_classes;
    const int32_t *ri = lattice->rows + (int64_t)i * MC_ROW;
    const __mmask32 si = block->bits[i];
    const __m512i zero = _mm512_setzero_si512();
    __m512i sum[2] = {_mm512_loadu_si512(block->site + (int64_t)i * MC_LANES), zero};
    if (mode == MC_FLIP) {
        add_bonds(block, ri, K, 0, sum);
        const __m512i field = _mm512_add_epi16(sum[0], sum[1]);
        const __m512i change = _mm512_mask_sub_epi16(field, si, zero, field);
        block->bits[i] = si ^ decide_bits(v, change, 0xFFFFFFFFu, bits, block, seed, step);
        return;
    }
    const __mmask32 sj = block->bits[j];
    const __mmask32 unlike = si ^ sj;
    if (!unlike) return;
    const int32_t *rj = lattice->rows + (int64_t)j * MC_ROW;
    sum[1] = _mm512_sub_epi16(sum[1], _mm512_loadu_si512(block->site + (int64_t)j * MC_LANES));
    add_bonds(block, ri, K, 0, sum);
    add_bonds(block, rj, K, 1, sum);
    const __m512i d = _mm512_add_epi16(sum[0], sum[1]);
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
    block->bits[i] = si ^ accept;
    block->bits[j] = sj ^ accept;
}

MC_TARGET static void flush_counts(mc_block *block, lanes *v) {
    uint16_t part[MC_LANES];
    _mm512_storeu_si512(part, v->accepted);
    for (int l = 0; l < MC_LANES; l++) block->accepted[l] += part[l];
    _mm512_storeu_si512(part, v->proposed);
    for (int l = 0; l < MC_LANES; l++) block->proposed[l] += part[l];
    int32_t even[MC_LANES / 2], odd[MC_LANES / 2];
    _mm512_storeu_si512(even, v->even);
    _mm512_storeu_si512(odd, v->odd);
    for (int l = 0; l < MC_LANES; l++) block->energy[l] += l & 1 ? odd[l / 2] : even[l / 2];
    v->accepted = v->proposed = v->even = v->odd = _mm512_setzero_si512();
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
    v.accepted = v.proposed = v.even = v.odd = _mm512_setzero_si512();
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
            __builtin_prefetch(block->site + pi * MC_LANES);
            __builtin_prefetch(lattice->rows + pi * MC_ROW);
            __builtin_prefetch(block->bits + pi, 1);
            if (mode != MC_FLIP) {
                __builtin_prefetch(block->site + pj * MC_LANES);
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
    /* For two species it is kept step by step. */
    if (lattice->n_species != 2) avx512_block_energy(lattice, block);
}

MC_TARGET static void make_fields(const mc_lattice *lattice, mc_block *block) {
    if (lattice->n_species != 2) return;
    for (int64_t i = 0; i < lattice->n; i++) {
        __m512i sum[2] = {_mm512_loadu_si512(block->site + i * MC_LANES), _mm512_setzero_si512()};
        add_bonds(block, lattice->rows + i * MC_ROW, lattice->n_classes, 0, sum);
        _mm512_storeu_si512(block->field + i * MC_LANES, _mm512_add_epi16(sum[0], sum[1]));
    }
}

const mc_path mc_avx512 = {
    direct_steps, direct_end,   block_steps,  pack_bits,
    unpack_bits,  block_energy, make_fields, avx512_block_count,
};
#else
typedef int mc_avx512_absent;
#endif
