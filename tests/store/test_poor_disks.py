"""Stores on disks that are full, over quota, or without locks, at every write."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pomdft.calculations.perform import perform
from pomdft.errors import StoreError
from pomdft.schemas.calculation import CalculationInput
from pomdft.schemas.level import Level
from pomdft.schemas.model import AtomicModel
from pomdft.settings import Settings
from pomdft.store.index import Index
from pomdft.store.results import ResultStore

_BLOCK = 4096


def relaxation(distance: float) -> CalculationInput:
    model = AtomicModel(
        label=f"Cu2 {distance}",
        symbols=("Cu", "Cu"),
        positions_angstrom=((0, 0, 0), (0, 0, distance)),
    )
    return CalculationInput.create("relaxation", model, Level(name="emt", method="emt"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mount a small tmpfs."""
    target = tmp_path / "disk"
    target.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(target)]
        if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("needs the right to mount a file system")
        return target

    yield mount
    if os.path.ismount(target):
        subprocess.run(["umount", "-l", str(target)], check=True)


def leave(disk: Path, blocks: int | None, files: int | None) -> None:
    """Fill the disk until only so many blocks, or so many files, are left; None: as it is."""
    status = os.statvfs(disk)
    if blocks is not None:
        (disk / "filler").write_bytes(b"x" * max(0, (status.f_bavail - blocks) * _BLOCK))
    if files is not None:
        (disk / "fillers").mkdir()
        for number in range(os.statvfs(disk).f_favail - files):
            (disk / "fillers" / str(number)).touch()


def make_room(disk: Path) -> None:
    (disk / "filler").unlink(missing_ok=True)
    shutil.rmtree(disk / "fillers", ignore_errors=True)


def attempt(action: Callable[[], object]) -> str | None:
    """Return what a StoreError said; None where it worked."""
    try:
        action()
    except StoreError as error:
        return str(error)
    return None


@pytest.mark.parametrize("what", ["blocks", "files"])
def test_every_write_may_be_the_one_that_fills_the_disk(
    small_disk: Callable[..., Path], what: str
) -> None:
    """Room for one block (one file) more each time, until the calculation is done."""
    disk = small_disk("size=1m,nr_inodes=200")
    store = ResultStore(disk / "store")
    settings = Settings(store=store.root)
    old = perform(relaxation(2.2), store, settings)
    request = relaxation(2.3)
    bytes_before = (store.folder(old.key) / "result.json").read_bytes()
    failed: list[str] = []
    for room in range(200):
        leave(disk, room if what == "blocks" else None, room if what == "files" else None)
        error = attempt(lambda: perform(request, store, settings))
        if error is None:
            break
        failed.append(error)
        assert str(disk) in error
        assert "MB free" in error, error
        assert "finished results are intact" in error
        assert "\n" not in error
        # What was there is there, to the byte, while the disk is full.
        assert store.find_result(old.key) == old
        assert (store.folder(old.key) / "result.json").read_bytes() == bytes_before
        make_room(disk)
        assert store.index.count()["calculation"] in (1, 2)
        assert not [p for p in store.root.rglob("*.tmp") if p.is_file()]
        result = store.folder(request.key) / "result.json"
        assert not result.exists() or store.find_result(request.key) is not None
        shutil.rmtree(store.folder(request.key), ignore_errors=True)
        store.rebuild()
        for path in store.root.glob("index.sqlite.aside-*"):
            path.unlink()
    else:
        raise AssertionError(failed[-1])
    make_room(disk)
    assert len(failed) >= (5 if what == "blocks" else 3), failed
    assert store.find_result(request.key) is not None
    assert store.index.count() == {"calculation": 2, "affinity": 0}


@pytest.fixture(scope="module")
def poor_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that takes locks, or room, from the files below a folder."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    library = tmp_path_factory.mktemp("library") / "no_locks.so"
    source = Path(__file__).with_name("no_locks.c")
    words = [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(words, check=True)
    return library


def run_on(poor_files: Path, store: Path, program: str, **variables: str) -> Any:
    """Run a program with these limits on the store's files; return what it prints as JSON."""
    environment = {
        **os.environ,
        "LD_PRELOAD": str(poor_files),
        "POOR_FILES": str(store),
        "POMDFT_STORE": str(store),
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


DOCTOR = """
import json
from pomdft.cli.doctor import check_store, check_store_locks
from pomdft.settings import load_settings
found = [check(load_settings()) for check in (check_store, check_store_locks)]
print(json.dumps([vars(finding) for finding in found]))
"""


@pytest.mark.parametrize(
    ("locks", "words"), [("none", "no file locks"), ("twice", "grants a lock twice")]
)
def test_doctor_sees_a_file_system_without_locks(
    poor_files: Path, tmp_path: Path, locks: str, words: str
) -> None:
    (tmp_path / "store").mkdir()
    *_, found = run_on(poor_files, tmp_path / "store", DOCTOR, POOR_LOCKS=locks)
    assert found["item"] == "store locks"
    assert found["state"] == "broken"
    assert words in found["detail"]
    assert "POMDFT_STORE" in found["remedy"]


USE = """
import json, sys, time
sys.path.insert(0, {folder!r})
from test_poor_disks import relaxation
from pomdft.calculations.perform import perform
from pomdft.errors import StoreError
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore
store = ResultStore(load_settings().store)
began, said = time.monotonic(), []
for action in (lambda: perform(relaxation(2.2), store, load_settings()), store.rebuild,
               lambda: store.index.count()):
    try:
        action()
    except StoreError as error:
        said.append(str(error))
print(json.dumps([time.monotonic() - began, said]))
"""


def test_a_store_without_locks_is_refused_at_once(poor_files: Path, tmp_path: Path) -> None:
    program = USE.format(folder=str(Path(__file__).parent))
    seconds, said = run_on(poor_files, tmp_path / "store", program, POOR_LOCKS="none")
    assert len(said) == 3, said
    for message in said:
        assert "no file locks" in message
        assert "pomdft doctor" in message
    assert seconds < 25, "not as long as one waits for a lock that somebody holds"


QUOTA = """
import json, os, shutil, sys
sys.path.insert(0, {folder!r})
from test_poor_disks import relaxation
from pomdft.calculations.perform import perform
from pomdft.errors import StoreError
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore
store, said = ResultStore(load_settings().store), []
old = perform(relaxation(2.2), store, load_settings())
for room in range(0, 400_000, 4000):
    os.environ["POOR_QUOTA"] = str(room)
    try:
        perform(relaxation(2.3), store, load_settings())
    except StoreError as error:
        said.append(str(error))
    else:
        break
    finally:
        del os.environ["POOR_QUOTA"]
    assert store.find_result(old.key) == old
    shutil.rmtree(store.folder(relaxation(2.3).key), ignore_errors=True)
print(json.dumps([said, store.index.count()["calculation"]]))
"""


def test_quota_at_every_write(poor_files: Path, tmp_path: Path) -> None:
    program = QUOTA.format(folder=str(Path(__file__).parent))
    said, count = run_on(poor_files, tmp_path / "store", program)
    assert len(said) >= 5, said
    assert count == 2
    for message in said:
        assert str(tmp_path / "store") in message
        assert "\n" not in message
        assert "quota exceeded" in message or "takes no more data" in message, message
        assert "finished results are intact" in message


def test_the_journal_is_one_that_network_file_systems_can(
    tmp_path: Path, make_affinity: Any
) -> None:
    path = tmp_path / "index.sqlite"
    index = Index(path)
    index.add_affinity(make_affinity(1))
    index.close()
    # Somebody switched it to a journal that needs shared memory: it is switched back.
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
        connection.execute("DELETE FROM affinity")
        connection.commit()
    index = Index(path)
    for number in range(3):
        index.add_affinity(make_affinity(number))
        names = {p.name.removeprefix("index.sqlite") for p in tmp_path.iterdir()}
        assert names <= {"", "-journal", "tables.lock"}, names
    index.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal"
