from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from pomdft.errors import StoreError
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
