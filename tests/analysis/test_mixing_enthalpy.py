from pathlib import Path

import pandas as pd
import pytest

from pomdft.analysis.elements import find_metal
from pomdft.analysis.mixing import misfit_energy, mixing_enthalpy
from pomdft.errors import InputError, UnknownNameError
from pomdft.units import KJ_PER_MOL_PER_EV

TABLE = Path(__file__).resolve().parents[3] / "shared/reference/miedema_mixing_enthalpy.csv"


@pytest.mark.skipif(not TABLE.exists(), reason="reference tables are not here")
def test_chemical_part_is_miedemas():
    table = pd.read_csv(TABLE, comment="#")
    for pair, value in zip(table["pair"], table["dHmix_kJ_mol"], strict=True):
        first, second = pair.split("-")
        found = mixing_enthalpy(first, second).chemical_ev * KJ_PER_MOL_PER_EV
        assert found == pytest.approx(value, abs=0.9), pair


@pytest.mark.parametrize("pair", ["Au-Ag", "Au-Cu", "Ag-Pd", "Cu-Pd", "Cu-Pt", "Pt-Ni", "Pt-Co"])
def test_miscible_pairs_mix(pair):
    assert mixing_enthalpy(*pair.split("-")).energy_ev < 0.0


@pytest.mark.parametrize("pair", ["Ag-Cu", "Au-Ni", "Au-Rh", "Ag-Rh", "Ag-Ni", "Cu-Co", "Au-Pt"])
def test_immiscible_pairs_demix(pair):
    assert mixing_enthalpy(*pair.split("-")).demixes


def test_narrow_gap_is_no_demixing():
    mixing = mixing_enthalpy("Cu", "Ni")
    assert mixing.energy_ev > 0.0
    assert not mixing.demixes


def test_enthalpy_is_symmetric_and_vanishes_at_the_ends():
    forward, backward = mixing_enthalpy("Au", "Ni", 0.3), mixing_enthalpy("Ni", "Au", 0.7)
    assert forward.energy_ev == pytest.approx(backward.energy_ev)
    assert mixing_enthalpy("Au", "Ni", 0.0).energy_ev == 0.0
    assert misfit_energy(find_metal("Au"), find_metal("Au")) == 0.0
    assert misfit_energy(find_metal("Au"), find_metal("Ni")) > 0.0


def test_bad_input():
    with pytest.raises(InputError, match=r"1\.2"):
        mixing_enthalpy("Au", "Ni", 1.2)
    with pytest.raises(UnknownNameError):
        mixing_enthalpy("Au", "Al")
