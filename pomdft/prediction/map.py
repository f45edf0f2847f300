"""Ordering over molar ratio and temperature, with the boundary between alloy and core-shell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pomdft.analysis.segregation import ComputedSegregation
from pomdft.analysis.segregation_ligand import AffinityLike
from pomdft.errors import InputError, UnknownNameError
from pomdft.prediction.alloy import build_energetics
from pomdft.prediction.answer import describe_provenance
from pomdft.prediction.coreduction import deposit_members
from pomdft.prediction.ensemble import (
    Members,
    equilibrate,
    find_demixing,
    find_long_range_order,
    read_order,
    sample_members,
)
from pomdft.prediction.labels import COMPLETE_GROWN_SHELL, LABELS, assign_labels
from pomdft.prediction.map_answer import OrderingMap
from pomdft.prediction.ordering import select_replicas
from pomdft.prediction.question import (
    ROUTES,
    Particle,
    build_particle,
    check_fraction,
    check_sampling,
    check_temperature,
    find_extrapolation,
)
from pomdft.prediction.reduction import CoReduction

FloatArray = npt.NDArray[np.float64]

_DEFAULT_KELVIN = {
    "equilibrium": np.linspace(200.0, 1200.0, 11),
    "co-reduction": np.linspace(280.0, 360.0, 5),
}


def ordering_map(
    first: str,
    second: str,
    ligand: str | None = None,
    fractions: npt.ArrayLike | None = None,
    temperatures_k: npt.ArrayLike | None = None,
    *,
    affinity: Mapping[str, AffinityLike] | None = None,
    coverage: float | None = None,
    n_atoms: int = 309,
    shape: str = "cuboctahedron",
    n_members: int = 200,
    n_sweeps: int = 80,
    seed: int = 0,
    computed: ComputedSegregation | None = None,
    route: str = "equilibrium",
    synthesis: CoReduction | None = None,
    progress: Callable[[int, int], Any] | None = None,
    n_threads: int | None = None,
) -> OrderingMap:
    """Predict the ordering over molar ratio and temperature at a fixed ligand.

    Parameters
    ----------
    first, second, ligand, affinity, coverage, n_atoms, shape, n_members, n_sweeps, seed, computed
        As for :func:`pomdft.prediction.ordering.predict_ordering`.
    fractions : array_like, optional
        Atomic fractions of the second metal, ascending; default 0 to 1 in steps of 0.05.
    temperatures_k : array_like, optional
        Temperatures, ascending, K; default 200 to 1200 in steps of 100 (they are also the ladder
        of the parallel tempering), for the co-reduction 280 to 360 in steps of 20.
    route, synthesis
        As for :func:`pomdft.prediction.ordering.predict_ordering`.
    progress : callable, optional
        Called with (ratios done, ratios in all).
    n_threads : int, optional
        Threads of the Monte Carlo.

    Returns
    -------
    OrderingMap

    Raises
    ------
    UnknownNameError, InputError, NotComputedError
        As for :func:`pomdft.prediction.ordering.predict_ordering`.
    """
    x = _check_grid("fractions", np.linspace(0.0, 1.0, 21) if fractions is None else fractions)
    if route not in ROUTES:
        raise UnknownNameError("route", route, ROUTES)
    kelvin = _check_grid(
        "temperatures_k", _DEFAULT_KELVIN[route] if temperatures_k is None else temperatures_k
    )
    check_sampling(n_members, n_sweeps, seed)
    for value in x:
        check_fraction(float(value))
    for value in kelvin:
        check_temperature(float(value))
    particle = build_particle(
        first,
        second,
        ligand=ligand,
        fraction=0.5,
        n_atoms=n_atoms,
        shape=shape,
        affinity=affinity,
        coverage=coverage,
        computed=computed,
    )
    shape_ft = (len(x), len(kelvin))
    probabilities = np.zeros((*shape_ft, len(LABELS)))
    surface, spread, order_map = (np.zeros(shape_ft) for _ in range(3))
    for i, value in enumerate(x):
        at_ratio = _energetics_at(particle, float(value), computed)
        rows = _solve_ratio(
            at_ratio,
            float(value),
            kelvin,
            n_members=n_members,
            n_sweeps=n_sweeps,
            seed=seed + i,
            member_seed=seed,
            n_threads=n_threads,
            plan=None if route == "equilibrium" else synthesis or CoReduction(),
        )
        probabilities[i], surface[i], spread[i], order_map[i] = rows
        if progress is not None:
            progress(i + 1, len(x))
    reasons = [
        find_extrapolation(
            particle.energetics, particle.lattice.n_sites, t, particle.coverage, route
        )
        for t in kelvin
    ]
    return OrderingMap(
        first,
        second,
        particle.ligand,
        particle.lattice.n_sites,
        particle.coverage,
        x,
        kelvin,
        probabilities,
        surface,
        spread,
        order_map,
        np.tile([bool(r) for r in reasons], (len(x), 1)),
        tuple(dict.fromkeys(text for r in reasons for text in r)),
        route,
        describe_provenance(
            particle.affinities,
            particle.coverage,
            particle.energetics.source,
            particle.energetics.mixing_source,
        ),
    )


def _check_grid(name: str, values: npt.ArrayLike) -> FloatArray:
    grid = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if grid.ndim != 1 or not np.isfinite(grid).all() or np.any(np.diff(grid) <= 0):
        raise InputError(f"{name}: {grid.tolist()} are not finite and ascending.")
    return grid


def _energetics_at(
    particle: Particle, fraction: float, computed: ComputedSegregation | None
) -> Particle:
    pair = build_energetics(
        particle.energetics.first, particle.energetics.second, fraction, computed
    )
    return Particle(particle.lattice, pair, particle.ligand, particle.affinities, particle.coverage)


def _solve_ratio(
    particle: Particle,
    fraction: float,
    kelvin: FloatArray,
    *,
    n_members: int,
    n_sweeps: int,
    seed: int,
    member_seed: int,
    n_threads: int | None,
    plan: CoReduction | None,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Run one ratio: probabilities (t, 4), surface fraction, its spread and order (t,)."""
    n_t = len(kelvin)
    if round(fraction * particle.lattice.n_sites) in (0, particle.lattice.n_sites):
        alloy = np.tile(np.eye(len(LABELS))[LABELS.index("random-alloy")], (n_t, 1))
        return alloy, np.full(n_t, round(fraction)), np.zeros(n_t), np.zeros(n_t)
    # The same members at every ratio: the boundary is then as smooth as the physics.
    members = sample_members(
        particle.energetics, particle.affinities, particle.coverage, n_members, member_seed
    )
    if plan is not None:
        return _grow_ratio(particle, members, fraction, kelvin, seed=seed, plan=plan)
    demixes = find_demixing(particle.energetics, members)
    result = equilibrate(
        particle.lattice,
        particle.energetics,
        members,
        fraction,
        kelvin,
        n_sweeps=n_sweeps,
        seed=seed,
        n_threads=n_threads,
    )
    order = read_order(particle.lattice, result)
    probabilities = np.zeros((n_t, len(LABELS)))
    for k, temperature in enumerate(kelvin):
        rows = select_replicas(order, slice(k, None, n_t))
        labels = assign_labels(
            rows,
            demixes,
            members.drive_ev,
            float(temperature),
            orders=find_long_range_order(particle.energetics, members, float(temperature)),
        )
        probabilities[k] = np.bincount(labels, minlength=len(LABELS)) / n_members
    outside = order.surface_fraction.reshape(n_members, n_t)
    sro = order.short_range_order.reshape(n_members, n_t)
    return probabilities, outside.mean(axis=0), outside.std(axis=0), sro.mean(axis=0)


def _grow_ratio(
    particle: Particle,
    members: Members,
    fraction: float,
    kelvin: FloatArray,
    *,
    seed: int,
    plan: CoReduction,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Grow one ratio at every temperature: as :func:`_solve_ratio`."""
    n_t = len(kelvin)
    probabilities = np.zeros((n_t, len(LABELS)))
    surface, spread, sro = np.zeros(n_t), np.zeros(n_t), np.zeros(n_t)
    for k, temperature in enumerate(kelvin):
        order = deposit_members(
            particle,
            members,
            fraction=fraction,
            temperature_k=float(temperature),
            plan=plan,
            seed=seed,
        ).order
        labels = assign_labels(
            order,
            demixes=True,
            ligand_drive_ev=members.drive_ev,
            temperature_k=float(temperature),
            complete_shell=COMPLETE_GROWN_SHELL,
            orders=find_long_range_order(particle.energetics, members, float(temperature)),
        )
        probabilities[k] = np.bincount(labels, minlength=len(LABELS)) / len(members)
        surface[k], spread[k] = order.surface_fraction.mean(), order.surface_fraction.std()
        sro[k] = order.short_range_order.mean()
    return probabilities, surface, spread, sro


__all__ = ["OrderingMap", "ordering_map"]
