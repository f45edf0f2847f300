from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import molecule

from pomdft.schemas.calculation import CalculationInput, Task
from pomdft.schemas.level import Level, RelaxationSettings
from pomdft.schemas.model import AtomicModel, as_vectors
from pomdft.settings import Settings
from pomdft.store.results import ResultStore

EMT = Level(
    name="emt",
    method="emt",
    relaxation=RelaxationSettings(fmax_ev_per_angstrom=0.02, hessian="unit"),
)


@pytest.fixture
def settings(own_settings: Path) -> Settings:
    return Settings(store=own_settings)


@pytest.fixture
def store(settings: Settings) -> ResultStore:
    return ResultStore(settings.store)


@pytest.fixture
def copper() -> Callable[..., CalculationInput]:
    """A tetrahedron of copper at EMT, slightly off its minimum."""

    def make(
        task: Task = "relaxation", relaxation: dict[str, Any] | None = None, **changes: Any
    ) -> CalculationInput:
        corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.95
        corners = corners + np.random.default_rng(3).normal(0, 0.05, corners.shape)
        fields = {"symbols": ("Cu",) * 4, "positions_angstrom": as_vectors(corners)} | changes
        settings = EMT.relaxation.model_copy(update=relaxation or {})
        level = EMT.model_copy(update={"relaxation": settings})
        return CalculationInput.create(task, AtomicModel(label="copper", **fields), level)

    return make


@pytest.fixture
def water() -> AtomicModel:
    atoms = molecule("H2O")
    return AtomicModel(
        label="water",
        symbols=tuple(atoms.get_chemical_symbols()),
        positions_angstrom=as_vectors(atoms.positions),
    )
