"""Exchange energies of all sites and the lowest of all swaps."""

from __future__ import annotations

import numpy as np

from benchmarks.timing import Row, time_interleaved
from pomdft.kernels import (
    LatticeModel,
    best_swaps,
    build_lattice,
    exchange_energies,
    reference_energy,
    swap_energies,
)


def make_model() -> LatticeModel:
    """Bond-centric model of a bimetallic particle."""
    cohesive, mixing = (-3.81, -2.95), 1.03
    half = np.zeros((2, 2, 13))
    z = np.arange(1.0, 13.0)
    for s in range(2):
        for t in range(2):
            weight = 1.0 if s == t else mixing
            half[s, t, 1:] = weight * cohesive[s] * np.sqrt(12.0 / z) / 12.0
    return LatticeModel(half)


def rows() -> list[Row]:
    found = []
    no_site = np.zeros((0, 2))
    model = make_model()
    rng = np.random.default_rng(0)
    absent = "not on PyPI"
    for n, limit, mark in ((1415, 4.0, 7.6e-6), (104_223, 6.0, 0.88e-3)):
        lattice = build_lattice("cuboctahedron", n)
        species = rng.integers(0, 2, n).astype(np.int8)
        table = lattice.neighbours.view(np.float64)
        works = {
            "ours": lambda x=lattice, s=species: exchange_energies(x, model, s),
            "np.sum of the table": lambda t=table: np.sum(t),
        }
        with np.errstate(all="ignore"):
            times = time_interleaved(works, repeats=200)
        twin = time_interleaved(
            {
                "NumPy": lambda x=lattice, s=species: reference_energy.exchange(
                    x.neighbours, x.coordination, model.bonds_ev, no_site, s, 0
                )
            },
            repeats=5,
        )
        ours = times.pop("ours")
        found.append(
            Row(
                f"all single-site exchange energies, {n} atoms",
                "call",
                ours,
                "np.sum of the table",
                times | twin | {"CE-Expansion": absent},
                at_most=limit,
                mark_seconds=mark,
            )
        )
        if n < 10_000:
            continue
        for k, swap_mark in ((1, 4.8e-3), (1000, None)):
            swap_times = time_interleaved(
                {
                    "ours": lambda x=lattice, s=species, k=k: best_swaps(x, model, s, k),
                    "exchange energies": works["ours"],
                },
                repeats=40,
            )
            found.append(
                Row(
                    f"lowest {k} of the {int((species == 0).sum() * (species == 1).sum()):.1e} "
                    f"swaps in {n} atoms",
                    "call",
                    swap_times.pop("ours"),
                    "exchange energies",
                    dict(swap_times),
                    at_most=8.0,
                    mark_seconds=swap_mark,
                )
            )
    lattice = build_lattice("cuboctahedron", 1415)
    species = rng.integers(0, 2, 1415).astype(np.int8)
    change = exchange_energies(lattice, model, species)
    sites = np.arange(1415, dtype=np.int32)
    matrix = time_interleaved(
        {
            "ours": lambda: swap_energies(lattice, model, species),
            "NumPy": lambda: reference_energy.swap_block(
                lattice.neighbours,
                lattice.coordination,
                model.half_bond_ev,
                species,
                change,
                sites,
                sites,
                0,
            ),
        },
        repeats=10,
    )
    ours = matrix.pop("ours")
    found.append(
        Row("matrix of all 2.0e6 swap energies, 1415 atoms", "call", ours, "NumPy", dict(matrix))
    )
    return found
