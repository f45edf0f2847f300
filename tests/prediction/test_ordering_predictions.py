from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pomdft.errors import InputError, NotComputedError, UnknownNameError
from pomdft.prediction.ordering import compare_ligands, predict_ordering

TABLE = Path(__file__).resolve().parents[3] / "shared/reference/bimetallic_nanoparticles.csv"
FAST = {"n_members": 24, "n_sweeps": 40}


@pytest.mark.skipif(not TABLE.exists(), reason="reference tables are not here")
def test_published_pairs_without_ligand():
    table = pd.read_csv(TABLE, comment="#")
    for row in table.itertuples():
        first, second = row.pair.split("-")
        found = predict_ordering(first, second, n_members=64, n_sweeps=40)
        assert found.shell == row.surface_element.split()[0], row.pair
        assert ("segregated" if found.is_segregated else "alloy") == row.class2, row.pair


#: Pair, alloy or segregated, element at the surface. Bulk phase diagrams (Massalski, Binary Alloy
#: Phase Diagrams, 2nd ed., 1990) and segregation in vacuum (Ferrando et al.,
#: doi:10.1021/cr040090g; Ruban et al., doi:10.1103/PhysRevB.59.15990).
FURTHER_PAIRS = [
    ("Au", "Cu", "alloy", "Au"),
    ("Au", "Pd", "alloy", "Au"),
    ("Ag", "Pd", "alloy", "Ag"),
    ("Pt", "Co", "alloy", "Pt"),
    ("Pt", "Fe", "alloy", "Pt"),
    ("Pd", "Ni", "alloy", "Pd"),
    ("Pd", "Co", "alloy", "Pd"),
    ("Pt", "Rh", "alloy", "Pt"),
    ("Cu", "Pt", "alloy", "Pt"),
    ("Au", "Pt", "segregated", "Au"),
    ("Au", "Co", "segregated", "Au"),
    ("Au", "Fe", "segregated", "Au"),
    ("Au", "Ir", "segregated", "Au"),
    ("Au", "Ru", "segregated", "Au"),
    ("Ag", "Ni", "segregated", "Ag"),
    ("Ag", "Co", "segregated", "Ag"),
    ("Ag", "Ir", "segregated", "Ag"),
    ("Cu", "Co", "segregated", "Cu"),
    ("Cu", "Ru", "segregated", "Cu"),
    ("Pd", "Ir", "segregated", "Pd"),
    ("Pd", "Rh", "segregated", "Pd"),
]


@pytest.mark.parametrize(("first", "second", "kind", "surface"), FURTHER_PAIRS)
def test_further_known_pairs(first, second, kind, surface):
    found = predict_ordering(first, second, n_members=40, n_sweeps=30)
    assert found.shell == surface
    assert ("segregated" if found.is_segregated else "alloy") == kind
    assert found.is_segregated == (found.label in {"core-shell", "janus"})


def test_unlike_neighbours_make_a_superlattice_only_below_its_temperature():
    cold = predict_ordering("Cu", "Pd", temperature_k=150.0, **FAST)
    warm = predict_ordering("Cu", "Pd", temperature_k=900.0, **FAST)
    assert cold.label == "ordered-alloy"
    assert warm.label == "random-alloy"
    assert predict_ordering("Au", "Ag", **FAST).probabilities["ordered-alloy"] < 0.05


@pytest.mark.parametrize(("fraction", "metal"), [(0.0, "Au"), (1.0, "Ag")])
@pytest.mark.parametrize("route", ["equilibrium", "co-reduction"])
def test_pure_particle_is_all_of_its_metal(fraction, metal, route):
    found = predict_ordering(
        "Au", "Ag", fraction=fraction, n_atoms=55, route=route, n_members=3, n_sweeps=5
    )
    assert found.shell == metal
    assert found.reason == f"Every atom is {metal}."
    assert found.shell_probability == 1.0
    assert found.core_shell_probability == 0.0
    assert found.monolayers == pytest.approx(55 / 42)


def test_answer_names_where_its_numbers_come_from():
    found = predict_ordering(
        "Au", "Ag", "POM", affinity={"Au": -0.4, "Ag": (-0.7, 0.1)}, coverage=0.6, **FAST
    )
    for words in ("-0.70 ± 0.10", "negative = bound", "0.60 contacts", "measured", "model"):
        assert words in found.provenance
    plain = found.to_dict()
    assert plain["affinities"]["Ag"]["std_ev"] == pytest.approx(0.1)
    assert plain["coverage"] == 0.6


def test_order_of_the_metals_does_not_matter():
    forward = predict_ordering("Ag", "Cu", fraction=0.4, **FAST)
    backward = predict_ordering("Cu", "Ag", fraction=0.6, **FAST)
    assert (forward.shell, forward.label) == (backward.shell, backward.label)
    assert forward.surface_fraction == pytest.approx(1.0 - backward.surface_fraction, abs=0.02)


def test_large_affinity_for_the_surface_averse_metal_flips_the_shell():
    bare = predict_ordering("Ag", "Cu", **FAST)
    held = predict_ordering(
        "Ag", "Cu", "POM", affinity={"Ag": -0.3, "Cu": -2.8}, coverage=0.5, **FAST
    )
    assert (bare.shell, bare.core, bare.label) == ("Ag", "Cu", "core-shell")
    assert (held.shell, held.core, held.label) == ("Cu", "Ag", "core-shell")
    assert "Cu is held 2.50" in held.reason


def test_equal_affinities_change_nothing():
    bare = predict_ordering("Au", "Pd", **FAST)
    held = predict_ordering("Au", "Pd", "POM", affinity={"Au": -0.7, "Pd": -0.7}, **FAST)
    assert held.probabilities == bare.probabilities
    np.testing.assert_array_equal(held.radial_profile, bare.radial_profile)


def test_probability_of_core_shell_rises_with_the_affinity_difference():
    shares = [
        predict_ordering(
            "Au", "Ag", "POM", fraction=0.55, affinity={"Au": -0.4, "Ag": -0.4 - d}, **FAST
        ).core_shell_probability
        for d in (0.0, 0.4, 0.8, 1.6)
    ]
    assert shares == sorted(shares)
    assert shares[0] < 0.05
    assert shares[-1] > 0.9


def test_too_few_atoms_give_no_complete_shell():
    few = predict_ordering("Au", "Ag", "POM", 0.2, affinity={"Au": -0.2, "Ag": -2.2}, **FAST)
    enough = predict_ordering("Au", "Ag", "POM", 0.6, affinity={"Au": -0.2, "Ag": -2.2}, **FAST)
    assert few.monolayers < 0.5
    assert few.core_shell_probability == 0.0
    assert few.surface_fraction > 0.3  # what there is sits outside
    assert enough.label == "core-shell"


def test_immiscible_metals_without_enough_shell_lie_side_by_side():
    found = predict_ordering("Rh", "Ag", fraction=0.15, **FAST)
    assert found.label == "janus"
    assert found.shell == "Ag"


def test_heat_mixes():
    cold = predict_ordering("Ag", "Cu", temperature_k=300.0, **FAST)
    hot = predict_ordering("Ag", "Cu", temperature_k=2500.0, **FAST)
    assert hot.short_range_order < cold.short_range_order
    assert abs(hot.surface_fraction - 0.5) < abs(cold.surface_fraction - 0.5)
    assert any("melting" in text for text in hot.extrapolation)
    assert not cold.extrapolation


def test_same_seed_same_answer():
    one, two = (predict_ordering("Au", "Ag", seed=4, **FAST) for _ in range(2))
    assert one.probabilities == two.probabilities
    np.testing.assert_array_equal(one.species, two.species)


def test_answer_is_whole():
    found = predict_ordering("Au", "Ag", fraction=0.25, **FAST)
    assert sum(found.probabilities.values()) == pytest.approx(1.0)
    assert found.fraction == pytest.approx(0.25, abs=0.002)
    counts = np.bincount(found.lattice.shell)
    assert (found.radial_profile * counts).sum() == pytest.approx(found.fraction * 309, abs=0.5)
    assert found.species.sum() == round(0.25 * 309)
    assert found.to_dict()["label"] == found.label
    assert len(found.to_dataframe()) == len(counts)
    assert "probability" in repr(found)


def test_ligands_side_by_side():
    table = compare_ligands(
        "Au",
        "Ag",
        {"none": None, "POM": {"Au": -0.3, "Ag": -2.3}, "PVP": {"Au": -0.2, "Ag": -0.2}},
        coverage={"POM": 0.6, "PVP": 0.3},
        **FAST,
    )
    by_name = table.set_index("ligand")
    assert by_name.loc["POM", "label"] == "core-shell"
    assert by_name.loc["none", "label"] == by_name.loc["PVP", "label"] == "random-alloy"
    assert by_name.loc["POM", "surface_fraction"] > by_name.loc["none", "surface_fraction"]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"fraction": 1.5}, InputError, "fraction"),
        ({"temperature_k": 25.0}, InputError, "kelvin"),
        ({"n_atoms": 3}, InputError, "n_atoms"),
        ({"route": "magic"}, UnknownNameError, "route"),
        ({"shape": "cube"}, UnknownNameError, "shape"),
        ({"ligand": "W5O18"}, NotComputedError, "pomdft run"),
        ({"affinity": {"Au": "much"}}, InputError, "much"),
        ({"affinity": {"Au": -0.3}}, InputError, "Ag"),
        ({"ligand": "W5O18", "affinity": {"Au": -0.3}}, NotComputedError, "--metal Ag"),
        ({"n_members": 0}, InputError, "n_members"),
        ({"n_sweeps": 0}, InputError, "n_sweeps"),
        ({"seed": -1}, InputError, "seed"),
        ({"fraction": float("nan")}, InputError, "fraction"),
        ({"coverage": float("nan"), "affinity": {"Au": -0.3, "Ag": -0.3}}, InputError, "coverage"),
    ],
)
def test_bad_questions_are_named(options, error, text):
    with pytest.raises(error, match=text):
        predict_ordering("Au", "Ag", **options)
