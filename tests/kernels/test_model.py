import numpy as np
import pytest

from pomdft.errors import KernelInputError
from pomdft.kernels import LatticeModel, build_lattice, total_energy


def test_bond_table_holds_both_halves():
    half = np.random.default_rng(0).normal(size=(3, 3, 13))
    bonds = LatticeModel(half).bonds_ev
    assert bonds.shape == (13, 64, 4)
    for z, t, y, s in [(12, 0, 12, 1), (9, 2, 5, 0), (0, 1, 3, 2)]:
        assert bonds[z, 16 * t + y, s] == half[s, t, z] + half[t, s, y]
    assert not bonds[:, 63].any()


def test_bond_centric_model_gives_the_square_root_of_coordination():
    # One species: the cohesive energy of an atom falls with the square root of its coordination.
    lattice = build_lattice("cuboctahedron", 147)
    half = np.zeros((1, 1, 13))
    half[0, 0, 1:] = -3.81 * np.sqrt(12.0 / np.arange(1.0, 13.0)) / 12.0
    energy = total_energy(lattice, LatticeModel(half), np.zeros(147, dtype=np.int8))
    assert energy == pytest.approx(-3.81 * np.sqrt(lattice.coordination / 12.0).sum(), abs=1e-9)


@pytest.mark.parametrize(
    ("half", "site", "name"),
    [
        (np.zeros((2, 2, 12)), None, "half_bond_ev"),
        (np.zeros((2, 3, 13)), None, "half_bond_ev"),
        (np.zeros((5, 5, 13)), None, "half_bond_ev"),
        (np.zeros((0, 0, 13)), None, "half_bond_ev"),
        (np.full((2, 2, 13), np.nan), None, "half_bond_ev"),
        (np.zeros((2, 2, 13)), np.zeros((4, 3)), "site_ev"),
        (np.zeros((2, 2, 13)), np.full((4, 2), np.inf), "site_ev"),
    ],
)
def test_wrong_tables_are_refused(half, site, name):
    with pytest.raises(KernelInputError, match=f"^{name}: "):
        LatticeModel(half, site)


def test_site_term_must_fit_the_lattice():
    model = LatticeModel(np.zeros((2, 2, 13)), np.zeros((12, 2)))
    with pytest.raises(KernelInputError, match=r"site_ev: got 12 rows.*13 sites"):
        total_energy(build_lattice("cuboctahedron", 13), model, np.zeros(13, np.int8))
