from __future__ import annotations

import numpy as np
import pytest

from pomdft.calculations.dispersion import compute_d4, d4_functionals
from pomdft.errors import CalculationError
from pomdft.structures.poms import build_pom

NUMBERS = np.array([79, 79, 8, 1, 1])
POSITIONS = np.array([[0, 0, 0], [2.7, 0, 0.1], [1.2, 0.3, 2.4], [0.5, 0.9, 2.8], [1.9, -0.2, 3.0]])


def test_forces_are_the_slope_of_the_energy() -> None:
    energy, forces = compute_d4(NUMBERS, POSITIONS, "PBE")
    assert energy < 0
    step = 1e-3
    for atom, axis in ((0, 0), (1, 2), (2, 1), (4, 0)):
        ends = []
        for sign in (1, -1):
            moved = POSITIONS.copy()
            moved[atom, axis] += sign * step
            ends.append(compute_d4(NUMBERS, moved, "PBE")[0])
        assert forces[atom, axis] == pytest.approx(-(ends[0] - ends[1]) / (2 * step), abs=2e-6)


def test_forces_add_up_to_nothing() -> None:
    _, forces = compute_d4(NUMBERS, POSITIONS, "RPBE", charge=0)
    assert np.abs(forces.sum(axis=0)).max() < 1e-8


def test_dispersion_decays_as_the_sixth_power() -> None:
    pair = np.array([18, 18])

    def bound(distance: float) -> float:
        return compute_d4(pair, np.array([[0, 0, 0], [0, 0, distance]]), "PBE")[0]

    far, further = bound(12.0), bound(24.0)
    assert far < further < 0
    assert far / further == pytest.approx(64, rel=0.1)


def test_argon_dimer_has_the_known_coefficient() -> None:
    # C6(Ar2) = 64.3 hartree bohr^6 (dipole oscillator strengths); D4 is fitted to such.
    hartree, bohr = 27.211386, 0.529177
    energy, _ = compute_d4(np.array([18, 18]), np.array([[0, 0, 0], [0, 0, 20.0]]), "PBE")
    assert -energy / hartree * (20.0 / bohr) ** 6 == pytest.approx(64.3, rel=0.1)


def test_periodic_cell_binds_more() -> None:
    cell = np.diag([6.0, 6.0, 20.0])
    free, _ = compute_d4(NUMBERS, POSITIONS, "PBE")
    periodic, _ = compute_d4(NUMBERS, POSITIONS, "PBE", cell_angstrom=cell, pbc=(True, True, False))
    assert periodic < free


def test_unknown_functional_lists_known_ones() -> None:
    with pytest.raises(CalculationError, match="'LDA'") as caught:
        compute_d4(NUMBERS, POSITIONS, "LDA")
    assert all(name in str(caught.value) for name in d4_functionals())


def test_tungsten_between_two_reference_systems() -> None:
    """D4 has the step that its docstring warns of; D4S has none, and is close elsewhere."""
    pom = build_pom("W5O18", "solvated")
    numbers = np.array([*(site.specie.Z for site in pom), 46])
    positions = np.asarray(pom.cart_coords)
    ring = positions[[i for i, site in enumerate(pom) if site.specie.symbol == "W"]]
    top = ring[:, 2].argsort()[1:]
    ion = [*ring[top, :2].mean(axis=0), ring[top, 2].mean() + 2.25]
    first = int(top[0])
    outwards = np.append(ring[first, :2] - ion[:2], 0.0)
    outwards /= np.linalg.norm(outwards)

    def curve(variant: str) -> np.ndarray:
        found = []
        for shift in np.arange(-0.2, 0.2, 0.005):
            moved = np.vstack([positions, ion])
            moved[first] += shift * outwards
            found.append(compute_d4(numbers, moved, "PBE", charge=-4, variant=variant)[0])
        return np.array(found)

    d4, d4s = curve("d4"), curve("d4s")
    assert np.abs(np.diff(d4)).max() > 0.01
    assert np.abs(np.diff(d4s)).max() < 0.003
    assert np.abs(d4 - d4s).max() < 0.1


def test_smooth_variant_has_forces_of_its_own() -> None:
    for variant in ("d4", "d4s"):
        _, forces = compute_d4(NUMBERS, POSITIONS, "PBE", variant=variant)
        ends = []
        for sign in (1, -1):
            moved = POSITIONS.copy()
            moved[0, 2] += sign * 1e-3
            ends.append(compute_d4(NUMBERS, moved, "PBE", variant=variant)[0])
        assert forces[0, 2] == pytest.approx(-(ends[0] - ends[1]) / 2e-3, abs=2e-6)
