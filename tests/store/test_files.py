from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pomdft.errors import BusyError, StoreError
from pomdft.store.files import (
    is_full,
    is_locked,
    is_storage_failure,
    locked,
    storage_error,
    write_atomically,
)


def test_write_makes_folders_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.json"
    write_atomically(path, "old")
    write_atomically(path, b"new \xc3\xa9")
    assert path.read_text() == "new é"
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left while writing") as caught:
        write_atomically(path, "new")
    monkeypatch.undo()
    assert str(path) in str(caught.value)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("unnamed", [True, False])
def test_a_writer_killed_while_it_syncs_leaves_old_or_nothing(
    tmp_path: Path, unnamed: bool
) -> None:
    """Killed in the middle; once as on NFS, where every file has a name from its beginning."""
    path = tmp_path / "a.json"
    write_atomically(path, "old")
    program = (
        "import os, signal, sys; from pathlib import Path; import pomdft.store.files as files\n"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "if sys.argv[2] == 'False': del os.O_TMPFILE; os.O_TMPFILE = os.O_DIRECTORY\n"
        "files.write_atomically(Path(sys.argv[1]), 'new')\n"
    )
    words = [sys.executable, "-c", program, str(path), str(unnamed)]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    left = [p.name for p in tmp_path.iterdir() if p != path]
    assert bool(left) is not unnamed
    write_atomically(path, "new")
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "No space left"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "Make the store writable"),
        (errno.EACCES, "Make the store writable"),
        (errno.EIO, "Check the disk"),
    ],
)
def test_storage_errors_have_remedies(tmp_path: Path, number: int, words: str) -> None:
    error = storage_error(tmp_path / "x", OSError(number, os.strerror(number)), 2_000_000)
    assert words in str(error)
    assert str(tmp_path) in str(error)
    assert "\n" not in str(error)


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(StoreError, match="Cannot write"):
        write_atomically(tmp_path / "a" / "b", "x")


def test_storage_failures_are_seen_through_causes() -> None:
    def nested(error: OSError) -> BaseException:
        try:
            try:
                raise error
            except OSError as inner:
                raise RuntimeError("later") from inner
        except RuntimeError as outer:
            return outer

    assert is_storage_failure(nested(OSError(errno.ENOSPC, "full")))
    assert is_storage_failure(StoreError("x"))
    assert not is_storage_failure(nested(OSError(errno.ENOENT, "missing")))
    assert not is_storage_failure(ValueError("x"))


def test_this_disk_is_not_full(tmp_path: Path) -> None:
    assert not is_full(tmp_path)


def test_lock_excludes_and_is_released(tmp_path: Path) -> None:
    path = tmp_path / "driver.lock"
    assert not is_locked(path)
    with locked(path):
        assert is_locked(path)
        with pytest.raises(BusyError, match="another process"), locked(path):
            pass
    assert not is_locked(path)
    with locked(path):
        pass


def test_lock_dies_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "driver.lock"
    program = (
        "import sys, time; from pathlib import Path; from pomdft.store.files import locked\n"
        "with locked(Path(sys.argv[1])):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        assert is_locked(path)
        with pytest.raises(BusyError), locked(path):
            pass
        holder.kill()
        started = time.monotonic()
        with locked(path, wait=True):
            assert time.monotonic() - started < 10
    finally:
        holder.kill()
        holder.communicate()


def test_lock_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError), locked(tmp_path / "file" / "driver.lock"):
        pass
