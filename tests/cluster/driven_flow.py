"""Drive a flow of small relaxations on the queue: driven_flow.py KIND [key=value ...].

Kinds: "water" (xTB), "waters" (two of them), "gpaw" (two waters, GPAW, two ranks).
"""

from __future__ import annotations

import sys

from jobflow import Flow
from pymatgen.core import Molecule

from pomdft.calculations.levels import load_level
from pomdft.flows.jobs import GpawRelaxMaker
from pomdft.flows.queue.engine import EngineOutcome, drive
from pomdft.flows.queue.jobs import prepare_flow
from pomdft.schemas.calculation import CalculationInput
from pomdft.schemas.cluster import Cluster
from pomdft.settings import load_settings

WATER = Molecule("OHH", [[0, 0, 0], [0, 0.8, 0.6], [0, -0.8, 0.6]])
DIMER = Molecule(
    "OHHOHH",
    [[0, 0, 0], [0, 0.8, 0.6], [0, -0.8, 0.6], [0, 0, 3.2], [0.8, 0, 3.8], [-0.8, 0, 3.8]],
)


def make_maker(kind: str) -> GpawRelaxMaker:
    if kind != "gpaw":
        return GpawRelaxMaker(level=load_level("xtb"))
    changes = {
        "name": "coarse",
        "dispersion": None,
        "vacuum_angstrom": 3.0,
        "parameters": {"h": 0.22, "basis": "dzp"},
        # Short steps: there has to be time to kill it on the way.
        "relaxation": {
            "fmax_ev_per_angstrom": 0.03,
            "hessian": "unit",
            "max_step_angstrom": 0.004,
            "max_steps": 200,
        },
    }
    return GpawRelaxMaker(level=load_level("lcao", changes))


def make_request(kind: str) -> CalculationInput:
    return make_maker(kind).request(DIMER if kind == "gpaw" else WATER, kind)


def make_cluster(kind: str, **changes: object) -> Cluster:
    resources = {
        "walltime": changes.pop("walltime", "0:10:00"),
        "memory_per_rank_mb": int(str(changes.pop("memory", 1200))),
        "ranks": 2 if kind == "gpaw" else 1,
    }
    if "queue_jobs" in changes:
        batch = {name: float(str(changes.pop(name))) for name in ("queue_jobs", "idle_s")}
        changes["batch"] = {**batch, "queue_jobs": int(batch["queue_jobs"])}
    return Cluster.from_fields({"poll_s": 0.3, "small": resources, **changes})


def run(kind: str, **changes: object) -> EngineOutcome:
    settings = load_settings()
    cluster = make_cluster(kind, **changes)
    molecules = {"gpaw": [DIMER], "water": [WATER], "waters": [WATER, WATER.copy()]}[kind]
    for count, molecule in enumerate(molecules[1:], start=1):
        molecule.translate_sites([0], [0.0, 0.0, 0.01 * count])
    jobs = [make_maker(kind).make(molecule, label=kind) for molecule in molecules]
    flow = Flow(jobs, name=kind)
    queued = prepare_flow(flow, cluster, settings)
    return drive(queued, cluster, settings, kind, lambda line: print(line, flush=True))


if __name__ == "__main__":
    outcome = run(sys.argv[1], **dict(word.split("=", 1) for word in sys.argv[2:]))  # type: ignore[arg-type]
    print("outputs", len(outcome.outputs), "failures", outcome.failures)
