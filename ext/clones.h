/* One body, compiled for each set of vector instructions, chosen by the last argument.
 *
 * The bodies are written with vectors of a fixed number of lanes, which the compiler splits where
 * the registers are narrower; with -ffp-contract=off every path then gives the same bits.
 */
#ifndef POMDFT_CLONES_H
#define POMDFT_CLONES_H

#include "simd.h"

#define POMDFT_BODY static inline __attribute__((always_inline))

#if POMDFT_X86
#define POMDFT_CLONES(type, name, parameters, arguments)                                  \
    static type name##_plain parameters { return name##_body arguments; }                \
    POMDFT_TARGET_AVX2 static type name##_avx2 parameters { return name##_body arguments; } \
    POMDFT_TARGET_AVX512 static type name##_avx512 parameters { return name##_body arguments; }
#define POMDFT_CALL(name, level, arguments)                \
    ((level) >= POMDFT_AVX512 ? name##_avx512 arguments    \
     : (level) == POMDFT_AVX2 ? name##_avx2 arguments      \
                              : name##_plain arguments)
#else
#define POMDFT_CLONES(type, name, parameters, arguments) \
    static type name##_plain parameters { return name##_body arguments; }
#define POMDFT_CALL(name, level, arguments) name##_plain arguments
#endif

#endif
