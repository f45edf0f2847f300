"""What a segregation energy is regressed on: physical features of a host and a solute.

Three blocks, each with unit-normal prior weights once scaled by the hyperparameters:

- closed-form physics (8 features): surface energies, Friedel's d band, size, mixing;
- one offset per solute;
- per host, a smooth function of the solute's number of valence electrons, one for each row of
  the solute, correlated between hosts of the same structure and neighbouring columns and rows.

The last block is a Gaussian process with a product kernel, written in weight space on fixed
anchors (every host times five electron counts times three rows), so that the fitted model is a
vector of weights and holds no calibration value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pomdft.analysis.elements import TransitionMetal, load_metals
from pomdft.analysis.mixing import interface_enthalpy

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

#: Names of the closed-form features, in the order of their columns.
PHYSICAL_FEATURES = (
    "surface_energy_difference",
    "surface_energy_times_size_difference",
    "d_width_difference",
    "size_mismatch",
    "solution_enthalpy",
    "friedel_linear",
    "friedel_quadratic",
    "friedel_cross",
)
#: Electron counts at which the smooth functions are anchored.
ANCHOR_GROUPS = np.array([4.0, 5.75, 7.5, 9.25, 11.0])
ROWS = np.array([4.0, 5.0, 6.0])
_JITTER = 1e-9


@dataclass(frozen=True)
class KernelScales:
    """Hyperparameters: prior standard deviations and correlations of the three blocks.

    Attributes
    ----------
    noise_ev : float
        Standard deviation of what the features cannot express, eV.
    physical_std : tuple of float
        Prior standard deviation of each weight of :data:`PHYSICAL_FEATURES`.
    solute_std_ev : float
        Prior standard deviation of the offset of a solute, eV.
    smooth_std_ev : float
        Amplitude of the smooth functions, eV.
    solute_length, host_length : float
        Correlation lengths in valence electrons.
    solute_row_correlation, host_row_correlation : float
        Correlation between metals of the same column in different rows, 0 to 1.
    structure_correlation : float
        Correlation between hosts of different structure, 0 to 1.
    """

    noise_ev: float
    physical_std: tuple[float, ...]
    solute_std_ev: float
    smooth_std_ev: float
    solute_length: float
    host_length: float
    solute_row_correlation: float
    host_row_correlation: float
    structure_correlation: float


def compute_physical_features(host: TransitionMetal, solute: TransitionMetal) -> FloatArray:
    """Compute the closed-form features of a dilute solute in a host.

    Parameters
    ----------
    host, solute : TransitionMetal
        The pair.

    Returns
    -------
    ndarray of float64, shape (8,)
        In the order of :data:`PHYSICAL_FEATURES`; eV except the size features.

    References
    ----------
    J. Friedel, in The Physics of Metals 1, ed. J. M. Ziman (Cambridge, 1969): the d-band energy is
    -(W/20) N (10 - N). Ruban et al., doi:10.1103/PhysRevB.59.15990: its use for segregation.
    """
    electrons = float(solute.group - host.group)
    width = host.d_width_mry / 500.0
    return np.array(
        [
            solute.surface_energy_ev - host.surface_energy_ev,
            solute.surface_energy_ev * (host.wigner_seitz_bohr - solute.wigner_seitz_bohr),
            (solute.d_width_mry - host.d_width_mry) / 500.0,
            solute.wigner_seitz_bohr / host.wigner_seitz_bohr - 1.0,
            interface_enthalpy(solute, host),
            electrons * width / 5.0,
            electrons**2 * width / 20.0,
            electrons * (host.group - 7.5) * width / 10.0,
        ]
    )


def _squared_exponential(a: FloatArray, b: FloatArray, length: float) -> FloatArray:
    difference = np.subtract.outer(a, b) / length
    return np.exp(-0.5 * difference**2)


def _same_or(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic], other: float) -> FloatArray:
    return np.where(np.equal.outer(a, b), 1.0, other)


def _whiten(cross: FloatArray, anchors: FloatArray) -> FloatArray:
    """Return features whose products give the Nystrom kernel of `cross` on `anchors`."""
    factor = np.linalg.cholesky(anchors + _JITTER * np.eye(len(anchors)))
    solved: FloatArray = np.linalg.solve(factor, cross.T).T
    return solved


class FeatureSpace:
    """The features of every host and solute for given hyperparameters.

    Parameters
    ----------
    scales : KernelScales
        Hyperparameters.
    """

    def __init__(self, scales: KernelScales) -> None:
        metals = list(load_metals().values())
        self.scales = scales
        self.index = {m.symbol: i for i, m in enumerate(metals)}
        group = np.array([m.group for m in metals], dtype=float)
        row = np.array([m.period for m in metals], dtype=float)
        structure = np.array([m.structure for m in metals])
        hosts = (
            _squared_exponential(group, group, scales.host_length)
            * _same_or(row, row, scales.host_row_correlation)
            * _same_or(structure, structure, scales.structure_correlation)
        )
        anchor_group = np.tile(ANCHOR_GROUPS, len(ROWS))
        anchor_row = np.repeat(ROWS, len(ANCHOR_GROUPS))

        def solute_kernel(g: FloatArray, r: FloatArray) -> FloatArray:
            return _squared_exponential(g, anchor_group, scales.solute_length) * _same_or(
                r, anchor_row, scales.solute_row_correlation
            )

        self._host = scales.smooth_std_ev * _whiten(hosts, hosts)
        self._solute = _whiten(solute_kernel(group, row), solute_kernel(anchor_group, anchor_row))
        physical = np.array([[compute_physical_features(h, s) for s in metals] for h in metals])
        self._physical = physical * np.asarray(scales.physical_std)

    def indices(self, symbols: npt.ArrayLike) -> IntArray:
        """Return the rows of the named metals."""
        return np.array([self.index[s] for s in np.atleast_1d(symbols)], dtype=np.intp)

    def compute(self, host: IntArray, solute: IntArray) -> FloatArray:
        """Assemble the scaled features of pairs.

        Parameters
        ----------
        host, solute : ndarray of int, shape (n_pairs,)
            Rows from :meth:`indices`.

        Returns
        -------
        ndarray of float64, shape (n_pairs, n_features)
            Prior weights have unit variance in this scale.
        """
        smooth = self._host[host][:, :, None] * self._solute[solute][:, None, :]
        offsets = self.scales.solute_std_ev * np.eye(len(self.index))[solute]
        return np.hstack([self._physical[host, solute], offsets, smooth.reshape(len(host), -1)])
