"""A submission on a disk that fills: at whatever write, one clear line, nothing lost."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from driven_flow import WATER, make_maker, make_request, run
from slurm_node import SlurmNode

from pomdft.calculations.perform import perform
from pomdft.errors import StoreError
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore

_BLOCK = 4096


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    target = tmp_path / "disk"
    target.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(target)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    monkeypatch.setenv("POMDFT_STORE", str(target / "store"))
    yield target
    subprocess.run(["umount", "-l", str(target)], check=True)


def test_a_disk_that_fills_at_any_write_of_a_submission(slurm: SlurmNode, disk: Path) -> None:
    store, settings = ResultStore(disk / "store"), load_settings()
    moved = WATER.copy()
    moved.translate_sites([0], [0.0, 0.0, 0.02])
    old = perform(make_maker("water").request(moved, "old"), store, settings)
    said: list[str] = []
    before = slurm.count_submitted()
    room = 0
    while True:
        status = os.statvfs(disk)
        (disk / "filler").write_bytes(b"x" * max(0, (status.f_bavail - room) * _BLOCK))
        try:
            outcome = run("water")
        except StoreError as error:
            said.append(str(error))
        else:
            if outcome.outputs:
                break
            said += outcome.failures.values()
        assert store.find_result(old.key) == old
        (disk / "filler").unlink()
        # Few blocks decide about the driver's own writes, more about what follows.
        room += 1 if room < 8 else 4 if room < 24 else 12
        assert room < 200, said
    (disk / "filler").unlink(missing_ok=True)
    assert len(said) >= 8, said
    for message in said:
        assert "No space left" in message or "no more data" in message, said
        assert str(disk) in message
        assert "MB free" in message
        assert "\n" not in message
    assert store.find_result(make_request("water").key) is not None
    assert store.index.count()["calculation"] == 2
    # A job that Slurm took and that found no room ran once more; no other was submitted in vain.
    assert slurm.count_submitted() - before <= 1 + sum("queue" in message for message in said)
