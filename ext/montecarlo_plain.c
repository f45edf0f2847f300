/* The engines for any processor. */
#include "montecarlo.h"

#define MC_NAME(name) plain_##name
#define MC_TARGET
#include "montecarlo_chain.h"
#include "montecarlo_block.h"

static void keep_species(const mc_lattice *lattice, mc_block *block) {
    (void)lattice;
    (void)block;
}

const mc_path mc_plain = {
    plain_chain_steps, plain_block_steps,  keep_species,
    keep_species, plain_block_energy, plain_block_count,
};
