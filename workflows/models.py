"""How far a binding energy depends on the model: cluster, site, compensation of the charge.

    python workflows/models.py

Affinities of one ligand for two metals, in models that differ from the usual one in one thing
each, as table and figure; see docs/convergence.md. What is known, shipped too, is not computed
again; stopped and started again it goes on.
"""

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


def find_affinities(model):
    """Return the affinities of the metals in a model; compute what is not known."""
    try:
        return [pomdft.affinity(LIGAND, metal, **model) for metal in METALS]
    except NotComputedError:
        fields = {f"{name}s": value for name, value in model.items()}
        study = {"name": "models", "ligands": LIGAND, "metals": METALS, **fields}
        outcome = run_study(plan_study(Study.from_fields(study), load_settings()))
        if outcome.missing:
            raise SystemExit(f"missing: {', '.join(outcome.missing)}") from None
        return list(outcome.affinities)


if __name__ == "__main__":
    found = {name: find_affinities(model) for name, model in MODELS.items()}
    for name, affinities in found.items():
        for affinity in affinities:
            print(f"{name}: {affinity}")
    save_figure(draw_models(found), Path("models.png"))
