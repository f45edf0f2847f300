from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pomdft.analysis import segregation_fit as fit
from pomdft.analysis.elements import find_metal
from pomdft.analysis.segregation_features import FeatureSpace, compute_physical_features
from pomdft.analysis.segregation_model import fit_weights, load_segregation_model
from pomdft.errors import InputError

TABLE = Path(__file__).resolve().parents[3] / "shared/reference/surface_segregation_ruban1999.csv"
with_table = pytest.mark.skipif(not TABLE.exists(), reason="reference tables are not here")


@pytest.fixture(scope="module")
def table():
    return fit.read_calibration_table(TABLE)


@with_table
def test_left_out_entries_meet_the_targets(table):
    model = load_segregation_model()
    energy, std = fit.cross_validate(table, fit.random_folds(len(table)), model.scales)
    score = fit.score_predictions(table, energy, model.std_scale * std)
    assert score.sign_right >= 0.95
    assert score.late_sign_right >= 0.97
    assert score.mean_error_ev <= 0.15
    assert score.late_mean_error_ev <= 0.12
    assert score.spearman_per_host >= 0.9
    assert 0.60 <= score.coverage <= 0.80


@with_table
@pytest.mark.parametrize(("role", "error_ev"), [("host", 0.19), ("solute", 0.15)])
def test_unseen_metals_beat_the_surface_energy_difference(table, role, error_ev):
    model = load_segregation_model()
    energy, std = fit.leave_one_metal_out(table, role, model.scales)
    score = fit.score_predictions(table, energy, model.std_scale * std)
    assert score.sign_right >= 0.93
    assert score.mean_error_ev <= error_ev
    difference = [
        find_metal(s).surface_energy_ev - find_metal(h).surface_energy_ev
        for h, s in zip(table["host"], table["solute"], strict=True)
    ]
    floor = fit.score_predictions(table, np.array(difference), np.full(len(table), 0.4))
    assert score.sign_right > floor.sign_right
    assert score.mean_error_ev < 0.6 * floor.mean_error_ev


@with_table
def test_shipped_weights_are_those_of_the_refit(table):
    shipped = load_segregation_model()
    again = fit_weights(
        shipped.scales, table["host"].tolist(), table["solute"].tolist(), table["energy_ev"]
    )
    np.testing.assert_allclose(again.weights, shipped.weights, atol=2e-4)


def test_posterior_equals_the_gaussian_process_it_is_written_from():
    scales = load_segregation_model().scales
    hosts, solutes = ["Pt", "Au", "Ni", "Cu"], ["Au", "Pt", "Cu", "Pd"]
    y = np.array([-0.3, 0.3, -0.4, 0.1])
    model = fit_weights(scales, hosts, solutes, y)
    space = FeatureSpace(scales)
    x = space.compute(space.indices(hosts), space.indices(solutes))
    new = space.compute(space.indices(["Pd"]), space.indices(["Ag"]))
    gram = x @ x.T + scales.noise_ev**2 * np.eye(4)
    mean = new @ x.T @ np.linalg.solve(gram, y)
    variance = new @ new.T - new @ x.T @ np.linalg.solve(gram, x @ new.T) + scales.noise_ev**2
    energy, std = model.predict(["Pd"], ["Ag"])
    assert energy[0] == pytest.approx(mean[0])
    assert std[0] == pytest.approx(np.sqrt(variance[0, 0]))


def test_refit_command_writes_a_model(tmp_path, capsys, monkeypatch):
    metals = ["Ni", "Cu", "Pd", "Ag", "Pt", "Au"]
    rows = [
        (h, s, find_metal(s).surface_energy_ev - find_metal(h).surface_energy_ev)
        for h in metals
        for s in metals
        if h != s
    ]
    path = tmp_path / "table.csv"
    pd.DataFrame(rows, columns=["host", "solute", "energy_ev"]).to_csv(path, index=False)
    monkeypatch.setattr(fit, "optimise_scales", lambda *_: load_segregation_model().scales)
    fit.main([str(path), "--output", str(tmp_path / "model.json")])
    assert (tmp_path / "model.json").exists()
    assert "unseen host" in capsys.readouterr().out


def test_marginal_likelihood_search_improves_on_its_start():
    metals = ["Ni", "Cu", "Pd", "Ag", "Pt", "Au"]
    rows = [
        (h, s, 1.3 * (find_metal(s).surface_energy_ev - find_metal(h).surface_energy_ev))
        for h in metals
        for s in metals
        if h != s
    ]
    table = pd.DataFrame(rows, columns=["host", "solute", "energy_ev"])
    scales = fit.optimise_scales(table, max_iterations=3)
    energy, _ = fit.cross_validate(table, fit.random_folds(len(table)), scales)
    assert np.abs(energy - table["energy_ev"]).mean() < 0.05


def test_bad_tables_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        fit.read_calibration_table(tmp_path / "none.csv")
    path = tmp_path / "bad.csv"
    path.write_text("host,energy_ev\nPt,1\n")
    with pytest.raises(InputError, match="solute"):
        fit.read_calibration_table(path)
    path.write_text("host,solute,energy_ev\nPt,Qq,1\n")
    with pytest.raises(InputError, match="Qq"):
        fit.read_calibration_table(path)


def test_friedel_terms_vanish_for_equal_filling():
    features = compute_physical_features(find_metal("Ni"), find_metal("Pt"))
    assert features[5:] == pytest.approx([0.0, 0.0, 0.0])
