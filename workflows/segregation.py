"""Which metal of a pair goes to the surface, and do the two mix? By DFT, both directions.

Run it: python workflows/segregation.py. What the store has is not computed again.
"""

from itertools import permutations

from pomdft.flows.metals import run_metal_flows
from pomdft.flows.segregation import MixingMaker, SegregationMaker

METALS = ("Au", "Ag", "Pd")

swap = SegregationMaker(layers=4, repeat=2)
mix = MixingMaker(supercell=2)

if __name__ == "__main__":
    flows = [
        maker.make(host, solute)
        for maker in (swap, mix)
        for host, solute in permutations(METALS, 2)
    ]
    for energy in run_metal_flows(flows).documents:
        print(energy)
