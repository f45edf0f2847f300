"""d-band centres of the close-packed surfaces of the metals that POMs protect.

Run it: python workflows/dband.py. What the store has is not computed again.
"""

from pomdft.calculations.levels import load_level
from pomdft.flows.dband import DBandMaker
from pomdft.flows.metals import run_metal_flows

METALS = ("Cu", "Ag", "Au", "Ni", "Pd", "Pt", "Rh", "Ir", "Ru", "Co")

maker = DBandMaker(level=load_level("pw-d-band"), bulk_level=load_level("pw-bulk"))

if __name__ == "__main__":
    flows = [maker.make(metal) for metal in METALS]
    for band in run_metal_flows(flows).documents:
        print(band)
