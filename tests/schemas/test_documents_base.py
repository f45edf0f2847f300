from __future__ import annotations

import json
from typing import ClassVar

import pytest

from pomdft.errors import CorruptDocumentError
from pomdft.schemas.base import KEY_LENGTH, Document, canonical_hash


class Sample(Document):
    CURRENT_VERSION: ClassVar[int] = 2

    length_angstrom: float
    names: tuple[str, ...] = ()


def test_round_trip() -> None:
    sample = Sample(length_angstrom=0.1 + 0.2, names=("a", "b"))
    assert Sample.from_json(sample.to_json()) == sample


def test_documents_are_frozen_and_closed() -> None:
    sample = Sample(length_angstrom=1.0)
    with pytest.raises(ValueError, match="frozen"):
        sample.length_angstrom = 2.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="extra"):
        Sample(length_angstrom=1.0, lenght=2.0)  # type: ignore[call-arg]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_are_finite(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Sample(length_angstrom=value)


def test_older_version_is_read_newer_is_refused() -> None:
    assert Sample.from_json('{"schema_version": 1, "length_angstrom": 1}').schema_version == 1
    with pytest.raises(CorruptDocumentError, match="newer than this pomdft reads"):
        Sample.from_json('{"schema_version": 3, "length_angstrom": 1}', origin="some/result.json")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"length_angstrom": "x"}',
        "{}",
        '{"length_angstrom": NaN}',
        b"\x00\xff\xfe",
        '{"length_angstrom": 1, "@module": "os", "@class": "system"}',
    ],
)
def test_unreadable_text_names_its_origin(text: str | bytes) -> None:
    with pytest.raises(CorruptDocumentError, match=r"some/result\.json") as caught:
        Sample.from_json(text, origin="some/result.json")
    assert "\n" not in str(caught.value)
    assert "store rebuild" in str(caught.value)


def test_every_truncation_is_noticed() -> None:
    text = Sample(length_angstrom=1.25, names=("a",)).to_json()
    for end in range(len(text) - 1):
        with pytest.raises(CorruptDocumentError):
            Sample.from_json(text[:end])


def test_hash_is_canonical() -> None:
    first = {"b": [1, 2.5], "a": {"y": None, "x": True}}
    second = json.loads('{"a": {"x": true, "y": null}, "b": [1, 2.5]}')
    assert canonical_hash(first) == canonical_hash(second)
    assert len(canonical_hash(first)) == KEY_LENGTH
    assert canonical_hash({"a": 1}) != canonical_hash({"a": 2})


def test_hash_of_a_known_value() -> None:
    # sha256 of '{"a":1}', from any other program.
    assert canonical_hash({"a": 1}) == "015abd7f5cc57a2dd94b7590"


def test_hash_refuses_what_is_not_a_number() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_hash({"a": float("nan")})
