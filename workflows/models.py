"""How far a binding energy depends on the model: cluster, site, compensation of the charge.

    python workflows/models.py
    python workflows/models.py --known        # computes nothing

Affinities of one ligand for two metals, in models that differ from the usual one in one thing
each, as table and figure; see docs/convergence.md. What is known, shipped too, is not computed
again; stopped and started again it goes on. The figure shows what there is.
"""

from argparse import ArgumentParser
from pathlib import Path

import pomdft
from pomdft.errors import NotComputedError
from pomdft.flows.study import plan_study, run_study
from pomdft.prediction.energy_figures import draw_models
from pomdft.prediction.figure_files import save_figure
from pomdft.schemas.study import Study
from pomdft.settings import load_settings

LIGAND, METALS = "W5O18", ("Au", "Ag")
MODELS = {
    "usual: M4, vacancy, protonated": {},
    "M1": {"cluster": "M1"},
    "site terminal-face": {"site": "terminal-face"},
    "charge model alkali": {"charge_model": "alkali"},
}


def find_known(model):
    """Return the affinities of the metals in a model that are known."""
    found = []
    for metal in METALS:
        try:
            found.append(pomdft.affinity(LIGAND, metal, **model))
        except NotComputedError as missing:
            print(missing)
    return found


def compute_missing(model):
    """Compute the affinities of the metals in a model that are not known."""
    known = {affinity.metal for affinity in find_known(model)}
    metals = [metal for metal in METALS if metal not in known]
    if metals:
        fields = {f"{name}s": value for name, value in model.items()}
        study = {"name": "models", "ligands": LIGAND, "metals": metals, **fields}
        outcome = run_study(plan_study(Study.from_fields(study), load_settings()))
        for name in outcome.missing:
            print(f"missing: {name}")


if __name__ == "__main__":
    parser = ArgumentParser(description="Binding energies by model.")
    parser.add_argument("--known", action="store_true", help="compute nothing")
    if not parser.parse_args().known:
        for model in MODELS.values():
            compute_missing(model)
    found = {name: find_known(model) for name, model in MODELS.items()}
    for name, affinities in found.items():
        for affinity in affinities:
            print(f"{name}: {affinity}")
    save_figure(draw_models(found), Path("models.png"))
