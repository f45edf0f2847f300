import numpy as np
import pytest

from pomdft.errors import KernelInputError
from pomdft.kernels.lattice import build_lattice
from pomdft.kernels.ordering_statistics import describe_ordering


def test_core_shell_and_l10_slab():
    particle = build_lattice("cuboctahedron", n_atoms=147)
    species = (particle.shell == 0).astype(int)
    surface, shells, pairs = describe_ordering(particle, species[None], 2)
    np.testing.assert_array_equal(surface, [[0.0, 1.0]])
    np.testing.assert_array_equal(shells[0, 0], [0.0, 1.0])
    np.testing.assert_array_equal(shells[0, 1:, 0], 1.0)
    assert pairs[0, 0, 1] > 0.2

    # Alternating atoms in a one-layer square lattice: all neighbours are unlike.
    slab = build_lattice("slab", width=4, layers=1, facet="100")
    i = np.round(slab.positions[:, 0] / 1.0).astype(int)
    j = np.round(slab.positions[:, 1] / 1.0).astype(int)
    species = (i + j) % 2
    _, _, pairs = describe_ordering(slab, species[None], 2)
    np.testing.assert_allclose(pairs[0], [[1.0, -1.0], [-1.0, 1.0]])


def test_random_alloy_has_no_short_range_order():
    particle = build_lattice("cuboctahedron", n_atoms=1415)
    species = np.random.default_rng(0).integers(0, 3, (50, 1415))
    surface, shells, pairs = describe_ordering(particle, species, 3)
    np.testing.assert_allclose(pairs.mean(axis=0), 0.0, atol=0.01)
    np.testing.assert_allclose(surface.mean(axis=0), 1 / 3, atol=0.02)
    np.testing.assert_allclose(shells.sum(axis=2), 1.0)


def test_absent_species_and_bad_input():
    particle = build_lattice("cuboctahedron", shells=1)
    _, _, pairs = describe_ordering(particle, np.zeros((1, 13), int), 2)
    assert pairs[0, 0, 0] == 0
    assert np.isnan(pairs[0, 0, 1])
    with pytest.raises(KernelInputError, match="species"):
        describe_ordering(particle, np.full((1, 13), 2), 2)
    with pytest.raises(KernelInputError, match="species"):
        describe_ordering(particle, np.zeros((1, 12), int), 2)
    with pytest.raises(KernelInputError, match="n_species"):
        describe_ordering(particle, np.zeros((1, 13), int), 5)
