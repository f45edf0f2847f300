"""`pomdft affinities`: the table of known binding energies."""

from __future__ import annotations

from typing import Annotated

import typer

from pomdft.api import AFFINITY_COLUMNS, affinity_row, find_affinities
from pomdft.cli.rendering import Format, print_rows
from pomdft.schemas.affinity import SIGN_CONVENTION
from pomdft.structures.names import check_names


def affinities(
    ligand: Annotated[str | None, typer.Option(help="Only this ligand.")] = None,
    metal: Annotated[str | None, typer.Option(help="Only this metal.")] = None,
    level: Annotated[str | None, typer.Option(help="Only this level of theory.")] = None,
    charge_model: Annotated[str | None, typer.Option(help="Only this charge model.")] = None,
    form: Annotated[Format, typer.Option("--format", help="table, csv or json.")] = Format.TABLE,
) -> None:
    """List known affinities, your own and those shipped: of each model that of the lowest pose.

    Example: pomdft affinities --ligand A-alpha-SiW9O34 --format csv
    """
    ligand = check_names(ligand, metal)
    rows = [
        affinity_row(found)
        for found in find_affinities(
            ligand=ligand, metal=metal, level=level, charge_model=charge_model
        )
    ]
    columns: tuple[str, ...] = AFFINITY_COLUMNS
    if form is Format.TABLE:
        hidden = {"relaxed", "reorganisation_ligand_ev", "reorganisation_metal_ev"}
        columns = tuple(name for name in AFFINITY_COLUMNS if name not in hidden)
    caption = SIGN_CONVENTION if rows else "none yet; compute some with `pomdft run`"
    print_rows(rows, columns, form, caption=caption)
