"""`pomdft activity`: rates relative to the monometallic parents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pomdft.cli.pairs import NO_LIGAND, ChargeModel
from pomdft.cli.rendering import Format, make_console, print_rows
from pomdft.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: Left out of the table for people; they are in csv and json.
_DETAIL = ("shell", "log10_rate", "log10_rate_std", "source")


def activity(  # noqa: PLR0917 - options of a command
    composition: Annotated[
        list[str], typer.Argument(help="Metals with amounts, e.g. Au:1 Pd:3; one metal or two.")
    ],
    reaction: Annotated[
        str,
        typer.Option(help="co-oxidation, aerobic-oxidation or formic-acid-dehydrogenation."),
    ] = "co-oxidation",
    ordering: Annotated[
        str, typer.Option(help="random-alloy, ordered-alloy, core-shell or janus.")
    ] = "random-alloy",
    shell: Annotated[str | None, typer.Option(help="Surface metal of a core-shell.")] = None,
    ligand: Annotated[
        str | None, typer.Option(help="Its shift of the metals' d-bands is taken from the store.")
    ] = None,
    charge_model: ChargeModel = None,
    d_shift: Annotated[
        list[str] | None,
        typer.Option(help="By hand: shift of a metal's d-band centre by the ligand, eV: Au=-0.1."),
    ] = None,
    blocked: Annotated[
        float, typer.Option(help="Share of surface sites that the ligand takes, 0 to below 1.")
    ] = 0.0,
    temperature: Annotated[
        float | None, typer.Option(help="Kelvin; default: where the reaction is commonly run.")
    ] = None,
    pressure: Annotated[
        list[str] | None, typer.Option(help="In bar, e.g. CO=0.1; may be repeated.")
    ] = None,
    series: Annotated[
        bool, typer.Option("--series", help="Whole composition series of the two metals.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the volcano: .html (interactive), .png, .svg, .pdf.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="table, csv or json.")] = Format.TABLE,
) -> None:
    """Predict the activity of a surface relative to the better of its metals.

    Example: pomdft activity Au:1 Pd:3 --reaction aerobic-oxidation
    """
    from pomdft.prediction.activity import predict_activity
    from pomdft.prediction.defaults import fill_in_shifts
    from pomdft.prediction.series import activity_series
    from pomdft.prediction.volcano import locate_activity, locate_metals

    amounts = _read_amounts(composition)
    pressures = dict(_read_item(item, "=", None) for item in pressure or [])
    shifts = dict(_read_item(item, "=", None) for item in d_shift or [])
    options: dict[str, Any] = {
        "temperature_k": temperature,
        "pressures_bar": pressures,
        "shell": shell,
        "blocked_fraction": blocked,
        "ligand": None if ligand in NO_LIGAND else ligand,
        "ligand_d_shift_ev": shifts or None,
    }
    fill_in_shifts(options, options["ligand"], tuple(amounts), charge_model)
    caption = (
        "rate per site relative to the better parent metal on (111), std in decades of the rate; "
        "adsorption energies and d-band shifts in eV, negative = bound and downwards"
    )
    if series:
        if len(amounts) != 2:
            raise InputError("--series needs two metals.", "Give e.g. Au Pd --series.")
        first, second = amounts
        table = activity_series(first, second, reaction, ordering=ordering, **options)
        rows = _plain(table)
        title = f"{reaction} on {first}-{second} ({ordering}); fraction of {second}"
        print_rows(rows, rows[0], form, title=title, caption=caption)
    else:
        found = predict_activity(amounts, reaction, ordering, **options)
        rows = _plain(found.to_dataframe())
        columns = [c for c in rows[0] if form is not Format.TABLE or c not in _DETAIL]
        print_rows(rows, columns, form, caption=caption)
        if form is Format.TABLE:
            make_console().print(f"source: {found.source}", markup=False)
    if plot is not None:
        points = locate_metals(reaction, temperature, pressures)
        if not series:
            points.append(locate_activity(found))
        if plot.suffix.lower() in (".html", ".htm"):
            from pomdft.prediction.interactive import plot_volcano, write_html

            write_html(plot_volcano(reaction, points, temperature, pressures), plot)
        else:
            from pomdft.prediction.figure_files import save_figure
            from pomdft.prediction.figures import draw_volcano

            save_figure(draw_volcano(reaction, points, temperature, pressures), plot)
        if form is Format.TABLE:
            make_console().print(f"drew {plot}", markup=False)


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def _read_amounts(items: list[str]) -> dict[str, float]:
    amounts: dict[str, float] = {}
    for item in items:
        metal, amount = _read_item(item, ":", 1.0)
        if metal in amounts:
            raise InputError(f"{metal} is named twice.", "Give each metal once, e.g. Au:1 Pd:3.")
        amounts[metal] = amount
    return amounts


def _read_item(item: str, mark: str, default: float | None) -> tuple[str, float]:
    name, found, value = item.partition(mark)
    if not found and default is not None:
        return name, default
    try:
        return name, float(value)
    except ValueError:
        raise InputError(f"{item!r} is not like {name or 'Au'}{mark}0.5.") from None
