"""`pomdft compare`: the same particle under several ligands, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pomdft.cli.pairs import NO_LIGAND, ChargeModel, parse_affinities, parse_ratio
from pomdft.cli.rendering import Format, make_console, print_rows
from pomdft.errors import InputError
from pomdft.prediction.defaults import fill_in_known, known_affinities

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
    affinity: Annotated[
        list[str] | None,
        typer.Option(help="By hand, eV per contact: PVP:Au=-0.2 or PVP:Au=-0.2+-0.1."),
    ] = None,
    charge_model: ChargeModel = None,
    seed: Annotated[int, typer.Option(help="Same seed, same answer.")] = 0,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw the probabilities: .html (interactive), .png, .svg, .pdf."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="table, csv or json.")] = Format.TABLE,
) -> None:
    """Compare the ordering under polyoxometalates, conventional ligands and none.

    Example: pomdft compare Au Ag --ligands A-alpha-SiW9O34 PVP none
    """
    from pomdft.prediction.ordering import predict_under_ligands, tabulate_answers

    # "--ligands A B none": the option takes A, what follows it arrives as further arguments.
    chosen = list(dict.fromkeys([*(ligands or []), *(names or [])]))
    if not chosen:
        raise InputError("no ligand to compare.", "Give --ligands A-alpha-SiW9O34 PVP none.")
    by_hand = _read_affinities(affinity or [], chosen, (first, second))
    if charge_model is not None and all(name in (*NO_LIGAND, *by_hand) for name in chosen):
        raise InputError(
            f"Charge model {charge_model} is of computed affinities; here are none.",
            "Name a ligand without affinities by hand.",
        )
    held = {
        name: None
        if name in NO_LIGAND
        else by_hand.get(name) or known_affinities(name, (first, second), charge_model)
        for name in chosen
    }
    answers = predict_under_ligands(
        first,
        second,
        held,
        fraction=parse_ratio(ratio, fraction),
        n_atoms=atoms,
        temperature_k=temperature,
        route=route,
        coverage=coverage,
        seed=seed,
        **fill_in_known({}, None, (first, second)),
    )
    if plot is not None:
        if plot.suffix.lower() in (".html", ".htm"):
            from pomdft.prediction.interactive import plot_label_probabilities, write_html

            write_html(plot_label_probabilities(answers), plot)
        else:
            from pomdft.prediction.figure_files import save_figure
            from pomdft.prediction.figures import draw_label_probabilities

            save_figure(draw_label_probabilities(answers), plot)
    table = tabulate_answers(answers)
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
            console.print(f"    {row['provenance']}", markup=False)
        if plot is not None:
            console.print(f"drew {plot}", markup=False)


def _read_affinities(
    items: list[str], chosen: list[str], metals: tuple[str, str]
) -> dict[str, dict[str, tuple[float, float]]]:
    """Return ligand -> metal -> affinity from items such as PVP:Au=-0.2."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for item in items:
        name, _, rest = item.rpartition(":")
        if name not in chosen:
            raise InputError(
                f"--affinity {item!r} names no ligand that is compared.",
                "Give LIGAND:METAL=VALUE, e.g. PVP:Au=-0.2.",
            )
        found.setdefault(name, {}).update(parse_affinities([rest], metals))
    return found
