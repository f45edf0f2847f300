/* One chain of two species where much is accepted, with AVX-512: instead of fields, which twelve
 * neighbours of both sites would have to learn of, the bonds around both sites are summed at each
 * try, and what is accepted or not is written without a branch. The numbers are the same. */

/* From which accepted share on the bonds are summed, and below which fields are kept again. */
#define MC_DIRECT_FROM 0.4
#define MC_DIRECT_TO 0.3

/* Bonds around a site to species 1, lane by lane; `weights` holds 16 entries for each class. */
MC_TARGET MC_ALWAYS __m512i sum_bonds(const int32_t *row, const int32_t *weights,
                                      const int32_t *occupied, __m512i *sites) {
    const __m512i entries = _mm512_loadu_si512(row);
    *sites = _mm512_srai_epi32(entries, 4);
    /* A permutation looks at the lowest four bits only: the class. */
    const __m512i bonds =
        _mm512_permutexvar_epi32(entries, _mm512_loadu_si512(weights + 16 * row[12]));
    const __m512i there = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), 0x0FFF, *sites,
                                                      occupied, 4);
    return _mm512_and_si512(bonds, there);
}

MC_TARGET static void tabulate_bonds(const mc_lattice *lattice, const mc_chain *chain,
                                     int32_t *weights) {
    const int K = lattice->n_classes;
    for (int own = 0; own < K; own++)
        for (int q = 0; q < 16; q++)
            weights[16 * own + q] = q < K ? chain->pair[(3 * K + own) * K + q] : 0;
}

/* Between fields and site terms: add or take away the bonds around every site. */
MC_TARGET static void turn_chain(const mc_lattice *lattice, mc_chain *chain, int direct) {
    if (chain->direct == direct) return;
    int32_t weights[13 * 16];
    tabulate_bonds(lattice, chain, weights);
    const int32_t n = lattice->n;
    for (int32_t i = 0; i < n; i++) chain->occupied[i] = -(int32_t)chain->species[i];
    for (int32_t i = n; i < n + 12; i++) chain->occupied[i] = 0;
    for (int64_t i = 0; i < n; i++) {
        __m512i sites;
        const int32_t sum = _mm512_reduce_add_epi32(
            sum_bonds(lattice->rows + i * MC_ROW, weights, chain->occupied, &sites));
        chain->field[i] += direct ? -sum : sum;
    }
    chain->direct = direct;
}

MC_TARGET static void direct_swaps(const mc_lattice *lattice, mc_chain *chain,
                                   const avx512_draws *d, int count, const int32_t *weights) {
    const int K = lattice->n_classes;
    const int32_t *rows = lattice->rows, *field = chain->field;
    const int32_t *correction = chain->pair + 3 * K * K;
    int32_t *occupied = chain->occupied, *list = chain->list;
    uint8_t *species = chain->species;
    const int far = lattice->n > 8192;
    uint32_t slot_a[MC_BATCH + 32], slot_b[MC_BATCH + 32];
    const uint32_t none = (uint32_t)chain->counts[0], some = (uint32_t)chain->counts[1];
    for (int k = 0; k < count; k++) {
        slot_a[k] = philox_below(d->first[k], none);
        slot_b[k] = none + philox_below(d->second[k], some);
    }
    for (int k = count; k < count + 32; k++) {
        slot_a[k] = slot_a[count - 1];
        slot_b[k] = slot_b[count - 1];
    }
    int64_t energy = 0, accepted = 0;
    for (int k = 0; k < count; k++) {
        if (far) {
            __builtin_prefetch(list + slot_a[k + 32], 1);
            __builtin_prefetch(list + slot_b[k + 32], 1);
            const int64_t ia = list[slot_a[k + 16]], ib = list[slot_b[k + 16]];
            __builtin_prefetch(field + ia);
            __builtin_prefetch(field + ib);
            __builtin_prefetch(rows + ia * MC_ROW);
            __builtin_prefetch(rows + ib * MC_ROW);
        }
        const int32_t i = list[slot_a[k]], j = list[slot_b[k]];
        const int32_t *ri = rows + (int64_t)i * MC_ROW, *rj = rows + (int64_t)j * MC_ROW;
        __m512i around_i, around_j;
        const __m512i bonds = _mm512_sub_epi32(sum_bonds(ri, weights, occupied, &around_i),
                                               sum_bonds(rj, weights, occupied, &around_j));
        const int bonded =
            _mm512_mask_cmpeq_epi32_mask(0x0FFF, around_i, _mm512_set1_epi32(j)) != 0;
        int32_t change = field[i] - field[j] + _mm512_reduce_add_epi32(bonds);
        change -= bonded ? correction[ri[12] * K + rj[12]] : 0;
        const int32_t yes = change <= d->threshold[k];
        accepted += yes;
        energy += change & -yes;
        species[i] = (uint8_t)yes;
        species[j] = (uint8_t)(1 - yes);
        occupied[i] = -yes;
        occupied[j] = yes - 1;
        list[slot_a[k]] = i ^ ((i ^ j) & -yes);
        list[slot_b[k]] = j ^ ((i ^ j) & -yes);
    }
    chain->energy += energy;
    chain->accepted += accepted;
    chain->proposed += count;
}

MC_TARGET static void direct_steps(const mc_lattice *lattice, mc_chain *chain, uint64_t seed,
                                   uint64_t step, int32_t n_steps, int mode,
                                   const uint32_t *table) {
    const int can = mode == MC_SWAP_ANY && lattice->n_species == 2 && chain->counts[0] &&
                    chain->counts[1];
    const int64_t accepted = chain->accepted, proposed = chain->proposed;
    turn_chain(lattice, chain,
               can && chain->share > (chain->direct ? MC_DIRECT_TO : MC_DIRECT_FROM));
    if (chain->direct) {
        int32_t weights[13 * 16];
        avx512_draws d;
        tabulate_bonds(lattice, chain, weights);
        for (int32_t done = 0; done < n_steps; done += MC_BATCH) {
            const int count = n_steps - done < MC_BATCH ? n_steps - done : MC_BATCH;
            avx512_draw(&d, chain, seed, step + (uint64_t)done, count, table);
            direct_swaps(lattice, chain, &d, count, weights);
        }
    } else {
        avx512_chain_steps(lattice, chain, seed, step, n_steps, mode, table);
    }
    if (chain->proposed > proposed)
        chain->share = (double)(chain->accepted - accepted) / (double)(chain->proposed - proposed);
}

MC_TARGET static void direct_end(const mc_lattice *lattice, mc_chain *chain) {
    turn_chain(lattice, chain, 0);
}
