"""A real Slurm for the tests of this folder, and what they share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from drivers import Driver
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
