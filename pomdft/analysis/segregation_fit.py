"""Fit and validate the segregation model: ``python -m pomdft.analysis.segregation_fit TABLE.csv``.

The table has the columns host, solute and energy_ev (comment lines start with ``#``).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from scipy.stats import spearmanr

from pomdft.analysis.elements import load_metals
from pomdft.analysis.segregation_features import (
    PHYSICAL_FEATURES,
    FeatureSpace,
    FloatArray,
    KernelScales,
)
from pomdft.analysis.segregation_model import SegregationModel, fit_weights
from pomdft.errors import InputError

#: Metals counted as late transition metals in the figures.
LATE_METALS = ("Co", "Ni", "Cu", "Ru", "Rh", "Pd", "Ag", "Os", "Ir", "Pt", "Au")
#: Below this, eV, signs are not judged and the calibration data are not believed.
SMALL_ENERGY_EV = 0.1
#: The calibration data are printed to 0.01 eV and unrelaxed: nothing is fitted closer than this.
NOISE_FLOOR_EV = 0.04
_FOLDS = 10
_COVERAGE = 0.683
_N_PHYSICAL = len(PHYSICAL_FEATURES)


@dataclass(frozen=True)
class ValidationScore:
    """How predictions agree with values that were left out.

    Attributes
    ----------
    sign_right, late_sign_right : float
        Share of right signs where abs(E) > 0.1 eV: all pairs, pairs of late transition metals.
    mean_error_ev, late_mean_error_ev : float
        Mean absolute error of the same entries, eV.
    spearman_per_host : float
        Mean over hosts of the rank correlation (hosts with at least four entries).
    coverage : float
        Share of all errors smaller than the stated standard deviation (0.68 is ideal).
    n_entries : int
        Entries with abs(E) > 0.1 eV.
    """

    sign_right: float
    late_sign_right: float
    mean_error_ev: float
    late_mean_error_ev: float
    spearman_per_host: float
    coverage: float
    n_entries: int

    def __repr__(self) -> str:
        return (
            f"sign {self.sign_right:.1%} (late {self.late_sign_right:.1%}), "
            f"mean error {self.mean_error_ev:.3f} ({self.late_mean_error_ev:.3f}) eV, "
            f"Spearman per host {self.spearman_per_host:.3f}, "
            f"errors within one std {self.coverage:.1%}, n = {self.n_entries}"
        )


def read_calibration_table(path: Path) -> pd.DataFrame:
    """Read a table of segregation energies.

    Parameters
    ----------
    path : Path
        CSV with host, solute, energy_ev.

    Returns
    -------
    DataFrame

    Raises
    ------
    InputError
        The file or a column is missing, a metal unknown or a value not finite.
    """
    if not path.is_file():
        raise InputError(f"calibration table {path} does not exist.", "Give the path of a CSV.")
    table = pd.read_csv(path, comment="#")
    missing = {"host", "solute", "energy_ev"} - set(table.columns)
    if missing:
        raise InputError(f"calibration table {path} lacks the columns {sorted(missing)}.")
    unknown = (set(table["host"]) | set(table["solute"])) - set(load_metals())
    if unknown or not np.isfinite(table["energy_ev"]).all():
        raise InputError(f"calibration table {path}: unknown metals {unknown} or missing values.")
    return table


def score_predictions(
    table: pd.DataFrame, energy_ev: FloatArray, std_ev: FloatArray
) -> ValidationScore:
    """Compare predictions with a table row by row.

    Parameters
    ----------
    table : DataFrame
        host, solute, energy_ev.
    energy_ev, std_ev : ndarray of float64, shape (n,)
        Predictions for the rows.

    Returns
    -------
    ValidationScore
    """
    true = table["energy_ev"].to_numpy(dtype=np.float64)
    large = np.abs(true) > SMALL_ENERGY_EV
    late = large & table["host"].isin(LATE_METALS) & table["solute"].isin(LATE_METALS)
    right = np.sign(true) == np.sign(energy_ev)
    error = np.abs(true - energy_ev)
    ranks = []
    for _, rows in table.reset_index(drop=True).groupby("host"):
        if len(rows) >= 4:
            ranks.append(spearmanr(rows["energy_ev"], energy_ev[rows.index])[0])
    return ValidationScore(
        float(right[large].mean()),
        float(right[late].mean()),
        float(error[large].mean()),
        float(error[late].mean()),
        float(np.mean(ranks)),
        float(np.mean(error < std_ev)),
        int(large.sum()),
    )


def _unpack(parameters: FloatArray) -> KernelScales:
    std = np.exp(parameters[: 1 + _N_PHYSICAL + 2])
    lengths = np.exp(parameters[_N_PHYSICAL + 3 : _N_PHYSICAL + 5])
    correlations = 1.0 / (1.0 + np.exp(-parameters[_N_PHYSICAL + 5 :]))
    return KernelScales(
        float(np.hypot(std[0], NOISE_FLOOR_EV)),
        tuple(float(v) for v in std[1 : 1 + _N_PHYSICAL]),
        float(std[1 + _N_PHYSICAL]),
        float(std[2 + _N_PHYSICAL]),
        float(lengths[0]),
        float(lengths[1]),
        float(correlations[0]),
        float(correlations[1]),
        float(correlations[2]),
    )


def _prior_centre() -> FloatArray:
    """Logarithms (logits) of the hyperparameters' prior: 0.3 eV, 2.7 and 0.6 electrons."""
    return np.array([-2.5, *[-1.0] * _N_PHYSICAL, -1.5, -1.0, 1.0, -0.5, 0.0, 1.0, 0.0])


def optimise_scales(table: pd.DataFrame, max_iterations: int = 60) -> KernelScales:
    """Find the hyperparameters of largest marginal likelihood under a wide log-normal prior.

    Parameters
    ----------
    table : DataFrame
        Calibration entries.
    max_iterations : int
        Of L-BFGS-B.

    Returns
    -------
    KernelScales
    """
    y = table["energy_ev"].to_numpy(dtype=np.float64)
    centre = _prior_centre()
    hosts, solutes = table["host"].tolist(), table["solute"].tolist()

    def negative_log_posterior(parameters: FloatArray) -> float:
        scales = _unpack(parameters)
        space = FeatureSpace(scales)
        x = space.compute(space.indices(hosts), space.indices(solutes))
        gram = x @ x.T + scales.noise_ev**2 * np.eye(len(y))
        factor = np.linalg.cholesky(gram)
        residual = np.linalg.solve(factor, y)
        penalty = 0.5 * np.sum(((parameters - centre) / 2.0) ** 2)
        return float(0.5 * residual @ residual + np.log(np.diag(factor)).sum() + penalty)

    found = minimize(
        negative_log_posterior,
        centre,
        method="L-BFGS-B",
        bounds=[(c - 5.0, c + 5.0) for c in centre],
        options={"maxiter": max_iterations},
    )
    return _unpack(found.x)


def cross_validate(
    table: pd.DataFrame,
    held_out: Sequence[npt.NDArray[np.intp]],
    scales: KernelScales | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Predict each row from a fit to the rows outside its fold.

    Parameters
    ----------
    table : DataFrame
        Calibration entries.
    held_out : sequence of ndarray of int
        Row numbers of each fold; rows in no fold stay NaN, later folds overwrite earlier ones.
    scales : KernelScales, optional
        Hyperparameters; None: found anew for each fold.

    Returns
    -------
    energy_ev, std_ev : ndarray of float64, shape (n,)
    """
    energy, std = np.full(len(table), np.nan), np.full(len(table), np.nan)
    for fold in held_out:
        train = table.drop(index=table.index[fold])
        model = fit_weights(
            optimise_scales(train) if scales is None else scales,
            train["host"].tolist(),
            train["solute"].tolist(),
            train["energy_ev"].to_numpy(),
        )
        rows = table.iloc[fold]
        energy[fold], std[fold] = model.predict(rows["host"].tolist(), rows["solute"].tolist())
    return energy, std


def random_folds(n_rows: int, n_folds: int = _FOLDS, seed: int = 0) -> list[npt.NDArray[np.intp]]:
    """Split row numbers at random into folds."""
    order = np.random.default_rng(seed).permutation(n_rows)
    return [np.asarray(part, dtype=np.intp) for part in np.array_split(order, n_folds)]


def leave_one_metal_out(
    table: pd.DataFrame, role: str, scales: KernelScales | None = None
) -> tuple[FloatArray, FloatArray]:
    """Predict every row from a fit that never saw one of its metals in either role.

    Parameters
    ----------
    table : DataFrame
        Calibration entries.
    role : {"host", "solute"}
        Which of the row's metals is the unseen one.
    scales : KernelScales, optional
        Hyperparameters; None: found anew each time.

    Returns
    -------
    energy_ev, std_ev : ndarray of float64, shape (n,)
    """
    energy, std = np.full(len(table), np.nan), np.full(len(table), np.nan)
    for metal in sorted(set(table[role])):
        unseen = np.flatnonzero((table["host"] == metal) | (table["solute"] == metal))
        predicted = cross_validate(table, [unseen], scales)
        rows = np.flatnonzero(table[role] == metal)
        energy[rows], std[rows] = predicted[0][rows], predicted[1][rows]
    return energy, std


def fit_segregation_model(table: pd.DataFrame, source: str) -> SegregationModel:
    """Fit hyperparameters, weights and the factor on the stated uncertainty.

    Parameters
    ----------
    table : DataFrame
        Calibration entries.
    source : str
        Citation of the data, kept with the model.

    Returns
    -------
    SegregationModel
    """
    scales = optimise_scales(table)
    energy, std = cross_validate(table, random_folds(len(table)), scales)
    ratio = np.abs(energy - table["energy_ev"].to_numpy()) / std
    std_scale = float(np.quantile(ratio, _COVERAGE))
    score = score_predictions(table, energy, std_scale * std)
    return fit_weights(
        scales,
        table["host"].tolist(),
        table["solute"].tolist(),
        table["energy_ev"].to_numpy(),
        std_scale=std_scale,
        provenance={
            "source": source,
            "n_entries": len(table),
            "ten_fold_cross_validation": repr(score),
        },
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Refit the model from a table and print its validation."""
    parser = argparse.ArgumentParser(prog="python -m pomdft.analysis.segregation_fit")
    parser.add_argument("table", type=Path, help="CSV with host, solute, energy_ev")
    parser.add_argument("--output", type=Path, default=Path("segregation_model.json"))
    parser.add_argument("--source", default="Ruban et al., doi:10.1103/PhysRevB.59.15990")
    options = parser.parse_args(arguments)
    table = read_calibration_table(options.table)
    model = fit_segregation_model(table, options.source)
    options.output.write_text(model.to_json())
    print(f"ten-fold            {model.provenance['ten_fold_cross_validation']}")
    for role in ("host", "solute"):
        energy, std = leave_one_metal_out(table, role, model.scales)
        score = score_predictions(table, energy, model.std_scale * std)
        print(f"unseen {role:12s} {score!r}")
    halves = random_folds(len(table), 2, seed=1)
    energy, std = cross_validate(table, halves)
    print(f"half of this table  {score_predictions(table, energy, model.std_scale * std)!r}")
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
