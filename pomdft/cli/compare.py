"""`pomdft compare`: the same particle under several ligands, side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from pomdft.api import known_affinities
from pomdft.cli.pairs import NO_LIGAND, parse_ratio
from pomdft.cli.rendering import Format, make_console, print_rows
from pomdft.errors import InputError

_COLUMNS = (
    "ligand",
    "label",
    "probability",
    "core",
    "shell",
    "shell_probability",
    "surface_fraction",
    "surface_fraction_std",
    "short_range_order",
)


def compare(  # noqa: PLR0917 - options of a command
    first: Annotated[str, typer.Argument(help="First metal.")],
    second: Annotated[str, typer.Argument(help="Second metal.")],
    names: Annotated[list[str] | None, typer.Argument(help="More ligands.")] = None,
    ligands: Annotated[
        list[str] | None,
        typer.Option(help="Ligands; the first follows the option, more may follow; 'none': bare."),
    ] = None,
    ratio: Annotated[str | None, typer.Option(help="first:second, e.g. 1:3.")] = None,
    fraction: Annotated[float | None, typer.Option(help="Atomic fraction of the second.")] = None,
    atoms: Annotated[int, typer.Option(help="Size of the particle.")] = 309,
    temperature: Annotated[float, typer.Option(help="Kelvin.")] = 298.15,
    route: Annotated[str, typer.Option(help="equilibrium or co-reduction.")] = "equilibrium",
    coverage: Annotated[float | None, typer.Option(help="Contacts per surface atom.")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same answer.")] = 0,
    form: Annotated[Format, typer.Option("--format", help="table, csv or json.")] = Format.TABLE,
) -> None:
    """Compare the ordering under polyoxometalates, conventional ligands and none.

    Example: pomdft compare Au Ag --ligands A-alpha-SiW9O34 PVP none
    """
    from pomdft.prediction.ordering import compare_ligands

    # "--ligands A B none": the option takes A, what follows it arrives as further arguments.
    chosen = list(dict.fromkeys([*(ligands or []), *(names or [])]))
    if not chosen:
        raise InputError("no ligand to compare.", "Give --ligands A-alpha-SiW9O34 PVP none.")
    held = {
        name: None if name in NO_LIGAND else known_affinities(name, (first, second))
        for name in chosen
    }
    table = compare_ligands(
        first,
        second,
        held,
        fraction=parse_ratio(ratio, fraction),
        n_atoms=atoms,
        temperature_k=temperature,
        route=route,
        coverage=coverage,
        seed=seed,
    )
    rows = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    columns = _COLUMNS if form is Format.TABLE else tuple(str(c) for c in table.columns)
    print_rows(
        rows,
        columns,
        form,
        title=f"{first}-{second}; fractions are of {second}",
        caption="short_range_order: 0 random, positive demixed, negative ordered",
    )
    if form is Format.TABLE:
        console = make_console()
        for row in rows:
            console.print(f"{row['ligand']}: {row['reason']}", markup=False)
