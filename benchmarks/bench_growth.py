"""Growth atom by atom, against its Python twin."""

from __future__ import annotations

import os

import numpy as np

from benchmarks.bench_energy import make_model
from benchmarks.timing import Row, time_interleaved
from pomdft.kernels import build_lattice
from pomdft.kernels.compiled import VARIABLE
from pomdft.kernels.growth import grow

ATOMS, MOVES = 150, 20


def rows() -> list[Row]:
    lattice, model = build_lattice("sphere", 600), make_model()
    sequence = np.tile([0, 1], ATOMS // 2)

    def run():
        return grow(lattice, model, sequence, moves_per_atom=MOVES, n_threads=1)

    def run_twin():
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = "reference"
        try:
            return run()
        finally:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before

    times = time_interleaved({"ours": run, "Python": run_twin}, repeats=5)
    tries = ATOMS * MOVES
    return [
        Row(
            f"growth of {ATOMS} atoms with {MOVES} moves after each",
            "move",
            times["ours"] / tries,
            "Python",
            {"Python": times["Python"] / tries},
        )
    ]
