"""`pomdft map`: ordering over molar ratio and temperature."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pomdft.api import ordering_map
from pomdft.cli.pairs import NO_LIGAND, ChargeModel, parse_affinities, read_synthesis
from pomdft.cli.rendering import Format, make_console, print_rows
from pomdft.errors import InputError


def map_command(  # noqa: PLR0917 - options of a command
    first: Annotated[str, typer.Argument(help="First metal.")],
    second: Annotated[str, typer.Argument(help="Second metal; fractions are of this one.")],
    ligand: Annotated[str | None, typer.Option(help="Ligand; default: none.")] = None,
    affinity: Annotated[
        list[str] | None, typer.Option(help="By hand, eV per contact: Au=-0.4 or Au=-0.4+-0.1.")
    ] = None,
    charge_model: ChargeModel = None,
    coverage: Annotated[float | None, typer.Option(help="Contacts per surface atom.")] = None,
    atoms: Annotated[int, typer.Option(help="Size of the particle.")] = 309,
    shape: Annotated[str, typer.Option(help="Shape of the particle.")] = "cuboctahedron",
    route: Annotated[str, typer.Option(help="equilibrium or co-reduction.")] = "equilibrium",
    reductant: Annotated[
        str, typer.Option(help="Of the co-reduction: a name, or volts against the SHE.")
    ] = "hydrogen",
    ion_affinity: Annotated[
        list[str] | None,
        typer.Option(
            help="Of the co-reduction, eV per ion held by the ligand: Au=-1.5, Au=-1.5+-0.2."
        ),
    ] = None,
    salt: Annotated[
        list[str] | None, typer.Option(help="Of the co-reduction: 'Au=[AuCl4]-'.")
    ] = None,
    ratios: Annotated[int, typer.Option(help="Number of molar ratios, from 0 to 1.")] = 21,
    temperatures: Annotated[
        str | None,
        typer.Option(
            help="Kelvin: lowest:highest:number; default 200:1200:11, co-reduction 280:360:5."
        ),
    ] = None,
    members: Annotated[int, typer.Option(help="Members of the uncertainty.")] = 200,
    seed: Annotated[int, typer.Option(help="Same seed, same map.")] = 0,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the map: .html (interactive), .png, .svg, .pdf.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="table, csv or json.")] = Format.TABLE,
) -> None:
    """Map the ordering over molar ratio and temperature, with the boundary to core-shell.

    Example: pomdft map Au Ag --ligand A-alpha-SiW9O34 --plot map.html
    """
    name = None if ligand is None or ligand in NO_LIGAND else ligand
    if not 2 <= ratios <= 501:
        raise InputError(f"--ratios {ratios} is not between 2 and 501.")
    console = make_console(stderr=True)
    with Progress(
        TextColumn("ordering"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("ordering", total=ratios)
        found = ordering_map(
            first,
            second,
            name,
            np.linspace(0.0, 1.0, ratios),
            None if temperatures is None else _read_temperatures(temperatures),
            affinity=parse_affinities(affinity or [], (first, second)) or None,
            charge_model=charge_model,
            coverage=coverage,
            n_atoms=atoms,
            shape=shape,
            n_members=members,
            seed=seed,
            route=route,
            synthesis=read_synthesis(reductant, ion_affinity or [], salt or []),
            progress=lambda done, _: bar.update(task, completed=done),
        )
    if plot is not None:
        if plot.suffix.lower() in (".html", ".htm"):
            from pomdft.prediction.interactive import plot_ordering_map, write_html

            write_html(plot_ordering_map(found), plot)
        else:
            from pomdft.prediction.figure_files import save_figure
            from pomdft.prediction.figures import draw_ordering_map

            save_figure(draw_ordering_map(found), plot)
    if form is not Format.TABLE:
        rows = found.to_dataframe().to_dict("records")
        print_rows(_plain(rows), [str(c) for c in found.to_dataframe().columns], form)
        return
    boundary = found.boundary()
    rows = boundary.to_dict("records")
    out = make_console()
    title = f"{found!r}"
    if not rows:
        out.print(title, markup=False)
        out.print("no boundary: core-shell is nowhere, or everywhere, the more probable label")
    else:
        print_rows(
            _plain(rows),
            [str(c) for c in boundary.columns],
            Format.TABLE,
            title=title,
            caption=(
                f"fraction of {second} where the probability of core-shell passes 0.5; lower and "
                "upper: 0.16 and 0.84"
            ),
        )
    out.print(found.provenance, markup=False)
    for text in found.extrapolation:
        out.print(f"extrapolated where {text}", markup=False)
    if plot is not None:
        out.print(f"drew {plot}", markup=False)


def _plain(rows: list[dict[object, object]]) -> list[dict[str, object]]:
    return [
        {str(k): v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
        for row in rows
    ]


def _read_temperatures(text: str) -> list[float]:
    parts = text.split(":")
    try:
        if len(parts) == 1:
            return [float(parts[0])]
        low, high, number = float(parts[0]), float(parts[1]), int(parts[2])
        if len(parts) != 3 or not 2 <= number <= 501:
            raise ValueError
    except (ValueError, IndexError):
        raise InputError(
            f"--temperatures {text!r} is not like 200:1200:11.", "Give lowest:highest:number."
        ) from None
    return [float(t) for t in np.linspace(low, high, number)]
