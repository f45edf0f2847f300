"""A real Slurm for the tests of this folder, and what they share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from drivers import Program, start_flow, start_pomdft
from slurm_node import SlurmNode, why_not

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            # They wait for real queues on machines that may do other things as well.
            item.add_marker(pytest.mark.timeout(1800))


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
def start_driver(store: Path) -> Iterator[Callable[..., Program]]:
    """Start a driver of a small flow: its kind, changes to the cluster, PATH before the others."""
    yield from _starter(start_flow, store)


@pytest.fixture
def shell(store: Path) -> Iterator[Callable[..., Program]]:
    """Start the command line in a process of its own."""
    yield from _starter(start_pomdft, store)


def _starter(begin: Callable[..., Program], store: Path) -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def start(*arguments: str, **options: Path | None) -> Program:
        started.append(begin(store, *arguments, **options))
        return started[-1]

    yield start
    for program in started:
        if program.process.poll() is None:
            program.kill()
