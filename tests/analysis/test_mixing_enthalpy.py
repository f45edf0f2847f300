from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pomdft.analysis.elements import find_metal
from pomdft.analysis.mixing import (
    MIEDEMA_STD_EV,
    load_measured,
    misfit_energy,
    mixing_enthalpy,
)
from pomdft.errors import InputError, UnknownNameError
from pomdft.units import KJ_PER_MOL_PER_EV

TABLE = Path(__file__).resolve().parents[3] / "shared/reference/miedema_mixing_enthalpy.csv"


@pytest.mark.skipif(not TABLE.exists(), reason="reference tables are not here")
def test_chemical_part_is_miedemas():
    table = pd.read_csv(TABLE, comment="#")
    for pair, value in zip(table["pair"], table["dHmix_kJ_mol"], strict=True):
        first, second = pair.split("-")
        found = mixing_enthalpy(first, second, use_measured=False).chemical_ev * KJ_PER_MOL_PER_EV
        assert found == pytest.approx(value, abs=0.9), pair


@pytest.mark.parametrize(
    "pair",
    ["Au-Ag", "Au-Cu", "Au-Pd", "Ag-Pd", "Cu-Pd", "Cu-Pt", "Pd-Pt", "Pt-Ni", "Pt-Co", "Pt-Fe"],
)
def test_miscible_pairs_mix(pair):
    assert mixing_enthalpy(*pair.split("-")).energy_ev < 0.0


@pytest.mark.parametrize(
    "pair",
    ["Ag-Cu", "Au-Ni", "Au-Rh", "Ag-Rh", "Ag-Ni", "Cu-Co", "Au-Pt", "Pd-Rh", "Cu-Rh", "Pd-Ir"],
)
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


def test_measured_enthalpies_come_first_and_are_named():
    measured, model = (mixing_enthalpy("Au", "Pd", use_measured=use) for use in (True, False))
    assert (measured.source, model.source) == ("measured", "model")
    assert measured.energy_ev * KJ_PER_MOL_PER_EV == pytest.approx(-7.8)
    assert model.energy_ev == pytest.approx(model.chemical_ev + model.elastic_ev)
    quarter = mixing_enthalpy("Pd", "Au", 0.25)
    assert quarter.energy_ev == pytest.approx(0.75 * measured.energy_ev)
    assert quarter.to_dataframe()["source"].tolist() == ["measured"]
    assert mixing_enthalpy("Ti", "Au").source == "model"


def test_model_agrees_with_measurements_within_its_stated_uncertainty():
    errors, is_same_sign = [], []
    for pair, (energy, _) in load_measured().items():
        model = mixing_enthalpy(*sorted(pair), use_measured=False)
        errors.append(model.energy_ev - energy)
        is_same_sign.append(np.sign(model.energy_ev) == np.sign(energy))
    rms = np.sqrt(np.mean(np.square(errors)))
    assert rms == pytest.approx(MIEDEMA_STD_EV, rel=0.1)
    assert abs(np.mean(errors)) < 0.3 * rms
    assert np.mean(is_same_sign) >= 0.75


def test_bad_input():
    with pytest.raises(InputError, match=r"1\.2"):
        mixing_enthalpy("Au", "Ni", 1.2)
    with pytest.raises(UnknownNameError):
        mixing_enthalpy("Au", "Al")
