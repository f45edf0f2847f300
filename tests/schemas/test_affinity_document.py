from __future__ import annotations

from typing import Any

import pytest

from pomdft.schemas.affinity import Affinity, AffinityModel
from pomdft.schemas.level import Level


def make(**changes: Any) -> Affinity:
    fields: dict[str, Any] = {
        "key": "0" * 24,
        "model": AffinityModel(ligand="W5O18", metal="Au"),
        "level": Level(name="emt", method="emt"),
        "energy_ev": -1.5,
        "interaction_energy_ev": -2.0,
        "reorganisation_ligand_ev": 0.3,
        "reorganisation_metal_ev": 0.2,
        "contacts": 4,
        "per_contact_ev": -0.375,
        "calculations": {"complex": "1" * 24},
        "relaxed": True,
    }
    return Affinity(**{**fields, **changes})


def test_round_trip_with_and_without_options() -> None:
    for affinity in (
        make(),
        make(std_ev=0.2, ensemble_ev=(-1.4, -1.6), counterpoise_correction_ev=0.1),
    ):
        assert Affinity.from_json(affinity.to_json()) == affinity


def test_counterpoise_is_added() -> None:
    assert make().counterpoise_energy_ev is None
    corrected = make(counterpoise_correction_ev=0.25)
    assert corrected.counterpoise_energy_ev == pytest.approx(-1.25)


def test_repr_says_sign_level_and_key() -> None:
    text = repr(make(std_ev=0.123))
    assert "-1.500 +- 0.12 eV" in text
    assert "negative = bound" in text
    assert "W5O18 + Au4" in text
    assert "0" * 24 in text
    assert "+-" not in repr(make())


def test_title() -> None:
    assert (
        AffinityModel(ligand="L", metal="Pd", cluster="M1").title == "L + Pd, vacancy, protonated"
    )
    assert AffinityModel(ligand="L", metal="Pd", cluster="M13").title.startswith("L + Pd13")


@pytest.mark.parametrize(
    "changes", [{"contacts": -1}, {"std_ev": -0.1}, {"energy_ev": float("nan")}, {"colour": 1}]
)
def test_wrong_values(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        make(**changes)
