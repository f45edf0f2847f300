"""Screen ligands against metals and print the table.

    python workflows/affinity_screen.py

Results go to the store (POMDFT_STORE): stopped and started again, it goes on where it was.
"""

from jobflow import Flow, run_locally

import pomdft
from pomdft.calculations.levels import load_level
from pomdft.flows import AffinityMaker

LIGANDS = ("A-alpha-SiW9O34",)
METALS = ("Au", "Ag", "Cu", "Pd", "Pt")
LEVEL = "lcao"


def make_flow(
    ligands: tuple[str, ...] = LIGANDS, metals: tuple[str, ...] = METALS, level: str = LEVEL
) -> Flow:
    """Return the flow of every ligand with every metal."""
    maker = AffinityMaker(level=load_level(level))
    return Flow([maker.make(ligand, metal) for ligand in ligands for metal in metals])


if __name__ == "__main__":
    run_locally(make_flow(), log=False)
    print(pomdft.affinities(level=LEVEL).to_string())
