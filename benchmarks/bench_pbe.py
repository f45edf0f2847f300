"""The PBE functional against GPAW's evaluation point by point."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.timing import Row, find_peer, time_interleaved
from pomdft.kernels.pbe import evaluate_pbe

N_POINTS = 500_000


def rows() -> list[Row]:
    gpaw = find_peer("gpaw")
    if isinstance(gpaw, str):
        return []
    from gpaw.xc.kernel import XCKernel

    kernel = XCKernel("PBE")
    rng = np.random.default_rng(0)
    found = []
    for n_spins in (1, 2):
        densities = 10.0 ** rng.uniform(-9.0, 0.0, (n_spins, N_POINTS))
        products = densities[0] ** (8 / 3) * rng.uniform(0.1, 10.0, (2 * n_spins - 1, N_POINTS))
        potentials, slopes = np.zeros_like(densities), np.empty_like(products)
        energies = np.empty(N_POINTS)

        def ours(n=densities, p=products, v=potentials, e=energies, d=slopes):
            evaluate_pbe(n, p, v, e, d)

        def theirs(n=densities, p=products, v=potentials, e=energies, d=slopes):
            kernel.calculate(e, n, v, p, d)

        with threadpool_limits(1):
            times = time_interleaved({"ours": ours, "GPAW": theirs}, 5, 20.0)
        spins = "1 spin" if n_spins == 1 else "2 spins"
        own = times.pop("ours")
        found.append(Row(f"{N_POINTS} points, {spins}", "call", own, "GPAW", times, at_least=2.0))
    return found
