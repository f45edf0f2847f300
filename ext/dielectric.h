#ifndef POMDFT_DIELECTRIC_H
#define POMDFT_DIELECTRIC_H

#include <stdint.h>

/* How far differences reach; shorter ones have zeros. */
#define POMDFT_REACH 3

/* div(eps grad phi) by finite differences on an open grid of shape (n_x, n_y, n_z), as eps times
 * the Laplacian plus the gradients' product. weights[0] eps, weights[1..3] its derivatives. The
 * Laplacian is `centre` phi plus second[axis][k - 1] times the values k points before and after,
 * the gradient first[axis][k - 1] times their difference. */
typedef struct {
    int64_t shape[3];
    const double *weights[4];
    double centre, second[3][POMDFT_REACH], first[3][POMDFT_REACH];
} pomdft_dielectric;

/* Numbers of working space for lines of n points. */
#define POMDFT_DIELECTRIC_WORK(n) ((5 + POMDFT_REACH) * (n) + 2 * POMDFT_REACH)

/* One sweep of Gauss and Seidel, in the order of memory, towards operator phi = source. */
void pomdft_smooth_dielectric(const pomdft_dielectric *operator_, const double *source,
                              double *phi, double *work, int level);
void pomdft_apply_dielectric(const pomdft_dielectric *operator_, const double *phi, double *result,
                             double *work, int level);

#endif
