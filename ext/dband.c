#include "dband.h"

#include <string.h>

#include "clones.h"

#define MOMENTS 4
#define LANES 8
#define UNROLL _Pragma("GCC unroll 16")
/* Points summed over the channels at a time, in registers. */
#ifndef STEP
#define STEP 16
#endif
/* Bytes by which memory is asked for ahead of its use: each channel is a stream of its own, and the
 * hardware follows few streams across pages. */
#ifndef AHEAD
#define AHEAD 384
#endif

/* Eight running sums a moment whatever the width of the registers, so that every path gives the
 * same bits. `width` is the number of doubles in a register. */
#define PROJECT(name, real, target, width)                                                      \
    typedef double name##_lanes __attribute__((vector_size(8 * width), aligned(8)));            \
    typedef real name##_reals __attribute__((vector_size(sizeof(real) * width),                 \
                                             aligned(sizeof(real))));                           \
    target static void name(const real *data, int64_t n_sites, int64_t n_channels,              \
                            int64_t n_points, const double *weights, int square, double *out) { \
        const int64_t rest = n_points % STEP;                                                   \
        double last[MOMENTS][STEP] = {{0}};                                                     \
        for (int m = 0; m < MOMENTS; m++)                                                       \
            memcpy(last[m], weights + (m + 1) * n_points - rest, (size_t)rest * sizeof(double)); \
        for (int64_t site = 0; site < n_sites; site++) {                                        \
            const real *first = data + site * n_channels * n_points;                            \
            name##_lanes sums[MOMENTS][LANES / width] = {{{0}}};                                \
            int64_t at = 0;                                                                     \
            for (; at + STEP <= n_points; at += STEP) {                                         \
                name##_lanes total[STEP / width] = {{0}};                                       \
                const real *p = first + at;                                                     \
                /* Past the end of a row comes the same row of the next site. */                \
                int64_t far = AHEAD / sizeof(real);                                             \
                if (at + far + STEP > n_points) far += (n_channels - 1) * n_points;             \
                for (int64_t c = 0; c < n_channels; c++, p += n_points) {                       \
                    UNROLL for (int k = 0; k < STEP; k += 64 / sizeof(real))                    \
                        __builtin_prefetch(p + far + k);                                        \
                    UNROLL for (int k = 0; k < STEP / width; k++) {                             \
                        const name##_lanes x = __builtin_convertvector(                         \
                            *(const name##_reals *)(p + k * width), name##_lanes);              \
                        total[k] += square ? x * x : x;                                         \
                    }                                                                           \
                }                                                                               \
                UNROLL for (int m = 0; m < MOMENTS; m++) {                                      \
                    const double *w = weights + m * n_points + at;                              \
                    UNROLL for (int k = 0; k < STEP / width; k++)                               \
                        sums[m][k % (LANES / width)] +=                                         \
                            total[k] * *(const name##_lanes *)(w + k * width);                  \
                }                                                                               \
            }                                                                                   \
            if (rest) {                                                                         \
                double end[STEP] = {0};                                                         \
                for (int64_t c = 0; c < n_channels; c++) {                                      \
                    const real *p = first + c * n_points + at;                                  \
                    for (int64_t k = 0; k < rest; k++)                                          \
                        end[k] += square ? (double)p[k] * p[k] : p[k];                          \
                }                                                                               \
                UNROLL for (int m = 0; m < MOMENTS; m++)                                        \
                    UNROLL for (int k = 0; k < STEP / width; k++)                               \
                        sums[m][k % (LANES / width)] +=                                         \
                            *(const name##_lanes *)(end + k * width) *                          \
                            *(const name##_lanes *)(last[m] + k * width);                       \
            }                                                                                   \
            for (int m = 0; m < MOMENTS; m++) {                                                 \
                double e[LANES];                                                                \
                memcpy(e, sums[m], sizeof e);                                                   \
                out[site * MOMENTS + m] = ((e[0] + e[4]) + (e[2] + e[6])) +                     \
                                           ((e[1] + e[5]) + (e[3] + e[7]));                    \
            }                                                                                   \
        }                                                                                       \
    }

PROJECT(f64_plain, double, , 2)
PROJECT(f32_plain, float, , 2)
#if POMDFT_X86
PROJECT(f64_avx2, double, POMDFT_TARGET_AVX2, 4)
PROJECT(f32_avx2, float, POMDFT_TARGET_AVX2, 4)
PROJECT(f64_avx512, double, POMDFT_TARGET_AVX512, 8)
PROJECT(f32_avx512, float, POMDFT_TARGET_AVX512, 8)
#endif

void pomdft_project_f64(const double *data, int64_t n_sites, int64_t n_channels, int64_t n_points,
                        const double *weights, int square, double *out, int level) {
    POMDFT_CALL(f64, level, (data, n_sites, n_channels, n_points, weights, square, out));
}

void pomdft_project_f32(const float *data, int64_t n_sites, int64_t n_channels, int64_t n_points,
                        const double *weights, int square, double *out, int level) {
    POMDFT_CALL(f32, level, (data, n_sites, n_channels, n_points, weights, square, out));
}
