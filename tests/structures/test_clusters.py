import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pomdft.errors import ChargeError, InputError, StructureError, UnknownNameError
from pomdft.structures.clusters import (
    CLUSTER_KINDS,
    build_cluster,
    default_multiplicity,
    known_metals,
    nearest_neighbour,
)
from pomdft.structures.connectivity import OVERLAP_FRACTION, closest_pair
from pomdft.structures.symmetry import point_group

GROUPS = {
    "M4": "Td",
    "M4-rhombus": "D2h",
    "M13": "Ih",
    "M13-cuboctahedron": "Oh",
    "M38": "Oh",
    "M55": "Ih",
}


@pytest.mark.parametrize("kind", CLUSTER_KINDS)
def test_size_and_shape(kind: str) -> None:
    cluster = build_cluster("Au", kind)
    assert len(cluster) == CLUSTER_KINDS[kind]
    assert np.allclose(cluster.cart_coords.mean(axis=0), 0, atol=1e-9)
    if kind in GROUPS:
        assert point_group(["Au"] * len(cluster), cluster.cart_coords) == GROUPS[kind]
        distance = cluster.distance_matrix + 9 * np.eye(len(cluster))
        ratio = distance.min() / nearest_neighbour("Au")
        assert 0.9 < ratio <= 1.0


@pytest.mark.parametrize(
    ("metal", "length"), [("Cu", 2.556), ("Au", 2.884), ("Fe", 2.485), ("Ru", 2.65), ("Co", 2.50)]
)
def test_nearest_neighbours(metal: str, length: float) -> None:
    assert nearest_neighbour(metal) == pytest.approx(length, abs=0.02)


def test_every_fcc_hcp_and_bcc_element_builds() -> None:
    metals = known_metals()
    assert {"Au", "Ag", "Cu", "Pd", "Pt", "Ru", "Rh", "Ir", "Ni", "Co", "Fe"} <= set(metals)
    for metal in metals:
        assert len(build_cluster(metal, "M4")) == 4


@pytest.mark.parametrize(
    ("metal", "kind", "charge", "multiplicity"),
    [
        ("Au", "M1", 0, 2),
        ("Pd", "M1", 0, 1),
        ("Pt", "M1", 0, 3),
        ("Ag", "M1", 1, 1),
        ("Pd", "M1", 2, 1),
        ("Ni", "M1", 2, 3),
        ("Au", "M4", 0, 1),
        ("Pd", "M4", 0, 3),
        ("Pt", "M4", 0, 3),
        ("Au", "M13", 0, 2),
    ],
)
def test_multiplicities(metal: str, kind: str, charge: int, multiplicity: int) -> None:
    assert build_cluster(metal, kind, charge=charge).spin_multiplicity == multiplicity


@pytest.mark.parametrize("metal", ["Ru", "Rh", "Co", "Fe", "Os", "Ir", "Mn", "Sc"])
@pytest.mark.parametrize("n_atoms", [1, 4, 13, 38])
@pytest.mark.parametrize("charge", [-1, 0, 1, 2])
def test_default_multiplicity_fits_the_electrons(metal: str, n_atoms: int, charge: int) -> None:
    from pomdft.structures.charges import check_electron_count

    symbols = [metal] * n_atoms
    check_electron_count(symbols, charge, default_multiplicity(symbols, charge))


def test_alloy_counts_and_seed() -> None:
    alloy = build_cluster({"Au": 0.25, "Pd": 0.75}, "M38", seed=3)
    symbols = [s.specie.symbol for s in alloy]
    assert symbols.count("Au") in (9, 10)
    assert symbols.count("Au") + symbols.count("Pd") == 38
    again = build_cluster({"Au": 0.25, "Pd": 0.75}, "M38", seed=3)
    other = build_cluster({"Au": 0.25, "Pd": 0.75}, "M38", seed=4)
    assert symbols == [s.specie.symbol for s in again]
    assert symbols != [s.specie.symbol for s in other]


def test_bad_input() -> None:
    with pytest.raises(UnknownNameError, match="metal 'Xx'"):
        build_cluster("Xx")
    with pytest.raises(UnknownNameError, match="cluster 'M5'"):
        build_cluster("Au", "M5")
    for fractions in ({"Au": 0.5, "Pd": 0.6}, {"Au": -0.5, "Pd": 1.5}, {}, {"Au": float("nan")}):
        with pytest.raises(InputError, match="fractions that sum to 1"):
            build_cluster(fractions)
    with pytest.raises(ChargeError, match="spin_multiplicity: 2"):
        build_cluster("Au", "M4", spin_multiplicity=2)
    with pytest.raises(InputError, match="fractions that sum to 1"):
        build_cluster({"Au": "half"})  # type: ignore[dict-item]
    with pytest.raises(ChargeError, match=r"metal charge: \+9 is out of reach"):
        build_cluster("Au", "M1", charge=9)
    with pytest.raises(StructureError, match="M13 of Be, Cs are"):
        build_cluster({"Be": 0.9, "Cs": 0.1}, "M13")


@given(
    pair=st.lists(st.sampled_from(known_metals()), min_size=2, max_size=2, unique=True),
    share=st.floats(0.0, 1.0),
    kind=st.sampled_from(sorted(CLUSTER_KINDS)),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_no_cluster_overlaps(pair: list[str], share: float, kind: str, seed: int) -> None:
    try:
        cluster = build_cluster({pair[0]: share, pair[1]: 1.0 - share}, kind, seed=seed)
    except StructureError:
        # Refusing is right only where the elements differ much in size.
        bonds = [nearest_neighbour(metal) for metal in pair]
        assert max(bonds) > 1.25 * min(bonds)
        return
    closest = closest_pair([s.specie.symbol for s in cluster], cluster.cart_coords)
    assert closest is None or closest[2] >= OVERLAP_FRACTION


@pytest.mark.parametrize(("metal", "multiplicity"), [("Pd", 3), ("Rh", 3), ("Ir", 1), ("Au", 1)])
def test_tetrahedra_that_may_have_a_moment_do_not_start_closed(
    metal: str, multiplicity: int
) -> None:
    assert build_cluster(metal, "M4").spin_multiplicity == multiplicity
