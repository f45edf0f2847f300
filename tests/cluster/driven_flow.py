"""Drive a flow of small relaxations on the queue: driven_flow.py KIND [key=value ...].

Kinds: "water" (xTB), "gpaw" (two waters, GPAW, two ranks).
"""

from __future__ import annotations

import sys

from jobflow import Flow
from pymatgen.core import Molecule

from pomdft.calculations.levels import load_level
from pomdft.flows.embedded import EngineOutcome, drive
from pomdft.flows.jobs import GpawRelaxMaker
from pomdft.flows.queue_jobs import prepare_flow
from pomdft.schemas.calculation import CalculationInput
from pomdft.schemas.cluster import Cluster
from pomdft.settings import load_settings

WATER = Molecule("OHH", [[0, 0, 0], [0, 0.8, 0.6], [0, -0.8, 0.6]])
DIMER = Molecule(
    "OHHOHH",
    [[0, 0, 0], [0, 0.8, 0.6], [0, -0.8, 0.6], [0, 0, 3.2], [0.8, 0, 3.8], [-0.8, 0, 3.8]],
)


def make_maker(kind: str) -> GpawRelaxMaker:
    if kind == "water":
        return GpawRelaxMaker(level=load_level("xtb"))
    changes = {
        "name": "coarse",
        "dispersion": None,
        "vacuum_angstrom": 3.0,
        "parameters": {"h": 0.25, "basis": "dzp"},
        "relaxation": {"fmax_ev_per_angstrom": 0.03, "hessian": "unit"},
    }
    return GpawRelaxMaker(level=load_level("lcao", changes))


def make_request(kind: str) -> CalculationInput:
    return make_maker(kind).request(WATER if kind == "water" else DIMER, kind)


def make_cluster(kind: str, **changes: object) -> Cluster:
    resources = {
        "walltime": changes.pop("walltime", "0:10:00"),
        "memory_per_rank_mb": int(str(changes.pop("memory", 1200))),
        "ranks": 1 if kind == "water" else 2,
    }
    return Cluster.from_fields({"poll_s": 0.5, "small": resources, **changes})


def run(kind: str, **changes: object) -> EngineOutcome:
    settings = load_settings()
    cluster = make_cluster(kind, **changes)
    molecule = WATER if kind == "water" else DIMER
    flow = Flow([make_maker(kind).make(molecule, label=kind)], name=kind)
    queued = prepare_flow(flow, cluster, settings)
    return drive(queued, cluster, settings, kind, lambda line: print(line, flush=True))


if __name__ == "__main__":
    outcome = run(sys.argv[1], **dict(word.split("=", 1) for word in sys.argv[2:]))  # type: ignore[arg-type]
    print("outputs", len(outcome.outputs), "failures", outcome.failures)
