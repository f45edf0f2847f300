/* Which vector instructions this machine has: 0 plain, 1 AVX2 and FMA, 2 AVX-512 (F, BW, DQ, VL). */
#ifndef POMDFT_SIMD_H
#define POMDFT_SIMD_H

#define POMDFT_PLAIN 0
#define POMDFT_AVX2 1
#define POMDFT_AVX512 2

#if (defined(__x86_64__) || defined(_M_X64)) && defined(__GNUC__)
#define POMDFT_X86 1
#define POMDFT_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define POMDFT_TARGET_AVX512 \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")))
static inline int pomdft_cpu_level(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return POMDFT_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return POMDFT_AVX2;
    return POMDFT_PLAIN;
}
#else
#define POMDFT_X86 0
static inline int pomdft_cpu_level(void) { return POMDFT_PLAIN; }
#endif

#endif
