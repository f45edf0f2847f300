"""`pomdft status`: what is running, finished, unfinished, failed and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pomdft.calculations.cost import format_duration
from pomdft.calculations.progress import FILE_NAME, Progress
from pomdft.cli.rendering import Format, print_rows
from pomdft.errors import CorruptDocumentError, NotComputedError
from pomdft.settings import Settings, load_settings
from pomdft.store.results import ResultStore


def status(
    show_all: Annotated[bool, typer.Option("--all", help="Finished ones too.")] = False,
    form: Annotated[Format, typer.Option("--format", help="table, csv or json.")] = Format.TABLE,
) -> None:
    """List calculations that run, stopped or failed (with --all the finished ones too).

    Example: pomdft status
    """
    settings = load_settings()
    store = ResultStore(settings.store)
    rows = []
    counts: dict[str, int] = {}
    queued, note = _look_at_queue(settings)
    for key in store.calculation_keys():
        row = _describe(store, key)
        if row["state"] == "unfinished" and key in queued:
            row |= {"state": "queued", "detail": queued[key]}
        counts[str(row["state"])] = counts.get(str(row["state"]), 0) + 1
        if show_all or row["state"] != "finished":
            rows.append(row)
    summary = ", ".join(f"{n} {state}" for state, n in sorted(counts.items())) or "no calculations"
    columns = ("key", "state", "label", "level", "detail")
    print_rows(rows, columns, form, title=str(store.root), caption=summary + note)


def _look_at_queue(settings: Settings) -> tuple[dict[str, str], str]:
    """Return key -> state in the queue of what was submitted, and a remark for the caption."""
    if not (settings.store / "queue" / "records").is_dir():
        return {}, ""
    from pomdft.flows.queue.watch import QueueError, default_queue_folder, list_living

    waiting = [
        record
        for record in default_queue_folder(settings).records()
        if record.state not in ("finished", "failed")
    ]
    try:
        living = {name: list_living(name) for name in {record.scheduler for record in waiting}}
    except QueueError as error:
        return {}, f"; {error.message}"
    found = {}
    for record in waiting:
        if record.key is None:
            continue
        if record.ticket is not None and Path(record.ticket).exists():
            found[record.key] = "waits for a queue job that calculations share"
            continue
        job = living[record.scheduler].get(record.name)
        if job is not None:
            found[record.key] = f"{job.state} as {job.queue_id} ({record.asked})"
    return found, ""


def _describe(store: ResultStore, key: str) -> dict[str, object]:
    try:
        request = store.read_input(key)
    except (CorruptDocumentError, NotComputedError) as error:
        return {"key": key, "state": "unreadable", "detail": error.message}
    row: dict[str, object] = {
        "key": key,
        "label": request.model.label,
        "level": request.level.title,
    }
    result = store.find_result(key)
    failure = store.find_failure(key)
    if result is not None:
        detail = f"{result.energy_ev:.4f} eV, {format_duration(result.wall_time_s)}"
        return row | {"state": "finished", "detail": detail}
    last = _last_progress(store, key)
    if store.is_running(key):
        return row | {"state": "running", "detail": last}
    if failure is not None:
        return row | {"state": "failed", "detail": failure.message}
    return row | {
        "state": "unfinished",
        "detail": f"{last}; run the study again to go on".lstrip("; "),
    }


def _last_progress(store: ResultStore, key: str) -> str:
    import json

    path = store.folder(key) / FILE_NAME
    if not path.exists():
        return ""
    for line in reversed(path.read_text(errors="replace").splitlines()[-20:]):
        try:
            return str(Progress(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return ""
