"""How the W5O18-Au4 interaction energy moves with vacuum, grid and basis, on one geometry.

    python workflows/convergence.py

Takes the relaxed complex from the store (run the quickstart first) and writes
docs/convergence.csv. Hours on 2 cores because of the finite-difference and plane-wave points;
stopped and started again it goes on.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from jobflow import run_locally

import pomdft
from pomdft.calculations.levels import load_level
from pomdft.flows import ConvergenceMaker, ConvergencePoint, convergence_levels, plan_affinity
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore
from pomdft.structures.convert import with_positions

VARIANTS = {
    "vacuum 3.0": {"vacuum_angstrom": 3.0},
    "vacuum 3.5 (preset)": {},
    "vacuum 4.5": {"vacuum_angstrom": 4.5},
    "vacuum 6.0": {"vacuum_angstrom": 6.0},
    "h 0.22": {"parameters": {"h": 0.22}, "grid_multiple_angstrom": 0.88},
    "h 0.18": {"parameters": {"h": 0.18}, "grid_multiple_angstrom": 0.72},
    "h 0.16": {"parameters": {"h": 0.16}, "grid_multiple_angstrom": 0.64},
    "basis szp": {"parameters": {"basis": "szp(dzp)"}},
    "basis sz": {"parameters": {"basis": "sz(dzp)"}},
    "plane waves 400 eV": {
        "preset": "pw",
        "vacuum_angstrom": 3.5,
        "parameters": {"mode": {"name": "pw", "ecut": 400}},
    },
}


def relaxed_complex(ligand: str, metal: str):
    """Return the relaxed complex of an affinity in the store, in the docking frame."""
    found = pomdft.affinity(ligand, metal)
    store = ResultStore(load_settings().store)
    key = found.calculations["complex"]
    start, result = store.read_input(key).model, store.read_result(key)
    level = load_level(found.level.name)
    model = found.model
    plan = plan_affinity(
        ligand, metal, model.cluster, model.site, model.charge_model, level=level, orientations=20
    )
    built = next(m for m in plan.complexes if m.properties["orientation"] == model.orientation)
    # The box is the same for all, so the shift of its origin is too.
    origin = np.array(plan.box.origin_angstrom)
    if start.cell_angstrom != plan.box.cell_angstrom:
        raise SystemExit("The relaxed complex lies in another box; relax it again.")
    return with_positions(built, np.array(result.positions_angstrom) - origin)


if __name__ == "__main__":
    molecule = relaxed_complex("W5O18", "Au")
    path = Path(__file__).parent.parent / "docs" / "convergence.csv"
    rows = []
    for variant, level in convergence_levels(VARIANTS).items():
        flow = ConvergenceMaker().make(molecule, {variant: level})
        responses = run_locally(flow, log=False)
        point = next(
            output
            for of_job in responses.values()
            for response in of_job.values()
            if isinstance(output := response.output, ConvergencePoint)
        )
        print(point, flush=True)
        rows.append(point.model_dump(exclude={"calculations"}))
        # Written after every point: the later ones take long.
        pd.DataFrame(rows).to_csv(path, index=False, float_format="%.4f")
