from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pomdft.schemas.affinity import Affinity, AffinityModel
from pomdft.schemas.calculation import CalculationInput, CalculationResult
from pomdft.schemas.level import Level
from pomdft.schemas.model import AtomicModel
from pomdft.store.results import ResultStore

LEVEL = Level(name="emt", method="emt")


@pytest.fixture
def store(own_settings: Path) -> ResultStore:
    return ResultStore(own_settings)


@pytest.fixture
def make_request() -> Callable[[float], CalculationInput]:
    def make(distance: float = 2.3) -> CalculationInput:
        model = AtomicModel(
            label=f"Cu2 {distance}",
            symbols=("Cu", "Cu"),
            positions_angstrom=((0, 0, 0), (0, 0, distance)),
        )
        return CalculationInput.create("energy", model, LEVEL)

    return make


@pytest.fixture
def make_result() -> Callable[[CalculationInput], CalculationResult]:
    def make(request: CalculationInput) -> CalculationResult:
        return CalculationResult(
            key=request.key,
            task="energy",
            energy_ev=-request.model.positions_angstrom[1][2],
            forces_ev_per_angstrom=((0, 0, 0), (0, 0, 0)),
            max_force_ev_per_angstrom=0.0,
            positions_angstrom=request.model.positions_angstrom,
            wall_time_s=1.0,
            codes=request.codes,
        )

    return make


@pytest.fixture
def make_affinity() -> Callable[..., Affinity]:
    def make(number: int = 1, metal: str = "Au") -> Affinity:
        return Affinity(
            key=f"{number:024x}",
            model=AffinityModel(ligand="W5O18", metal=metal),
            level=LEVEL,
            energy_ev=-float(number),
            interaction_energy_ev=-1.0,
            reorganisation_ligand_ev=0.0,
            reorganisation_metal_ev=0.0,
            contacts=1,
            calculations={"complex": "a" * 24},
            relaxed=True,
        )

    return make
