"""Gradients of a density and the divergence they lead to, against GPAW's own operators."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.timing import Row, find_peer, time_interleaved
from pomdft.calculations.acceleration.gradient_corrections import read_differences
from pomdft.kernels.gradients import multiply_gradients, subtract_divergences

POINTS, CELL_BOHR = (88, 84, 92), (16.6, 15.9, 17.4)


def rows() -> list[Row]:
    gpaw = find_peer("gpaw")
    if isinstance(gpaw, str):
        return []
    from gpaw.old.grid_descriptor import GridDescriptor
    from gpaw.xc import gga

    grid = GridDescriptor(POINTS, CELL_BOHR, pbc_c=(0, 0, 0))
    derivatives = gga.get_gradient_ops(grid, 2, np)
    differences = read_differences([derivative.__self__ for derivative in derivatives])
    assert differences is not None
    rng = np.random.default_rng(0)
    found = []
    for n_spins in (1, 2):
        densities = rng.random((n_spins, *grid.n_c))
        products, gradients = gga.calculate_sigma(grid, derivatives, densities)
        slopes = rng.random(products.shape)
        potentials = np.zeros_like(densities)
        works = {
            "products of gradients": (
                lambda n=densities: multiply_gradients(n, *differences),
                lambda n=densities: gga.calculate_sigma(grid, derivatives, n),
            ),
            "divergence": (
                lambda n=densities, d=slopes, v=potentials: subtract_divergences(
                    n, d, *differences, v
                ),
                lambda g=gradients, p=products, d=slopes, v=potentials: gga.add_gradient_correction(
                    derivatives, g, p, d, v
                ),
            ),
        }
        spins = "1 spin" if n_spins == 1 else "2 spins"
        with threadpool_limits(1):
            for name, (our_work, their_work) in works.items():
                times = time_interleaved({"ours": our_work, "GPAW": their_work}, 5, 20.0)
                ours = times.pop("ours")
                text = f"{name}, {spins}, {tuple(map(int, grid.n_c))} points"
                found.append(Row(text, "call", ours, "GPAW", times, at_least=2.0))
    return found
