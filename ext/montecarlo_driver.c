/* Sweeps, averages and exchanges between temperatures, over replicas in threads. Sums that decide
 * anything are of whole numbers and each replica belongs to one thread, so nothing depends on the
 * number of threads. */
#include "montecarlo_driver.h"

#include <stdlib.h>
#include <string.h>

static const mc_path *choose_path(int level) {
#if POMDFT_X86
    if (level == POMDFT_AVX512) return &mc_avx512;
    if (level == POMDFT_AVX2) return &mc_avx2;
#endif
    (void)level;
    return &mc_plain;
}

static int is_measured(const mc_run *run, int64_t sweep) {
    return sweep >= run->first_measured && sweep - run->first_measured < run->n_measured;
}

static int is_counted(const mc_run *run, int64_t sweep) {
    return is_measured(run, sweep) && (sweep - run->first_measured) % run->count_every == 0;
}

static void add_energy(mc_run *run, int64_t sweep, int slot, int64_t energy) {
    if (run->samples[slot] == 0) run->reference[slot] = energy;
    const int64_t d = energy - run->reference[slot];
    const int64_t part = (sweep - run->first_measured) * MC_BLOCKS / run->n_measured;
    run->samples[slot]++;
    run->sum[slot] += d;
    run->square[slot] += (double)d * (double)d;
    run->part_sum[(int64_t)slot * MC_BLOCKS + part] += (double)d;
    run->part_samples[(int64_t)slot * MC_BLOCKS + part]++;
}

/* Steps of a sweep are numbered from a multiple of 8, which the random numbers need. */
static uint64_t first_step(const mc_run *run, int64_t sweep) {
    return (uint64_t)sweep * (((uint64_t)run->lattice.n + 7) / 8 * 8);
}

static void count_chain(mc_run *run, const mc_chain *chain, int slot) {
    const mc_lattice *lattice = &run->lattice;
    const int S = lattice->n_species;
    int64_t *cells = run->cell_counts + (int64_t)slot * lattice->n_cells * S;
    for (int32_t cell = 0; cell < lattice->n_cells; cell++)
        for (int32_t k = lattice->cell_start[cell]; k < lattice->cell_start[cell + 1]; k++)
            cells[(int64_t)cell * S + chain->species[lattice->cell_sites[k]]]++;
    int64_t bonds[16] = {0};
    for (int64_t k = 0; k < lattice->n_bonds; k++)
        bonds[chain->species[lattice->bonds[2 * k]] * 4 + chain->species[lattice->bonds[2 * k + 1]]]++;
    int64_t *pairs = run->pair_counts + (int64_t)slot * S * S;
    for (int a = 0; a < S; a++)
        for (int b = 0; b < S; b++) pairs[(a < b ? a : b) * S + (a < b ? b : a)] += bonds[4 * a + b];
    run->counted[slot]++;
}

static int run_chain(mc_run *run, const mc_path *path, int walker, int64_t sweep, int64_t n_sweeps) {
    const mc_lattice *lattice = &run->lattice;
    const int slot = run->slot[walker];
    mc_chain chain = {
        .field = (int32_t *)run->field + walker * run->field_stride,
        .pair = (const int32_t *)run->pair + walker * run->pair_stride,
        .species = run->species + (int64_t)walker * lattice->n,
        .list = (int32_t *)run->list_or_bits + (int64_t)walker * lattice->n,
        .correction = {run->correction[2 * walker], run->correction[2 * walker + 1]},
        .stream = run->stream[walker],
        .kt = run->kt[slot],
        .energy = run->energy[walker],
        .occupied = malloc(((size_t)lattice->n + 12) * sizeof(int32_t)),
    };
    if (chain.occupied == NULL) return -1;
    if (run->proposed[slot])
        chain.share = (double)run->accepted[slot] / (double)run->proposed[slot];
    memcpy(chain.counts, run->counts + 4 * (int64_t)walker, sizeof chain.counts);
    for (int64_t at = sweep; at < sweep + n_sweeps; at++) {
        path->chain_steps(lattice, &chain, run->seed, first_step(run, at), lattice->n, run->mode,
                          run->log_table);
        if (is_measured(run, at)) add_energy(run, at, slot, chain.energy);
        if (is_counted(run, at)) count_chain(run, &chain, slot);
        if (run->best_energy != NULL && chain.energy < run->best_energy[walker]) {
            run->best_energy[walker] = chain.energy;
            memcpy(run->best_species + (int64_t)walker * lattice->n, chain.species,
                   (size_t)lattice->n);
        }
    }
    path->chain_end(lattice, &chain);
    free(chain.occupied);
    run->energy[walker] = chain.energy;
    run->accepted[slot] += chain.accepted;
    run->proposed[slot] += chain.proposed;
    return 0;
}

/* Turn what block_count counted into counts by slot and of every species. */
static void add_counts(mc_run *run, int walker, int lane, const int64_t *cells,
                       const int64_t *pairs) {
    const mc_lattice *lattice = &run->lattice;
    const int S = lattice->n_species, slot = run->slot[walker];
    int64_t ends[4] = {0};
    for (int32_t cell = 0; cell < lattice->n_cells; cell++) {
        const int32_t *sites = lattice->cell_sites + lattice->cell_start[cell];
        const int64_t size = lattice->cell_start[cell + 1] - lattice->cell_start[cell];
        const int64_t degree = size ? lattice->rows[(int64_t)sites[0] * MC_ROW + 13] : 0;
        int64_t *out = run->cell_counts + ((int64_t)slot * lattice->n_cells + cell) * S;
        int64_t rest = size;
        for (int c = 1; c < S; c++) {
            const int64_t found = cells[((int64_t)cell * (S - 1) + c - 1) * MC_LANES + lane];
            out[c] += found;
            ends[c] += found * degree;
            rest -= found;
        }
        out[0] += rest;
    }
    /* Bond ends of species c are twice its bonds with its like and once those with others. */
    int64_t *out = run->pair_counts + (int64_t)slot * S * S;
    int64_t mixed[4] = {0}, total = 0;
    int kind = 0;
    for (int c = 1; c < S; c++)
        for (int d = c; d < S; d++, kind++) {
            const int64_t bonds = pairs[(int64_t)kind * MC_LANES + lane];
            out[c * S + d] += bonds;
            mixed[c] += bonds;
            mixed[d] += bonds; /* twice where c == d */
            total += bonds;
        }
    for (int c = 1; c < S; c++) {
        const int64_t with_zero = ends[c] - mixed[c];
        out[c] += with_zero;
        total += with_zero;
    }
    out[0] += lattice->n_bonds - total;
    run->counted[slot]++;
}

static void keep_best(mc_run *run, const mc_block *block, int first, int count) {
    uint8_t better[MC_LANES] = {0};
    int any = 0;
    for (int l = 0; l < count; l++)
        if (block->energy[l] < run->best_energy[first + l]) {
            run->best_energy[first + l] = block->energy[l];
            better[l] = 0xFF;
            any = 1;
        }
    if (!any) return;
    uint8_t *best = run->best_species + (int64_t)first * run->lattice.n;
    for (int64_t k = 0; k < (int64_t)run->lattice.n * MC_LANES; k++) {
        const uint8_t mask = better[k % MC_LANES];
        best[k] = (uint8_t)((block->species[k] & mask) | (best[k] & (uint8_t)~mask));
    }
}

static int run_block(mc_run *run, const mc_path *path, int index, int64_t sweep, int64_t n_sweeps) {
    const mc_lattice *lattice = &run->lattice;
    const int S = lattice->n_species, first = index * MC_LANES;
    const int count = run->n_replicas - first < MC_LANES ? run->n_replicas - first : MC_LANES;
    const size_t n_cells = (size_t)lattice->n_cells * (S - 1) * MC_LANES;
    const size_t n_pairs = (size_t)(S * (S - 1) / 2) * MC_LANES;
    int64_t *cells = calloc(n_cells + n_pairs, sizeof *cells);
    if (cells == NULL) return -1;
    mc_block block = {
        .field = (int16_t *)run->field + index * run->field_stride,
        .site = run->site + index * run->field_stride,
        .pair = (const int16_t *)run->pair + index * run->pair_stride,
        .species = run->species + (int64_t)index * lattice->n * MC_LANES,
        .bits = (uint32_t *)run->list_or_bits + (int64_t)index * (lattice->n + 12),
    };
    for (int l = 0; l < MC_LANES; l++) {
        /* The last block may be part empty: its idle lanes repeat the last replica. */
        const int walker = first + (l < count ? l : count - 1), slot = run->slot[walker];
        block.stream[l] = run->stream[walker];
        block.cut[l] = run->cut[slot];
        block.shift[l] = run->shift[slot];
        block.scale[l] = run->scale[slot];
        block.energy[l] = run->energy[walker];
    }
    path->block_begin(lattice, &block);
    const int64_t end = sweep + n_sweeps;
    for (int64_t at = sweep; at < end; at++) {
        path->block_steps(lattice, &block, run->seed, first_step(run, at), lattice->n, run->mode);
        const int counting = is_counted(run, at), measuring = is_measured(run, at);
        if (counting || run->best_energy != NULL || at == end - 1) path->block_end(lattice, &block);
        if (measuring || run->best_energy != NULL || at == end - 1)
            path->block_energy(lattice, &block);
        if (measuring)
            for (int l = 0; l < count; l++)
                add_energy(run, at, run->slot[first + l], block.energy[l]);
        if (counting) {
            memset(cells, 0, (n_cells + n_pairs) * sizeof *cells);
            path->block_count(lattice, &block, cells, cells + n_cells);
            for (int l = 0; l < count; l++) add_counts(run, first + l, l, cells, cells + n_cells);
        }
        if (run->best_energy != NULL) keep_best(run, &block, first, count);
    }
    path->block_fields(lattice, &block);
    for (int l = 0; l < count; l++) {
        run->energy[first + l] = block.energy[l];
        run->accepted[run->slot[first + l]] += (int64_t)block.accepted[l];
        run->proposed[run->slot[first + l]] += (int64_t)block.proposed[l];
    }
    free(cells);
    return 0;
}

/* Neighbouring temperatures of each ladder exchange their configurations with the probability
 * min(1, exp((beta_a - beta_b) (E_a - E_b))); even and odd pairs take turns. */
static void exchange(mc_run *run, int64_t index) {
    for (int32_t at = 0; at < run->n_ladders; at++)
        for (int32_t k = run->ladder_start[at] + (int32_t)(index & 1);
             k + 1 < run->ladder_start[at + 1]; k += 2) {
            const int32_t a = run->ladder[k], b = run->ladder[k + 1];
            const int32_t wa = run->walker[a], wb = run->walker[b];
            uint32_t words[4];
            philox_words(run->seed, (uint64_t)index, (uint32_t)k, PHILOX_EXCHANGE, words);
            const double barrier = (run->beta[b] - run->beta[a]) *
                                   (double)(run->energy[wa] - run->energy[wb]);
            run->exchanges[a]++;
            if (barrier > (double)mc_minus_log2(words[0], run->log_table)) continue;
            run->exchanged[a]++;
            run->walker[a] = wb;
            run->walker[b] = wa;
            run->slot[wa] = b;
            run->slot[wb] = a;
        }
}

int mc_advance(mc_run *run) {
    const mc_path *path = choose_path(run->level);
    const int units =
        run->chains ? run->n_replicas : (run->n_replicas + MC_LANES - 1) / MC_LANES;
    const int64_t end = run->sweep + run->n_sweeps;
    int fault = 0;
    for (int64_t at = run->sweep; at < end;) {
        int64_t stop = end;
        if (run->exchange_every > 0) {
            const int64_t next = (at / run->exchange_every + 1) * run->exchange_every;
            if (next < stop) stop = next;
        }
#pragma omp parallel for schedule(dynamic) num_threads(run->n_threads) reduction(| : fault)
        for (int unit = 0; unit < units; unit++) {
            fault |= (run->chains ? run_chain(run, path, unit, at, stop - at)
                                  : run_block(run, path, unit, at, stop - at)) != 0;
        }
        if (fault) return -1;
        if (run->exchange_every > 0 && stop % run->exchange_every == 0)
            exchange(run, stop / run->exchange_every);
        at = stop;
    }
    return 0;
}
