"""A program that relaxes hydrogen with GPAW: `python hydrogen.py STORE CORES [TASK ...]`.

Prints key and energy of each calculation as JSON; progress goes to standard error.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pymatgen.core import Molecule

from pomdft.calculations.levels import load_level
from pomdft.calculations.models import make_model
from pomdft.calculations.perform import perform
from pomdft.schemas.calculation import CalculationInput
from pomdft.schemas.level import Level
from pomdft.settings import Settings
from pomdft.store.results import ResultStore


def tiny_level(**parameters: object) -> Level:
    """Return a level on which hydrogen takes a second."""
    return load_level(
        "lcao",
        {
            "name": "tiny",
            "vacuum_angstrom": 2.0,
            "grid_multiple_angstrom": 1.0,
            "parameters": {"basis": "sz(dzp)", "h": 0.25, "maxiter": 60, **parameters},
            "relaxation": {
                "fmax_ev_per_angstrom": 0.05,
                "hessian": "unit",
                # Many short steps: there has to be time to kill it on the way.
                "max_step_angstrom": 0.004,
                "max_steps": 400,
                "shell": "all",
            },
        },
    )


def hydrogen(distance: float, level: Level, task: str = "relaxation") -> CalculationInput:
    """Return a calculation of H2 at a distance in angstrom."""
    molecule = Molecule(["H", "H"], [[0, 0, 0], [0, 0, distance]])
    model = make_model(molecule, level, label=f"H2 {distance}")
    return CalculationInput.create("relaxation" if task == "relaxation" else "energy", model, level)


def main() -> None:
    store = ResultStore(Path(sys.argv[1]))
    settings = Settings(store=store.root, cores=int(sys.argv[2]))
    energies = {}
    for distance in (1.0, 1.3):
        request = hydrogen(distance, tiny_level())
        result = perform(
            request,
            store,
            settings,
            lambda event: print(event, file=sys.stderr, flush=True),
        )
        energies[request.key] = result.energy_ev
    print(json.dumps(energies))


if __name__ == "__main__":
    main()
