"""`pomdft logs`: what a calculation wrote, and what it writes now."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from pomdft.errors import NotComputedError
from pomdft.settings import load_settings
from pomdft.store.catalogue import find_entries
from pomdft.store.reference import read_archived_log
from pomdft.store.results import ResultStore

_POLL_S = 0.5


def logs(
    key: Annotated[str, typer.Argument(help="Key of the calculation, or its first digits.")],
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on until the calculation ends.")
    ] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", help="Last lines of each file.")] = 40,
) -> None:
    """Show the logs of a calculation: the queue's output, GPAW's log, progress.

    Example: pomdft logs 1f0c2a9b -f
    """
    from pomdft.flows.queue.watch import default_queue_folder, log_files, resolve_key

    settings = load_settings()
    store = ResultStore(settings.store)
    folder = default_queue_folder(settings)
    shipped = _find_shipped(store, key)
    if shipped is not None:
        text = read_archived_log(shipped).decode(errors="replace")
        typer.echo(f"==> shipped with the package: GPAW's log of {shipped}")
        typer.echo("\n".join(text.splitlines()[-lines:]))
        return
    whole = resolve_key(store, key)
    positions: dict[Path, int] = {}
    files = log_files(store, folder, whole)
    if not files and not follow:
        raise NotComputedError(f"Calculation {whole} has no logs yet.", "Follow it with -f.")
    for path in files:
        _show_tail(path, lines)
        positions[path] = path.stat().st_size
    while follow and not _is_over(store, whole):
        time.sleep(_POLL_S)
        for path in log_files(store, folder, whole):
            positions[path] = _show_new(path, positions.get(path, 0))
    if follow:
        for path in log_files(store, folder, whole):
            _show_new(path, positions.get(path, 0))
        failure = store.find_failure(whole)
        typer.echo(f"==> {whole}: {'finished' if failure is None else failure.message}")


def _find_shipped(store: ResultStore, prefix: str) -> str | None:
    """Return the one shipped calculation that is meant, where the store has none of that key."""
    found = find_entries(store, prefix) if prefix else []
    calculations = [entry for entry in found if entry.kind == "calculation"]
    if len(calculations) == 1 and calculations[0].shipped:
        return calculations[0].key
    return None


def _is_over(store: ResultStore, key: str) -> bool:
    if store.find_result(key) is not None:
        return True
    return store.find_failure(key) is not None and not store.is_running(key)


def _show_tail(path: Path, lines: int) -> None:
    last = path.read_text(errors="replace").splitlines()[-lines:]
    if last:
        typer.echo(f"==> {path}")
        typer.echo("\n".join(last))


def _show_new(path: Path, position: int) -> int:
    with path.open("rb") as stream:
        stream.seek(position if position <= path.stat().st_size else 0)
        content = stream.read()
        sys.stdout.write(content.decode(errors="replace"))
        sys.stdout.flush()
        return stream.tell()
