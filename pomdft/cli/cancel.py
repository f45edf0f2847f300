"""`pomdft cancel`: take queue jobs out of the queue."""

from __future__ import annotations

from typing import Annotated

import typer

from pomdft.errors import InputError
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore


def cancel(
    key: Annotated[
        str | None, typer.Argument(help="Key of a calculation, or the name of a study.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All queue jobs of this store.")
    ] = False,
) -> None:
    """Cancel queue jobs; checkpoints stay, `pomdft retry` goes on from them.

    Example: pomdft cancel quickstart
    """
    from pomdft.flows.queue.watch import cancel_jobs, default_queue_folder, resolve_key

    if (key is None) is not everything:
        raise InputError("Say what to cancel.", "Give a key or a study's name, or --all.")
    settings = load_settings()
    records = [
        record
        for record in default_queue_folder(settings).records()
        if record.state not in ("finished", "failed")
    ]
    if key is not None:
        of_study = [record for record in records if record.study == key]
        if not of_study:
            whole = resolve_key(ResultStore(settings.store), key)
            of_study = [record for record in records if record.key == whole]
        records = of_study
    cancelled = cancel_jobs(records)
    for record in cancelled:
        typer.echo(f"cancelled {record.queue_id or 'before it ran'}: {record.label}")
    if not cancelled:
        typer.echo("nothing of this is in the queue")
