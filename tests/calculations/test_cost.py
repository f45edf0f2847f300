from __future__ import annotations

import statistics
from typing import Any

import pytest

from pomdft.calculations.cost import CostEstimate, estimate_cost, format_duration
from pomdft.calculations.levels import load_level
from pomdft.schemas.level import Level
from pomdft.schemas.model import AtomicModel
from pomdft.store.reference import load_reference_affinities, read_archived

GPAW = load_level("lcao")


def model(edge: float = 12.0, **changes: Any) -> AtomicModel:
    cell = ((edge, 0, 0), (0, edge, 0), (0, 0, edge))
    fields: dict[str, Any] = {
        "symbols": ("Au", "Au"),
        "positions_angstrom": ((0, 0, 0), (0, 0, 2.5)),
        "cell_angstrom": cell,
    }
    return AtomicModel(**{**fields, **changes})


def seconds(level: Level = GPAW, n_ranks: int = 1, **changes: Any) -> float:
    return estimate_cost("energy", model(**changes), level, n_ranks).seconds


def test_estimates_grow_with_the_work() -> None:
    assert seconds(edge=16) > seconds(edge=12) > 0
    assert seconds(level=load_level("lcao", {"parameters": {"h": 0.16}})) > seconds()
    assert seconds(magnetic_moments_bohr_magneton=(0.0, 0.0)) == pytest.approx(2 * seconds())
    assert seconds(n_ranks=2) == pytest.approx(seconds() / 2)
    relaxation = estimate_cost("relaxation", model(), GPAW, 1).seconds
    assert relaxation > 3 * seconds()
    assert seconds(level=load_level("fd")) > seconds()
    assert seconds(level=load_level("lcao", {"solvent": "water"})) > 1.5 * seconds()


@pytest.mark.parametrize(
    ("ligand", "task"),
    [("W5O18", "energy"), ("A-alpha-SiW9O34", "energy"), ("W5O18", "relaxation")],
)
def test_shipped_runs_took_as_long(ligand: str, task: str) -> None:
    """Within a factor of four: many of them ran before the loops inside GPAW were faster."""
    ratios = []
    for affinity in load_reference_affinities():
        if affinity.ligand == ligand:
            for key in set(affinity.calculations.values()):
                archived = read_archived(key)
                request, result = archived.request, archived.result
                if request.task == task:
                    estimate = estimate_cost(
                        request.task, request.model, request.level, result.n_ranks
                    )
                    ratios.append(result.wall_time_s / estimate.seconds)
    assert len(ratios) > 4
    assert 1 / 4 < statistics.median(ratios) < 4


def test_plane_waves_cost_more_with_volume_cutoff_and_atoms() -> None:
    level = {
        ecut: load_level("lcao", {"parameters": {"mode": {"name": "pw", "ecut": ecut}}})
        for ecut in (400, 500)
    }
    assert seconds(level=level[500]) == pytest.approx(1.25**1.5 * seconds(level=level[400]))
    assert seconds(level=level[400], edge=24.0) == pytest.approx(8 * seconds(level=level[400]))


def test_history_is_believed_first() -> None:
    history = [("energy", GPAW.fingerprint, 2, wall) for wall in (10.0, 30.0, 1000.0)]
    estimate = estimate_cost("energy", model(), GPAW, 1, history)
    assert estimate == CostEstimate(30.0, "history")
    elsewhere = [("energy", "other", 2, 10.0), ("energy", GPAW.fingerprint, 50, 9.0)]
    assert estimate_cost("energy", model(), GPAW, 1, elsewhere).basis == "model"


def test_cheap_methods_are_cheap() -> None:
    assert seconds(level=load_level("xtb"), cell_angstrom=None) < 1


@pytest.mark.parametrize(
    ("value", "words"), [(0.2, "0 s"), (89, "89 s"), (120, "2 min"), (5400, "1.5 h")]
)
def test_durations(value: float, words: str) -> None:
    assert format_duration(value) == words
    assert str(CostEstimate(value)) == words
