"""Real processes: started, watched, killed, and looked for afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

#: No step of these tests takes this long, even on a busy machine.
PATIENCE_S = 400.0


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Program:
    """One `pomdft` process (or another Python program) with a store of its own."""

    def __init__(self, store: Path, arguments: list[str], log: Path) -> None:
        self.store = store
        self.log = log
        environment = {n: v for n, v in os.environ.items() if not n.startswith("POMDFT_")}
        environment |= {"POMDFT_STORE": str(store), "POMDFT_PROGRESS": "plain"}
        self._stream = log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=self._stream,
            env=environment,
            start_new_session=True,
            # A test run in the background ignores Ctrl-C, and what it starts would too.
            preexec_fn=_heed_interrupts,  # noqa: PLW1509 - one call, no locks
        )

    def wait(self) -> str:
        """Wait for the end; return standard output."""
        output, _ = self.process.communicate(timeout=PATIENCE_S)
        self._stream.close()
        return output.decode()

    def wait_until(self, happened: Callable[[], bool]) -> bool:
        """Wait until something has happened; False if the process ends first."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if happened():
                return True
            if self.process.poll() is not None:
                return happened()
            time.sleep(0.01)
        pytest.fail(f"nothing happened in {PATIENCE_S} s; see {self.log}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this process alone, and wait for its end."""
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        self._stream.close()

    @property
    def words(self) -> str:
        """What the process wrote to standard error."""
        return self.log.read_text(errors="replace")


def find_processes(store: Path) -> list[int]:
    """Return the processes that have the store's path in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(store) in command:
            found.append(int(entry.name))
    return found


def wait_for_silence(store: Path, seconds: float = 20.0) -> list[int]:
    """Return the processes of a store that are still there after some seconds."""
    deadline = time.monotonic() + seconds
    while (left := find_processes(store)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left
