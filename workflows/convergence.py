"""How the W5O18-M4 interaction energies, and their difference, move with vacuum, grid and basis.

    python workflows/convergence.py [METAL ...]       # by default Au and Ag

Takes the relaxed complexes from the store (run the quickstart first) and writes
docs/convergence.csv and docs/convergence.png after every point. Hours on 2 cores because of the
finite-difference and plane-wave points; stopped and started again it goes on.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from jobflow import run_locally
from matplotlib.figure import Figure

import pomdft
from pomdft.calculations.levels import load_level
from pomdft.flows import ConvergenceMaker, ConvergencePoint, convergence_levels, plan_affinity
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore
from pomdft.structures.convert import with_positions

LIGAND = "W5O18"
DOCS = Path(__file__).parent.parent / "docs"
PRESET = "preset: dzp, h 0.20, vacuum 3.5"

VARIANTS = {
    PRESET: {},
    "plane waves 400 eV": {
        "preset": "pw",
        "vacuum_angstrom": 3.5,
        "parameters": {"mode": {"name": "pw", "ecut": 400}},
    },
    "basis szp": {"parameters": {"basis": "szp(dzp)"}},
    "h 0.18": {"parameters": {"h": 0.18}, "grid_multiple_angstrom": 0.72},
    "vacuum 4.5": {"vacuum_angstrom": 4.5},
    "h 0.22": {"parameters": {"h": 0.22}, "grid_multiple_angstrom": 0.88},
    "vacuum 3.0": {"vacuum_angstrom": 3.0},
    "h 0.16": {"parameters": {"h": 0.16}, "grid_multiple_angstrom": 0.64},
    "basis sz": {"parameters": {"basis": "sz(dzp)"}},
    "vacuum 6.0": {"vacuum_angstrom": 6.0},
    "plane waves 500 eV": {
        "preset": "pw",
        "vacuum_angstrom": 3.5,
        "parameters": {"mode": {"name": "pw", "ecut": 500}},
    },
    "finite differences h 0.18": {"preset": "fd", "vacuum_angstrom": 3.5},
}


def relaxed_complex(ligand: str, metal: str):
    """Return the relaxed complex of an affinity in the store, in the docking frame."""
    found = pomdft.affinity(ligand, metal)
    store = ResultStore(load_settings().store)
    key = found.calculations["complex"]
    start, result = store.read_input(key).model, store.read_result(key)
    level = load_level(found.level.name)
    model = found.model
    names = (ligand, metal, model.cluster, model.site, model.charge_model)
    plan = plan_affinity(*names, level=level)
    poses = plan_affinity(*names, level=level, orientations=20).complexes
    built = next(m for m in poses if m.properties["orientation"] == model.orientation)
    # The box is the same for all, so the shift of its origin is too.
    origin = np.array(plan.box.origin_angstrom)
    if start.cell_angstrom != plan.box.cell_angstrom:
        raise SystemExit("The relaxed complex lies in another box; relax it again.")
    return with_positions(built, np.array(result.positions_angstrom) - origin)


def compute_point(molecule, variant, level) -> ConvergencePoint:
    """Return one interaction energy, from the store where it is there."""
    flow = ConvergenceMaker().make(molecule, {variant: level})
    responses = run_locally(flow, log=False, raise_immediately=True)
    outputs = (r.output for of_job in responses.values() for r in of_job.values())
    return next(output for output in outputs if isinstance(output, ConvergencePoint))


def draw(table: pd.DataFrame) -> Figure:
    """Return the plot: interaction energies of each metal, and their difference."""
    variants = list(dict.fromkeys(table["variant"]))
    metals = list(dict.fromkeys(table["metal"]))
    figure = Figure(figsize=(9, 0.4 * len(variants) + 1.6), layout="constrained")
    axes = figure.subplots(1, 2 if len(metals) > 1 else 1, sharey=True, squeeze=False)[0]
    columns = {"interaction_energy_ev": "o", "counterpoise_energy_ev": "s"}
    for metal, colour in zip(metals, ("C1", "C7", "C2", "C3", "C4"), strict=False):
        rows = table[table["metal"] == metal].set_index("variant").reindex(variants)
        for column, marker in columns.items():
            name = f"{metal}4" + ("" if marker == "o" else ", counterpoise-corrected")
            filled = colour if marker == "o" else "none"
            axes[0].plot(rows[column], variants, marker, color=colour, mfc=filled, label=name)
    axes[0].set_xlabel("interaction energy (eV), negative = bound")
    axes[0].legend(fontsize="small")
    axes[0].invert_yaxis()
    if len(metals) > 1:
        for column, marker in columns.items():
            pivot = table.pivot_table(index="variant", columns="metal", values=column)
            difference = (pivot[metals[1]] - pivot[metals[0]]).reindex(variants)
            axes[1].plot(difference, variants, f"k{marker}", mfc="k" if marker == "o" else "none")
        axes[1].set_xlabel(f"{metals[1]}4 minus {metals[0]}4 (eV)")
    for axis in axes:
        axis.grid(alpha=0.3)
    return figure


if __name__ == "__main__":
    metals = sys.argv[1:] or ["Au", "Ag"]
    molecules = {metal: relaxed_complex(LIGAND, metal) for metal in metals}
    rows = []
    for variant, level in convergence_levels(VARIANTS).items():
        for metal, molecule in molecules.items():
            point = compute_point(molecule, variant, level)
            print(metal, point, flush=True)
            rows.append({"metal": metal, **point.model_dump(exclude={"calculations"})})
            # Written after every point: the later ones take long.
            table = pd.DataFrame(rows)
            table.to_csv(DOCS / "convergence.csv", index=False, float_format="%.4f")
            draw(table).savefig(DOCS / "convergence.png", dpi=150)
