"""`pomdft activity`: rates relative to the monometallic parents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pomdft.cli.rendering import Format, print_rows
from pomdft.errors import InputError

_COLUMNS = (
    "composition",
    "reaction",
    "ordering",
    "temperature_k",
    "relative_rate",
    "best_parent",
    "std_decades",
    "limiting_step",
)


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
    from pomdft.prediction.activity import activity_series, predict_activity
    from pomdft.prediction.volcano import locate_activity, locate_metals

    amounts = dict(_read_item(item, ":", 1.0) for item in composition)
    pressures = dict(_read_item(item, "=", None) for item in pressure or [])
    caption = "rate per site relative to the better parent; std in decades of the rate"
    if series:
        if len(amounts) != 2:
            raise InputError("--series needs two metals.", "Give e.g. Au Pd --series.")
        first, second = amounts
        table = activity_series(
            first,
            second,
            reaction,
            ordering=ordering,
            temperature_k=temperature,
            pressures_bar=pressures,
            shell=shell,
        )
        rows = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
        columns = [str(c) for c in table.columns]
        title = f"{reaction} on {first}-{second} ({ordering}); fraction of {second}"
        print_rows(rows, columns, form, title=title, caption=caption)
    else:
        found = predict_activity(
            amounts,
            reaction,
            ordering,
            temperature_k=temperature,
            pressures_bar=pressures,
            shell=shell,
        )
        row = {
            **found.to_dict(),
            "composition": " ".join(f"{m}:{x:.3g}" for m, x in found.composition.items()),
            "std_decades": found.std,
        }
        columns = [*_COLUMNS, *(f"{k}_ev" for k in found.descriptors_ev)]
        row |= {f"{k}_ev": v for k, v in found.descriptors_ev.items()}
        print_rows([row], columns, form, caption=caption)
    if plot is not None:
        points = locate_metals(reaction, temperature)
        if not series:
            points.append(locate_activity(found))
        if plot.suffix.lower() in (".html", ".htm"):
            from pomdft.prediction.interactive import plot_volcano, write_html

            write_html(plot_volcano(reaction, points, temperature), plot)
        else:
            from pomdft.prediction.figures import draw_volcano, save_figure

            save_figure(draw_volcano(reaction, points, temperature), plot)


def _read_item(item: str, mark: str, default: float | None) -> tuple[str, float]:
    name, found, value = item.partition(mark)
    if not found and default is not None:
        return name, default
    try:
        return name, float(value)
    except ValueError:
        raise InputError(f"{item!r} is not like {name or 'Au'}{mark}0.5.") from None
