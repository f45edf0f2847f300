"""Drivers and shells in processes of their own, to be killed by the tests."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent


class Program:
    """A Python program in a process group of its own, its words in a log.

    Standard output is kept apart: it is what a user would pipe on.
    """

    def __init__(self, store: Path, *words: str, path: Path | None = None) -> None:
        environment = {**os.environ, "POMDFT_STORE": str(store), "PYTHONWARNINGS": "ignore"}
        if path is not None:
            environment["PATH"] = f"{path}:{environment['PATH']}"
        store.parent.mkdir(parents=True, exist_ok=True)
        stem = store.parent / f"program-{time.monotonic_ns()}"
        self.log, self.out = stem.with_suffix(".log"), stem.with_suffix(".out")
        with self.log.open("wb") as log, self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, *words],
                env=environment,
                stdout=out,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl call, no locks
            )

    @property
    def words(self) -> str:
        return self.out.read_text() + self.log.read_text()

    def finish(self, seconds: float = 900) -> str:
        self.process.wait(seconds)
        return self.words

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def _die_with_parent() -> None:
    """Ask the kernel to kill this program when the tests are killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def start_flow(store: Path, *arguments: str, path: Path | None = None) -> Program:
    """Start `driven_flow.py`."""
    return Program(store, str(HERE / "driven_flow.py"), *arguments, path=path)


def start_pomdft(store: Path, *arguments: str) -> Program:
    """Start the command line."""
    return Program(store, "-m", "pomdft.cli.main", *arguments)


def wait_until(condition: Callable[[], object], what: str, seconds: float = 900) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.05)


def processes_in(folder: Path, word: str = "") -> list[int]:
    """Return the processes whose command names a folder, launchers left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        named = any(str(folder).encode() in each for each in words)
        launcher = words[0].endswith((b"mpiexec", b"mpirun", b"srun", b"bash"))
        if named and not launcher and any(word.encode() in each for each in words):
            found.append(int(path.parent.name))
    return sorted(found)
