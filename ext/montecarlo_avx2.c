/* The engines with AVX2. */
#include "montecarlo.h"

#if POMDFT_X86
#define MC_NAME(name) avx2_##name
#define MC_TARGET POMDFT_TARGET_AVX2
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

const mc_path mc_avx2 = {
    avx2_chain_steps, keep_chain,      avx2_block_steps, keep_block,
    keep_block, avx2_block_energy, keep_block, avx2_block_count,
};
#else
typedef int mc_avx2_absent;
#endif
