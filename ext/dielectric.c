#include "dielectric.h"

#include <string.h>

#include "clones.h"

#define REACH POMDFT_REACH

/* Add the shares of the lines k before and after along one axis; a line beyond the grid is zero. */
POMDFT_BODY void add_pair(const double *restrict before, const double *restrict after, int64_t n,
                          double second, double first, double *restrict curvature,
                          double *restrict slope) {
    if (before && after)
        for (int64_t i = 0; i < n; i++) {
            curvature[i] += second * (after[i] + before[i]);
            slope[i] += first * (after[i] - before[i]);
        }
    else if (after)
        for (int64_t i = 0; i < n; i++) {
            curvature[i] += second * after[i];
            slope[i] += first * after[i];
        }
    else if (before)
        for (int64_t i = 0; i < n; i++) {
            curvature[i] += second * before[i];
            slope[i] -= first * before[i];
        }
}

/* Set `curvature` to the Laplacian's shares of other lines, and both slopes across. */
POMDFT_BODY void look_across(const pomdft_dielectric *o, const double *phi, int64_t x, int64_t y,
                             double *curvature, double *slope_x, double *slope_y) {
    const int64_t n = o->shape[2], row = o->shape[1] * n;
    const double *line = phi + x * row + y * n;
    memset(curvature, 0, (size_t)n * sizeof(double));
    memset(slope_x, 0, (size_t)n * sizeof(double));
    memset(slope_y, 0, (size_t)n * sizeof(double));
    for (int64_t k = 1; k <= REACH; k++) {
        add_pair(x >= k ? line - k * row : NULL, x + k < o->shape[0] ? line + k * row : NULL, n,
                 o->second[0][k - 1], o->first[0][k - 1], curvature, slope_x);
        add_pair(y >= k ? line - k * n : NULL, y + k < o->shape[1] ? line + k * n : NULL, n,
                 o->second[1][k - 1], o->first[1][k - 1], curvature, slope_y);
    }
}

/* Copy a line between zeros. */
POMDFT_BODY double *pad(const double *line, int64_t n, double *work) {
    double *padded = work + REACH;
    memset(work, 0, REACH * sizeof(double));
    memcpy(padded, line, (size_t)n * sizeof(double));
    memset(padded + n, 0, REACH * sizeof(double));
    return padded;
}

POMDFT_BODY void smooth_body(const pomdft_dielectric *o, const double *source, double *phi,
                             double *work) {
    const int64_t n = o->shape[2];
    const double *second = o->second[2], *first = o->first[2];
    double *curvature = work, *slope_x = work + n, *slope_y = work + 2 * n;
    double *target = work + 3 * n;
    /* Shares of the values before along the line, which are new already. */
    double *shares = work + 4 * n;
    for (int64_t x = 0; x < o->shape[0]; x++)
        for (int64_t y = 0; y < o->shape[1]; y++) {
            const int64_t at = (x * o->shape[1] + y) * n;
            const double *eps = o->weights[0] + at, *eps_x = o->weights[1] + at;
            const double *eps_y = o->weights[2] + at, *eps_z = o->weights[3] + at;
            look_across(o, phi, x, y, curvature, slope_x, slope_y);
            const double *old = pad(phi + at, n, work + (4 + REACH) * n);
            for (int64_t i = 0; i < n; i++) {
                const double inverse = 1.0 / (eps[i] * o->centre);
                double rest = source[at + i] - eps[i] * curvature[i] - eps_x[i] * slope_x[i] -
                              eps_y[i] * slope_y[i];
                for (int64_t k = 1; k <= REACH; k++) {
                    const double even = eps[i] * second[k - 1], odd = eps_z[i] * first[k - 1];
                    rest -= (even + odd) * old[i + k];
                    shares[(k - 1) * n + i] = (even - odd) * inverse;
                }
                target[i] = rest * inverse;
            }
            double before[REACH] = {0};
            for (int64_t i = 0; i < n; i++) {
                double value = target[i];
                for (int64_t k = REACH; k >= 1; k--) value -= shares[(k - 1) * n + i] * before[k - 1];
                for (int64_t k = REACH - 1; k >= 1; k--) before[k] = before[k - 1];
                phi[at + i] = before[0] = value;
            }
        }
}

POMDFT_BODY void apply_body(const pomdft_dielectric *o, const double *phi, double *result,
                            double *work) {
    const int64_t n = o->shape[2];
    double *curvature = work, *slope_x = work + n, *slope_y = work + 2 * n;
    double *slope_z = work + 3 * n;
    for (int64_t x = 0; x < o->shape[0]; x++)
        for (int64_t y = 0; y < o->shape[1]; y++) {
            const int64_t at = (x * o->shape[1] + y) * n;
            look_across(o, phi, x, y, curvature, slope_x, slope_y);
            memset(slope_z, 0, (size_t)n * sizeof(double));
            const double *line = pad(phi + at, n, work + (4 + REACH) * n);
            for (int64_t k = 1; k <= REACH; k++)
                add_pair(line - k, line + k, n, o->second[2][k - 1], o->first[2][k - 1], curvature,
                         slope_z);
            for (int64_t i = 0; i < n; i++)
                result[at + i] = o->weights[0][at + i] * (o->centre * line[i] + curvature[i]) +
                                 o->weights[1][at + i] * slope_x[i] +
                                 o->weights[2][at + i] * slope_y[i] +
                                 o->weights[3][at + i] * slope_z[i];
        }
}

POMDFT_CLONES(void, smooth,
              (const pomdft_dielectric *o, const double *source, double *phi, double *work),
              (o, source, phi, work))
POMDFT_CLONES(void, apply,
              (const pomdft_dielectric *o, const double *phi, double *result, double *work),
              (o, phi, result, work))

void pomdft_smooth_dielectric(const pomdft_dielectric *operator_, const double *source,
                              double *phi, double *work, int level) {
    POMDFT_CALL(smooth, level, (operator_, source, phi, work));
}

void pomdft_apply_dielectric(const pomdft_dielectric *operator_, const double *phi, double *result,
                             double *work, int level) {
    POMDFT_CALL(apply, level, (operator_, phi, result, work));
}
