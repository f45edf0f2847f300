/* The engines for any processor. */
#include "montecarlo.h"

#define MC_NAME(name) plain_##name
#define MC_TARGET
#include "montecarlo_chain.h"
#include "montecarlo_block.h"

/* Species and fields are always what they should be on this path. */
static void keep_chain(const mc_lattice *lattice, mc_chain *chain) {
    (void)lattice;
    (void)chain;
}

static void keep_block(const mc_lattice *lattice, mc_block *block) {
    (void)lattice;
    (void)block;
}

const mc_path mc_plain = {
    plain_chain_steps, keep_chain,       plain_block_steps, keep_block,
    keep_block, plain_block_energy, keep_block, plain_block_count,
};
