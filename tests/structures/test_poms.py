import re
from collections import Counter

import numpy as np
import pytest
from pymatgen.core import Composition

from pomdft.errors import UnknownNameError
from pomdft.structures.charges import formal_charge
from pomdft.structures.connectivity import OVERLAP_FRACTION, closest_pair, find_connectivity
from pomdft.structures.poms import build_pom, list_poms
from pomdft.structures.registry import find_definition
from pomdft.structures.symmetry import point_group

BUILT_IN = [n for n in list_poms() if find_definition(n).family != "user"]

# Charges from the literature of each family, not from this package's arithmetic.
CHARGES = {
    "alpha-SiW12O40": -4,
    "alpha-PMo12O40": -3,
    "alpha-BW12O40": -5,
    "alpha-PW11O39": -7,
    "alpha-SiW11O39": -8,
    "A-alpha-SiW9O34": -10,
    "A-alpha-PW9O34": -9,
    "B-alpha-AsW9O34": -9,
    "gamma-SiW10O36": -8,
    "gamma-GeW10O36": -8,
    "P2W18O62": -6,
    "alpha2-P2W17O61": -10,
    "P2W15O56": -12,
    "P2W12O48": -14,
    "P8W48O184": -40,
    "W6O19": -2,
    "W5O18": -6,
}
POINT_GROUPS = {
    "alpha-SiW12O40": "Td",
    "alpha-SiW11O39": "Cs",
    "A-alpha-SiW9O34": "C3v",
    "B-alpha-SiW9O34": "C3v",
    "gamma-SiW12O40": "C2v",
    "gamma-SiW10O36": "C2v",
    "P2W18O62": "D3h",
    "alpha2-P2W17O61": "Cs",
    "alpha1-P2W17O61": "C1",
    "P2W15O56": "C3v",
    "P2W12O48": "C2v",
    "P8W48O184": "D4h",
    "W6O19": "Oh",
    "W5O18": "C4v",
}
# Bonds counted by hand on the polyhedral models: terminal, unshared, edge, corner.
ROLES = {
    "alpha-SiW12O40": (12, 0, 12, 12),
    "alpha-SiW11O39": (11, 4, 10, 10),
    "A-alpha-SiW9O34": (9, 6, 6, 9),
    "B-alpha-SiW9O34": (9, 6, 9, 6),
    "gamma-SiW12O40": (12, 0, 14, 10),
    "gamma-SiW10O36": (10, 4, 8, 10),
    "P2W18O62": (18, 0, 12, 24),
    "P2W15O56": (15, 6, 9, 18),
    "W6O19": (6, 0, 12, 0),
    "W5O18": (5, 4, 8, 0),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_formula_charge_and_overlap(name: str) -> None:
    molecule = build_pom(name, None)
    formula = name.removeprefix("A-").removeprefix("B-").split("-")[-1]
    assert molecule.composition == Composition(formula)
    symbols = [s.specie.symbol for s in molecule]
    assert molecule.charge == formal_charge(symbols) == find_definition(name).charge
    assert closest_pair(symbols, molecule.cart_coords)[2] > OVERLAP_FRACTION


@pytest.mark.parametrize(("name", "charge"), CHARGES.items())
def test_literature_charge(name: str, charge: int) -> None:
    assert build_pom(name, None).charge == charge


@pytest.mark.parametrize(("name", "group"), POINT_GROUPS.items())
def test_point_group(name: str, group: str) -> None:
    framework = find_definition(name).build()
    assert point_group(framework.symbols, framework.positions, tolerance=0.1) == group
    assert find_definition(name).point_group == group


def family_group(name: str) -> str:
    """Return the point group of the member with other elements, by formula pattern."""
    pattern = re.sub(r"Si|Ge|As|P(?=2|8|M|W)|B(?=M|W)", "X", name).replace("Mo", "W")
    for known, group in POINT_GROUPS.items():
        if re.sub(r"Si|P(?=2|8|W)", "X", known) == pattern:
            return group
    raise AssertionError(pattern)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_member_of_a_family_has_its_point_group(name: str) -> None:
    definition = find_definition(name)
    framework = definition.build()
    found = point_group(framework.symbols, framework.positions, tolerance=0.1)
    assert found == definition.point_group == family_group(name)


def test_alpha1_and_alpha2_lose_a_belt_and_a_cap_addendum() -> None:
    # In alpha1 the vacancy's oxygens belong to both halves, in alpha2 to one only.
    for name, shared in (("alpha1-P2W17O61", 1), ("alpha2-P2W17O61", 0)):
        framework = find_definition(name).build()
        found = find_connectivity(framework.symbols, framework.positions)
        heights = framework.positions[found.indices("unshared"), 2]
        assert int((np.abs(heights) < 0.8).sum()) == shared


@pytest.mark.parametrize(("name", "counts"), ROLES.items())
def test_oxygen_roles(name: str, counts: tuple[int, int, int, int]) -> None:
    roles = Counter(build_pom(name, None).site_properties["role"])
    kinds = ("terminal", "unshared", "edge-bridging", "corner-bridging")
    assert tuple(roles[k] for k in kinds) == counts
    n_hetero = roles["heteroatom"]
    assert roles["on-heteroatom"] == 4 * n_hetero
    assert roles["central"] == (1 if name in ("W6O19", "W5O18") else 0)


@pytest.mark.parametrize("name", ["W5O18", "A-alpha-SiW9O34", "gamma-SiW10O36", "P2W15O56"])
def test_vacancy_is_at_the_origin_and_looks_up(name: str) -> None:
    molecule = build_pom(name, None)
    vacancy = molecule.properties["vacancy"]
    assert np.allclose(vacancy["centre_angstrom"], 0, atol=1e-6)
    assert np.allclose(vacancy["normal"], [0, 0, 1], atol=1e-6)
    unshared = [i for i, r in enumerate(molecule.site_properties["role"]) if r == "unshared"]
    assert set(unshared) <= set(vacancy["oxygen_indices"])
    heavy = [i for i, r in enumerate(molecule.site_properties["role"]) if r == "addendum"]
    assert molecule.cart_coords[heavy, 2].max() < 0
    spread = molecule.cart_coords[vacancy["oxygen_indices"]]
    widest = np.linalg.norm(spread[:, None] - spread[None], axis=2).max()
    assert vacancy["opening_angstrom"] == pytest.approx(widest, abs=1e-3)


def test_intact_poms_have_no_vacancy() -> None:
    assert build_pom("alpha-SiW12O40", None).properties["vacancy"] is None


@pytest.mark.parametrize(
    ("name", "n_protons"), [("W5O18", 6), ("A-alpha-SiW9O34", 10), ("alpha-SiW11O39", 8)]
)
def test_protonated_is_neutral_and_leaves_the_vacancy_free(name: str, n_protons: int) -> None:
    molecule = build_pom(name)
    roles = molecule.site_properties["role"]
    assert molecule.charge == 0
    assert molecule.spin_multiplicity == 1
    assert roles.count("proton") == n_protons == molecule.properties["n_protons"]
    carriers = {roles[i] for i in molecule.properties["protonated_oxygens"]}
    assert carriers <= {"corner-bridging", "edge-bridging"}
    assert f"{n_protons} H+ = +0" in molecule.properties["charge_arithmetic"]


def test_solvated_is_the_anion_marked_for_water() -> None:
    molecule = build_pom("alpha-SiW11O39", "solvated")
    assert molecule.charge == -8
    assert molecule.properties["solvent"] == "water"
    partly = build_pom("alpha-SiW11O39", "solvated", cation="K", n_cations=3)
    assert partly.charge == -5
    assert partly.site_properties["role"].count("cation") == 3


def test_synonyms() -> None:
    assert build_pom("SiW12O40", None).properties["name"] == "alpha-SiW12O40"
    assert build_pom("P2W17O61", None).properties["name"] == "alpha2-P2W17O61"


def test_unknown_name_lists_the_near_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"alpha-SiW12O40"):
        build_pom("alpha-SiW12O41")
    with pytest.raises(UnknownNameError, match=re.escape("protonated")):
        build_pom("W5O18", "protonatd")


def test_building_is_deterministic() -> None:
    first, second = build_pom("A-alpha-SiW9O34"), build_pom("A-alpha-SiW9O34")
    assert np.array_equal(first.cart_coords, second.cart_coords)
