"""Growth of a particle from two salts that are reduced together.

The particle grows freely on a larger lattice: atoms arrive in the order in which their salts are
reduced, hop on the surface between arrivals, and may be dissolved again by ions of the nobler
metal (galvanic exchange).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pomdft.analysis.segregation_ligand import spread_normal
from pomdft.kernels import Lattice, LatticeModel, build_lattice
from pomdft.kernels.growth import grow
from pomdft.prediction.ensemble import Members, tabulate_half_bonds
from pomdft.prediction.labels import OrderParameters, compute_order, join_orders
from pomdft.prediction.question import Particle
from pomdft.prediction.reduction import (
    CoReduction,
    ReductionPotential,
    compute_rates,
    draw_sequences,
    find_potential,
)

FloatArray = npt.NDArray[np.float64]

#: Potential difference (V) over which galvanic exchange sets in: at this difference two of three
#: ions of the nobler metal that meet an atom of the other dissolve it.
GALVANIC_SCALE_V = 0.5
#: Sites of the lattice a particle grows on, over its atoms.
ROOM = 3
_BULK_COORDINATION = 12


@dataclass(frozen=True, eq=False)
class GrownMembers:
    """Particles grown for each member of the uncertainty.

    Attributes
    ----------
    lattices : tuple of Lattice
        Occupied sites of each particle.
    species : tuple of ndarray of uint8, shape (n_atoms,)
        What sits on them; 1 for the second metal.
    order : OrderParameters
        Of each particle.
    potentials : tuple of ReductionPotential
        Of the two salts.
    rates : ndarray of float64, shape (2,)
        Relative rates of reduction (1: diffusion limit), central estimate.
    exchanges : float
        Mean number of galvanic exchanges per particle.
    reason : str
        One sentence.
    """

    lattices: tuple[Lattice, ...]
    species: tuple[npt.NDArray[np.uint8], ...]
    order: OrderParameters
    potentials: tuple[ReductionPotential, ReductionPotential]
    rates: FloatArray
    exchanges: float
    reason: str


def deposit_members(
    particle: Particle,
    members: Members,
    *,
    fraction: float,
    temperature_k: float,
    plan: CoReduction,
    seed: int,
) -> GrownMembers:
    """Grow one particle for each member.

    Parameters
    ----------
    particle : Particle
        Lattice and energies.
    members : Members
        Uncertainty of affinities and lattice energies.
    fraction : float
        Atomic fraction of the second metal.
    temperature_k : float
        Temperature of reduction and surface diffusion.
    plan : CoReduction
        Salts, reductant, ion affinities.
    seed : int
        Of everything random.

    Returns
    -------
    GrownMembers

    Raises
    ------
    NotComputedError
        The reduction potential of a metal is not known.
    """
    energetics, lattice = particle.energetics, particle.lattice
    potentials = (find_potential(energetics.first, plan), find_potential(energetics.second, plan))
    central = np.array([p.potential_v for p in potentials])
    m, n = len(members), lattice.n_sites
    rng = np.random.default_rng(seed)
    errors = [spread_normal(m, rng), spread_normal(m, rng)]
    # A stream of their own: what is drawn besides does not depend on known ion affinities.
    other = np.random.default_rng([seed, 1])
    sampled = [
        p.sample(e, spread_normal(m, other)) for p, e in zip(potentials, errors, strict=True)
    ]
    rates = compute_rates(np.stack(sampled, axis=1), plan.reductant_v, temperature_k)
    sequences = draw_sequences(rates, round(fraction * n), n, rng)
    half_bonds = tabulate_half_bonds(energetics, members)
    galvanic = _galvanic_chances(central) if plan.galvanic_exchange else np.zeros((2, 2))
    roomy = build_lattice("sphere", ROOM * n)
    grown_on, species, orders = [], [], []
    exchanges = 0
    for k in range(m):
        held = np.zeros((2, _BULK_COORDINATION + 1))
        held[1, :_BULK_COORDINATION] = members.drive_ev[k]
        grown = grow(
            roomy,
            LatticeModel(half_bonds[k]),
            sequences[k],
            temperature_k=temperature_k,
            moves_per_atom=plan.hops_per_atom,
            swap="surface" if plan.surface_exchange else "none",
            atom_ev=held,
            galvanic=galvanic,
            seed=seed,
            streams=np.array([k]),
            n_threads=1,
        )
        own_lattice, own_species = grown.particle(0)
        grown_on.append(own_lattice)
        species.append(own_species)
        orders.append(compute_order(own_lattice, own_species))
        exchanges += int(grown.galvanic_exchanges[0])
    mean_rates = compute_rates(central, plan.reductant_v, temperature_k)
    reason = _explain(particle, members, potentials, mean_rates, plan)
    return GrownMembers(
        tuple(grown_on),
        tuple(species),
        join_orders(orders),
        potentials,
        mean_rates,
        exchanges / m,
        reason,
    )


def _galvanic_chances(potentials_v: FloatArray) -> FloatArray:
    """Chance that an arriving ion (row) dissolves the atom (column) it meets."""
    above = potentials_v[:, None] - potentials_v[None, :]
    return np.where(above > 0.0, -np.expm1(-np.maximum(above, 0.0) / GALVANIC_SCALE_V), 0.0)


def _explain(
    particle: Particle,
    members: Members,
    potentials: tuple[ReductionPotential, ReductionPotential],
    rates: FloatArray,
    plan: CoReduction,
) -> str:
    order = np.argsort(-rates)
    fast, slow = potentials[order[0]], potentials[order[1]]
    gap = fast.potential_v - slow.potential_v
    ratio = float(rates[order[0]] / rates[order[1]])
    if ratio < 3.0:
        limit = (
            "both at the diffusion limit" if rates.min() > 0.3 else "neither with much of a lead"
        )
        pace = f"{fast.salt} and {slow.salt} are reduced together ({limit}), {gap:+.2f} V apart"
    else:
        times = f"{ratio:.0f} times" if ratio < 1000.0 else f"10^{np.log10(ratio):.0f} times"
        pace = f"{fast.salt} is reduced {times} faster than {slow.salt}, {gap:+.2f} V above it"
    text = f"With {plan.reductant} as the reductant {pace}"
    shifts = [
        f"{p.metal} {p.shift_v:+.2f} V"
        + (f" ± {p.ion_std_ev / p.electrons:.2f} V" if p.ion_std_ev else "")
        for p in potentials
        if abs(p.shift_v) > 0.005
    ]
    free = [f"the ion of {p.salt} is not held" for p in potentials if p.ion_affinity_ev > 0.0]
    if shifts or free:
        known = "; ".join([", ".join(shifts) or "not at all", *free])
        text += f" (shifted by the ligand's hold on the ions: {known})"
    held = members.affinity_difference_ev
    if particle.ligand is not None and abs(float(held.mean())) > 1e-9:
        tighter = particle.energetics.second if held.mean() < 0 else particle.energetics.first
        text += (
            f"; {particle.ligand} holds {tighter} {abs(float(held.mean())):.2f} ± "
            f"{float(held.std()):.2f} eV more tightly per contact while atoms move on the surface"
        )
    return f"{text}. {plan.ion_note}" if plan.ion_note else f"{text}."
