"""Members of the uncertainty of a lattice model, and their equilibrium by Monte Carlo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pomdft.analysis.segregation_ligand import (
    ContactAffinity,
    sample_affinity_difference,
    spread_normal,
)
from pomdft.kernels import Lattice, LatticeModel
from pomdft.kernels.montecarlo import MonteCarloResult, run_canonical
from pomdft.prediction.alloy import AlloyEnergetics
from pomdft.prediction.labels import OrderParameters, count_bonds, warren_cowley
from pomdft.units import BOLTZMANN_EV_PER_K

FloatArray = npt.NDArray[np.float64]

#: Order-disorder temperature of the fcc lattice with nearest-neighbour bonds, kT over J.
ORDERING_KT_PER_J = 1.74
#: Unlike bonds per atom of an equiatomic random alloy.
_BONDS_PER_ATOM = 3.0


@dataclass(frozen=True, eq=False)
class Members:
    """Members of the joint uncertainty of affinity, segregation and mixing.

    Attributes
    ----------
    affinity_difference_ev : ndarray of float64, shape (m,)
        Affinity of the second metal less that of the first, eV per contact.
    surface_shift_ev : ndarray of float64, shape (m,)
        Added to the surface preference, eV.
    bond_shift_ev : ndarray of float64, shape (m,)
        Added to the excess of unlike bonds, eV.
    coverage : float
        Contacts per surface atom.
    """

    affinity_difference_ev: FloatArray
    surface_shift_ev: FloatArray
    bond_shift_ev: FloatArray
    coverage: float

    def __len__(self) -> int:
        return len(self.affinity_difference_ev)

    @property
    def drive_ev(self) -> FloatArray:
        """Affinity difference per surface atom, eV; negative favours the second metal outside."""
        return self.coverage * self.affinity_difference_ev


def sample_members(
    energetics: AlloyEnergetics,
    affinities: dict[str, ContactAffinity] | None,
    coverage: float,
    n_members: int,
    seed: int,
) -> Members:
    """Draw members.

    Parameters
    ----------
    energetics : AlloyEnergetics
        The pair.
    affinities : dict or None
        Affinity of the ligand for each metal; None without ligand.
    coverage : float
        Contacts per surface atom.
    n_members : int
        How many; 1 gives the central estimate.
    seed : int
        Of the draw.

    Returns
    -------
    Members
    """
    rng = np.random.default_rng(seed)
    surface = energetics.surface_preference_std_ev * spread_normal(n_members, rng)
    bonds = energetics.bulk_bond_std_ev * spread_normal(n_members, rng)
    # Drawn last, so that with and without ligand the other deviates are the same.
    held = np.zeros(n_members)
    if affinities is not None:
        first, second = affinities[energetics.first], affinities[energetics.second]
        held = sample_affinity_difference(first, second, n_members, rng)
    return Members(held, surface, bonds, coverage)


def tabulate_half_bonds(energetics: AlloyEnergetics, members: Members) -> FloatArray:
    """Compute the half bonds of each member.

    Parameters
    ----------
    energetics : AlloyEnergetics
        Central estimate.
    members : Members
        What is added to it.

    Returns
    -------
    ndarray of float64, shape (m, 2, 2, 13)
        eV.
    """
    base = energetics.half_bonds()
    per_surface = energetics.shift_surface(1.0).half_bonds() - base
    per_bond = energetics.shift_mixing(1.0).half_bonds() - base
    return (
        base
        + members.surface_shift_ev[:, None, None, None] * per_surface
        + members.bond_shift_ev[:, None, None, None] * per_bond
    )


def find_demixing(energetics: AlloyEnergetics, members: Members) -> npt.NDArray[np.bool_]:
    """Tell for each member whether the bulk alloy separates, bool, shape (m,)."""
    mixing = energetics.mixing_ev + _BONDS_PER_ATOM * members.bond_shift_ev
    return np.asarray(mixing > energetics.demixing_threshold_ev, dtype=np.bool_)


def find_long_range_order(
    energetics: AlloyEnergetics, members: Members, temperature_k: float
) -> npt.NDArray[np.bool_]:
    """Tell for each member whether the bulk alloy orders at a temperature.

    The fcc lattice with nearest-neighbour bonds orders below kT = 1.74 J, J being half of what an
    unlike bond gains; above, unlike neighbours prevail without a superlattice.

    Parameters
    ----------
    energetics, members
        The pair and its uncertainty.
    temperature_k : float
        Temperature, K.

    Returns
    -------
    ndarray of bool, shape (m,)

    References
    ----------
    K. Binder, Phys. Rev. Lett. 45, 811 (1980), doi:10.1103/PhysRevLett.45.811.
    """
    gain = -0.5 * (energetics.bulk_bond_ev + members.bond_shift_ev)
    critical = ORDERING_KT_PER_J * gain
    return np.asarray(critical > BOLTZMANN_EV_PER_K * temperature_k, dtype=np.bool_)


def equilibrate(
    lattice: Lattice,
    energetics: AlloyEnergetics,
    members: Members,
    fraction: float,
    temperatures_k: FloatArray,
    *,
    n_sweeps: int,
    seed: int,
    n_threads: int | None = None,
) -> MonteCarloResult:
    """Run every member at every temperature with parallel tempering between temperatures.

    Parameters
    ----------
    lattice : Lattice
        The particle.
    energetics, members
        The pair and its uncertainty.
    fraction : float
        Atomic fraction of the second metal.
    temperatures_k : ndarray of float64, shape (t,)
        Temperatures, K.
    n_sweeps : int
        Measured; as many come before.
    seed : int
        Of the trajectory.
    n_threads : int, optional
        Threads.

    Returns
    -------
    MonteCarloResult
        m * t replicas, the members one after the other.
    """
    m, t, n = len(members), len(temperatures_k), lattice.n_sites
    half_bonds = tabulate_half_bonds(energetics, members)
    replicas = np.repeat(half_bonds, t, axis=0)
    site = np.zeros((m, n, 2))
    site[:, lattice.is_surface, 1] = members.drive_ev[:, None]
    start = np.zeros((m * t, n), dtype=np.uint8)
    start[:, : round(fraction * n)] = 1
    start = np.random.default_rng(seed).permuted(start, axis=1)
    has_ligand = bool(np.any(members.drive_ev))
    return run_canonical(
        lattice,
        LatticeModel(energetics.half_bonds()),
        start,
        np.tile(temperatures_k, m),
        n_sweeps=n_sweeps,
        n_equilibration=n_sweeps,
        seed=seed,
        half_bond_ev=replicas,
        site_ev=np.repeat(site, t, axis=0) if has_ligand else None,
        tempering=t > 1,
        ladders=np.repeat(np.arange(m), t) if t > 1 else None,
        n_threads=n_threads,
    )


def read_order(lattice: Lattice, result: MonteCarloResult) -> OrderParameters:
    """Take the order parameters of each replica from a Monte Carlo result.

    Averages over the run, except for the order of the interior, which is that of the last
    configuration.

    Parameters
    ----------
    lattice : Lattice
        The particle.
    result : MonteCarloResult
        Of a binary particle.

    Returns
    -------
    OrderParameters
    """
    fraction = result.composition[:, 1]
    profile = result.shell_profile[:, :, 1]
    surface = profile[:, 0]
    n_surface = int(np.count_nonzero(lattice.shell == 0))
    n_inside = max(lattice.n_sites - n_surface, 1)
    interior = (fraction * lattice.n_sites - surface * n_surface) / n_inside
    both = 0.5 * (result.warren_cowley[:, 0, 1] + result.warren_cowley[:, 1, 0])
    first, second = count_bonds(lattice)
    deep = (lattice.shell[first] > 0) & (lattice.shell[second] > 0)
    last = result.final_species
    unlike = last[:, first[deep]] != last[:, second[deep]]
    inside = last[:, lattice.shell > 0].mean(axis=1, dtype=np.float64)
    share = unlike.mean(axis=1, dtype=np.float64) if deep.any() else np.zeros(len(last))
    return OrderParameters(
        fraction,
        surface,
        np.clip(interior, 0.0, 1.0),
        profile,
        np.nan_to_num(both, nan=0.0),
        warren_cowley(share, inside),
    )
