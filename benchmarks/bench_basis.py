"""Integrals of basis functions on a grid, and the forces in it, against GPAW's own loops."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.timing import Row, find_peer, time_interleaved
from pomdft.calculations.acceleration import basis_integrals

SPACING_ANGSTROM, VACUUM_ANGSTROM = 0.2, 3.5


def make_basis():
    """Return GPAW's dzp functions of protonated W5O18 on the grid of level lcao."""
    from gpaw import GPAW

    from pomdft.structures.poms import build_pom

    pom = build_pom("W5O18")
    atoms = pom.to_ase_atoms()
    atoms.center(vacuum=VACUUM_ANGSTROM)
    calculator = GPAW(mode="lcao", basis="dzp", h=SPACING_ANGSTROM, symmetry="off", txt=None)
    calculator.create_new_calculation(atoms)
    return calculator.dft.scf_loop.hamiltonian.basis


def rows() -> list[Row]:
    gpaw = find_peer("gpaw")
    if isinstance(gpaw, str):
        return []
    basis = make_basis()
    blocks = basis_integrals.block_functions(basis)
    rng = np.random.default_rng(0)
    potential = rng.normal(size=blocks.shape)
    matrix = rng.normal(size=(blocks.n_functions, blocks.n_functions))
    matrix += matrix.T
    density = np.zeros(blocks.shape)
    works = {
        "potential": (
            lambda: blocks.integrate_potential(potential, basis.gd.dv),
            lambda: basis.calculate_potential_matrices(potential),
            5.0,
        ),
        "density": (
            lambda: blocks.compute_density(matrix),
            lambda: basis.construct_density(matrix, density, -1),
            4.0,
        ),
        "forces": (
            lambda: basis_integrals.compute_forces(basis, blocks, potential, matrix),
            lambda: basis.calculate_force_contribution(potential, matrix, -1),
            1.5,
        ),
    }
    found = []
    with threadpool_limits(1):
        for name, (our_work, their_work, limit) in works.items():
            times = time_interleaved({"ours": our_work, "GPAW": their_work}, 5, 30.0)
            ours = times.pop("ours")
            text = f"{name}, {blocks.n_functions} dzp functions on {blocks.shape} points"
            found.append(Row(text, "call", ours, "GPAW", times, at_least=limit))
    return found
