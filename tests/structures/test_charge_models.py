import numpy as np
import pytest

from pomdft.errors import ChargeError, UnknownNameError
from pomdft.structures.charges import (
    check_cation_count,
    check_electron_count,
    count_electrons,
    formal_charge,
    lowest_multiplicity,
)
from pomdft.structures.connectivity import find_connectivity
from pomdft.structures.countercations import CATION_OXYGEN_ANGSTROM, place_cations
from pomdft.structures.docking import build_complexes
from pomdft.structures.poms import build_pom
from pomdft.structures.protonation import choose_protonated_oxygens, proton_positions
from pomdft.structures.registry import find_definition


def test_formal_charge_needs_known_states() -> None:
    assert formal_charge(["W"] * 6 + ["O"] * 19) == -2
    with pytest.raises(ChargeError, match="Xe"):
        formal_charge(["Xe", "O"])


def test_electron_count_against_charge_and_spin() -> None:
    assert count_electrons(["O", "H"], -1) == 10
    assert lowest_multiplicity(["Au"], 0) == 2
    check_electron_count(["Au"], 1, 1)
    with pytest.raises(ChargeError, match="spin_multiplicity: 1 does not fit 79 electrons"):
        check_electron_count(["Au"], 0, 1)
    with pytest.raises(ChargeError, match="not a whole number"):
        count_electrons(["Au"], 0.5)
    with pytest.raises(ChargeError, match="exceeds the nuclear charge"):
        count_electrons(["H"], 2)


def test_protons_fill_corner_before_edge_and_never_terminal_or_contact() -> None:
    framework = find_definition("A-alpha-SiW9O34").build()
    found = find_connectivity(framework.symbols, framework.positions)
    contacts = found.indices("unshared")
    for count in (1, 5, 9, 12, 15, 17, 21):
        chosen = choose_protonated_oxygens(found, framework.positions, count, contacts)
        assert len(set(chosen)) == count
        roles = [found.roles[i] for i in chosen]
        assert "terminal" not in roles
        assert roles.count("corner-bridging") == min(count, 9)
        assert roles.count("edge-bridging") == min(max(count - 9, 0), 6)
        assert roles.count("unshared") == max(count - 15, 0)
    with pytest.raises(ChargeError, match="22 protons are needed but only 21"):
        choose_protonated_oxygens(found, framework.positions, 22, contacts)


def test_the_choice_of_protons_is_a_minimum_of_their_repulsion() -> None:
    framework = find_definition("alpha-SiW11O39").build()
    found = find_connectivity(framework.symbols, framework.positions)
    chosen = choose_protonated_oxygens(found, framework.positions, 8, ())
    pool = found.indices("corner-bridging")

    def repulsion(atoms):
        xyz = framework.positions[list(atoms)]
        distance = np.linalg.norm(xyz[:, None] - xyz[None], axis=2)
        return (1 / distance[np.triu_indices(len(atoms), 1)]).sum()

    best = repulsion(chosen)
    for out in chosen:
        for into in set(pool) - set(chosen):
            assert repulsion([i for i in chosen if i != out] + [into]) >= best - 1e-6


def test_protons_sit_at_a_bond_length_outside() -> None:
    framework = find_definition("W5O18").build()
    found = find_connectivity(framework.symbols, framework.positions)
    oxygens = [*found.indices("edge-bridging"), *found.indices("unshared")]
    protons = proton_positions(found, framework.positions, oxygens)
    lengths = np.linalg.norm(protons - framework.positions[oxygens], axis=1)
    assert np.allclose(lengths, 0.975)
    middle = framework.positions.mean(axis=0)
    outward = np.linalg.norm(protons - middle, axis=1)
    assert (outward > np.linalg.norm(framework.positions[oxygens] - middle, axis=1)).all()


@pytest.mark.parametrize("cation", ["Li", "Na", "K", "Cs"])
@pytest.mark.parametrize("name", ["W5O18", "A-alpha-SiW9O34"])
def test_alkali_cations_balance_and_sit_at_crystal_contacts(name: str, cation: str) -> None:
    molecule = build_pom(name, "alkali", cation=cation)
    roles = molecule.site_properties["role"]
    assert molecule.charge == 0
    ions = [i for i, r in enumerate(roles) if r == "cation"]
    oxygens = [i for i, s in enumerate(molecule) if s.specie.symbol == "O"]
    xyz = molecule.cart_coords
    distance = np.linalg.norm(xyz[ions][:, None] - xyz[oxygens][None], axis=2)
    wanted = CATION_OXYGEN_ANGSTROM[cation]
    assert np.all(np.abs(distance.min(axis=1) - wanted) < 0.05)
    # Nothing between the vacancy and a metal that comes from +z.
    assert (xyz[ions, 2] < -0.5).all()
    assert f"{len(ions)} {cation}+ = +0" in molecule.properties["charge_arithmetic"]


def test_cation_that_is_none_or_too_many() -> None:
    with pytest.raises(UnknownNameError, match="cation 'Mg'"):
        build_pom("W5O18", "alkali", cation="Mg")
    framework = find_definition("W5O18").build()
    with pytest.raises(ChargeError, match="no room for 60 Cs ions"):
        place_cations(framework.symbols, framework.positions, "Cs", 60)


@pytest.mark.parametrize(
    ("model", "n_cations", "message"),
    [
        ("alkali", 7, "7 cannot balance W5O18, which has charge -6"),
        ("alkali", 3, "leaves W5O18 .charge -6. with -3"),
        ("alkali", -1, "-1 cannot balance"),
        ("alkali", 2.5, "not a whole number"),
        ("solvated", 9, "9 cannot balance"),
        ("protonated", 2, "has no cations"),
        (None, 1, "has no cations"),
    ],
)
def test_a_number_of_cations_that_cannot_balance_is_refused(model, n_cations, message) -> None:
    with pytest.raises(ChargeError, match=message):
        build_pom("W5O18", model, n_cations=n_cations)
    with pytest.raises(ChargeError, match=message):
        build_complexes("W5O18", "Ag", charge_model=model, n_cations=n_cations)


def test_a_metal_ion_may_take_the_place_of_a_cation() -> None:
    whole = build_complexes("W5O18", "Ag", "M1", charge_model="alkali", metal_charge=1, n_cations=5)
    assert whole[0].charge == 0
    assert whole[0].properties["n_cations"] == 5
    with pytest.raises(ChargeError, match=r"citrate \(charge -3\) with -1"):
        build_complexes("citrate", "Ag", charge_model="alkali", n_cations=2)


def test_a_cation_is_not_balanced_by_protons_or_alkali() -> None:
    for model in ("protonated", "alkali"):
        with pytest.raises(ChargeError, match=r"has charge \+2"):
            check_cation_count("mine", model, 2, None)


@pytest.mark.parametrize("cation", ["Li", "Na", "K", "Rb", "Cs"])
def test_the_most_charged_anion_has_room_for_its_cations(cation: str) -> None:
    molecule = build_pom("P8W48O184", "alkali", cation=cation)
    assert molecule.charge == 0
    assert molecule.site_properties["role"].count("cation") == 40
