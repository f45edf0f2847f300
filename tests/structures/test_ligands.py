import numpy as np
import pytest
from pymatgen.core import Composition

from pomdft.errors import UnknownNameError
from pomdft.structures.connectivity import OVERLAP_FRACTION, closest_pair
from pomdft.structures.docking import build_complexes
from pomdft.structures.ligands import build_ligand, list_ligands

FORMULAS = {
    "PVP": "C6H9NO",
    "PVP-dimer": "C12H20N2O2",
    "citrate": "C6H5O7",
    "thiolate": "C4H9S",
    "alkylamine": "C4H11N",
    "phosphine": "C18H15P",
    "trimethylphosphine": "C3H9P",
}
CHARGES = {"citrate": -3, "thiolate": -1}
DONORS = {"thiolate": "S", "alkylamine": "N", "phosphine": "P", "trimethylphosphine": "P"}


def test_every_ligand_is_tested() -> None:
    assert set(FORMULAS) == set(list_ligands())


@pytest.mark.parametrize("name", FORMULAS)
def test_formula_charge_and_donor(name: str) -> None:
    anion = build_ligand(name, None)
    assert anion.composition == Composition(FORMULAS[name])
    assert anion.charge == CHARGES.get(name, 0)
    site = anion.properties["site"]["oxygen_indices"]
    assert {anion[i].specie.symbol for i in site} == {DONORS.get(name, "O")}
    assert np.allclose(anion.cart_coords[site].mean(axis=0), 0, atol=1e-6)
    # The donor's lone pair looks up: what it is bonded to lies below.
    bonded = anion.distance_matrix[site[0]] < 2.0
    bonded[site] = False
    assert anion.cart_coords[bonded, 2].max() < -0.2


@pytest.mark.parametrize("name", ["citrate", "thiolate"])
def test_charge_models_of_acids(name: str) -> None:
    n_acidic = -CHARGES[name]
    acid, salt = build_ligand(name), build_ligand(name, "alkali", cation="Na")
    assert acid.charge == salt.charge == 0
    assert acid.site_properties["role"].count("proton") == n_acidic
    assert salt.site_properties["role"].count("cation") == n_acidic
    assert build_ligand(name, "solvated").properties["solvent"] == "water"
    body = len(build_ligand(name, None))
    assert len(acid) == len(salt) == body + n_acidic


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("charge_model", ["protonated", "alkali"])
def test_metal_binds_the_donor(name: str, charge_model: str) -> None:
    best = build_complexes(name, "Au", charge_model=charge_model)[0]
    symbols = [s.specie.symbol for s in best]
    assert closest_pair(symbols, best.cart_coords)[2] > OVERLAP_FRACTION
    assert best.properties["contacts"] >= 1
    assert best.properties["site"] == "donor"
    assert "ligand-atom" in best.site_properties["role"]


def test_one_lone_pair_takes_one_metal() -> None:
    for name in ("alkylamine", "trimethylphosphine"):
        assert build_complexes(name, "Ag")[0].properties["contacts"] == 1


def test_unknown_ligand() -> None:
    with pytest.raises(UnknownNameError, match="citrate"):
        build_ligand("citrat")
