import itertools

import numpy as np
import pytest

from pomdft.errors import KernelInputError
from pomdft.kernels import (
    LatticeModel,
    best_swaps,
    build_lattice,
    exchange_energies,
    local_fields,
    swap_energies,
    total_energy,
)


def make_case(shape, n_atoms, n_species, *, site=True, seed=0):
    rng = np.random.default_rng(seed)
    lattice = build_lattice(shape, n_atoms)
    half = rng.normal(size=(n_species, n_species, 13))
    terms = rng.normal(size=(len(lattice), n_species)) if site else None
    species = rng.integers(0, n_species, len(lattice)).astype(np.int8)
    return lattice, LatticeModel(half, terms), species


def energy_by_definition(lattice, model, species):
    """The sum as it is written in the model's docstring."""
    total = 0.0
    for i, row in enumerate(lattice.neighbours):
        z = lattice.coordination[i]
        if model.site_ev is not None:
            total += model.site_ev[i, species[i]]
        for j in row[:z]:
            total += model.half_bond_ev[species[i], species[j], z]
    return total


CASES = [
    ("cuboctahedron", 55, 1),
    ("decahedron", 75, 2),
    ("slab", 96, 3),
    ("icosahedron", 55, 4),
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("site", [True, False])
def test_total_energy_is_the_sum_by_definition(kernel_path, case, site):
    lattice, model, species = make_case(*case, site=site)
    expected = energy_by_definition(lattice, model, species)
    assert total_energy(lattice, model, species) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_exchange_energy_is_the_difference_of_totals(kernel_path, case):
    lattice, model, species = make_case(*case)
    before = total_energy(lattice, model, species)
    change = exchange_energies(lattice, model, species)
    for i, b in itertools.product(range(0, len(lattice), 3), range(model.n_species)):
        after = species.copy()
        after[i] = b
        assert change[i, b] == pytest.approx(
            total_energy(lattice, model, after) - before, abs=1e-10
        )
        back = exchange_energies(lattice, model, after)[i, species[i]]
        assert back == pytest.approx(-change[i, b], abs=1e-10)
    assert (change[np.arange(len(species)), species] == 0.0).all()


@pytest.mark.parametrize("case", CASES)
def test_swap_energy_is_the_difference_of_totals(kernel_path, case):
    lattice, model, species = make_case(*case, seed=2)
    before = total_energy(lattice, model, species)
    matrix = swap_energies(lattice, model, species)
    assert np.allclose(matrix, matrix.T, atol=1e-10)
    bonded = [(0, j) for j in lattice.neighbours[0, : lattice.coordination[0]]]
    rng = np.random.default_rng(1)
    for i, j in [*bonded, *rng.integers(0, len(lattice), (80, 2))]:
        after = species.copy()
        after[i], after[j] = species[j], species[i]
        assert matrix[i, j] == pytest.approx(
            total_energy(lattice, model, after) - before, abs=1e-10
        )
        back = swap_energies(lattice, model, after, [i], [j])[0, 0]
        assert back == pytest.approx(-matrix[i, j], abs=1e-10)


def test_blocks_equal_parts_of_the_matrix(kernel_path):
    lattice, model, species = make_case("decahedron", 75, 3)
    matrix = swap_energies(lattice, model, species)
    # Sites in any order, and more than once.
    rows, columns = [5, 0, 5, 74], [1, 1, 30, 2, 5, 1]
    block = swap_energies(lattice, model, species, rows, columns)
    assert np.allclose(block, matrix[np.ix_(rows, columns)], atol=1e-12)


@pytest.mark.parametrize("case", CASES[1:])
@pytest.mark.parametrize("k", [1, 7, 400, 100_000])
def test_best_swaps_are_the_lowest_of_the_matrix(kernel_path, case, k):
    lattice, model, species = make_case(*case, seed=3)
    matrix = swap_energies(lattice, model, species)
    i, j = np.nonzero(species[:, None] < species[None, :])
    expected = np.sort(matrix[i, j])[:k]
    found = best_swaps(lattice, model, species, k)
    assert np.allclose(found.energies_ev, expected, atol=1e-9)
    a, b = found.sites.T
    assert np.allclose(matrix[a, b], found.energies_ev, atol=1e-9)
    assert (species[a] < species[b]).all()
    assert len(np.unique(found.sites, axis=0)) == len(found) == min(k, len(i))


def test_best_swaps_among_many_equal_ones(kernel_path):
    # Without disorder the energies fall into a few classes; bonded pairs must not be lost.
    lattice = build_lattice("cuboctahedron", 147)
    half = np.zeros((2, 2, 13))
    half[0, 0], half[1, 1], half[0, 1], half[1, 0] = -0.3, -0.2, -0.35, -0.35
    model = LatticeModel(half)
    species = (np.arange(147) % 3 == 0).astype(np.int8)
    matrix = swap_energies(lattice, model, species)
    i, j = np.nonzero(species[:, None] < species[None, :])
    for k in (1, 50, 3000):
        found = best_swaps(lattice, model, species, k)
        assert np.allclose(found.energies_ev, np.sort(matrix[i, j])[:k], atol=1e-9)


def test_no_swaps_of_one_species(kernel_path):
    lattice, model, _ = make_case("cuboctahedron", 55, 2)
    found = best_swaps(lattice, model, np.ones(55, np.int8), 5)
    assert len(found) == 0
    assert "none" in repr(found)
    assert found.to_dataframe().empty


@pytest.mark.parametrize("n_species", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", ["truncated-octahedron", "slab", "icosahedron"])
def test_compiled_energies_equal_their_twins(compiled_path, shape, n_species, monkeypatch):
    lattice, model, species = make_case(shape, 400, n_species, seed=4)

    def everything():
        return (
            total_energy(lattice, model, species),
            local_fields(lattice, model, species),
            exchange_energies(lattice, model, species),
            swap_energies(lattice, model, species),
            best_swaps(lattice, model, species, 500).energies_ev,
        )

    ours = everything()
    monkeypatch.setenv("POMDFT_KERNELS", "reference")
    for a, b in zip(ours, everything(), strict=True):
        assert np.allclose(a, b, rtol=0, atol=1e-10)


def test_all_vector_paths_give_the_same_bits(compiled_path, monkeypatch):
    lattice, model, species = make_case("decahedron", 500, 3, seed=5)
    ours = exchange_energies(lattice, model, species), total_energy(lattice, model, species)
    swaps = best_swaps(lattice, model, species, 50)
    monkeypatch.setenv("POMDFT_KERNELS", "plain")
    assert np.array_equal(ours[0], exchange_energies(lattice, model, species))
    assert ours[1] == total_energy(lattice, model, species)
    assert np.array_equal(swaps.sites, best_swaps(lattice, model, species, 50).sites)


@pytest.mark.parametrize("function", [total_energy, exchange_energies, local_fields, swap_energies])
@pytest.mark.parametrize(
    "bad",
    [
        np.zeros(54, np.int8),
        np.full(55, 2, np.int8),
        np.full(55, -1, np.int8),
        np.zeros(55),
        np.zeros((55, 1), np.int8),
        [],
        np.full(55, np.nan),
    ],
)
def test_wrong_species_are_refused(kernel_path, function, bad):
    lattice, model, _ = make_case("cuboctahedron", 55, 2)
    with pytest.raises(KernelInputError, match=r"^species: "):
        function(lattice, model, bad)


def test_wrong_sites_and_counts_are_refused():
    lattice, model, species = make_case("cuboctahedron", 55, 2)
    with pytest.raises(KernelInputError, match=r"^sites_a: 55 at index \[1\]"):
        swap_energies(lattice, model, species, [0, 55])
    with pytest.raises(KernelInputError, match=r"^sites_b: "):
        swap_energies(lattice, model, species, None, [-1])
    with pytest.raises(KernelInputError, match=r"^sites_b: .*empty"):
        swap_energies(lattice, model, species, None, np.zeros(0, np.int32))
    for k in (0, 10**6):
        with pytest.raises(KernelInputError, match=r"^k: "):
            best_swaps(lattice, model, species, k)


def test_a_matrix_too_large_asks_for_blocks():
    lattice, model, species = make_case("sphere", 20_000, 2, site=False)
    with pytest.raises(KernelInputError, match=r"blocks"):
        swap_energies(lattice, model, species)
