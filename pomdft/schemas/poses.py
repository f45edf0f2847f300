"""Poses: several starts of one complex, of which the lowest in energy counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

#: Role in `calculations` of a pose that was computed and not taken: this and a number.
OTHER_POSE: Final = "other-pose-"
#: Poses nearer than this (eV) to the lowest have met the same minimum; the one that docking ranks
#: first is taken, so that it stays the same however many are computed.
SAME_MINIMUM_EV: Final = 0.01


def choose_pose(energies_ev: Sequence[float]) -> int:
    """Return the place of the first pose that has met the lowest minimum."""
    lowest = min(energies_ev)
    return next(i for i, e in enumerate(energies_ev) if e <= lowest + SAME_MINIMUM_EV)


def name_other_poses(keys: Iterable[str], chosen: str) -> dict[str, str]:
    """Return role -> key of the poses other than the chosen one."""
    others = [key for key in keys if key != chosen]
    return {f"{OTHER_POSE}{number}": key for number, key in enumerate(others, start=1)}


def other_poses(calculations: Mapping[str, str]) -> dict[str, str]:
    """Return those of a document's calculations that are other poses."""
    return {role: key for role, key in calculations.items() if role.startswith(OTHER_POSE)}
