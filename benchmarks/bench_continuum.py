"""Cavity and potential in a continuum against GPAW's own loops."""

from __future__ import annotations

import numpy as np
from ase.units import Bohr
from threadpoolctl import threadpool_limits

from benchmarks.timing import Row, find_peer, time_interleaved
from pomdft.calculations.acceleration.continuum import read_operator
from pomdft.kernels.cavity import project_repulsion, sum_repulsion

POINTS, CELL_BOHR, N_ATOMS = (96, 88, 104), (18.0, 16.5, 19.5), 12


def rows() -> list[Row]:
    gpaw = find_peer("gpaw")
    if isinstance(gpaw, str):
        return []
    from ase import Atoms
    from gpaw.fd_operators import Gradient, Laplace
    from gpaw.old.grid_descriptor import GridDescriptor
    from gpaw.solvation.cavity import Power12Potential
    from gpaw.wfd_operators import WeightedFDOperator

    grid = GridDescriptor(POINTS, CELL_BOHR, pbc_c=(0, 0, 0))
    rng = np.random.default_rng(0)
    parts = [Laplace(grid, 1.0, 3), *(Gradient(grid, v, 1.0, 3) for v in range(3))]
    theirs = WeightedFDOperator(parts)
    theirs.set_weights([1.0 + rng.random(grid.n_c), *rng.normal(size=(3, *grid.n_c))])
    ours = read_operator(theirs)
    assert ours is not None
    phi, source = rng.normal(size=(2, *grid.n_c))
    product = np.empty_like(phi)

    places = rng.uniform(0.25, 0.75, (N_ATOMS, 3)) * CELL_BOHR
    atoms = Atoms(f"O{N_ATOMS}", places * Bohr, cell=np.array(CELL_BOHR) * Bohr)
    potential = Power12Potential(atomic_radii=lambda atoms: [1.52] * len(atoms))
    potential.set_grid_descriptor(grid)
    potential.allocate()
    potential.atomic_radii_output = np.full(N_ATOMS, 1.52)
    planes = [np.unique(potential.r_vg[axis].ravel()) for axis in range(3)]
    strengths = np.full(N_ATOMS, (1.52 / Bohr) ** 12)

    def build_theirs():
        potential.pos_aav = None
        potential.update(atoms, None)

    def derive_theirs():
        for atom in range(N_ATOMS):
            (source * potential.get_del_r_vg(atom, None)).sum(axis=(1, 2, 3))

    build_theirs()
    # Sweeps start from zero, so that many of them do not leave the range of numbers.
    works = {
        "two sweeps": (
            lambda: ours.smooth(np.zeros_like(phi), source, 2),
            lambda: theirs.relax(1, np.zeros_like(phi), source, 2, 1.0),
            1.5,
        ),
        "product": (lambda: ours.apply(phi, product), lambda: theirs.apply(phi, product), 2.0),
        f"cavity of {N_ATOMS} atoms": (
            lambda: sum_repulsion(places, strengths, planes, potential.tiny),
            build_theirs,
            3.0,
        ),
        f"its forces on {N_ATOMS} atoms": (
            lambda: project_repulsion(places, planes, source, potential.tiny),
            derive_theirs,
            3.0,
        ),
    }
    found = []
    with threadpool_limits(1):
        for name, (our_work, their_work, limit) in works.items():
            times = time_interleaved({"ours": our_work, "GPAW": their_work}, 5, 20.0)
            own = times.pop("ours")
            text = f"{name}, {tuple(map(int, grid.n_c))} points"
            found.append(Row(text, "call", own, "GPAW", times, at_least=limit))
    return found
