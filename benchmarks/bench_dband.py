"""Moments of the d-band from a grid and from projections."""

from __future__ import annotations

import numpy as np

from benchmarks.timing import Row, find_peer, time_interleaved
from pomdft.kernels.dband import moments_from_grid, moments_from_projections

SITES, CHANNELS, ENERGIES, STATES, ORBITALS = 1000, 10, 3000, 500, 5


def numpy_moments(densities, energies):
    total = densities.sum(axis=1)
    weight = np.trapezoid(total, energies)
    center = np.trapezoid(total * energies, energies) / weight
    second = np.trapezoid(total * energies**2, energies) / weight
    filled = energies <= 0.0
    return center, second, np.trapezoid(total[:, filled], energies[filled]) / weight


def make_numba_moments(numba):
    @numba.njit(fastmath=False)
    def moments(densities, energies, out):
        for i in range(densities.shape[0]):
            m0 = m1 = m2 = mf = 0.0
            for k in range(densities.shape[2]):
                d = 0.0
                for c in range(densities.shape[1]):
                    d += densities[i, c, k]
                e = energies[k]
                m0 += d
                m1 += d * e
                m2 += d * e * e
                mf += d if e <= 0.0 else 0.0
            out[i, 0], out[i, 1], out[i, 2], out[i, 3] = m0, m1 / m0, m2 / m0, mf / m0

    return moments


def pymatgen_centers(densities, energies):
    """Their band centre of ten of the sites, each site's channels being five d orbitals, two spins.

    All sites are in one CompleteDos, as they are in ours; the ten are spread over it.
    """
    from pymatgen.core import Lattice, Structure
    from pymatgen.electronic_structure.core import Orbital, Spin
    from pymatgen.electronic_structure.dos import CompleteDos, Dos

    orbitals = (Orbital.dxy, Orbital.dyz, Orbital.dz2, Orbital.dxz, Orbital.dx2_y2)
    edge = round(len(densities) ** (1 / 3)) + 1
    grid = np.stack(np.unravel_index(np.arange(len(densities)), (edge,) * 3), axis=1) / edge
    structure = Structure(Lattice.cubic(4.0 * edge), ["Pd"] * len(grid), grid)
    pdos = {
        site: {
            o: {Spin.up: data[2 * k], Spin.down: data[2 * k + 1]} for k, o in enumerate(orbitals)
        }
        for site, data in zip(structure, densities, strict=True)
    }
    dos = CompleteDos(structure, Dos(0.0, energies, {Spin.up: densities[0, 0]}), pdos)
    chosen = [structure[k * len(grid) // 10] for k in range(10)]
    return lambda: [dos.get_band_center(sites=[site]) for site in chosen]


def rows() -> list[Row]:
    rng = np.random.default_rng(0)
    energies = np.linspace(-12.0, 8.0, ENERGIES)
    found = []
    for dtype, limit, mark in ((np.float64, 1.2, 9.2e-6), (np.float32, None, None)):
        data = rng.random((SITES, CHANNELS, ENERGIES)).astype(dtype)
        fast = {
            "ours": lambda d=data: moments_from_grid(d, energies),
            "np.sum": lambda d=data: np.sum(d),
        }
        times = time_interleaved(fast, repeats=40)
        peers: dict[str, float | str] = {"np.sum": times["np.sum"] / SITES}
        if dtype == np.float64:
            slow = {"NumPy": lambda d=data: numpy_moments(d, energies)}
            numba = find_peer("numba")
            if not isinstance(numba, str):
                compiled, out = make_numba_moments(numba), np.empty((SITES, 4))
                slow["Numba"] = lambda d=data, f=compiled, o=out: f(d, energies, o)
            slow_times = time_interleaved(slow, repeats=4)
            peers |= {name: t / SITES for name, t in slow_times.items()}
            peers.setdefault("Numba", "not installed")
            ten = time_interleaved({"pymatgen": pymatgen_centers(data, energies)}, repeats=3)
            peers["pymatgen get_band_center"] = ten["pymatgen"] / 10
        found.append(
            Row(
                f"d-band moments from a grid, {SITES} x {CHANNELS} x {ENERGIES}, {data.dtype}",
                "site",
                times["ours"] / SITES,
                "np.sum",
                peers,
                at_most=limit or 1.2,
                mark_seconds=mark,
            )
        )
    found.append(projection_row(rng))
    return found


def projection_row(rng: np.random.Generator) -> Row:
    projections = rng.normal(size=(SITES, ORBITALS, STATES))
    eigenvalues, weights = rng.uniform(-12.0, 8.0, STATES), np.full(STATES, 2.0)
    times = time_interleaved(
        {
            "ours": lambda: moments_from_projections(projections, eigenvalues, weights),
            "np.sum": lambda: np.sum(projections),
        },
        repeats=100,
    )
    peers: dict[str, float | str] = {"np.sum": times["np.sum"] / SITES}
    dos = find_peer("gpaw.dos")
    name = "GPAW gaussian_dos + trapezoid"
    if isinstance(dos, str):
        peers[name] = dos
    else:
        grid = np.linspace(-15.0, 11.0, ENERGIES)

        def through_a_grid():
            share = (projections[0] ** 2).sum(axis=0)
            rho = dos.gaussian_dos([eigenvalues], [share], [2.0], grid, 0.1)
            return np.trapezoid(rho * grid, grid) / np.trapezoid(rho, grid)

        peers[name] = time_interleaved({"gpaw": through_a_grid}, repeats=10)["gpaw"]
    return Row(
        f"d-band moments from projections, {SITES} x {ORBITALS} x {STATES} states, no grid",
        "site",
        times["ours"] / SITES,
        "np.sum",
        peers,
        at_most=1.5,
        mark_seconds=0.6e-6,
    )
