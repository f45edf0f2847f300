#include "growth.h"

#include <stdlib.h>
#include <string.h>

#include "montecarlo.h"
#include "philox.h"

typedef struct {
    const growth_model *model;
    int8_t *species;
    uint8_t *around;  /* (n, 4) occupied neighbours by species */
    uint8_t *z;       /* (n,) occupied neighbours */
    int32_t *lists;   /* empty sites next to an atom, then surface atoms: (2, n) */
    int32_t *places;  /* (2, n) where a site is in its list, -1 for nowhere */
    int32_t sizes[2];
    double energy;
} particle;

enum { OPEN = 0, SURFACE = 1 };

static void enlist(particle *p, int list, int32_t i, int wanted) {
    const int64_t n = p->model->n;
    int32_t *entries = p->lists + list * n, *places = p->places + list * n;
    if (wanted == (places[i] >= 0)) return;
    if (wanted) {
        places[i] = p->sizes[list];
        entries[p->sizes[list]++] = i;
    } else {
        const int32_t last = entries[--p->sizes[list]];
        entries[places[i]] = last;
        places[last] = places[i];
        places[i] = -1;
    }
}

static void enlist_site(particle *p, int32_t i) {
    enlist(p, OPEN, i, p->species[i] < 0 && p->z[i] > 0);
    enlist(p, SURFACE, i, p->species[i] >= 0 && p->z[i] < 12);
}

static double atom_energy(const particle *p, int32_t i) {
    const growth_model *m = p->model;
    const int s = p->species[i], z = p->z[i];
    double e = m->atom[s * 13 + z];
    for (int t = 0; t < m->n_species; t++)
        e += (double)p->around[4 * (int64_t)i + t] * m->half[(s * m->n_species + t) * 13 + z];
    return e;
}

/* Put species s (or -1: nothing) on site i and return the change of energy. */
static double set_site(particle *p, int32_t i, int s) {
    const growth_model *m = p->model;
    const int old = p->species[i];
    double change = 0.0;
    if (old >= 0) change -= atom_energy(p, i);
    p->species[i] = (int8_t)s;
    if (s >= 0) change += atom_energy(p, i);
    const int32_t *row = m->neighbours + 12 * (int64_t)i;
    for (int k = 0; k < 12 && row[k] >= 0; k++) {
        const int32_t j = row[k];
        const int occupied = p->species[j] >= 0;
        if (occupied) change -= atom_energy(p, j);
        if (old >= 0) {
            p->around[4 * (int64_t)j + old]--;
            p->z[j]--;
        }
        if (s >= 0) {
            p->around[4 * (int64_t)j + s]++;
            p->z[j]++;
        }
        if (occupied) change += atom_energy(p, j);
    }
    return change;
}

/* After the sites' occupation (not only their species) changed. */
static void enlist_around(particle *p, int32_t i) {
    const int32_t *row = p->model->neighbours + 12 * (int64_t)i;
    enlist_site(p, i);
    for (int k = 0; k < 12 && row[k] >= 0; k++) enlist_site(p, row[k]);
}

/* An empty site for an atom that arrives: any with enough contacts, else one with the most. */
static int32_t find_open(particle *p, uint32_t stream, uint64_t *turn) {
    const growth_model *m = p->model;
    const int32_t *open = p->lists;
    if (p->sizes[OPEN] == 0) return -1;
    uint32_t words[4];
    for (int tries = 0; tries < 64; tries++) {
        if (tries % 4 == 0) philox_words(m->seed, (*turn)++, stream, PHILOX_GROWTH, words);
        const int32_t i = open[philox_below(words[tries % 4], (uint32_t)p->sizes[OPEN])];
        if (p->z[i] >= m->least_contacts) return i;
    }
    int32_t best = open[0];
    for (int32_t k = 1; k < p->sizes[OPEN]; k++)
        if (p->z[open[k]] > p->z[best] || (p->z[open[k]] == p->z[best] && open[k] < best))
            best = open[k];
    return best;
}

static void move_atom(particle *p, uint32_t stream, uint64_t *turn, int32_t *arrival,
                      int64_t *counts) {
    const growth_model *m = p->model;
    if (p->sizes[SURFACE] == 0) return;
    uint32_t words[4];
    philox_words(m->seed, (*turn)++, stream, PHILOX_GROWTH, words);
    const int32_t i = p->lists[m->n + philox_below(words[0], (uint32_t)p->sizes[SURFACE])];
    const int32_t j = m->neighbours[12 * (int64_t)i + philox_below(words[1], 12)];
    if (j < 0) return;
    const double threshold = (double)mc_minus_log2(words[2], m->log_table) * m->kt;
    const int a = p->species[i], b = p->species[j];
    if (b < 0) {
        /* Site i is empty after the hop, so it does not count as a contact of j. */
        const int needed = m->least_contacts < p->z[i] ? m->least_contacts : p->z[i];
        if (p->z[j] - 1 < (needed > 1 ? needed : 1)) return;
        counts[0]++;
        double change = set_site(p, i, -1);
        change += set_site(p, j, a);
        if (change > threshold) {
            set_site(p, j, -1);
            set_site(p, i, a);
            return;
        }
        p->energy += change;
        counts[1]++;
        enlist_around(p, i);
        enlist_around(p, j);
        arrival[j] = arrival[i];
        arrival[i] = -1;
        return;
    }
    if (a == b || m->swap == GROWTH_SWAP_NONE || (m->swap == GROWTH_SWAP_SURFACE && p->z[j] == 12))
        return;
    counts[2]++;
    double change = set_site(p, i, b);
    change += set_site(p, j, a);
    if (change > threshold) {
        set_site(p, j, b);
        set_site(p, i, a);
        return;
    }
    p->energy += change;
    counts[3]++;
    const int32_t kept = arrival[i];
    arrival[i] = arrival[j];
    arrival[j] = kept;
}

int growth_run(const growth_model *model, uint32_t stream, int8_t *species, int32_t *arrival,
               uint8_t *queue, int64_t n_atoms, int64_t capacity, int64_t *counts, double *energy) {
    const int64_t n = model->n;
    particle p = {.model = model, .species = species};
    p.around = calloc((size_t)n * 5, 1);
    p.lists = malloc((size_t)n * 4 * sizeof *p.lists);
    if (p.around == NULL || p.lists == NULL) {
        free(p.around);
        free(p.lists);
        return -1;
    }
    p.z = p.around + 4 * n;
    p.places = p.lists + 2 * n;
    for (int64_t i = 0; i < 2 * n; i++) p.places[i] = -1;
    for (int64_t i = 0; i < n; i++) {
        const int32_t *row = model->neighbours + 12 * i;
        for (int k = 0; k < 12 && row[k] >= 0; k++)
            if (species[row[k]] >= 0) {
                p.around[4 * i + species[row[k]]]++;
                p.z[i]++;
            }
    }
    for (int64_t i = 0; i < n; i++) {
        enlist_site(&p, (int32_t)i);
        if (species[i] >= 0) p.energy += atom_energy(&p, (int32_t)i);
    }
    uint64_t turn = 0;
    uint32_t words[4];
    for (int64_t next = 0; next < n_atoms; next++) {
        const int s = queue[next];
        int32_t place = -1;
        philox_words(model->seed, turn++, stream, PHILOX_GROWTH, words);
        if (p.sizes[SURFACE] > 0 && n_atoms < capacity) {
            const int32_t met = p.lists[n + philox_below(words[0], (uint32_t)p.sizes[SURFACE])];
            const int t = species[met];
            const double chance = model->galvanic[s * model->n_species + t];
            if (t != s && (double)words[1] < chance * 4294967296.0) {
                queue[n_atoms++] = (uint8_t)t;
                counts[4]++;
                place = met;
            }
        }
        if (place < 0) place = find_open(&p, stream, &turn);
        if (place < 0) {
            counts[5]++;
            continue;
        }
        const int grows = species[place] < 0;
        p.energy += set_site(&p, place, s);
        if (grows) enlist_around(&p, place);
        arrival[place] = (int32_t)next;
        for (int32_t k = 0; k < model->moves_per_atom; k++)
            move_atom(&p, stream, &turn, arrival, counts);
    }
    *energy = p.energy;
    free(p.around);
    free(p.lists);
    return 0;
}

int growth_run_all(const growth_model *model, int32_t n_replicas, int32_t n_threads,
                   const uint32_t *stream, int8_t *species, int32_t *arrival, uint8_t *queue,
                   int64_t n_atoms, int64_t capacity, int64_t *counts, double *energy) {
    int fault = 0;
#pragma omp parallel for schedule(dynamic) num_threads(n_threads) reduction(| : fault)
    for (int32_t r = 0; r < n_replicas; r++)
        fault |= growth_run(model, stream[r], species + (int64_t)r * model->n,
                            arrival + (int64_t)r * model->n, queue + (int64_t)r * capacity, n_atoms,
                            capacity, counts + (int64_t)r * GROWTH_COUNTS, energy + r) != 0;
    return fault ? -1 : 0;
}
