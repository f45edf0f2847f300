from __future__ import annotations

import contextlib
import multiprocessing
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from pomdft.errors import StoreError
from pomdft.store import migration
from pomdft.store.index import INDEX_VERSION, Index, set_aside


def open_and_count(path: str, _: int) -> int:
    return Index(Path(path)).count()["affinity"]


def test_add_and_find(
    tmp_path: Path, make_affinity: Any, make_request: Any, make_result: Any
) -> None:
    index = Index(tmp_path / "index.sqlite")
    request = make_request(2.5)
    assert not index.has_calculation(request.key)
    index.add_calculation(request, make_result(request))
    index.add_calculation(request, make_result(request))
    assert index.has_calculation(request.key)
    for number, metal in ((3, "Au"), (2, "Ag"), (1, "Au")):
        index.add_affinity(make_affinity(number, metal))
    assert index.count() == {"calculation": 1, "affinity": 3}
    assert index.find_affinities(metal="Au") == [f"{3:024x}", f"{1:024x}"]
    assert index.find_affinities(metal=None, level="emt", ligand="W5O18")[1] == f"{2:024x}"
    assert index.find_affinities(metal="Pd") == []
    assert index.find_keys(request.key[:5]) == [("calculation", request.key)]
    assert index.wall_times() == [("energy", request.level.fingerprint, 2, 1.0)]


def test_search_takes_no_wildcards_or_sql(tmp_path: Path, make_affinity: Any) -> None:
    index = Index(tmp_path / "index.sqlite")
    index.add_affinity(make_affinity(1))
    assert index.find_affinities(metal="Au' OR '1'='1") == []
    assert index.find_affinities(metal="%") == []


def test_it_survives_reopening(tmp_path: Path, make_affinity: Any) -> None:
    path = tmp_path / "index.sqlite"
    first = Index(path)
    first.add_affinity(make_affinity(1))
    first.close()
    assert Index(path).count()["affinity"] == 1


@pytest.mark.parametrize(
    "content", [b"not a database" * 100, b"SQLite format 3\x00" + b"\x7f" * 4096]
)
def test_corrupt_index_names_path_and_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "index.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="pomdft store rebuild") as caught:
        Index(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_truncated_index(tmp_path: Path, make_affinity: Any) -> None:
    path = tmp_path / "index.sqlite"
    index = Index(path)
    for number in range(200):
        index.add_affinity(make_affinity(number))
    index.close()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StoreError, match="pomdft store rebuild"):
        Index(path).find_affinities()


@pytest.mark.parametrize(("version", "age"), [(INDEX_VERSION + 1, "a newer"), (-1, "an older")])
def test_other_versions_are_refused(tmp_path: Path, version: int, age: str) -> None:
    path = tmp_path / "index.sqlite"
    Index(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={version}")
    connection.close()
    with pytest.raises(StoreError, match=age) as caught:
        Index(path)
    assert "store rebuild" in str(caught.value)


@pytest.fixture
def old_index(tmp_path: Path) -> Path:
    """An index that an older pomdft wrote."""
    path = tmp_path / "index.sqlite"
    text = Path(__file__).with_name("data").joinpath("index-version-1.sql").read_text()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(text)
    return path


def dump(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [*connection.iterdump(), *map(str, connection.execute("PRAGMA user_version"))]


def test_older_index_is_migrated_and_kept(old_index: Path, make_affinity: Any) -> None:
    before = dump(old_index)
    assert "(1,)" in before
    index = Index(old_index)
    assert index.count() == {"calculation": 2, "affinity": 3}
    assert index.find_affinities(metal="Au") == [f"{1:024x}", f"{3:024x}"]
    index.add_affinity(make_affinity(4, "Pd"))
    index.close()
    (backup,) = old_index.parent.glob("index.sqlite.version-1*")
    assert dump(backup) == before
    # Its tables are those of an index made anew, and what is new in them is filled.
    Index(old_index.with_name("fresh.sqlite")).close()
    assert columns(old_index) == columns(old_index.with_name("fresh.sqlite"))
    with contextlib.closing(sqlite3.connect(old_index)) as connection:
        rows = connection.execute("SELECT per_contact_ev FROM affinity ORDER BY key").fetchall()
        assert connection.execute("PRAGMA user_version").fetchone() == (INDEX_VERSION,)
    assert rows == [(-1.0,), (-0.5,), (None,), (make_affinity(4, "Pd").per_contact_ev,)]
    # Once only.
    Index(old_index).close()
    assert len(list(old_index.parent.glob("index.sqlite.version-1*"))) == 1


def columns(path: Path) -> dict[str, object]:
    """Return columns (name, type, not null) by table, and the names of SQL indexes."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found: dict[str, object] = {
            table: {row[1:4] for row in connection.execute(f"PRAGMA table_info({table})")}
            for table in ("calculation", "affinity")
        }
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        found["indexes"] = {name for (name,) in names}
    return found


def test_many_processes_meet_an_older_index(old_index: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        counts = pool.starmap(open_and_count, [(str(old_index), i) for i in range(6)])
    assert counts == [3] * 6
    assert len(list(old_index.parent.glob("index.sqlite.version-1*"))) == 1


def test_migration_that_breaks_off_changes_nothing(
    old_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last statement fails."""
    before = dump(old_index)
    broken = {1: (*migration.STEPS[1], "SELECT no_such_function()")}
    monkeypatch.setattr(migration, "STEPS", broken)
    with pytest.raises(StoreError, match="store rebuild"):
        Index(old_index)
    assert dump(old_index) == before
    monkeypatch.undo()
    assert Index(old_index).count()["affinity"] == 3


def test_older_index_locked_by_another_process(
    old_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pomdft.store.index.BUSY_TIMEOUT_S", 0.2)
    before = dump(old_index)
    other = sqlite3.connect(old_index, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreError, match="locked by another process"):
            Index(old_index)
    finally:
        other.close()
    assert dump(old_index) == before


def test_locked_by_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_affinity: Any
) -> None:
    monkeypatch.setattr("pomdft.store.index.BUSY_TIMEOUT_S", 0.2)
    path = tmp_path / "index.sqlite"
    index = Index(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(StoreError, match="locked by another process"):
            index.add_affinity(make_affinity(1))
    finally:
        other.close()
    index.add_affinity(make_affinity(1))


def test_many_processes_open_a_new_index_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "index.sqlite")
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        counts = pool.starmap(open_and_count, [(path, i) for i in range(8)])
    assert counts == [0] * 8


def test_another_process_adds_the_same_in_between(tmp_path: Path, make_affinity: Any) -> None:
    """Two shells finish one study: the second row comes right before the first is written."""
    index, other = Index(tmp_path / "index.sqlite"), Index(tmp_path / "index.sqlite")
    came: list[str] = []

    @event.listens_for(index._engine, "before_cursor_execute")
    def come_between(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("INSERT") and not came:
            came.append(statement)
            other.add_affinity(make_affinity(1, "Ag"))

    index.add_affinity(make_affinity(1, "Au"))
    assert came
    assert index.count()["affinity"] == 1
    assert other.find_affinities(metal="Au") == [f"{1:024x}"], "the later one counts"


def test_set_aside_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    names = set()
    for i in range(3):
        path.write_text(str(i))
        path.with_name("index.sqlite-journal").write_text("j")
        names.add(set_aside(path))
        assert not path.exists()
        assert not path.with_name("index.sqlite-journal").exists()
    assert sorted(p.read_text() for p in names) == ["0", "1", "2"]


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Cannot write"):
        Index(tmp_path / "file" / "index.sqlite")
