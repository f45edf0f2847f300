#ifndef POMDFT_PBE_H
#define POMDFT_PBE_H

#include <stdint.h>

/* Exchange and correlation of Perdew, Burke and Ernzerhof in atomic units. densities and potentials
 * (n_spins, n_points), products and slopes (2 n_spins - 1, n_points). Energy densities and slopes
 * are set, potentials added to. */
void pomdft_evaluate_pbe(const double *densities, const double *products, int64_t n_spins,
                         int64_t n_points, double *energies, double *potentials, double *slopes,
                         int level);

#endif
