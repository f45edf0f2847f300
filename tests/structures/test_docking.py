import json
import re
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Molecule
from scipy.spatial.transform import Rotation

from pomdft.errors import ChargeError, InputError, UnknownNameError
from pomdft.structures.charges import count_electrons, formal_charge
from pomdft.structures.connectivity import OVERLAP_FRACTION, closest_pair
from pomdft.structures.contacts import contact_distance
from pomdft.structures.docking import build_complexes, dock_ligand
from pomdft.structures.poms import build_pom
from pomdft.structures.registry import find_definition, list_poms, register_pom
from pomdft.structures.sites import SITE_NAMES, find_sites

METALS = ("Au", "Ag", "Cu", "Pd", "Pt", "Ru")
BUILT_IN = [n for n in list_poms() if find_definition(n).family != "user"]
INTACT = re.compile("12O40|18O62|6O19")
ALL_METALS = ("W5O18", "A-alpha-SiW9O34", "gamma-SiW10O36", "alpha1-P2W17O61")


def parts(molecule: Molecule) -> tuple[list[int], list[int]]:
    fragments = molecule.site_properties["fragment"]
    ligand = [i for i, f in enumerate(fragments) if f == "ligand"]
    return ligand, [i for i, f in enumerate(fragments) if f == "metal"]


#: Every POM at every site with one of the metals in turn, and every metal on four of the POMs.
SWEEP = [
    (ligand, metal, site)
    for i, ligand in enumerate(BUILT_IN)
    for j, site in enumerate(SITE_NAMES)
    for metal in (METALS if ligand in ALL_METALS else (METALS[(i + j) % 6],))
    if site != "vacancy" or not INTACT.search(ligand)
]


@pytest.mark.parametrize(("ligand", "metal", "site"), SWEEP)
def test_every_site_builds_fast_without_overlap(ligand: str, metal: str, site: str) -> None:
    start = time.process_time()
    complexes = build_complexes(ligand, metal, site=site)
    assert time.process_time() - start < 2.0
    scores = [m.properties["contact_score"] for m in complexes]
    assert scores == sorted(scores, reverse=True)
    for molecule in complexes:
        symbols = [s.specie.symbol for s in molecule]
        assert closest_pair(symbols, molecule.cart_coords)[2] > OVERLAP_FRACTION
        ligand_atoms, metal_atoms = parts(molecule)
        assert ligand_atoms == list(range(len(ligand_atoms)))
        assert metal_atoms == list(range(len(ligand_atoms), len(molecule)))
        assert molecule.cart_coords[metal_atoms, 2].mean() > 0
        unpaired = molecule.spin_multiplicity - 1
        assert (count_electrons(symbols, molecule.charge) - unpaired) % 2 == 0
        json.dumps(molecule.properties)
    assert complexes[0].properties["contacts"] > 0


def test_ligand_is_at_the_same_place_whatever_the_metal() -> None:
    reference = dock_ligand("A-alpha-SiW9O34", "vacancy", "protonated")
    for metal in METALS:
        for cluster in ("M1", "M4"):
            for molecule in build_complexes("A-alpha-SiW9O34", metal, cluster, n_best=1):
                ligand, _ = parts(molecule)
                assert np.array_equal(molecule.cart_coords[ligand], reference.cart_coords)
    same = build_pom("A-alpha-SiW9O34")
    assert [s.specie for s in same] == [s.specie for s in reference]


@pytest.mark.parametrize("metal", METALS)
def test_nearest_contact_has_a_typical_length(metal: str) -> None:
    molecule = build_complexes("W5O18", metal)[0]
    ligand, metals = parts(molecule)
    oxygens = [i for i in ligand if molecule[i].specie.symbol == "O"]
    distance = molecule.distance_matrix[np.ix_(metals, oxygens)]
    assert distance.min() == pytest.approx(contact_distance(metal), abs=0.12)


def test_face_down_on_the_square_vacancy_comes_first() -> None:
    # xTB relaxations put it 0.7 (Ag) to 2.5 eV (Pt) below vertex and edge.
    assert build_complexes("W5O18", "Ag")[0].properties["orientation"].startswith("face3")


def test_planar_clusters_lie_and_stand() -> None:
    found = build_complexes("W5O18", "Au", cluster="M4-rhombus", n_best=20)
    ways = {molecule.properties["orientation"].split("/")[0] for molecule in found}
    assert {"face4", "vertex"} <= ways
    for molecule in found:
        symbols = [site.specie.symbol for site in molecule]
        assert closest_pair(symbols, molecule.cart_coords)[2] > OVERLAP_FRACTION


def test_single_ion_sits_in_the_square_of_unshared_oxygens() -> None:
    molecule = build_complexes("W5O18", "Ag", "M1", metal_charge=1)[0]
    assert molecule.charge == 1
    assert molecule.spin_multiplicity == 1
    metal = molecule.cart_coords[-1]
    assert np.allclose(metal[:2], 0, atol=0.05)


def test_symmetry_duplicates_are_removed() -> None:
    # One atom on a C4v site: hollow, top and bridge are the only places there are.
    poses = build_complexes("W5O18", "Au", "M1", charge_model=None, metal_charge=1, n_best=20)
    assert len(poses) == 3
    tetrahedra = build_complexes("W5O18", "Au", charge_model=None, n_best=50)
    inside = [np.sort(m.distance_matrix[-4:, :-4].ravel()) for m in tetrahedra]
    for k, first in enumerate(inside):
        for second in inside[:k]:
            assert np.abs(first - second).max() > 0.1


def test_building_twice_gives_the_same() -> None:
    first = build_complexes("W5O18", {"Au": 0.5, "Pd": 0.5}, "M13", seed=5)
    second = build_complexes("W5O18", {"Au": 0.5, "Pd": 0.5}, "M13", seed=5)
    assert [m.properties for m in first] == [m.properties for m in second]
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.cart_coords, b.cart_coords)


@given(seed=st.integers(0, 1000))
@settings(max_examples=3, deadline=None)
def test_rotating_and_permuting_a_pom_changes_only_the_frame(seed: int) -> None:
    anion = build_pom("alpha-PW11O39", None)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(anion))
    xyz = Rotation.random(random_state=seed).apply(anion.cart_coords.copy()) + rng.normal(size=3)
    turned = Molecule([anion[i].specie for i in order], xyz[order], charge=-7)
    register_pom("turned", turned)
    one = build_pom("turned", None)
    assert one.properties["oxygen_roles"] == anion.properties["oxygen_roles"]
    assert one.properties["vacancy"]["opening_angstrom"] == pytest.approx(
        anion.properties["vacancy"]["opening_angstrom"], abs=1e-3
    )
    first = build_complexes("turned", "Pd", charge_model=None)[0]
    second = build_complexes("alpha-PW11O39", "Pd", charge_model=None)[0]
    assert first.properties["contacts"] == second.properties["contacts"]
    assert first.properties["contact_score"] == pytest.approx(
        second.properties["contact_score"], abs=0.02
    )


def test_sites_of_an_intact_keggin_ion() -> None:
    anion = build_pom("alpha-SiW12O40", None)
    symbols = [s.specie.symbol for s in anion]
    assert find_sites(symbols, anion.cart_coords, "vacancy") == []
    faces = find_sites(symbols, anion.cart_coords, "terminal-face")
    # A cuboctahedron of terminal oxygens: squares, and triangles over two kinds of triads.
    assert sorted(len(f.oxygens) for f in faces) == [3, 3, 4]
    assert len(find_sites(symbols, anion.cart_coords, "edge")) == 2


@pytest.mark.parametrize("site", ["vacancy", "terminal-face", "bridging-face", "edge"])
@pytest.mark.parametrize(
    "ligand", ["W5O18", "W6O19", "alpha-SiW12O40", "A-alpha-SiW9O34", "gamma-PW10O36"]
)
def test_docked_is_the_site_that_lies_at_the_origin(ligand: str, site: str) -> None:
    """Of faces that are alike by symmetry another one must not be taken for it."""
    try:
        docked = dock_ligand(ligand, site, "protonated")
    except InputError:
        pytest.skip("no such site")
    frame = docked.properties["site"]
    contact = docked.cart_coords[frame["oxygen_indices"]]
    assert frame["centre_angstrom"] == [0.0, 0.0, 0.0]
    assert frame["normal"] == [0.0, 0.0, 1.0]
    if site.endswith("face"):
        np.testing.assert_allclose(contact.mean(axis=0), 0.0, atol=1e-6)
        assert np.abs(contact[:, 2]).max() < 0.15
    assert np.linalg.norm(contact[:, :2], axis=1).max() < 0.75 * frame["opening_angstrom"]
    # The metal comes down on it, not beside it.
    (atom,) = build_complexes(ligand, "Au", "M1", site=site, n_best=1)
    metal = atom.cart_coords[-1]
    assert metal[2] > -0.5  # a vacancy lets a single atom in
    assert np.linalg.norm(metal[:2]) < 0.75 * frame["opening_angstrom"]


def test_bad_input() -> None:
    with pytest.raises(InputError, match=r"has no 'vacancy'.*terminal-face"):
        build_complexes("alpha-SiW12O40", "Au", site="vacancy")
    with pytest.raises(UnknownNameError, match=r"site 'vacncy'.*vacancy"):
        build_complexes("W5O18", "Au", site="vacncy")
    with pytest.raises(InputError, match="no valid rank"):
        build_complexes("W5O18", "Au", site="edge:0")
    with pytest.raises(InputError, match="has no 'edge:99'"):
        build_complexes("W5O18", "Au", site="edge:99")
    with pytest.raises(UnknownNameError, match=r"ligand 'PVQ'.*PVP"):
        build_complexes("PVQ", "Au")
    with pytest.raises(UnknownNameError, match="support"):
        build_complexes("W5O18", "Au", support="silica")
    with pytest.raises(InputError, match="n_best"):
        build_complexes("W5O18", "Au", n_best=0)
    with pytest.raises(ChargeError, match="spin_multiplicity: 2"):
        build_complexes("W5O18", "Au", spin_multiplicity=2)


@pytest.mark.parametrize(
    ("model", "n_cations", "charge"),
    [("solvated", None, -8), ("solvated", 3, -5), (None, None, -8), ("alkali", None, 0)],
)
@pytest.mark.parametrize("metal_charge", [0, 1])
def test_the_charge_of_a_complex_is_that_of_its_parts(
    model: str | None, n_cations: int | None, charge: int, metal_charge: int
) -> None:
    given = {"charge_model": model, "n_cations": n_cations}
    assert dock_ligand("alpha-SiW11O39", "vacancy", **given).charge == charge
    best = build_complexes("alpha-SiW11O39", "Ag", "M1", metal_charge=metal_charge, **given)[0]
    assert best.charge == charge + metal_charge
    assert best.properties["charge_arithmetic"].endswith(f"= {charge + metal_charge:+d}")
    cations = best.site_properties["role"].count("cation")
    assert formal_charge([s.specie.symbol for s in best][:-1]) == charge == cations - 8
    electrons = count_electrons([s.specie.symbol for s in best], best.charge)
    assert (electrons - best.spin_multiplicity + 1) % 2 == 0


@pytest.mark.parametrize("name", ["W5O18", "A-alpha-SiW9O34", "alpha1-P2W17O61"])
@given(seed=st.integers(0, 1000))
@settings(max_examples=3, deadline=None)
def test_the_best_pose_on_a_protonated_pom_does_not_depend_on_the_frame(
    name: str, seed: int
) -> None:
    anion = build_pom(name, None)
    order = np.random.default_rng(seed).permutation(len(anion))
    xyz = Rotation.random(random_state=seed).apply(anion.cart_coords.copy())
    register_pom("moved", Molecule([anion[i].specie for i in order], xyz[order]))
    best = [build_complexes(n, "Pd", n_best=1)[0] for n in ("moved", name)]
    distances = [np.sort(m.distance_matrix[-4:, :-4].ravel()) for m in best]
    assert np.allclose(*distances, atol=0.01)
    assert best[0].properties["contacts"] == best[1].properties["contacts"]


@given(
    ligand=st.sampled_from(["W5O18", "alpha-SiW11O39", "PVP", "citrate", "thiolate", "phosphine"]),
    metal=st.sampled_from(["Au", "Ru", "Fe", "Zr", "Al"]),
    cluster=st.sampled_from(["M1", "M4", "M13", "M13-cuboctahedron", "M38", "M55"]),
    site=st.sampled_from(["vacancy", "terminal-face", "edge"]),
    model=st.sampled_from(["protonated", "alkali", "solvated"]),
)
@settings(max_examples=15, deadline=None)
def test_no_complex_overlaps(ligand: str, metal: str, cluster: str, site: str, model: str) -> None:
    for molecule in build_complexes(ligand, metal, cluster, site, model, n_best=2):
        symbols = [s.specie.symbol for s in molecule]
        assert closest_pair(symbols, molecule.cart_coords)[2] >= OVERLAP_FRACTION
