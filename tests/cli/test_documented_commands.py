"""Commands and Python lines that the README and the guides show work as they stand there."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pomdft.store.documents import load_reference_affinities

Run = Callable[..., Any]
ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/prediction.md")
#: What computes for a minute and more or needs a queue or a screen; their own tests run them.
COMPUTE = ("run inputs/quickstart.yaml", "submit ", "solution ions ", "map Au Ag --route")
ELSEWHERE = (*COMPUTE, "build ")


def find_lines(page: str, start: str) -> list[str]:
    return [
        re.split(r"\s+#\s", line.strip())[0]
        for line in (ROOT / page).read_text().splitlines()
        if line.startswith(f"    {start}")
    ]


COMMANDS = [
    line.removeprefix("pomdft ")
    for page in PAGES
    for line in find_lines(page, "pomdft ")
    if not line.removeprefix("pomdft ").startswith(ELSEWHERE)
]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A new folder with the project's inputs and an empty store."""
    (tmp_path / "inputs").symlink_to(ROOT / "inputs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POMDFT_STORE", str(tmp_path / "store"))
    return tmp_path


def test_every_page_shows_commands():
    assert len(COMMANDS) >= 10


@pytest.mark.parametrize("line", COMMANDS)
def test_command_answers_on_a_fresh_install(pomdft: Run, project: Path, line: str) -> None:
    words = shlex.split(line.replace("KEY", load_reference_affinities()[0].key[:12]))
    answer = pomdft(*words)
    assert answer.status == 0, answer.err
    assert answer.out.strip()
    assert "Traceback" not in answer.out + answer.err
    if "--plot" in words:
        assert (project / words[words.index("--plot") + 1]).stat().st_size > 1000


@pytest.mark.parametrize("page", PAGES)
def test_python_lines_run_on_a_fresh_install(project: Path, page: str) -> None:
    names: dict[str, Any] = {}
    lines = find_lines(page, "import pomdft") + find_lines(page, "pomdft.")
    assert len(lines) > 3
    for line in lines:
        exec(line, names)
