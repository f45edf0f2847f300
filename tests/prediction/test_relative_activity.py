from dataclasses import replace
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


def published_energies():
    """Adsorption energies of O and CO on (111), metal by metal."""
    table = pd.read_csv(TABLE, comment="#").query("site == '111'")
    return table.pivot_table(index="surface", columns="species", values="dE_eV").dropna(
        subset=["O", "CO"]
    )


def solve_co_oxidation(e_o, e_co, kelvin=600.0, p_co=0.67, p_o2=0.33):
    """Find log10 of the steady rate by bisection on the coverage of O, without closed forms."""
    kt, prefactor = 8.617333e-5 * kelvin, 8.617333e-5 * kelvin / 4.135668e-15
    entropy = {gas: kelvin * gas_entropy(gas, kelvin) for gas in ("CO", "O2")}
    split = prefactor * np.exp(-max(1.39 * e_o + 1.56 + entropy["O2"], 0.0) / kt)
    split = min(split, strike_rate("O2", kelvin))
    join = split * np.exp((2.0 * e_o + entropy["O2"]) / kt)
    combine = prefactor * np.exp(-max(0.70 * (e_o + e_co) + 0.02 - e_o - e_co, 0.0) / kt)
    constant = p_co * np.exp(-(e_co + entropy["CO"]) / kt)

    def gain(log_o):
        oxygen = np.exp(log_o)
        free = (1.0 - oxygen) / (1.0 + constant)
        lost = 2.0 * join * oxygen**2 + combine * constant * free * oxygen
        return 2.0 * split * p_o2 * free**2 - lost

    low, high = -120.0, -1e-13
    for _ in range(300):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if gain(middle) > 0.0 else (low, middle)
    oxygen = np.exp(low)
    return np.log10(combine * constant * (1.0 - oxygen) / (1.0 + constant) * oxygen)


def test_closed_form_of_co_oxidation_equals_its_numerical_steady_state():
    rng = np.random.default_rng(0)
    for e_o, e_co in zip(rng.uniform(-2.6, 0.0, 12), rng.uniform(-1.6, 0.3, 12), strict=True):
        energies = {"o": np.array([e_o]), "co": np.array([e_co])}
        model = REACTIONS["co-oxidation"]
        closed = model.log_rate(energies, 600.0, model.default_pressures_bar, {})[0] / np.log(10)
        if closed > -7.0:  # below, one minus the coverage drowns in rounding
            assert closed == pytest.approx(solve_co_oxidation(e_o, e_co), abs=0.01)


@pytest.mark.skipif(not TABLE.exists(), reason="reference tables are not here")
def test_order_of_the_metals_is_that_of_published_energies_and_scaling():
    energies = published_energies()
    rates = {m: solve_co_oxidation(row["O"], row["CO"]) for m, row in energies.iterrows()}
    ours = [p.name for p in locate_metals("co-oxidation") if p.name in rates]
    theirs = sorted(rates, key=lambda metal: -rates[metal])
    assert ours[:4] == theirs[:4]
    found = [p.log10_rate for p in locate_metals("co-oxidation") if p.name in rates]
    assert spearmanr(found, [rates[m] for m in ours])[0] > 0.9


@pytest.mark.skipif(not TABLE.exists(), reason="reference tables are not here")
def test_scaling_relation_of_oxygen_agrees_with_published_energies():
    energies = published_energies().dropna()
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


def test_a_core_shell_of_one_metal_is_that_metal():
    series = activity_series("Au", "Pd", "co-oxidation", [0.0, 0.5, 1.0], ordering="core-shell")
    gold, palladium = (predict_activity({m: 1.0}).log10_rate for m in ("Au", "Pd"))
    assert series["log10_rate"].iloc[[0, 2]].tolist() == pytest.approx([gold, palladium])
    with pytest.raises(InputError, match="fraction"):
        activity_series("Au", "Pd", "co-oxidation", [0.5, 1.5])


def test_gold_palladium_maximum_stays_inside_over_the_assumed_intercepts(monkeypatch):
    # The two intercepts of the aerobic model are assumptions; its conclusion must not hang on them.
    plain = REACTIONS["aerobic-oxidation"]
    for split, removal in ((0.1, 0.0), (-0.1, 0.0), (0.0, 0.1), (0.0, -0.1)):
        added = {"O2 dissociation": split, "O removal": removal}
        moved = replace(
            plain,
            log_rate=lambda e, t, p, more, added=added: plain.log_rate(
                e, t, p, {k: added.get(k, 0.0) + more.get(k, 0.0) for k in {*added, *more}}
            ),
        )
        monkeypatch.setitem(REACTIONS, "aerobic-oxidation", moved)
        series = activity_series("Au", "Pd", "aerobic-oxidation", np.linspace(0.0, 1.0, 11))
        assert 0.05 < series.loc[series["log10_rate"].idxmax(), "fraction"] < 0.95
        assert series["relative_rate"].max() > 3.0


def test_pressures_move_the_volcano():
    _, _, plain = volcano_surface("co-oxidation", 600.0, n=9)
    _, _, poor = volcano_surface("co-oxidation", 600.0, n=9, pressures_bar={"O2": 0.001})
    # Less O2 frees surfaces that oxygen covers, and starves those that bind it weakly.
    assert poor[0, -1] > plain[0, -1]
    assert poor[-1, 0] < plain[-1, 0]
    metals = {p.name: p.log10_rate for p in locate_metals("co-oxidation")}
    fewer = {p.name: p.log10_rate for p in locate_metals("co-oxidation", None, {"O2": 0.001})}
    assert fewer["Pt"] < metals["Pt"]


def test_activity_is_a_table_row_with_its_source():
    row = predict_activity({"Au": 1, "Pd": 3}).to_dataframe().iloc[0]
    assert row["composition"] == "Au:0.25 Pd:0.75"
    assert row["std_decades"] > 0.0
    assert "RPBE" in row["source"]


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
