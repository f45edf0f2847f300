from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pomdft.cli import main as program


@dataclass(frozen=True)
class Answer:
    """What a command said: exit status, standard output, standard error."""

    status: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """The last line of standard error, where the error is."""
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


@pytest.fixture
def pomdft(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Answer]:
    """Run the program in this process, as its user would."""

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["pomdft", *map(str, arguments)])
        # Commands are registered once a process; here the program begins anew each time.
        monkeypatch.setattr(program.app, "registered_commands", [])
        monkeypatch.setattr(program.app, "registered_groups", [])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            program.main()
        captured = capsys.readouterr()
        return Answer(int(left.value.code or 0), captured.out, captured.err)

    return run
