"""Progress of a running calculation: small events, written as lines, read while they come."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

FILE_NAME = "progress.jsonl"


@dataclass(frozen=True)
class Progress:
    """Something a person may want to see of a running calculation.

    Attributes
    ----------
    kind : {"scf", "step", "note"}
        An SCF iteration, a relaxation step, or a remark.
    number : int
        Iteration or step; of steps the first geometry is 0.
    energy_ev : float or None
        Total energy in eV.
    max_force_ev_per_angstrom : float or None
        Largest force on a free atom.
    elapsed_s : float
        Seconds since this process began.
    text : str
        The remark.
    """

    kind: Literal["scf", "step", "note"]
    number: int = 0
    energy_ev: float | None = None
    max_force_ev_per_angstrom: float | None = None
    elapsed_s: float = 0.0
    text: str = ""

    def __str__(self) -> str:
        if self.kind == "note":
            return self.text
        words = [f"{'SCF iteration' if self.kind == 'scf' else 'relaxation step'} {self.number}"]
        if self.energy_ev is not None:
            words.append(f"E = {self.energy_ev:.4f} eV")
        if self.max_force_ev_per_angstrom is not None:
            words.append(f"largest force {self.max_force_ev_per_angstrom:.3f} eV/angstrom")
        return ", ".join(words)


Reporter = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """Take progress and do nothing with it."""


def progress_writer(folder: Path) -> Reporter:
    """Return a reporter that appends events to the progress file in `folder`."""

    def write(event: Progress) -> None:
        line = json.dumps(asdict(event)) + "\n"
        # Nobody's calculation should end because its progress cannot be shown.
        with contextlib.suppress(OSError), (folder / FILE_NAME).open("a") as stream:
            stream.write(line)

    return write


class ProgressReader:
    """Reads new events from a progress file that another process appends to.

    Parameters
    ----------
    folder : Path
        Folder of the calculation.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._position = self._path.stat().st_size if self._path.exists() else 0

    def read(self) -> list[Progress]:
        """Return the events that came since the last call; half-written lines wait."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._position, os.SEEK_SET)
                content = stream.read()
        except FileNotFoundError:
            return []
        whole, newline, _ = content.rpartition(b"\n")
        self._position += len(whole) + len(newline)
        events = []
        for line in whole.splitlines():
            try:
                events.append(Progress(**json.loads(line)))
            except (ValueError, TypeError):
                continue
        return events
