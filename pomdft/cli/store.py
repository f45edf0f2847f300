"""`pomdft store ...`: care of the results store."""

from __future__ import annotations

import typer

from pomdft.flows.adoption import adopt_shipped
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
def adopt() -> None:
    """Put the calculations shipped with the package into the store, to go on from them.

    A ligand with another metal, or an ensemble, then needs only what is new. Results of your
    own stay as they are.

    Example: pomdft store adopt
    """
    store = ResultStore(load_settings().store)
    report = adopt_shipped(store)
    typer.echo(
        f"{store.root}: {report.calculations} shipped calculations added, "
        f"{report.kept} were there already."
    )


@app.command()
def path() -> None:
    """Print the folder of the store.

    Example: pomdft store path
    """
    typer.echo(str(load_settings().store))
