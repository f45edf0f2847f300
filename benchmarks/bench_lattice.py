"""Building a lattice with its neighbours, against neighbour lists by distance."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from benchmarks.timing import Row, find_peer, time_interleaved, time_once
from pomdft.kernels import build_lattice

N = 104_223
BOND = 2.88  # angstrom, gold


def rows() -> list[Row]:
    found = []
    for shape in ("cuboctahedron", "icosahedron", "decahedron"):
        lattice = build_lattice(shape, N)
        positions = lattice.positions * BOND
        span = np.ptp(positions, axis=0) + 10.0
        atoms = Atoms(f"Au{len(lattice)}", positions - positions.min(axis=0) + 5.0, cell=span)
        works = {"ours": lambda shape=shape: build_lattice(shape, N)}
        peers: dict[str, float | str] = {}
        matscipy = find_peer("matscipy.neighbours")
        if isinstance(matscipy, str):
            peers["matscipy"] = matscipy
        else:
            listing = matscipy.neighbour_list
            works["matscipy"] = lambda atoms=atoms, listing=listing: listing(
                "ij", atoms, 1.2 * BOND
            )
        times = time_interleaved(works, repeats=20, seconds=15.0)
        ours = times.pop("ours")
        peers |= times
        if shape == "cuboctahedron":
            peers["ASE"] = time_once(lambda atoms=atoms: neighbor_list("ij", atoms, 1.2 * BOND))
            peers["asap3"] = "not a wheel on PyPI"
        found.append(
            Row(
                f"lattice, neighbours and shells, {shape} of {len(lattice)} atoms",
                "call",
                ours,
                "matscipy",
                peers,
                at_least=20.0 if shape == "cuboctahedron" else None,
                mark_seconds=11e-3,
            )
        )
    return found
