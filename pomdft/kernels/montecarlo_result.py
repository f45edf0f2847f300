"""What a Monte Carlo run returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Occupations recorded during a run.

    Parameters
    ----------
    sweeps : ndarray of int64, shape (n_records,)
        Sweeps done, equilibration included.
    species : ndarray of uint8, shape (n_records, R, n)
        Occupation of each replica's temperature.
    energies_ev : ndarray of float64, shape (n_records, R)
        Energy (eV), recomputed in full from the occupation.
    """

    sweeps: npt.NDArray[np.int64]
    species: npt.NDArray[np.uint8]
    energies_ev: Floats

    def __repr__(self) -> str:
        records, replicas, sites = self.species.shape
        return f"Trajectory({records} records of {replicas} replicas, {sites} sites)"


@dataclass(frozen=True, eq=False)
class MonteCarloResult:
    """Averages of R replicas with S species; surface and shells as in `Lattice`.

    Parameters
    ----------
    temperatures_k : ndarray of float64, shape (R,)
        Temperatures (K).
    mean_energy_ev : ndarray of float64, shape (R,)
        Mean energy of the particle (eV); negative = bound.
    energy_error_ev : ndarray of float64, shape (R,)
        Standard error of the mean energy (eV) from the means of up to 32 parts of the run; NaN for
        fewer than 8 parts.
    heat_capacity_ev_per_k : ndarray of float64, shape (R,)
        Variance of the energy over k T^2 (eV/K); NaN at 0 K.
    composition : ndarray of float64, shape (R, S)
        Mean fraction of each species in the particle.
    surface_composition : ndarray of float64, shape (R, S)
        Mean fraction of each species among the sites with fewer than 12 neighbours.
    shell_profile : ndarray of float64, shape (R, n_shells, S)
        Mean fraction of each species in each shell, the surface first.
    warren_cowley : ndarray of float64, shape (R, S, S)
        Parameters of the first shell, negative where unlike neighbours are preferred; NaN where a
        species is absent.
    acceptance : ndarray of float64, shape (R,)
        Accepted moves over moves that would have changed something.
    proposed : ndarray of int64, shape (R,)
        Moves tried that would have changed something.
    final_species : ndarray of uint8, shape (R, n)
        Last occupation.
    exchange_acceptance : ndarray of float64, shape (R,)
        Share of exchanges made with the next warmer replica; NaN where none was tried.
    attempts : int
        Moves tried in each replica.
    engine : {"chain", "replicas"}
        Which engine ran.
    resolution_ev : float
        Energies were simulated as whole multiples of this (eV).
    move_error_ev : float
        Bound on what that changes in the energy of any move (eV).
    energy_drift_ev : float
        Largest difference (eV) seen between the simulated energy and its full recomputation with
        the model as given; `mean_energy_ev` is corrected for its mean.
    trajectory : Trajectory, optional
        Where recording was asked for.
    """

    temperatures_k: Floats
    mean_energy_ev: Floats
    energy_error_ev: Floats
    heat_capacity_ev_per_k: Floats
    composition: Floats
    surface_composition: Floats
    shell_profile: Floats
    warren_cowley: Floats
    acceptance: Floats
    proposed: npt.NDArray[np.int64]
    final_species: npt.NDArray[np.uint8]
    exchange_acceptance: Floats
    attempts: int
    engine: str
    resolution_ev: float
    move_error_ev: float
    energy_drift_ev: float
    trajectory: Trajectory | None = None

    def __len__(self) -> int:
        return len(self.temperatures_k)

    def __repr__(self) -> str:
        replicas, sites = self.final_species.shape
        low, high = self.temperatures_k.min(), self.temperatures_k.max()
        return (
            f"MonteCarloResult({replicas} replicas of {sites} sites, {low:g} to {high:g} K, "
            f"{self.attempts} moves each by the {self.engine} engine)"
        )

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row for each replica."""
        columns: dict[str, Floats] = {
            "temperature_k": self.temperatures_k,
            "mean_energy_ev": self.mean_energy_ev,
            "energy_error_ev": self.energy_error_ev,
            "heat_capacity_ev_per_k": self.heat_capacity_ev_per_k,
            "acceptance": self.acceptance,
        }
        for s in range(self.composition.shape[1]):
            columns[f"fraction_{s}"] = self.composition[:, s]
            columns[f"surface_fraction_{s}"] = self.surface_composition[:, s]
        for s in range(1, self.composition.shape[1]):
            for t in range(s):
                columns[f"warren_cowley_{t}{s}"] = self.warren_cowley[:, t, s]
        return pd.DataFrame(columns)


@dataclass(frozen=True, eq=False)
class AnnealingResult:
    """Lowest energies found by annealing R replicas.

    Parameters
    ----------
    energies_ev : ndarray of float64, shape (R,)
        Lowest energy of each replica (eV), recomputed in full.
    species : ndarray of uint8, shape (R, n)
        Its occupation.
    temperatures_k : ndarray of float64, shape (n_steps,)
        Temperatures passed through (K).
    """

    energies_ev: Floats
    species: npt.NDArray[np.uint8]
    temperatures_k: Floats

    @property
    def best(self) -> int:
        """Index of the replica with the lowest energy."""
        return int(np.argmin(self.energies_ev))

    def __repr__(self) -> str:
        replicas, sites = self.species.shape
        return (
            f"AnnealingResult({replicas} replicas of {sites} sites, lowest "
            f"{self.energies_ev[self.best]:.6f} eV)"
        )

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row for each replica."""
        return pd.DataFrame({"energy_ev": self.energies_ev})
