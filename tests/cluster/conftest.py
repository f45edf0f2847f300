"""A real Slurm for the tests of this folder, and what they share."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from slurm_node import SlurmNode, why_not

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmNode]:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    node = SlurmNode(tmp_path_factory.mktemp("slurm") / "node")
    before = os.environ.get("SLURM_CONF")
    try:
        try:
            node.start()
        except RuntimeError as error:
            pytest.skip(f"Slurm does not start here: {error}")
        os.environ.update(node.environment)
        yield node
    finally:
        node.stop()
        os.environ.pop("SLURM_CONF", None)
        if before is not None:
            os.environ["SLURM_CONF"] = before


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "store"
    monkeypatch.setenv("POMDFT_STORE", str(root))
    return root


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


@pytest.fixture
def start_driver(store: Path) -> Iterator[Callable[..., Driver]]:
    drivers: list[Driver] = []

    def start(*arguments: str, path: Path | None = None) -> Driver:
        store.parent.mkdir(parents=True, exist_ok=True)
        drivers.append(Driver(store, *arguments, path=path))
        return drivers[-1]

    yield start
    for driver in drivers:
        if driver.process.poll() is None:
            driver.kill()


def wait_until(condition: Callable[[], object], what: str, seconds: float = 540) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.1)
