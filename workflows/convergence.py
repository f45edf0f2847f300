"""How far an interaction energy is converged, with variants of your own.

    python workflows/convergence.py

Single points of the relaxed complexes of W5O18 with Au4 and Ag4 at levels that differ in one thing
each. Stopped and started again it goes on. `pomdft convergence W5O18 Au Ag` does the same for the
variants of docs/convergence.md.
"""

from pathlib import Path

import pomdft
from pomdft.flows import ConvergenceMaker, convergence_levels
from pomdft.flows.metals import run_metal_flows
from pomdft.prediction.energy_figures import draw_convergence
from pomdft.prediction.figure_files import save_figure

LIGAND, METALS = "W5O18", ("Au", "Ag")
VARIANTS = {
    "h 0.14": {"parameters": {"h": 0.14}, "grid_multiple_angstrom": 0.56},
    "smearing 0.05 eV": {
        "parameters": {"occupations": {"name": "fermi-dirac", "width": 0.05}},
    },
    "RPBE": {"parameters": {"xc": "RPBE"}},
}


def make_flows():
    """Return one flow for each metal and variant; each gives an `InteractionEnergy`."""
    maker = ConvergenceMaker()
    return [
        maker.make(pomdft.affinity(LIGAND, metal), variant, level)
        for variant, level in convergence_levels(VARIANTS).items()
        for metal in METALS
    ]


if __name__ == "__main__":
    outcome = run_metal_flows(make_flows())
    for energy in outcome.documents:
        print(energy)
    if outcome.documents:
        save_figure(draw_convergence(outcome.documents), Path("convergence.png"))
    if outcome.missing:
        raise SystemExit(f"missing: {', '.join(outcome.missing)}")
