import numpy as np
import pytest

from pomdft.analysis.mixing import mixing_enthalpy
from pomdft.analysis.segregation import segregation_energy
from pomdft.errors import InputError
from pomdft.kernels import LatticeModel, build_lattice, total_energy
from pomdft.prediction.alloy import build_energetics, surface_share


def dilute_segregation(pair, host, solute):
    """Energy to bring one solute from the middle of a (111) slab to its surface."""
    lattice = build_lattice("slab", layers=9, width=8, facet="111")
    model = LatticeModel(pair.half_bonds())
    surface = int(np.flatnonzero(lattice.shell == 0)[0])
    middle = int(np.flatnonzero(lattice.shell == lattice.shell.max())[0])
    energies = []
    for site in (surface, middle):
        species = np.full(len(lattice), host, dtype=np.uint8)
        species[site] = solute
        energies.append(float(total_energy(lattice, model, species)))
    return energies[0] - energies[1]


@pytest.mark.parametrize("names", [("Pt", "Ni"), ("Au", "Pd"), ("Cu", "Ni")])
def test_lattice_gives_back_both_dilute_segregation_energies(names):
    first, second = names
    pair = build_energetics(first, second)
    sum_left = segregation_energy(first, second).energy_ev
    sum_right = segregation_energy(second, first).energy_ev
    found = (dilute_segregation(pair, 0, 1), dilute_segregation(pair, 1, 0))
    # Their difference always; their sum within the bounds put on the surface bonds.
    assert found[0] - found[1] == pytest.approx(sum_left - sum_right, abs=1e-9)
    assert found == pytest.approx((sum_left, sum_right), abs=0.12)


def test_lattice_gives_back_the_mixing_enthalpy():
    pair = build_energetics("Au", "Ni")
    lattice = build_lattice("slab", layers=30, width=12, facet="111")
    rng = np.random.default_rng(0)
    inside = lattice.shell >= 3
    species = (rng.random(len(lattice)) < 0.5).astype(np.uint8)
    unlike = [
        np.mean([species[j] != species[i] for j in lattice.neighbours[i]])
        for i in np.flatnonzero(inside)[:2000]
    ]
    assert 6.0 * np.mean(unlike) * pair.bulk_bond_ev == pytest.approx(
        mixing_enthalpy("Au", "Ni").energy_ev, rel=0.05
    )


def test_surface_share_is_one_on_111_and_zero_inside():
    assert surface_share([9, 12]) == pytest.approx([1.0, 0.0])
    assert surface_share(6) > surface_share(7) > surface_share(8) > 1.0


def test_order_of_the_metals_does_not_matter():
    forward, backward = build_energetics("Au", "Ni"), build_energetics("Ni", "Au")
    assert forward.surface_preference_ev == pytest.approx(-backward.surface_preference_ev)
    assert forward.bulk_bond_ev == pytest.approx(backward.bulk_bond_ev)


def test_computed_energies_are_used_and_named():
    computed = {("Au", "Ag", "111"): (-0.1, 0.02), ("Ag", "Au", "111"): (0.2, 0.02)}
    pair = build_energetics("Au", "Ag", computed=computed)
    assert pair.surface_preference_ev == pytest.approx(-0.15)
    assert pair.source == "dft"
    assert pair.surface_preference_std_ev < 0.05


def test_errors_of_both_directions_are_opposite_and_do_not_average_away():
    computed = {("Au", "Ag", "111"): (0.2, 0.10), ("Ag", "Au", "111"): (-0.1, 0.06)}
    pair = build_energetics("Au", "Ag", computed=computed)
    assert pair.surface_preference_ev == pytest.approx(0.15)
    assert pair.surface_preference_std_ev == pytest.approx(0.08)


def test_same_metal_twice_is_refused():
    with pytest.raises(InputError, match="both metals are Au"):
        build_energetics("Au", "Au")
