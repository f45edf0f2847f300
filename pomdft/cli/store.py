"""`pomdft store ...`: care of the results store."""

from __future__ import annotations

import typer

from pomdft.settings import load_settings
from pomdft.store.results import ResultStore

app = typer.Typer(help="Care of the results store.", no_args_is_help=True)


@app.command()
def rebuild() -> None:
    """Make the index anew from the result files; the old one is kept beside it.

    Example: pomdft store rebuild
    """
    store = ResultStore(load_settings().store)
    report = store.rebuild()
    typer.echo(
        f"{store.root}: indexed {report.calculations} calculations and "
        f"{report.affinities} affinities."
    )
    for path in report.set_aside:
        typer.echo(f"set aside: {path}")


@app.command()
def path() -> None:
    """Print the folder of the store.

    Example: pomdft store path
    """
    typer.echo(str(load_settings().store))
