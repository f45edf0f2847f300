/* Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, SC'11 (2011),
 * https://doi.org/10.1145/2063384.2063405: four 32-bit words from a counter and a key. */
#ifndef POMDFT_PHILOX_H
#define POMDFT_PHILOX_H

#include <stdint.h>

#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u

#define PHILOX_ROUND(c0, c1, c2, c3, k0, k1)                                  \
    do {                                                                      \
        const uint64_t philox_p0 = (uint64_t)PHILOX_M0 * (c0);                \
        const uint64_t philox_p1 = (uint64_t)PHILOX_M1 * (c2);                \
        const uint32_t philox_n0 = (uint32_t)(philox_p1 >> 32) ^ (c1) ^ (k0); \
        const uint32_t philox_n2 = (uint32_t)(philox_p0 >> 32) ^ (c3) ^ (k1); \
        (c1) = (uint32_t)philox_p1;                                           \
        (c3) = (uint32_t)philox_p0;                                           \
        (c0) = philox_n0;                                                     \
        (c2) = philox_n2;                                                     \
    } while (0)

#define PHILOX_ROUNDS(c0, c1, c2, c3, seed)                                                \
    do {                                                                                   \
        const uint32_t philox_a = (uint32_t)(seed), philox_b = (uint32_t)((seed) >> 32);   \
        PHILOX_ROUND(c0, c1, c2, c3, philox_a, philox_b);                                  \
        PHILOX_ROUND(c0, c1, c2, c3, philox_a + PHILOX_W0, philox_b + PHILOX_W1);          \
        PHILOX_ROUND(c0, c1, c2, c3, philox_a + 2 * PHILOX_W0, philox_b + 2 * PHILOX_W1);  \
        PHILOX_ROUND(c0, c1, c2, c3, philox_a + 3 * PHILOX_W0, philox_b + 3 * PHILOX_W1);  \
        PHILOX_ROUND(c0, c1, c2, c3, philox_a + 4 * PHILOX_W0, philox_b + 4 * PHILOX_W1);  \
        PHILOX_ROUND(c0, c1, c2, c3, philox_a + 5 * PHILOX_W0, philox_b + 5 * PHILOX_W1);  \
        PHILOX_ROUND(c0, c1, c2, c3, philox_a + 6 * PHILOX_W0, philox_b + 6 * PHILOX_W1);  \
        PHILOX_ROUND(c0, c1, c2, c3, philox_a + 7 * PHILOX_W0, philox_b + 7 * PHILOX_W1);  \
        PHILOX_ROUND(c0, c1, c2, c3, philox_a + 8 * PHILOX_W0, philox_b + 8 * PHILOX_W1);  \
        PHILOX_ROUND(c0, c1, c2, c3, philox_a + 9 * PHILOX_W0, philox_b + 9 * PHILOX_W1);  \
    } while (0)

/* What a counter is for: its last word, so that no two uses share random numbers. */
enum {
    PHILOX_CHAIN = 1,     /* one chain: a block a step */
    PHILOX_PROPOSAL = 2,  /* replicas: two words a step, shared by all replicas */
    PHILOX_ACCEPT = 3,    /* replicas: 16 bits a step and replica */
    PHILOX_REFINE = 4,    /* replicas: 16 bits more where the first did not decide */
    PHILOX_EXCHANGE = 5,  /* exchanges between temperatures */
    PHILOX_SHUFFLE = 6,   /* initial occupations (NumPy) */
    PHILOX_GROWTH = 7     /* growth */
};

static inline void philox_words(uint64_t seed, uint64_t index, uint32_t stream, uint32_t purpose,
                                uint32_t out[4]) {
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32), c2 = stream, c3 = purpose;
    PHILOX_ROUNDS(c0, c1, c2, c3, seed);
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* A whole number from 0 to n - 1. */
static inline uint32_t philox_below(uint32_t word, uint32_t n) {
    return (uint32_t)(((uint64_t)word * n) >> 32);
}

#endif
