"""Drivers in processes of their own, to be killed by the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent


class Driver:
    """`driven_flow.py` in a process of its own, in a process group of its own."""

    def __init__(self, store: Path, *arguments: str, path: Path | None = None) -> None:
        environment = {**os.environ, "POMDFT_STORE": str(store), "PYTHONWARNINGS": "ignore"}
        if path is not None:
            environment["PATH"] = f"{path}:{environment['PATH']}"
        self.log = store.parent / f"driver-{time.monotonic_ns()}.log"
        with self.log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "driven_flow.py"), *arguments],
                env=environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def finish(self, seconds: float = 540) -> str:
        self.process.wait(seconds)
        return self.log.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def wait_until(condition: Callable[[], object], what: str, seconds: float = 540) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.1)
