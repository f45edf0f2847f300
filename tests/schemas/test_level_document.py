from __future__ import annotations

from typing import Any

import pytest

from pomdft.schemas.level import Level, RelaxationSettings


def make(**changes: Any) -> Level:
    fields: dict[str, Any] = {"name": "emt", "method": "emt"}
    return Level(**{**fields, **changes})


def test_name_and_description_do_not_change_the_fingerprint() -> None:
    assert make().fingerprint == make(name="other", description="words").fingerprint
    assert make().title == f"emt#{make().fingerprint}"


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "tblite"},
        {"relax": False},
        {"vacuum_angstrom": 5.0},
        {"spin": "on"},
        {"parameters": {"asap_cutoff": True}},
        {"relaxation": RelaxationSettings(fmax_ev_per_angstrom=0.01)},
    ],
)
def test_everything_else_does(changes: dict[str, Any]) -> None:
    assert make(**changes).fingerprint != make().fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../escape"},
        {"name": ""},
        {"name": "a" * 65},
        {"method": "vasp"},
        {"vacuum_angstrom": -1.0},
        {"grid_multiple_angstrom": 0.0},
        {"relaxation": {"fmax_ev_per_angstrom": 0.0}},
        {"relaxation": {"max_steps": -3}},
        {"dispersion": "d4"},
    ],
)
def test_wrong_values(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        make(**changes)


def test_round_trip() -> None:
    level = make(parameters={"asap_cutoff": False})
    assert Level.from_json(level.to_json()) == level
