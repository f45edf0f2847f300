from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from pomdft.errors import CorruptDocumentError
from pomdft.schemas.affinity import Affinity, AffinityModel
from pomdft.schemas.beef import ensemble_coefficients
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
        make(std_ev=0.2, beef_terms_ev=(0.1,) * 32, counterpoise_correction_ev=0.1),
    ):
        assert Affinity.from_json(affinity.to_json()) == affinity


def test_members_of_version_1_are_kept() -> None:
    terms = np.random.default_rng(0).normal(0.0, 5.0, 32)
    members = -1.5 + ensemble_coefficients() @ terms
    plain = make().model_dump(mode="json", exclude={"beef_terms_ev"}) | {"schema_version": 1}
    old = plain | {"std_ev": float(members.std()), "ensemble_ev": members.round(4).tolist()}
    read = Affinity.from_json(json.dumps(old))
    assert read.ensemble_ev is not None
    np.testing.assert_allclose(read.ensemble_ev, members, atol=1e-4)
    assert Affinity.from_json(read.to_json()) == read
    assert Affinity.from_json(json.dumps(plain | {"std_ev": None, "ensemble_ev": None})) == make(
        finished=read.finished
    )
    with pytest.raises(CorruptDocumentError, match="2 members instead of 2000"):
        Affinity.from_json(json.dumps(old | {"ensemble_ev": [-1.4, -1.6]}))


def test_what_was_added_before_is_kept() -> None:
    first, second = {"other-pose-1": "2" * 24}, {"other-pose-1": "3" * 24, "other-pose-2": "4" * 24}
    ensemble = {"ensemble-complex": "5" * 24}
    base = {"complex": "1" * 24}
    rich = make(calculations=base | second | ensemble, std_ev=0.2, beef_terms_ev=(0.1,) * 32)
    for plain in (make(), make(calculations=base | first)):
        merged = plain.with_additions(rich)
        assert merged.calculations == rich.calculations
        assert (merged.std_ev, merged.beef_terms_ev) == (rich.std_ev, rich.beef_terms_ev)
        assert merged.poses == 3
    assert (
        make(calculations=base | second).with_additions(make(calculations=base | first)).poses == 3
    )
    other = make(std_ev=0.4, beef_terms_ev=(0.2,) * 32)
    assert other.with_additions(rich).std_ev == 0.4
    moved = make(energy_ev=-1.6)
    assert moved.with_additions(rich) == moved


def test_counterpoise_is_added() -> None:
    assert make().counterpoise_energy_ev is None
    corrected = make(counterpoise_correction_ev=0.25)
    assert corrected.counterpoise_energy_ev == pytest.approx(-1.25)


def test_repr_says_sign_level_and_key() -> None:
    text = repr(make(std_ev=0.123, beef_terms_ev=(0.1,) * 32))
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
