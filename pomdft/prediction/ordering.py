"""Random alloy or core-shell: the ordering of a bimetallic particle, with its probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pomdft.analysis.segregation import ComputedSegregation
from pomdft.analysis.segregation_ligand import AffinityLike
from pomdft.errors import UnknownNameError
from pomdft.kernels import Lattice
from pomdft.prediction.answer import Ordering, explain
from pomdft.prediction.coreduction import deposit_members
from pomdft.prediction.ensemble import (
    Members,
    equilibrate,
    find_demixing,
    find_long_range_order,
    read_order,
    sample_members,
)
from pomdft.prediction.labels import (
    COMPLETE_GROWN_SHELL,
    COMPLETE_SHELL,
    LABELS,
    OrderParameters,
    assign_labels,
)
from pomdft.prediction.question import (
    ROUTES,
    Particle,
    build_particle,
    check_sampling,
    check_temperature,
    find_extrapolation,
)
from pomdft.prediction.reduction import CoReduction

FloatArray = npt.NDArray[np.float64]

_N_LADDER = 6
_N_SWEEPS = 120


def predict_ordering(  # noqa: PLR0917
    first: str,
    second: str,
    ligand: str | None = None,
    fraction: float = 0.5,
    n_atoms: int = 309,
    temperature_k: float = 298.15,
    route: str = "equilibrium",
    seed: int = 0,
    *,
    affinity: Mapping[str, AffinityLike] | None = None,
    coverage: float | None = None,
    shape: str = "cuboctahedron",
    n_members: int = 200,
    n_sweeps: int = _N_SWEEPS,
    synthesis: CoReduction | None = None,
    computed: ComputedSegregation | None = None,
) -> Ordering:
    """Predict how two metals arrange in a particle.

    Parameters
    ----------
    first, second : str
        Metals, Ti to Au.
    ligand : str, optional
        Protecting ligand; its affinities must be in `affinity`. None: the bare particle.
    fraction : float
        Atomic fraction of the second metal (ratio 1:3 is 0.75).
    n_atoms : int
        Size; the nearest size of the shape is taken.
    temperature_k : float
        Temperature, K.
    route : {"equilibrium", "co-reduction"}
        Canonical Monte Carlo, or deposition in the order in which the salts are reduced.
    seed : int
        Same seed, same answer.
    affinity : mapping, optional
        Metal to affinity per contact, eV (negative = bound): a number, (number, std) or a
        :class:`pomdft.analysis.segregation_ligand.ContactAffinity`.
    coverage : float, optional
        Contacts per surface atom under the ligand; default: a monolayer by its footprint where
        footprint and contacts are known, else 0.5.
    shape : str
        "cuboctahedron", "truncated-octahedron", "icosahedron" or "decahedron".
    n_members : int
        Members of the uncertainty.
    n_sweeps : int
        Monte Carlo sweeps measured (as many come before).
    synthesis : CoReduction, optional
        Salts, reductant and ion affinities of the co-reduction route.
    computed : mapping, optional
        DFT segregation energies, see :func:`pomdft.analysis.segregation.segregation_energy`.

    Returns
    -------
    Ordering

    Raises
    ------
    UnknownNameError
        A metal, the route or the shape is not known.
    InputError
        A number is out of range.
    NotComputedError
        The ligand's affinity for one of the metals is not known.
    """
    if route not in ROUTES:
        raise UnknownNameError("route", route, ROUTES)
    kelvin = check_temperature(temperature_k)
    check_sampling(n_members, n_sweeps, seed)
    particle = build_particle(
        first,
        second,
        ligand=ligand,
        fraction=fraction,
        n_atoms=n_atoms,
        shape=shape,
        affinity=affinity,
        coverage=coverage,
        computed=computed,
    )
    members = sample_members(
        particle.energetics, particle.affinities, particle.coverage, n_members, seed
    )
    lattice = particle.lattice
    mechanism = ""
    if route == "equilibrium":
        ladder = np.geomspace(kelvin, max(2.5 * kelvin, 1000.0), _N_LADDER)
        result = equilibrate(
            lattice,
            particle.energetics,
            members,
            fraction,
            ladder,
            n_sweeps=n_sweeps,
            seed=seed,
        )
        order = select_replicas(read_order(lattice, result), slice(0, None, _N_LADDER))
        species: Sequence[npt.NDArray[np.uint8]] = list(result.final_species[::_N_LADDER])
        lattices: Sequence[Lattice] = [lattice] * n_members
    else:
        plan = synthesis or CoReduction()
        grown = deposit_members(
            particle, members, fraction=fraction, temperature_k=kelvin, plan=plan, seed=seed
        )
        species, lattices = grown.species, grown.lattices
        order, mechanism = grown.order, grown.reason
    labels = assign_labels(
        order,
        # What was laid down in turn stays apart whether or not the bulk would mix.
        find_demixing(particle.energetics, members) | (route == "co-reduction"),
        members.drive_ev,
        kelvin,
        complete_shell=COMPLETE_SHELL if route == "equilibrium" else COMPLETE_GROWN_SHELL,
        orders=find_long_range_order(particle.energetics, members, kelvin),
    )
    return summarise(
        particle,
        members,
        order,
        labels,
        species=species,
        lattices=lattices,
        route=route,
        temperature_k=kelvin,
        mechanism=mechanism,
    )


def select_replicas(order: OrderParameters, rows: slice) -> OrderParameters:
    """Return the order parameters of some replicas."""
    return OrderParameters(*(getattr(order, f.name)[rows] for f in fields(order)))


def summarise(
    particle: Particle,
    members: Members,
    order: OrderParameters,
    labels: npt.NDArray[np.intp],
    *,
    species: Sequence[npt.NDArray[np.uint8]],
    lattices: Sequence[Lattice],
    route: str,
    temperature_k: float,
    mechanism: str = "",
) -> Ordering:
    """Condense the members' results into one answer.

    Parameters
    ----------
    particle, members
        What was run.
    order : OrderParameters
        Of each member.
    labels : ndarray of int, shape (m,)
        Label of each member.
    species : sequence of ndarray of uint8, shape (n_sites,)
        Last configuration of each member.
    lattices : sequence of Lattice
        Sites of each.
    route : str
        Which route.
    temperature_k : float
        Temperature.
    mechanism : str
        Sentence on the co-reduction, where that was the route.

    Returns
    -------
    Ordering
    """
    energetics = particle.energetics
    share = np.bincount(labels, minlength=len(LABELS)) / len(labels)
    best = int(np.argmax(share))
    fraction = float(order.fraction.mean())
    surface = float(order.surface_fraction.mean())
    # A pure particle is all shell of the metal it is made of.
    second_outside = surface >= fraction > 0.0
    shell, core = energetics.second, energetics.first
    if not second_outside:
        shell, core = core, shell
    agree = (order.surface_fraction >= order.fraction) == second_outside
    agree |= fraction in (0.0, 1.0)
    amount = fraction if second_outside else 1.0 - fraction
    monolayers = amount * particle.lattice.n_sites / particle.n_surface
    chosen = np.flatnonzero(labels == best)
    typical = int(chosen[np.argmin(np.abs(order.surface_fraction[chosen] - surface))])
    if fraction in (0.0, 1.0):
        mechanism = f"Every atom is {shell}."
    reason = mechanism or explain(
        particle,
        members,
        label=LABELS[best],
        shell=shell,
        core=core,
        monolayers=monolayers,
        temperature_k=temperature_k,
    )
    return Ordering(
        energetics.first,
        energetics.second,
        particle.ligand,
        route,
        fraction,
        particle.lattice.n_sites,
        temperature_k,
        LABELS[best],
        core,
        shell,
        {name: float(p) for name, p in zip(LABELS, share, strict=True)},
        surface,
        float(order.interior_fraction.mean()),
        float(order.surface_fraction.std()),
        float(order.short_range_order.mean()),
        order.radial_profile.mean(axis=0),
        order.radial_profile.std(axis=0),
        float(agree.mean()),
        monolayers,
        reason,
        find_extrapolation(
            energetics, particle.lattice.n_sites, temperature_k, particle.coverage, route
        ),
        energetics.source,
        energetics.mixing_source,
        particle.coverage,
        particle.affinities,
        lattices[typical],
        species[typical],
    )


def predict_under_ligands(
    first: str,
    second: str,
    ligands: Mapping[str, Mapping[str, AffinityLike] | None],
    **options: Any,
) -> dict[str, Ordering]:
    """Predict the ordering of one particle under several ligands.

    Parameters
    ----------
    first, second : str
        Metals.
    ligands : mapping
        Name to affinities (metal to eV per contact, negative = bound), or to None for the bare
        particle.
    **options
        Passed to :func:`predict_ordering`; ``coverage`` may be a mapping of name to contacts per
        surface atom.

    Returns
    -------
    dict
        Name to :class:`Ordering`.
    """
    coverage = options.pop("coverage", None)
    answers = {}
    for name, affinity in ligands.items():
        contacts = coverage.get(name) if isinstance(coverage, Mapping) else coverage
        bare = affinity is None
        answers[name] = predict_ordering(
            first,
            second,
            None if bare else name,
            affinity=affinity,
            coverage=None if bare else contacts,
            **options,
        )
    return answers


def compare_ligands(
    first: str,
    second: str,
    ligands: Mapping[str, Mapping[str, AffinityLike] | None],
    **options: Any,
) -> pd.DataFrame:
    """Put the ordering under several ligands side by side.

    Parameters
    ----------
    first, second, ligands, **options
        As for :func:`predict_under_ligands`.

    Returns
    -------
    DataFrame
        As :func:`tabulate_answers`.
    """
    return tabulate_answers(predict_under_ligands(first, second, ligands, **options))


def tabulate_answers(answers: Mapping[str, Ordering]) -> pd.DataFrame:
    """Put answers side by side.

    Parameters
    ----------
    answers : mapping
        Name of the ligand to answer.

    Returns
    -------
    DataFrame
        One row per ligand: label, its probability, core, shell, surface_fraction, ... the reason
        and where its numbers come from.
    """
    rows = [
        {
            "ligand": name,
            "label": answer.label,
            "probability": answer.probabilities[answer.label],
            "core": answer.core,
            "shell": answer.shell,
            "shell_probability": answer.shell_probability,
            "surface_fraction": answer.surface_fraction,
            "surface_fraction_std": answer.surface_fraction_std,
            "short_range_order": answer.short_range_order,
            **{f"p_{k}": v for k, v in answer.probabilities.items()},
            "reason": answer.reason,
            "provenance": answer.provenance,
        }
        for name, answer in answers.items()
    ]
    return pd.DataFrame(rows)


__all__ = [
    "Ordering",
    "compare_ligands",
    "predict_ordering",
    "predict_under_ligands",
    "select_replicas",
    "summarise",
    "tabulate_answers",
]
