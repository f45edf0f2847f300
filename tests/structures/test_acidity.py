import numpy as np
import pytest

from pomdft.errors import ChargeError, UnknownNameError
from pomdft.structures.acidity import add_proton, choose_acid_oxygens, find_resting_atoms
from pomdft.structures.connectivity import find_connectivity
from pomdft.structures.poms import build_pom


def roles_of(name):
    molecule = build_pom(name, "solvated")
    symbols = [site.specie.symbol for site in molecule]
    return find_connectivity(symbols, molecule.cart_coords)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("alpha-PMo12O40", "corner-bridging"),
        ("alpha-PMo11O39", "unshared"),
        ("W6O19", "edge-bridging"),
    ],
)
def test_the_most_basic_role_comes_first(name, expected):
    site, oxygens = choose_acid_oxygens(name, 3)
    assert site == expected
    assert len(set(oxygens)) == 3
    assert {roles_of(name).roles[i] for i in oxygens} == {expected}


def test_a_longer_series_begins_like_a_shorter_one():
    assert choose_acid_oxygens("W5O18", 3)[1][:2] == choose_acid_oxygens("W5O18", 2)[1]


def test_second_proton_sits_across_the_vacancy():
    molecule = build_pom("W5O18", "solvated")
    _, (first, second) = choose_acid_oxygens("W5O18", 2)
    distances = [molecule.get_distance(first, i) for i in roles_of("W5O18").indices("unshared")]
    assert molecule.get_distance(first, second) == pytest.approx(max(distances), abs=1e-6)


def test_protons_add_charge_and_end_up_on_their_oxygen():
    anion = build_pom("W5O18", "solvated")
    _, oxygens = choose_acid_oxygens("W5O18", 2)
    protonated = anion
    for count, oxygen in enumerate(oxygens, start=1):
        protonated = add_proton(protonated, oxygen)
        assert protonated.charge == -6 + count
        assert protonated.get_distance(len(protonated) - 1, oxygen) == pytest.approx(0.975)
        assert protonated.properties["solvent"] == "water"
    assert np.allclose(protonated.cart_coords[: len(anion)], anion.cart_coords)
    assert protonated.site_properties["role"][-1] == "proton"


@pytest.mark.parametrize("pom", ["W5O18", "alpha-PMo11O39"])
def test_a_proton_on_an_unshared_oxygen_points_into_the_vacancy(pom):
    found = roles_of(pom)
    _, (oxygen,) = choose_acid_oxygens(pom, 1)
    molecule = add_proton(build_pom(pom, "solvated"), oxygen)
    proton = len(molecule) - 1
    (metal,) = found.neighbours[oxygen]
    assert molecule.get_distance(proton, oxygen) == pytest.approx(0.975)
    assert molecule.get_angle(metal, oxygen, proton) == pytest.approx(115.0, abs=0.1)
    # Nearer to the other unshared oxygens than the oxygen it sits on.
    others = [i for i in found.indices("unshared") if i != oxygen]
    own = np.mean([molecule.get_distance(oxygen, i) for i in others])
    assert np.mean([molecule.get_distance(proton, i) for i in others]) < own - 0.2
    # And no contact closer than a hydrogen bond.
    close = [i for i in range(proton) if i != oxygen and molecule.get_distance(proton, i) < 1.6]
    assert not close


def test_only_surroundings_of_the_protons_move():
    _, oxygens = choose_acid_oxygens("alpha-PMo12O40", 1)
    resting = set(find_resting_atoms("alpha-PMo12O40", oxygens, "contact"))
    found = roles_of("alpha-PMo12O40")
    moving = set(range(53)) - resting
    addenda = [i for i in moving if found.roles[i] == "addendum"]
    assert len(addenda) == 2
    assert moving == set(addenda) | {o for a in addenda for o in found.neighbours[a]}
    assert find_resting_atoms("alpha-PMo12O40", oxygens, "all") == ()


def test_what_a_pom_does_not_have_is_named():
    with pytest.raises(UnknownNameError, match="edge-bridging"):
        choose_acid_oxygens("W6O19", 1, "unshared")
    with pytest.raises(ChargeError, match="has 4 unshared"):
        choose_acid_oxygens("W5O18", 5)
