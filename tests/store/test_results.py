from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest

from pomdft.errors import (
    BusyError,
    CorruptDocumentError,
    InputError,
    NotComputedError,
    StoreError,
)
from pomdft.schemas.calculation import CalculationFailure, CalculationInput
from pomdft.store.results import ResultStore

Make = Callable[..., Any]


@pytest.fixture
def filled(
    store: ResultStore, make_request: Make, make_result: Make, make_affinity: Make
) -> ResultStore:
    """A store with three calculations and two affinities."""
    for distance in (2.2, 2.3, 2.4):
        request = make_request(distance)
        store.begin(request)
        store.save_result(request, make_result(request))
    for number in (1, 2):
        store.save_affinity(make_affinity(number))
    return store


def test_reading_makes_nothing(store: ResultStore, make_request: Make) -> None:
    request = make_request()
    assert store.find_result(request.key) is None
    assert store.affinities() == []
    assert store.calculation_keys() == []
    with pytest.raises(NotComputedError, match=request.key):
        store.read_result(request.key)
    with pytest.raises(NotComputedError, match=request.key):
        store.read_input(request.key)
    assert not store.root.exists()


def test_round_trip(filled: ResultStore, make_request: Make) -> None:
    request = make_request(2.3)
    assert filled.read_input(request.key) == request
    assert filled.read_result(request.key).energy_ev == -2.3
    assert [a.energy_ev for a in filled.affinities(metal="Au")] == [-1.0, -2.0]
    assert filled.affinities(metal="Ag") == []
    assert len(filled.calculation_keys()) == 3


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 24, "0" * 23, "0" * 24 + "\n", "/"])
def test_keys_cannot_leave_the_store(store: ResultStore, key: str) -> None:
    with pytest.raises(InputError, match="24 hexadecimal"):
        store.folder(key)


@pytest.mark.parametrize("damage", ["truncated", "empty", "binary", "other key", "newer"])
def test_damaged_result_is_set_aside_and_done_again(
    filled: ResultStore,
    make_request: Make,
    make_result: Make,
    damage: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    request = make_request(2.3)
    path = filled.folder(request.key) / "result.json"
    content = path.read_bytes()
    changed = {
        "truncated": content[: len(content) // 2],
        "empty": b"",
        "binary": bytes(range(256)),
        "other key": content.replace(request.key.encode(), b"0" * 24),
        "newer": content.replace(b'"schema_version": 1', b'"schema_version": 9', 1),
    }[damage]
    assert changed != content
    path.write_bytes(changed)
    assert filled.find_result(request.key) is None
    (aside,) = path.parent.glob("result.json.aside-*")
    assert aside.read_bytes() == changed
    assert f"{path} cannot be read: set aside as {aside.name}" in caplog.text
    filled.save_result(request, make_result(request))
    assert filled.find_result(request.key) is not None


def test_read_result_of_a_damaged_file_says_what_to_do(
    filled: ResultStore, make_request: Make
) -> None:
    path = filled.folder(make_request(2.3).key) / "result.json"
    path.write_text("{")
    with pytest.raises(CorruptDocumentError, match="store rebuild") as caught:
        filled.read_result(path.parent.name)
    assert str(path) in str(caught.value)


def test_damaged_input_is_written_again(filled: ResultStore, make_request: Make) -> None:
    request = make_request(2.3)
    path = filled.folder(request.key) / "input.json"
    path.write_text(path.read_text()[:50])
    filled.begin(request)
    assert CalculationInput.from_json(path.read_bytes()) == request
    assert len(list(path.parent.glob("input.json.aside-*"))) == 1
    assert filled.find_result(request.key) is not None


def test_failures(store: ResultStore, make_request: Make, make_result: Make) -> None:
    request = make_request()
    store.begin(request)
    store.save_failure(
        CalculationFailure(key=request.key, kind="ConvergenceError", message="no", permanent=True)
    )
    found = store.find_failure(request.key)
    assert found is not None
    assert found.permanent
    store.save_result(request, make_result(request))
    assert store.find_failure(request.key) is None
    (store.folder(request.key) / "failure.json").write_text("{")
    assert store.find_failure(request.key) is None


def test_geometries(store: ResultStore) -> None:
    assert store.find_geometry("a" * 24) is None
    store.save_geometry("a" * 24, [[0.0, 0.1, 0.2]])
    assert store.find_geometry("a" * 24) == [[0.0, 0.1, 0.2]]
    (store.root / "geometries" / f"{'a' * 24}.json").write_text("[1, 2")
    assert store.find_geometry("a" * 24) is None


def test_locks(store: ResultStore) -> None:
    key = "a" * 24
    assert not store.is_running(key)
    with store.lock(key):
        assert store.is_running(key)
        with pytest.raises(BusyError), store.lock(key):
            pass
    assert not store.is_running(key)


def test_same_affinity_is_not_written_twice(filled: ResultStore, make_affinity: Make) -> None:
    path = filled.root / "affinities" / f"{1:024x}.json"
    before = path.read_bytes()
    filled.save_affinity(make_affinity(1))
    assert path.read_bytes() == before


def test_an_ensemble_outlives_the_same_affinity_without_one(
    filled: ResultStore, make_affinity: Make
) -> None:
    plain = make_affinity(1)
    calculations = plain.calculations | {"ensemble-complex": "b" * 24}
    rich = plain.model_copy(
        update={"std_ev": 0.2, "beef_terms_ev": (0.1,) * 32, "calculations": calculations}
    )
    assert filled.save_affinity(rich) == rich
    assert filled.save_affinity(make_affinity(1)) == rich
    assert filled.read_affinity(plain.key) == rich
    changed = make_affinity(1).model_copy(update={"contacts": 3})
    written = rich.model_copy(update={"contacts": 3, "finished": changed.finished})
    assert filled.save_affinity(changed) == written
    assert filled.read_affinity(plain.key) == written


def test_rebuild_equals_what_was_there(filled: ResultStore) -> None:
    before = (filled.index.find_affinities(), filled.index.wall_times(), filled.index.count())
    report = filled.rebuild()
    assert (report.calculations, report.affinities) == (3, 2)
    assert len(report.set_aside) == 1
    assert report.set_aside[0].name.startswith("index.sqlite.aside-")
    after = (filled.index.find_affinities(), filled.index.wall_times(), filled.index.count())
    assert before == after
    assert not list(filled.root.glob("*.new*"))


def test_lost_index_is_made_from_the_documents(filled: ResultStore) -> None:
    filled.index.close()
    (filled.root / "index.sqlite").unlink()
    again = ResultStore(filled.root)
    assert len(again.affinities()) == 2
    assert again.index.count() == {"calculation": 3, "affinity": 2}


def test_rebuild_sets_damaged_documents_aside(filled: ResultStore, make_request: Make) -> None:
    result = filled.folder(make_request(2.2).key) / "result.json"
    result.write_text("{")
    request = filled.folder(make_request(2.3).key) / "input.json"
    request.write_text("")
    affinity = filled.root / "affinities" / f"{1:024x}.json"
    affinity.write_bytes(b"\xff")
    filled.index.close()
    (filled.root / "index.sqlite").write_bytes(b"junk")
    report = ResultStore(filled.root).rebuild()
    assert (report.calculations, report.affinities) == (1, 1)
    names = sorted(path.name.split(".aside")[0] for path in report.set_aside)
    assert names == sorted([affinity.name, "index.sqlite", "input.json", "result.json"])
    # The result beside a damaged input is still there, and found once the input is known again.
    assert filled.find_result(make_request(2.3).key) is not None


def test_a_result_that_was_never_indexed_is_found_and_indexed(
    filled: ResultStore, make_request: Make
) -> None:
    key = make_request(2.3).key
    with sqlite3.connect(filled.root / "index.sqlite") as connection:
        connection.execute("DELETE FROM calculation WHERE key = ?", (key,))
    connection.close()
    assert not filled.index.has_calculation(key)
    assert filled.recall(make_request(2.3)) is not None
    assert filled.index.has_calculation(key)


def test_rebuild_of_no_store(store: ResultStore) -> None:
    with pytest.raises(StoreError, match="no store at"):
        store.rebuild()
    assert not store.root.exists()


def test_what_killed_writers_left_goes_with_the_next_lock(
    store: ResultStore, make_request: Any
) -> None:
    request = make_request()
    folder = store.begin(request)
    stale, fresh = folder / ".result.json.a.tmp", folder / ".result.json.b.tmp"
    for path in (stale, fresh):
        path.write_text("half")
    hours_ago = time.time() - 2 * 3600
    os.utime(stale, (hours_ago, hours_ago))
    with store.lock(request.key):
        assert not stale.exists()
        assert fresh.exists(), "its writer may live"
