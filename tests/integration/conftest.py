"""Programs that tests start, and that never outlive them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from program_processes import Program, find_processes


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    programs: list[Program] = []

    def begin(arguments: list[Any], store: Path | None = None) -> Program:
        log = tmp_path / f"stderr-{len(programs)}.log"
        program = Program(store or tmp_path / "store", [str(a) for a in arguments], log)
        programs.append(program)
        return program

    yield begin
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
            program.process.communicate()
        for number in find_processes(program.store):
            os.kill(number, signal.SIGKILL)
