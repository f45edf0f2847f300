"""The fitted segregation model: Bayesian linear regression on physical features."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from pomdft.analysis.segregation_features import FeatureSpace, FloatArray, KernelScales
from pomdft.errors import CorruptDocumentError

SCHEMA_VERSION = 1


@dataclass(frozen=True, eq=False)
class SegregationModel:
    """Posterior of the weights, enough to predict any pair with its uncertainty.

    Attributes
    ----------
    scales : KernelScales
        Hyperparameters.
    weights : ndarray of float64, shape (n_features,)
        Posterior mean.
    calibrated_pairs : tuple of (host, solute)
        Which pairs were calibrated on; fixes the posterior covariance. No energies are kept.
    std_scale : float
        Factor on the standard deviation found by cross-validation (1: as the model states it).
    provenance : dict
        Calibration source, number of entries and cross-validated figures.
    """

    scales: KernelScales
    weights: FloatArray
    calibrated_pairs: tuple[tuple[str, str], ...]
    std_scale: float
    provenance: dict[str, Any]

    @functools.cached_property
    def features(self) -> FeatureSpace:
        """Feature space of the hyperparameters."""
        return FeatureSpace(self.scales)

    @functools.cached_property
    def _spread(self) -> FloatArray:
        """Square root of the posterior covariance: variances are sums of squares of x @ this."""
        hosts, solutes = zip(*self.calibrated_pairs, strict=True)
        space = self.features
        x = space.compute(space.indices(hosts), space.indices(solutes))
        precision = x.T @ x / self.scales.noise_ev**2 + np.eye(x.shape[1])
        return np.asarray(np.linalg.inv(np.linalg.cholesky(precision)).T, dtype=np.float64)

    def predict(
        self, hosts: Sequence[str] | npt.ArrayLike, solutes: Sequence[str] | npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        """Predict dilute segregation energies on the host's close-packed facet.

        Parameters
        ----------
        hosts, solutes : sequence of str, length n
            Metals, Ti to Au.

        Returns
        -------
        energy_ev : ndarray of float64, shape (n,)
            Negative: the solute goes to the surface.
        std_ev : ndarray of float64, shape (n,)
            Standard uncertainty against the calibration data.
        """
        space = self.features
        x = space.compute(space.indices(hosts), space.indices(solutes))
        variance = np.sum((x @ self._spread) ** 2, axis=1) + self.scales.noise_ev**2
        return x @ self.weights, self.std_scale * np.sqrt(variance)

    def to_json(self) -> str:
        """Serialise the model."""
        document = {
            "schema_version": SCHEMA_VERSION,
            "scales": asdict(self.scales),
            "std_scale": self.std_scale,
            "provenance": self.provenance,
            "calibrated_pairs": ["-".join(pair) for pair in self.calibrated_pairs],
            "weights": [float(f"{w:.6g}") for w in self.weights],
        }
        return json.dumps(document, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> SegregationModel:
        """Read a serialised model.

        Raises
        ------
        CorruptDocumentError
            The document is of another version or incomplete.
        """
        try:
            document = json.loads(text)
            if document["schema_version"] != SCHEMA_VERSION:
                raise CorruptDocumentError(
                    f"segregation model of schema version {document['schema_version']}, "
                    f"this code reads {SCHEMA_VERSION}.",
                    "Refit with python -m pomdft.analysis.segregation_fit.",
                )
            scales = dict(document["scales"])
            scales["physical_std"] = tuple(scales["physical_std"])
            pairs = tuple((p.split("-")[0], p.split("-")[1]) for p in document["calibrated_pairs"])
            return cls(
                KernelScales(**scales),
                np.asarray(document["weights"], dtype=np.float64),
                pairs,
                float(document["std_scale"]),
                dict(document["provenance"]),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise CorruptDocumentError(
                f"segregation model cannot be read: {error!r}.",
                "Refit with python -m pomdft.analysis.segregation_fit.",
            ) from error


def fit_weights(
    scales: KernelScales,
    hosts: Sequence[str],
    solutes: Sequence[str],
    energies_ev: npt.ArrayLike,
    *,
    std_scale: float = 1.0,
    provenance: dict[str, Any] | None = None,
) -> SegregationModel:
    """Compute the posterior of the weights for given hyperparameters.

    Parameters
    ----------
    scales : KernelScales
        Hyperparameters.
    hosts, solutes : sequence of str, length n
        Calibration pairs.
    energies_ev : array_like of float64, shape (n,)
        Segregation energies, negative: the solute goes to the surface.
    std_scale : float
        Factor on the stated standard deviation.
    provenance : dict, optional
        Kept with the model.

    Returns
    -------
    SegregationModel
    """
    space = FeatureSpace(scales)
    x = space.compute(space.indices(hosts), space.indices(solutes))
    y = np.asarray(energies_ev, dtype=np.float64)
    # The n x n form: fewer pairs than features.
    gram = x @ x.T + scales.noise_ev**2 * np.eye(len(y))
    weights = x.T @ np.linalg.solve(gram, y)
    pairs = tuple(zip(hosts, solutes, strict=True))
    return SegregationModel(scales, weights, pairs, std_scale, provenance or {})


@functools.cache
def load_segregation_model() -> SegregationModel:
    """Load the model shipped with the package.

    Returns
    -------
    SegregationModel
    """
    path = resources.files("pomdft.analysis").joinpath("data/segregation_model.json")
    return SegregationModel.from_json(path.read_text())
