#include "pbe.h"

#include <string.h>

#include "clones.h"

/* Vectors wider than the registers are passed to inlined functions only. */
#pragma GCC diagnostic ignored "-Wpsabi"

/* J. P. Perdew, K. Burke, M. Ernzerhof, Phys. Rev. Lett. 77, 3865 (1996), and for the uniform gas
 * J. P. Perdew, Y. Wang, Phys. Rev. B 45, 13244 (1992), with the digits GPAW gives the constants. */
#define BETA 0.066725
#define GAMMA 0.031091
#define MU 0.2195164512208958
#define KAPPA 0.804
/* (3 / (4 pi))^(1/3); -(3 / 4) (9 / (4 pi^2))^(1/3); of s^2 and t^2 with their radii. */
#define RADIUS 0.6203504908994001
#define EXCHANGE -0.45816529328314287
#define S_FACTOR 0.26053088059892404
#define T_FACTOR 0.10231023756535741
/* 1 / (2^(4/3) - 2), 4/3 of it, and the inverse of the curvature of f at zeta = 0. */
#define F_FACTOR 1.9236610509315362
#define F_SLOPE 2.5648814012420482
#define F_CURVATURE 0.58482236226346462
/* Densities below are taken as this one. */
#define LEAST 1e-10

#define LANES 8
#define UNROLL _Pragma("GCC unroll 16")
typedef double lanes __attribute__((vector_size(8 * LANES), aligned(8)));
typedef uint64_t words __attribute__((vector_size(8 * LANES), aligned(8)));

/* The larger of x and a constant. */
POMDFT_BODY lanes at_least(lanes x, double least) {
    const words below = (words)(x < least);
    const lanes constant = least - (lanes){0};
    return (lanes)((below & (words)constant) | (~below & (words)x));
}

/* Of normal positive numbers, to about the last digit. */
POMDFT_BODY lanes logarithm(lanes x) {
    const words bits = (words)x;
    lanes exponent = (lanes)((bits >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0);
    lanes m = (lanes)((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
    const words high = (words)(m > 1.4142135623730951);
    m -= (lanes)(high & (words)(0.5 * m));
    exponent += (lanes)(high & 0x3ff0000000000000u);
    /* Twice the inverse hyperbolic tangent of z, |z| < 0.172. */
    const lanes z = (m - 1.0) / (m + 1.0), z2 = z * z;
    lanes sum = z2 * (1.0 / 21.0) + 1.0 / 19.0;
    sum = sum * z2 + 1.0 / 17.0;
    sum = sum * z2 + 1.0 / 15.0;
    sum = sum * z2 + 1.0 / 13.0;
    sum = sum * z2 + 1.0 / 11.0;
    sum = sum * z2 + 1.0 / 9.0;
    sum = sum * z2 + 1.0 / 7.0;
    sum = sum * z2 + 1.0 / 5.0;
    sum = sum * z2 + 1.0 / 3.0;
    return exponent * 0x1.62e42feep-1 +
           (2.0 * z + (2.0 * z * z2 * sum + exponent * 0x1.a39ef35793c76p-33));
}

/* Of numbers between -700 and 700, to about the last digit. */
POMDFT_BODY lanes exponential(lanes x) {
    const lanes shifted = x * 1.4426950408889634 + 0x1.8p52;
    const lanes power = shifted - 0x1.8p52;
    const lanes r = (x - power * 0x1.62e42feep-1) - power * 0x1.a39ef35793c76p-33;
    lanes sum = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0;
    sum = sum * r + 1.0 / 39916800.0;
    sum = sum * r + 1.0 / 3628800.0;
    sum = sum * r + 1.0 / 362880.0;
    sum = sum * r + 1.0 / 40320.0;
    sum = sum * r + 1.0 / 5040.0;
    sum = sum * r + 1.0 / 720.0;
    sum = sum * r + 1.0 / 120.0;
    sum = sum * r + 1.0 / 24.0;
    sum = sum * r + 1.0 / 6.0;
    sum = sum * r + 0.5;
    const lanes result = 1.0 + (r + r * r * sum);
    return (lanes)((words)result + ((words)shifted << 52));
}

/* x^(-1/3) of normal positive numbers, to about the last digit, without a division. */
POMDFT_BODY lanes inverse_cube_root(lanes x) {
    /* The upper half of the bits is linear in the exponent, and nearly so in the logarithm. */
    const lanes upper = (lanes)(((words)x >> 32) | 0x4330000000000000u) - 0x1p52;
    const lanes guess = 1430194685.0 - upper * (1.0 / 3.0) + 0x1p52;
    lanes y = (lanes)((words)guess << 32);
    UNROLL for (int i = 0; i < 3; i++) {
        const lanes error = 1.0 - x * y * y * y;
        y += y * error * (1.0 / 3.0 + error * (2.0 / 9.0));
    }
    return y;
}

POMDFT_BODY lanes square_root(lanes x) {
    lanes found;
    UNROLL for (int i = 0; i < LANES; i++) found[i] = __builtin_sqrt(x[i]);
    return found;
}

/* A density to the power of -1/3, of +1/3, and the density. */
typedef struct {
    lanes inverse_root, root, n;
} density;

POMDFT_BODY density measure(lanes n) {
    const lanes y = inverse_cube_root(n);
    return (density){y, n * y * y, n};
}

/* Energy per electron; its derivatives by the radius, times the radius, and by the squared gradient. */
typedef struct {
    lanes energy, by_radius, by_product;
} part;

POMDFT_BODY part exchange(density d, lanes product) {
    const lanes plain = (EXCHANGE / RADIUS) * d.root;
    const lanes power = d.inverse_root * d.inverse_root;
    const lanes c = (S_FACTOR * RADIUS * S_FACTOR * RADIUS) * power * power * power * power;
    const lanes inverse = 1.0 / (1.0 + (MU / KAPPA) * product * c);
    const lanes slope = MU * inverse * inverse, enhancement = 1.0 + KAPPA - KAPPA * inverse;
    return (part){plain * enhancement, plain * (8.0 * c * product * slope - enhancement),
                  plain * slope * c};
}

/* The root of the radius and its inverse. */
typedef struct {
    lanes root, inverse;
} length;

/* Equation 10 of Perdew and Wang, and its derivative by the radius, times the radius. */
POMDFT_BODY lanes uniform(length r, double a, double alpha, double b1, double b2, double b3,
                          double b4, lanes *by_radius) {
    const lanes root = r.root, radius = root * root;
    const lanes q0 = -2.0 * a * (1.0 + alpha * radius);
    const lanes q1 = 2.0 * a * root * (b1 + root * (b2 + root * (b3 + root * b4)));
    const lanes inverse = 1.0 / (q1 * (q1 + 1.0));
    const lanes log = logarithm(1.0 + inverse * (q1 + 1.0));
    const lanes slope = a * (b1 * r.inverse + 2.0 * b2 + root * (3.0 * b3 + 4.0 * b4 * root));
    *by_radius = radius * (-2.0 * a * alpha * log - q0 * slope * inverse);
    return q0 * log;
}

/* The share of one spin, (1 + zeta) / 2, doubled: its root and the inverse of that. */
typedef struct {
    lanes root, inverse;
} share;

POMDFT_BODY share compare(density spin, density all) {
    return (share){spin.root * all.inverse_root, spin.inverse_root * all.root};
}

/* Derivative by zeta too where there is spin; without, zeta and the shares are not used. */
POMDFT_BODY part correlation(density d, lanes zeta, share up, share down, lanes product, int spin,
                             lanes *by_zeta) {
    length r;
    r.root = square_root(RADIUS * d.inverse_root);
    r.inverse = r.root * d.root * (1.0 / RADIUS);
    lanes by_radius, energy;
    energy = uniform(r, GAMMA, 0.21370, 7.5957, 3.5876, 1.6382, 0.49294, &by_radius);
    lanes phi = 1.0 - (lanes){0}, inverse_phi = phi, phi_by_zeta = {0}, slope = {0};
    if (spin) {
        lanes full_by_radius, stiffness_by_radius;
        const lanes full =
            uniform(r, 0.015545, 0.20548, 14.1189, 6.1977, 3.3662, 0.62517, &full_by_radius);
        const lanes stiffness =
            -F_CURVATURE * uniform(r, 0.016887, 0.11125, 10.357, 3.6231, 0.88026, 0.49671,
                                   &stiffness_by_radius);
        const lanes f = F_FACTOR * ((1.0 + zeta) * up.root + (1.0 - zeta) * down.root - 2.0);
        const lanes f_slope = F_SLOPE * (up.root - down.root);
        const lanes z3 = zeta * zeta * zeta, z4 = z3 * zeta;
        slope = 4.0 * z3 * f * (full - energy - stiffness) +
                f_slope * (z4 * (full - energy) + (1.0 - z4) * stiffness);
        by_radius = by_radius * (1.0 - f * z4) + full_by_radius * f * z4 -
                    F_CURVATURE * stiffness_by_radius * f * (1.0 - z4);
        energy += stiffness * f * (1.0 - z4) + (full - energy) * f * z4;
        phi = 0.5 * (up.root * up.root + down.root * down.root);
        inverse_phi = 1.0 / phi;
        phi_by_zeta = (up.inverse - down.inverse) * (1.0 / 3.0);
    }
    const lanes phi3 = phi * phi * phi, inverse_phi3 = inverse_phi * inverse_phi * inverse_phi;
    const lanes y = d.inverse_root, y2 = y * y, y4 = y2 * y2;
    const lanes t2_by_product = (T_FACTOR * RADIUS) * y4 * y2 * y * inverse_phi * inverse_phi;
    const lanes t2 = t2_by_product * product;
    const lanes x = exponential(energy * inverse_phi3 * (-1.0 / GAMMA));
    const lanes a = (BETA / GAMMA) / (x - 1.0), at2 = a * t2;
    const lanes above = 1.0 + at2, below = above + at2 * at2;
    const lanes whole = GAMMA * below + BETA * t2 * above, inverse = 1.0 / (below * whole);
    const lanes h =
        GAMMA * phi3 * logarithm(1.0 + (BETA / GAMMA) * t2 * above * whole * inverse);
    const lanes common = phi3 * (GAMMA * BETA) * inverse;
    const lanes h_by_t2 = (1.0 + 2.0 * at2) * common;
    const lanes h_by_a = -at2 * t2 * t2 * (2.0 + at2) * common;
    const lanes a_by_energy = a * a * x * inverse_phi3 * (1.0 / BETA);
    if (spin)
        *by_zeta = slope + (3.0 * h - 2.0 * h_by_t2 * t2) * inverse_phi * phi_by_zeta +
                   h_by_a * a_by_energy * (slope - 3.0 * energy * phi_by_zeta * inverse_phi);
    return (part){energy + h, by_radius + 7.0 * h_by_t2 * t2 + h_by_a * a_by_energy * by_radius,
                  h_by_t2 * t2_by_product};
}

POMDFT_BODY lanes load(const double *values) {
    lanes found;
    memcpy(&found, values, sizeof found);
    return found;
}

POMDFT_BODY void store(lanes values, double *target) { memcpy(target, &values, sizeof values); }

POMDFT_BODY void evaluate_paired(const double *values, const double *product, double *energy,
                                 double *potential, double *slope) {
    const density d = measure(at_least(load(values), LEAST));
    const lanes square = load(product);
    const share half = {{0}, {0}};
    const part x = exchange(d, square), c = correlation(d, half.root, half, half, square, 0, NULL);
    store(d.n * (x.energy + c.energy), energy);
    store(load(potential) + (x.energy + c.energy) - (x.by_radius + c.by_radius) * (1.0 / 3.0),
          potential);
    store(d.n * (x.by_product + c.by_product), slope);
}

/* `stride` is that between spins, and between products. */
POMDFT_BODY void evaluate_polarised(const double *values, const double *product, int64_t stride,
                                    double *energy, double *potential, double *slope) {
    const density up = measure(at_least(2.0 * load(values), LEAST));
    const density down = measure(at_least(2.0 * load(values + stride), LEAST));
    const density all = measure(0.5 * (up.n + down.n));
    const lanes y = all.inverse_root, zeta = 0.5 * (up.n - down.n) * y * y * y;
    const lanes of_up = load(product), of_down = load(product + 2 * stride);
    const part x_up = exchange(up, 4.0 * of_up), x_down = exchange(down, 4.0 * of_down);
    lanes by_zeta;
    const part c = correlation(all, zeta, compare(up, all), compare(down, all),
                               of_up + 2.0 * load(product + stride) + of_down, 1, &by_zeta);
    store(0.5 * (up.n * x_up.energy + down.n * x_down.energy) + all.n * c.energy, energy);
    const lanes common = c.energy - c.by_radius * (1.0 / 3.0) - zeta * by_zeta;
    store(load(potential) + (x_up.energy - x_up.by_radius * (1.0 / 3.0) + common + by_zeta),
          potential);
    store(load(potential + stride) +
              (x_down.energy - x_down.by_radius * (1.0 / 3.0) + common - by_zeta),
          potential + stride);
    store(2.0 * up.n * x_up.by_product + all.n * c.by_product, slope);
    store(2.0 * all.n * c.by_product, slope + stride);
    store(2.0 * down.n * x_down.by_product + all.n * c.by_product, slope + 2 * stride);
}

POMDFT_BODY void evaluate_body(const double *densities, const double *products, int64_t n_spins,
                               int64_t n_points, double *energies, double *potentials,
                               double *slopes) {
    const int64_t n_products = 2 * n_spins - 1, whole = n_points - n_points % LANES;
    for (int64_t i = 0; i < whole; i += LANES)
        if (n_spins == 1)
            evaluate_paired(densities + i, products + i, energies + i, potentials + i, slopes + i);
        else
            evaluate_polarised(densities + i, products + i, n_points, energies + i, potentials + i,
                               slopes + i);
    const size_t rest = (size_t)(n_points - whole) * sizeof(double);
    if (!rest) return;
    double n[2 * LANES] = {0}, v[2 * LANES] = {0}, e[LANES], p[3 * LANES] = {0}, d[3 * LANES];
    for (int64_t s = 0; s < n_spins; s++) {
        memcpy(n + s * LANES, densities + s * n_points + whole, rest);
        memcpy(v + s * LANES, potentials + s * n_points + whole, rest);
    }
    for (int64_t k = 0; k < n_products; k++)
        memcpy(p + k * LANES, products + k * n_points + whole, rest);
    if (n_spins == 1)
        evaluate_paired(n, p, e, v, d);
    else
        evaluate_polarised(n, p, LANES, e, v, d);
    memcpy(energies + whole, e, rest);
    for (int64_t s = 0; s < n_spins; s++) memcpy(potentials + s * n_points + whole, v + s * LANES, rest);
    for (int64_t k = 0; k < n_products; k++)
        memcpy(slopes + k * n_points + whole, d + k * LANES, rest);
}

POMDFT_CLONES(void, evaluate,
              (const double *densities, const double *products, int64_t n_spins, int64_t n_points,
               double *energies, double *potentials, double *slopes),
              (densities, products, n_spins, n_points, energies, potentials, slopes))

void pomdft_evaluate_pbe(const double *densities, const double *products, int64_t n_spins,
                         int64_t n_points, double *energies, double *potentials, double *slopes,
                         int level) {
    POMDFT_CALL(evaluate, level,
                (densities, products, n_spins, n_points, energies, potentials, slopes));
}
