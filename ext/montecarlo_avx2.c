/* The engines with AVX2. */
#include "montecarlo.h"

#if POMDFT_X86
#define MC_NAME(name) avx2_##name
#define MC_TARGET POMDFT_TARGET_AVX2
#include "montecarlo_chain.h"
#include "montecarlo_block.h"

static void keep_species(const mc_lattice *lattice, mc_block *block) {
    (void)lattice;
    (void)block;
}

const mc_path mc_avx2 = {
    avx2_chain_steps, avx2_block_steps,  keep_species,
    keep_species, avx2_block_energy, avx2_block_count,
};
#else
typedef int mc_avx2_absent;
#endif
