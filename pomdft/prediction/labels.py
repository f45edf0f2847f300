"""From occupied lattices to order parameters and ordering labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from pomdft.kernels import Lattice
from pomdft.units import BOLTZMANN_EV_PER_K

FloatArray = npt.NDArray[np.float64]

LABELS = ("random-alloy", "core-shell", "janus", "ordered-alloy")
#: A shell is complete when it holds at least this share of its metal.
COMPLETE_SHELL = 0.85
#: The same for shells grown by deposition, which are rough.
COMPLETE_GROWN_SHELL = 0.62
#: A shell must differ from what is below it by at least this fraction.
SHELL_CONTRAST = 0.5
#: Warren-Cowley parameter of the first shell: above, like neighbours prevail; below, unlike.
DEMIXED_ORDER = 0.10
ORDERED_ORDER = -0.30
#: A ligand makes the shell when it favours it by this many kT per surface atom.
LIGAND_DRIVE_KT = 2.0


@dataclass(frozen=True, eq=False)
class OrderParameters:
    """Order parameters of many configurations of one lattice; fractions are of the second metal.

    Attributes
    ----------
    fraction : ndarray of float64, shape (n,)
        In the whole particle.
    surface_fraction, interior_fraction : ndarray of float64, shape (n,)
        In the surface layer and below it.
    radial_profile : ndarray of float64, shape (n, n_shells)
        In each layer, counted from outside.
    short_range_order : ndarray of float64, shape (n,)
        Warren-Cowley parameter of the first shell over the whole particle: 0 random, positive
        like neighbours, negative unlike neighbours.
    interior_order : ndarray of float64, shape (n,)
        The same over bonds between interior atoms only.
    """

    fraction: FloatArray
    surface_fraction: FloatArray
    interior_fraction: FloatArray
    radial_profile: FloatArray
    short_range_order: FloatArray
    interior_order: FloatArray


def count_bonds(lattice: Lattice) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """List every bond of a lattice once.

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbours.

    Returns
    -------
    first, second : ndarray of int, shape (n_bonds,)
        Sites at the two ends, first < second.
    """
    sites = np.repeat(np.arange(lattice.n_sites), lattice.neighbours.shape[1])
    others = lattice.neighbours.ravel()
    once = others > sites
    return sites[once].astype(np.intp), others[once].astype(np.intp)


def warren_cowley(unlike_share: FloatArray, fraction: FloatArray) -> FloatArray:
    """Compute the Warren-Cowley parameter 1 - P(unlike) / (2 x (1 - x)), 0 for a pure particle.

    References
    ----------
    J. M. Cowley, Phys. Rev. 77, 669 (1950), doi:10.1103/PhysRev.77.669.
    """
    random = 2.0 * fraction * (1.0 - fraction)
    mixed = random > 0.0
    order = np.zeros_like(random)
    order[mixed] = 1.0 - unlike_share[mixed] / random[mixed]
    return order


def compute_order(lattice: Lattice, occupations: npt.ArrayLike) -> OrderParameters:
    """Compute the order parameters of configurations.

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbours.
    occupations : array_like of int, shape (n, n_sites)
        0 for the first metal, 1 for the second.

    Returns
    -------
    OrderParameters
    """
    occupied = np.atleast_2d(np.asarray(occupations)).astype(np.float32)
    sizes = np.bincount(lattice.shell, minlength=lattice.n_shells)
    layers = np.zeros((lattice.n_sites, lattice.n_shells), dtype=np.float32)
    layers[np.arange(lattice.n_sites), lattice.shell] = 1.0
    profile = (occupied @ layers / sizes).astype(np.float64)
    fraction = occupied.mean(axis=1, dtype=np.float64)
    inside = max(lattice.n_sites - int(sizes[0]), 1)
    interior = (fraction * lattice.n_sites - profile[:, 0] * sizes[0]) / inside
    first, second = count_bonds(lattice)
    unlike = occupied[:, first] != occupied[:, second]
    deep = (lattice.shell[first] > 0) & (lattice.shell[second] > 0)
    interior_unlike = unlike[:, deep].mean(axis=1) if deep.any() else np.zeros(len(occupied))
    interior = np.clip(interior, 0.0, 1.0)
    return OrderParameters(
        fraction,
        profile[:, 0],
        interior,
        profile,
        warren_cowley(unlike.mean(axis=1), fraction),
        warren_cowley(interior_unlike.astype(np.float64), interior),
    )


def join_orders(orders: Sequence[OrderParameters]) -> OrderParameters:
    """Put order parameters of particles of different shape together.

    Parameters
    ----------
    orders : sequence of OrderParameters
        One each.

    Returns
    -------
    OrderParameters
        Profiles of fewer layers are continued by their innermost one.
    """
    depth = max(o.radial_profile.shape[1] for o in orders)
    profiles = [
        np.pad(o.radial_profile, ((0, 0), (0, depth - o.radial_profile.shape[1])), mode="edge")
        for o in orders
    ]
    joined = {
        f.name: np.concatenate([getattr(o, f.name) for o in orders])
        for f in fields(OrderParameters)
        if f.name != "radial_profile"
    }
    return OrderParameters(radial_profile=np.concatenate(profiles), **joined)


def assign_labels(
    order: OrderParameters,
    demixes: npt.ArrayLike,
    ligand_drive_ev: npt.ArrayLike,
    temperature_k: float,
    *,
    complete_shell: float = COMPLETE_SHELL,
    orders: npt.ArrayLike = True,
) -> npt.NDArray[np.intp]:
    """Name the ordering of each configuration.

    A complete shell of one metal around the other is a core-shell when the bulk alloy would
    demix, or when the ligand alone favours that shell by more than 2 kT per surface atom. The
    skin that a miscible alloy forms by itself is surface enrichment, not a core-shell. Demixed
    metals without a complete shell lie side by side: janus.

    Parameters
    ----------
    order : OrderParameters
        Of n configurations.
    demixes : array_like of bool, shape (n,) or scalar
        Whether the bulk alloy separates.
    ligand_drive_ev : array_like of float64, shape (n,) or scalar
        Affinity difference (second less first) per surface atom, eV; negative favours a shell of
        the second metal.
    temperature_k : float
        Temperature.
    complete_shell : float
        Share of its metal from which a shell counts as complete.
    orders : array_like of bool, shape (n,) or scalar
        Whether the bulk alloy has long-range order at the temperature.

    Returns
    -------
    ndarray of int, shape (n,)
        Indices into :data:`LABELS`.
    """
    n = len(order.fraction)
    demixed = np.broadcast_to(np.asarray(demixes, dtype=bool), (n,))
    drive = np.broadcast_to(np.asarray(ligand_drive_ev, dtype=np.float64), (n,))
    second_outside = order.surface_fraction >= order.fraction
    purity = np.where(second_outside, order.surface_fraction, 1.0 - order.surface_fraction)
    below = np.where(second_outside, order.interior_fraction, 1.0 - order.interior_fraction)
    towards = np.where(second_outside, -drive, drive)
    complete = purity >= complete_shell
    clustered = order.short_range_order >= DEMIXED_ORDER
    threshold = LIGAND_DRIVE_KT * BOLTZMANN_EV_PER_K * temperature_k
    held = (towards >= threshold) & (purity - below >= SHELL_CONTRAST)
    labels = np.full(n, LABELS.index("random-alloy"), dtype=np.intp)
    long_range = np.broadcast_to(np.asarray(orders, dtype=bool), (n,))
    labels[long_range & (order.interior_order <= ORDERED_ORDER)] = LABELS.index("ordered-alloy")
    labels[complete & held] = LABELS.index("core-shell")
    labels[demixed & clustered & ~complete] = LABELS.index("janus")
    labels[demixed & clustered & complete] = LABELS.index("core-shell")
    pure = (order.fraction <= 0.0) | (order.fraction >= 1.0)
    labels[pure] = LABELS.index("random-alloy")
    return labels
