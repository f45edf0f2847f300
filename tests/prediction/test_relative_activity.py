from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from pomdft.errors import InputError, NotComputedError, UnknownNameError
from pomdft.prediction.activity import predict_activity
from pomdft.prediction.adsorption import d_band_shift, describe_surface, nearest_distance
from pomdft.prediction.kinetics import REACTIONS, frumkin_coverage, gas_entropy, strike_rate
from pomdft.prediction.series import activity_series
from pomdft.prediction.volcano import locate_metals, volcano_surface

TABLE = Path(__file__).resolve().parents[3] / "shared/reference/adsorption_co_oxidation.csv"


def test_co_oxidation_order_of_the_close_packed_metals():
    order = [p.name for p in locate_metals("co-oxidation")]
    assert set(order[:2]) == {"Pt", "Pd"}
    assert order[2] == "Rh"
    assert order[-1] == "Au"


def test_co_oxidation_is_fastest_between_palladium_and_rhodium():
    x, y, rate = volcano_surface("co-oxidation", 600.0)
    i, j = np.unravel_index(rate.argmax(), rate.shape)
    assert -2.16 < x[i] < -1.0
    assert -1.75 < y[j] < -0.9


@pytest.mark.skipif(not TABLE.exists(), reason="reference tables are not here")
def test_scaling_relation_of_oxygen_agrees_with_published_energies():
    table = pd.read_csv(TABLE, comment="#").query("site == '111'")
    energies = table.pivot_table(index="surface", columns="species", values="dE_eV").dropna()
    line = 0.89 * energies["O"] + 0.17
    assert np.abs(line - energies["O2"]).mean() < 0.25
    rates = {p.name: p.log10_rate for p in locate_metals("co-oxidation")}
    # The balance of O and CO binding decides: closeness to the top of the volcano ranks metals.
    away = np.hypot(energies["O"] + 1.4, energies["CO"] + 1.2)
    both = [m for m in energies.index if m in rates]
    assert spearmanr(away[both], [rates[m] for m in both])[0] < -0.5


def test_gold_palladium_series_peaks_inside():
    series = activity_series("Au", "Pd", "aerobic-oxidation")
    best = series.loc[series["log10_rate"].idxmax()]
    assert 0.1 <= best["fraction"] <= 0.9
    assert best["relative_rate"] > 10.0
    assert (series["std"] > 0).all()
    assert set(series["limiting_step"]) == {"O2 dissociation", "O removal"}


def test_formic_acid_prefers_platinum_group_metals():
    order = [p.name for p in locate_metals("formic-acid-dehydrogenation")]
    assert {"Pt", "Pd"} <= set(order[:3])
    assert order[-1] == "Au"


def test_parents_are_the_reference_of_relative_rates():
    for metal in ("Pt", "Au"):
        found = predict_activity({metal: 1.0})
        assert found.relative_rate == pytest.approx(1.0)
        assert found.std == pytest.approx(0.0, abs=1e-9)
    ends = activity_series("Au", "Pd", "co-oxidation", [0.0, 1.0])
    assert ends["relative_rate"].max() == pytest.approx(1.0)


def test_alloying_moves_the_d_band_as_published():
    # A platinum skin on nickel is compressed: its centre moves down and it binds more weakly.
    skin, ratio = d_band_shift("Pt", {"Pt": 6 / 9, "Ni": 3 / 9}, 0.97 * nearest_distance("Pt"))
    assert skin < -0.02
    assert ratio > 1.0
    stretched, _ = d_band_shift("Pt", {"Pt": 1.0}, 1.02 * nearest_distance("Pt"))
    assert stretched > 0.0
    assert d_band_shift("Pt", {"Pt": 1.0}, nearest_distance("Pt"))[0] == pytest.approx(0.0)


def test_core_shell_has_the_surface_of_its_shell():
    shell = predict_activity({"Au": 0.5, "Pd": 0.5}, ordering="core-shell", shell="Pd")
    assert shell.descriptors_ev["co"] == pytest.approx(-1.19, abs=0.25)
    assert predict_activity({"Au": 0.5, "Pd": 0.5}, ordering="core-shell").shell == "Au"
    sites = describe_surface("Au", "Pd", 1.0, 0.0)
    assert sites.weights == pytest.approx([0, 0, 0, 1])


def test_janus_is_the_mean_of_its_parents():
    found = predict_activity({"Au": 0.5, "Pd": 0.5}, ordering="janus")
    assert found.relative_rate == pytest.approx(0.5, abs=0.01)


def test_ligand_shifts_the_d_band_and_blocks_sites():
    free = predict_activity({"Pd": 1.0})
    held = predict_activity(
        {"Pd": 1.0}, ligand="W5O18", ligand_d_shift_ev={"Pd": -0.3}, blocked_fraction=0.4
    )
    assert held.descriptors_ev["o"] > free.descriptors_ev["o"]
    assert held.relative_rate != pytest.approx(1.0)
    with pytest.raises(NotComputedError, match="d-band shift"):
        predict_activity({"Pd": 1.0}, ligand="W5O18")


def test_rate_control_sums_to_one_where_two_steps_compete():
    found = predict_activity({"Au": 0.6, "Pd": 0.4}, "aerobic-oxidation")
    assert sum(found.rate_control.values()) == pytest.approx(1.0, abs=0.02)


def test_rates_stay_finite_over_wide_ranges():
    for reaction in REACTIONS.values():
        grid = {a: np.linspace(-4.0, 2.0, 25) for a in reaction.descriptors}
        for kelvin in (200.0, 1200.0):
            rate = reaction.log_rate(grid, kelvin, reaction.default_pressures_bar, {})
            assert np.isfinite(rate).all(), reaction.name


def test_gas_entropies_and_strike_rates_are_textbook_values():
    # JANAF: S(298.15 K) of CO 197.7, O2 205.1, H2 130.7 J/mol/K.
    joule = 96485.33
    assert gas_entropy("CO", 298.15) * joule == pytest.approx(197.7, abs=0.7)
    assert gas_entropy("O2", 298.15) * joule == pytest.approx(205.1, abs=0.7)
    assert gas_entropy("H2", 298.15) * joule == pytest.approx(130.7, abs=0.7)
    assert 5e7 < strike_rate("O2", 600.0) < 5e8


def test_frumkin_coverage_solves_its_equation():
    log_k = np.array([-5.0, 0.0, 5.0, 30.0])
    theta = frumkin_coverage(log_k, 10.0)
    np.testing.assert_allclose(np.log(theta / (1 - theta)), log_k - 10.0 * theta, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (({"Au": 1.0}, "combustion"), UnknownNameError, "reaction"),
        (({"Au": 1.0, "Pd": 1.0, "Pt": 1.0},), InputError, "3 metals"),
        (({"Au": -1.0},), InputError, "Au"),
        (({"W": 1.0},), NotComputedError, "adsorption energy of O"),
        (({"Au": 1.0}, "co-oxidation", "layered"), UnknownNameError, "ordering"),
        (({"Au": 1.0}, "co-oxidation", "random-alloy", None, 5.0), InputError, "temperature_k"),
    ],
)
def test_bad_questions_about_activity_are_named(arguments, error, text):
    with pytest.raises(error, match=text):
        predict_activity(*arguments)
    with pytest.raises(InputError, match="pressure"):
        predict_activity({"Au": 1.0}, pressures_bar={"CO": -1.0})
