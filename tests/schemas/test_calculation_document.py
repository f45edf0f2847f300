from __future__ import annotations

from typing import Any

import pytest

from pomdft.schemas.calculation import (
    CalculationFailure,
    CalculationInput,
    CalculationResult,
    code_versions,
    package_version,
)
from pomdft.schemas.level import Level, RelaxationSettings
from pomdft.schemas.model import AtomicModel

LEVEL = Level(name="emt", method="emt")
MODEL = AtomicModel(
    label="copper", symbols=("Cu", "Cu"), positions_angstrom=((0, 0, 0), (0, 0, 2.3))
)


def make(**changes: Any) -> CalculationInput:
    fields: dict[str, Any] = {
        "task": "energy",
        "model": MODEL,
        "level": LEVEL,
        "codes": {"ase": "3.26.0"},
    }
    return CalculationInput(**{**fields, **changes})


def test_golden_keys() -> None:
    # These may change only with a new schema version: every stored result would be lost to view.
    assert make().key == "78784278277c9a6be680eed0"
    assert make(task="relaxation").key == "e7638c31a87d42fa12520b98"


def test_key_ignores_names() -> None:
    level = LEVEL.model_copy(update={"name": "other", "description": "words"})
    model = MODEL.model_copy(update={"label": "other"})
    assert make(level=level, model=model).key == make().key


def test_key_ignores_minus_zero_and_rounding() -> None:
    model = MODEL.model_copy(update={"positions_angstrom": ((-0.0, 1e-8, 0), (0, 0, 2.3))})
    assert make(model=model).key == make().key


@pytest.mark.parametrize(
    "changes",
    [
        {"codes": {"ase": "3.27.0"}},
        {"model": MODEL.model_copy(update={"charge": 2})},
        {"model": MODEL.model_copy(update={"frozen": (0,)})},
        {"model": MODEL.model_copy(update={"symbols": ("Cu", "Ni"), "ghosts": (1,), "charge": 1})},
        {"model": MODEL.model_copy(update={"symbols": ("Cu", "Ag")})},
        {"level": LEVEL.model_copy(update={"parameters": {"asap_cutoff": True}})},
    ],
)
def test_key_sees_the_physics(changes: dict[str, Any]) -> None:
    assert make(**changes).key != make().key


def test_relaxation_settings_count_for_relaxations_only() -> None:
    tight = LEVEL.model_copy(update={"relaxation": RelaxationSettings(fmax_ev_per_angstrom=0.001)})
    assert make(level=tight).key == make().key
    assert make(level=tight, task="relaxation").key != make(task="relaxation").key


def test_patience_does_not_count() -> None:
    patient = LEVEL.model_copy(update={"relaxation": RelaxationSettings(max_steps=500)})
    assert make(level=patient, task="relaxation").key == make(task="relaxation").key


def test_round_trips() -> None:
    request = make()
    again = CalculationInput.from_json(request.to_json())
    assert again == request
    assert again.key == request.key
    result = CalculationResult(
        key=request.key,
        task="energy",
        energy_ev=-1.0 / 3.0,
        forces_ev_per_angstrom=((0, 0, 0.1), (0, 0, -0.1)),
        max_force_ev_per_angstrom=0.1,
        positions_angstrom=MODEL.positions_angstrom,
        wall_time_s=0.5,
        codes=request.codes,
    )
    assert CalculationResult.from_json(result.to_json()) == result
    failure = CalculationFailure(
        key=request.key, kind="ConvergenceError", message="no", permanent=True
    )
    assert CalculationFailure.from_json(failure.to_json()) == failure


def test_an_unconverged_result_cannot_exist() -> None:
    with pytest.raises(ValueError, match="converged"):
        CalculationResult(
            key="0" * 24,
            task="energy",
            energy_ev=0.0,
            forces_ev_per_angstrom=(),
            max_force_ev_per_angstrom=0.0,
            positions_angstrom=(),
            wall_time_s=0.0,
            codes={},
            converged=False,  # type: ignore[arg-type]
        )


def test_code_versions() -> None:
    assert code_versions(LEVEL) == {"ase": package_version("ase")}
    gpaw = Level(name="g", method="gpaw", parameters={"mode": "lcao"}, dispersion="d4")
    assert set(code_versions(gpaw)) == {"gpaw", "gpaw-data", "dftd4"}
    assert package_version("no-such-distribution") == "absent"
