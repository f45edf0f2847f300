#ifndef POMDFT_DBAND_H
#define POMDFT_DBAND_H

#include <stdint.h>

/* Sum over the channels, then one scalar product with each of four weight vectors, in one pass.
 * data (n_sites, n_channels, n_points), weights (4, n_points), out (n_sites, 4). With `square`
 * the data enter squared. */
void pomdft_project_f64(const double *data, int64_t n_sites, int64_t n_channels, int64_t n_points,
                        const double *weights, int square, double *out, int level);
void pomdft_project_f32(const float *data, int64_t n_sites, int64_t n_channels, int64_t n_points,
                        const double *weights, int square, double *out, int level);

#endif
