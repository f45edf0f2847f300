"""`pomdft collect`: bring results from a jobflow JobStore into the local store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pomdft.errors import InputError, StoreError
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore


def collect(
    project: Annotated[str | None, typer.Option(help="A jobflow-remote project.")] = None,
    file: Annotated[Path | None, typer.Option(help="A JobStore's documents as JSON.")] = None,
) -> None:
    """Copy finished calculations and affinities of a JobStore into the results store.

    Example: pomdft collect --project cluster
    """
    from pomdft.flows.collection import collect as bring
    from pomdft.flows.collection import read_json, read_project

    if (project is None) is (file is None):
        raise InputError("Say where from.", "Give --project or --file.")
    documents = read_json(file) if file is not None else read_project(str(project))
    found = bring(documents, ResultStore(load_settings().store))
    typer.echo(
        f"{found.calculations} calculations and {found.affinities} affinities are new, "
        f"{found.known} were known."
    )
    for reason in found.refused:
        typer.echo(f"refused: {reason}", err=True)
    if found.refused:
        raise StoreError(f"{len(found.refused)} documents were refused.", "See above.")
