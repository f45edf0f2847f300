from __future__ import annotations

from typing import Any

import pytest

from pomdft.calculations.cost import CostEstimate, estimate_cost, format_duration
from pomdft.calculations.levels import load_level
from pomdft.schemas.level import Level
from pomdft.schemas.model import AtomicModel
from pomdft.store.documents import load_reference_affinities
from pomdft.store.reference import read_archived

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


def test_known_run_is_within_a_factor_of_three() -> None:
    # 58 atoms in a box of 19 x 19 x 20 angstrom, LCAO dzp at h = 0.2: 52 s on two cores.
    positions = tuple((2.5 * (i % 4), 2.5 * (i // 4 % 4), 2.5 * (i // 16)) for i in range(58))
    atoms = AtomicModel(
        symbols=("O",) * 58,
        positions_angstrom=positions,
        cell_angstrom=((19.0, 0, 0), (0, 19.0, 0), (0, 0, 20.0)),
    )
    estimate = estimate_cost("energy", atoms, GPAW, 2).seconds
    assert 52 / 3 < estimate < 52 * 3


@pytest.mark.parametrize("metal", ["Pd", "Pt"])
def test_shipped_single_points_took_as_long_within_a_factor_of_two(metal: str) -> None:
    """Those with spin on A-alpha-SiW9O34; relaxations depend on how many steps they take."""
    (affinity,) = (
        a for a in load_reference_affinities() if (a.ligand, a.metal) == ("A-alpha-SiW9O34", metal)
    )
    compared = 0
    for role, key in affinity.calculations.items():
        archived = read_archived(key)
        request, result = archived.request, archived.result
        if role.startswith(("frozen", "ghost")):
            estimate = estimate_cost(request.task, request.model, request.level, result.n_ranks)
            assert 0.5 < result.wall_time_s / estimate.seconds < 2.0
            compared += 1
    assert compared == 4


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
