"""How tightly a lacunary POM holds the ions of two salts that are reduced together, in water.

Run it: python workflows/ion_affinities.py. What the store has is not computed again.
"""

import pomdft
from pomdft.calculations.levels import load_level
from pomdft.flows.ion_affinity import IonAffinityMaker
from pomdft.flows.metals import run_metal_flows

LIGAND = "W5O18"
SALTS = ("Ag+", "[PdCl4]2-", "[AuCl4]-")

maker = IonAffinityMaker(level=load_level("lcao-water"))

if __name__ == "__main__":
    flows = [maker.make(LIGAND, salt) for salt in SALTS]
    for affinity in run_metal_flows(flows).documents:
        print(affinity)
    by_hand = {"Au": -0.4, "Ag": -0.4}  # affinities for the metals, eV a contact
    print(
        pomdft.predict_ordering("Au", "Ag", LIGAND, route="co-reduction", affinity=by_hand).reason
    )
