"""The Wells-Dawson family: [P2W18O62]6-, its lacunary children and the ring [P8W48O184]40-.

References
----------
Dawson, Acta Cryst. 6, 113 (1953), doi:10.1107/S0365110X53000466 (the structure);
Contant and Tézé, Inorg. Chem. 24, 4610 (1985), doi:10.1021/ic00220a037 (P2W12O48, P8W48O184).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pomdft.structures.connectivity import find_connectivity
from pomdft.structures.framework import refine
from pomdft.structures.geometry import Framework, remove_addenda
from pomdft.structures.keggin import build_alpha, nearest_addenda

FloatArray = NDArray[np.float64]


@lru_cache(maxsize=8)
def build_dawson(heteroatom: str, addendum: str) -> Framework:
    """Build alpha-[X2M18O62], D3h, threefold axis along z, mirror plane z = 0.

    Two A-alpha-[XM9O34] halves, mirror images of each other, share the six oxygens that the
    missing addenda left.

    Parameters
    ----------
    heteroatom, addendum : str
        Element symbols.

    Returns
    -------
    Framework
    """
    parent = build_alpha(heteroatom, addendum)
    opening = np.array([1.0, 1.0, -1.0])
    half = remove_addenda(parent, nearest_addenda(parent, opening), relaxed=False)
    turn, _ = Rotation.align_vectors([[0.0, 0.0, -1.0]], [opening])
    xyz = turn.apply(half.positions.copy())
    found = find_connectivity(half.symbols, xyz)
    cap = [i for i in found.indices("addendum") if xyz[i, 2] > 1.5]
    angle = np.arctan2(xyz[cap[0], 1], xyz[cap[0], 0])
    xyz = Rotation.from_euler("z", -angle).apply(xyz)
    shared = found.indices("unshared")
    xyz[:, 2] -= xyz[shared, 2].mean()
    xyz[shared, 2] = 0.0
    others = [i for i in range(len(half)) if i not in shared]
    positions = np.vstack([xyz, xyz[others] * np.array([1.0, 1.0, -1.0])])
    symbols = (*half.symbols, *(half.symbols[i] for i in others))
    return Framework(symbols, refine(symbols, positions))


def _addenda_by_height(framework: Framework) -> list[int]:
    """Return the addenda, those of the upper cap first."""
    addenda = framework.indices("W", "Mo")
    return sorted(addenda, key=lambda i: -round(float(framework.positions[i, 2]), 3))


@lru_cache(maxsize=8)
def build_alpha2_monolacunary(heteroatom: str, addendum: str) -> Framework:
    """Build alpha2-[X2M17O61], Cs: one addendum of a cap is gone."""
    parent = build_dawson(heteroatom, addendum)
    return remove_addenda(parent, _addenda_by_height(parent)[:1])


@lru_cache(maxsize=8)
def build_alpha1_monolacunary(heteroatom: str, addendum: str) -> Framework:
    """Build alpha1-[X2M17O61], C1: one addendum of a belt is gone."""
    parent = build_dawson(heteroatom, addendum)
    return remove_addenda(parent, _addenda_by_height(parent)[3:4])


@lru_cache(maxsize=8)
def build_trilacunary(heteroatom: str, addendum: str) -> Framework:
    """Build alpha-[X2M15O56], C3v: the three addenda of one cap are gone."""
    parent = build_dawson(heteroatom, addendum)
    return remove_addenda(parent, _addenda_by_height(parent)[:3])


@lru_cache(maxsize=8)
def build_hexalacunary(heteroatom: str, addendum: str) -> Framework:
    """Build alpha-[X2M12O48], C2v: a strip of six addenda along one side is gone.

    One of each cap and two neighbours of each belt; the opening is along +x.
    """
    return remove_addenda(build_dawson(heteroatom, addendum), _side(heteroatom, addendum))


def _side(heteroatom: str, addendum: str) -> list[int]:
    parent = build_dawson(heteroatom, addendum)
    ranked = _addenda_by_height(parent)
    layers = [ranked[:3], ranked[3:9], ranked[9:15], ranked[15:]]
    direction = parent.positions[ranked[0], :2].copy()
    gone: list[int] = []
    for layer, count in zip(layers, (1, 2, 2, 1), strict=True):
        along = parent.positions[layer, :2] @ direction
        gone += [layer[k] for k in np.argsort(-np.round(along, 3), kind="stable")[:count]]
    return gone


@lru_cache(maxsize=4)
def build_ring(heteroatom: str, addendum: str) -> Framework:
    """Build the wheel [P8W48O184]40-, D4h, fourfold axis along z.

    Four hexalacunary units stand round the axis with their openings inwards; neighbours share
    the two oxygens that the missing cap addenda left on each end.
    """
    unit = build_hexalacunary(heteroatom, addendum)
    found = find_connectivity(unit.symbols, unit.positions)
    ends = [i for i in found.indices("unshared") if abs(unit.positions[i, 2]) > 3.5]
    upper = [i for i in ends if unit.positions[i, 2] > 0]
    mean = np.abs(unit.positions[ends]).mean(axis=0)
    radius = mean[0] + mean[2]
    # Unit axes (x: opening, y: up, z: P-P) become (-radial, up, tangential).
    local = np.column_stack(
        [radius - unit.positions[:, 0], unit.positions[:, 2], unit.positions[:, 1]]
    )
    # The two copies of a shared oxygen meet on the diagonal between units; one is kept.
    for i in ends:
        middle = 0.5 * (local[i, 0] + abs(local[i, 1]))
        local[i, 0], local[i, 1] = middle, np.copysign(middle, local[i, 1])
    keep = [i for i in range(len(unit)) if i not in upper]
    turns = [Rotation.from_euler("z", 90.0 * k, degrees=True) for k in range(4)]
    positions = np.vstack([turn.apply(local[keep]) for turn in turns])
    symbols = tuple(unit.symbols[i] for i in keep) * 4
    return Framework(symbols, refine(symbols, positions))
