"""The question a chemist asks, checked: two metals, a ligand, a ratio, a size, a temperature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pomdft.analysis.segregation import ComputedSegregation, check_coverage
from pomdft.analysis.segregation_ligand import (
    AffinityLike,
    ContactAffinity,
    monolayer_coverage,
    read_affinities,
)
from pomdft.errors import InputError, UnknownNameError
from pomdft.kernels import Lattice, build_lattice
from pomdft.prediction.alloy import AlloyEnergetics, build_energetics

#: Shapes a particle may take.
PARTICLE_SHAPES = ("cuboctahedron", "truncated-octahedron", "icosahedron", "decahedron")
ROUTES = ("equilibrium", "co-reduction")
#: Range of liquid water at 1 bar, K.
WATER_K = (273.0, 373.0)
_MAX_ATOMS = 20000
_MAX_MEMBERS = 10000
_MAX_SWEEPS = 1000000


@dataclass(frozen=True, eq=False)
class Particle:
    """A checked question without ratio and temperature.

    Attributes
    ----------
    lattice : Lattice
        Sites of the particle.
    energetics : AlloyEnergetics
        Of the two metals.
    ligand : str or None
        Name of what covers it.
    affinities : dict or None
        Affinity of the ligand for each metal.
    coverage : float
        Contacts per surface atom; 0 without ligand.
    """

    lattice: Lattice
    energetics: AlloyEnergetics
    ligand: str | None
    affinities: dict[str, ContactAffinity] | None
    coverage: float

    @property
    def n_surface(self) -> int:
        """Number of surface sites."""
        return int(np.count_nonzero(self.lattice.shell == 0))


def build_particle(
    first: str,
    second: str,
    *,
    ligand: str | None,
    fraction: float,
    n_atoms: int,
    shape: str,
    affinity: Mapping[str, AffinityLike] | None,
    coverage: float | None,
    computed: ComputedSegregation | None,
) -> Particle:
    """Check what was asked and build the particle.

    Parameters
    ----------
    first, second : str
        Metals.
    ligand : str or None
        Protecting ligand; its affinities must be given.
    fraction : float
        Atomic fraction of the second metal.
    n_atoms : int
        Size; the nearest the shape comes in is taken.
    shape : str
        One of :data:`PARTICLE_SHAPES`.
    affinity : mapping or None
        Metal to affinity per contact.
    coverage : float or None
        Contacts per surface atom; None: a monolayer by the ligand's footprint, else 0.5.
    computed : mapping or None
        DFT segregation energies.

    Returns
    -------
    Particle

    Raises
    ------
    InputError
        A number is out of range.
    UnknownNameError
        A metal or the shape is not known.
    NotComputedError
        The ligand's affinity for a metal is missing.
    """
    check_fraction(fraction)
    if shape not in PARTICLE_SHAPES:
        raise UnknownNameError("shape", shape, PARTICLE_SHAPES)
    if not 13 <= n_atoms <= _MAX_ATOMS:
        raise InputError(f"n_atoms {n_atoms} is not between 13 and {_MAX_ATOMS}.")
    energetics = build_energetics(first, second, fraction, computed)
    affinities, contacts = None, 0.0
    if ligand is not None or affinity is not None:
        affinities = read_affinities(affinity or {}, (first, second), ligand)
        if coverage is None and ligand is not None:
            coverage = monolayer_coverage(ligand, affinities)
        contacts = check_coverage(coverage)
        ligand = ligand or "the ligand"
    return Particle(build_lattice(shape, n_atoms), energetics, ligand, affinities, contacts)


def check_fraction(fraction: float) -> float:
    """Return an atomic fraction.

    Raises
    ------
    InputError
        Not between 0 and 1.
    """
    if not 0.0 <= fraction <= 1.0:
        raise InputError(
            f"fraction {fraction} of the second metal is not between 0 and 1.",
            "A ratio of 1:3 is the fraction 0.75.",
        )
    return float(fraction)


def check_temperature(temperature_k: float) -> float:
    """Return a temperature.

    Raises
    ------
    InputError
        Not between 50 and 3000 K.
    """
    if not 50.0 <= temperature_k <= 3000.0:
        raise InputError(
            f"temperature_k {temperature_k} is not between 50 and 3000 K.",
            "Temperatures are in kelvin.",
        )
    return float(temperature_k)


def check_sampling(n_members: int, n_sweeps: int, seed: int) -> None:
    """Check how much is to be sampled.

    Parameters
    ----------
    n_members : int
        Members of the uncertainty.
    n_sweeps : int
        Monte Carlo sweeps.
    seed : int
        Of everything random.

    Raises
    ------
    InputError
        One of them is out of range.
    """
    if not 1 <= n_members <= _MAX_MEMBERS:
        raise InputError(f"n_members {n_members} is not between 1 and {_MAX_MEMBERS}.")
    if not 1 <= n_sweeps <= _MAX_SWEEPS:
        raise InputError(f"n_sweeps {n_sweeps} is not between 1 and {_MAX_SWEEPS}.")
    if not 0 <= seed < 2**63:
        raise InputError(f"seed {seed} is not zero or a positive integer.")


def find_extrapolation(
    energetics: AlloyEnergetics,
    n_atoms: int,
    temperature_k: float,
    coverage: float,
    route: str = "equilibrium",
) -> tuple[str, ...]:
    """Say where a question leaves the range in which the model is grounded.

    Parameters
    ----------
    energetics : AlloyEnergetics
        The pair.
    n_atoms : int
        Size.
    temperature_k : float
        Temperature.
    coverage : float
        Contacts per surface atom.
    route : str
        "equilibrium" or "co-reduction".

    Returns
    -------
    tuple of str
        One reason each; empty inside the range.
    """
    reasons = []
    melting = energetics.melting_point_k
    if temperature_k > 0.5 * melting:
        reasons.append(
            f"the temperature is above {0.5 * melting:.0f} K, half the melting point: the lattice "
            "model has no vibrations and no melting"
        )
    if route == "co-reduction" and not WATER_K[0] <= temperature_k <= WATER_K[1]:
        reasons.append(
            f"the temperature is not between {WATER_K[0]:g} and {WATER_K[1]:g} K: salts are "
            "reduced in liquid water"
        )
    if n_atoms < 55:
        reasons.append(f"there are {n_atoms} atoms, too few for bulk mixing energies")
    if coverage > 1.0:
        reasons.append(
            f"{coverage:g} contacts per surface atom are taken, more than a monolayer has"
        )
    return tuple(reasons)
