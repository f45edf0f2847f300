"""`pomdft predict`: random alloy or core-shell."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pomdft.api import predict_ordering
from pomdft.cli.pairs import NO_LIGAND, ChargeModel, parse_affinities, parse_ratio, read_synthesis
from pomdft.cli.rendering import Format, make_console, print_rows

if TYPE_CHECKING:
    from pomdft.prediction.ordering import Ordering


def predict(  # noqa: PLR0917 - options of a command
    first: Annotated[str, typer.Argument(help="First metal, e.g. Au.")],
    second: Annotated[str, typer.Argument(help="Second metal, e.g. Ag.")],
    ligand: Annotated[
        str | None, typer.Option(help="Polyoxometalate or conventional ligand; default: none.")
    ] = None,
    ratio: Annotated[str | None, typer.Option(help="first:second, e.g. 1:3.")] = None,
    fraction: Annotated[float | None, typer.Option(help="Atomic fraction of the second.")] = None,
    atoms: Annotated[int, typer.Option(help="Size of the particle.")] = 309,
    temperature: Annotated[float, typer.Option(help="Kelvin.")] = 298.15,
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
    affinity: Annotated[
        list[str] | None, typer.Option(help="By hand, eV per contact: Au=-0.4 or Au=-0.4+-0.1.")
    ] = None,
    charge_model: ChargeModel = None,
    coverage: Annotated[
        float | None, typer.Option(help="Contacts per surface atom under the ligand.")
    ] = None,
    shape: Annotated[str, typer.Option(help="Shape of the particle.")] = "cuboctahedron",
    members: Annotated[int, typer.Option(help="Members of the uncertainty.")] = 200,
    seed: Annotated[int, typer.Option(help="Same seed, same answer.")] = 0,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the particle: .html (interactive), .png, .svg, .pdf.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="table, csv or json.")] = Format.TABLE,
) -> None:
    """Predict how two metals arrange in a particle, with probability and reason.

    Example: pomdft predict Au Ag --ligand A-alpha-SiW9O34 --ratio 1:3
    """
    name = None if ligand is None or ligand in NO_LIGAND else ligand
    answer = predict_ordering(
        first,
        second,
        name,
        parse_ratio(ratio, fraction),
        atoms,
        temperature,
        route,
        seed,
        affinity=parse_affinities(affinity or [], (first, second)) or None,
        charge_model=charge_model,
        coverage=coverage,
        shape=shape,
        n_members=members,
        synthesis=read_synthesis(reductant, ion_affinity or [], salt or []),
    )
    if plot is not None:
        draw(answer, plot)
    if form is Format.JSON:
        sys.stdout.write(json.dumps(answer.to_dict(), indent=1) + "\n")
        return
    rows = [
        {
            "label": label,
            "probability": probability,
            "core": answer.core if label == answer.label else None,
            "shell": answer.shell if label == answer.label else None,
        }
        for label, probability in sorted(answer.probabilities.items(), key=lambda item: -item[1])
    ]
    if form is Format.CSV:
        print_rows(rows, rows[0], form)
        return
    under = answer.ligand or "no ligand"
    print_rows(
        rows,
        rows[0],
        form,
        title=(
            f"{first}-{second} under {under}, x({second}) = {answer.fraction:.2f}, "
            f"{answer.n_atoms} atoms, {answer.temperature_k:g} K, {answer.route}"
        ),
    )
    console = make_console()
    console.print(
        f"surface {answer.surface_fraction:.0%} ± {answer.surface_fraction_std:.0%} {second}, "
        f"short-range order {answer.short_range_order:+.2f} (positive: like neighbours)"
    )
    console.print(f"layers from the surface: {_profile(answer)} {second}", markup=False)
    console.print(answer.reason, markup=False)
    console.print(answer.provenance, markup=False)
    for text in answer.extrapolation:
        console.print(f"extrapolated: {text}", markup=False)
    if plot is not None:
        console.print(f"drew {plot}", markup=False)


def draw(answer: Ordering, path: Path) -> None:
    """Draw a particle, interactively where the name ends in .html."""
    if path.suffix.lower() in (".html", ".htm"):
        from pomdft.prediction.interactive import plot_particle, write_html

        write_html(plot_particle(answer), path)
    else:
        from pomdft.prediction.figure_files import save_figure
        from pomdft.prediction.figures import draw_particle

        save_figure(draw_particle(answer), path)


def _profile(answer: Ordering) -> str:
    return ", ".join(f"{value:.0%}" for value in answer.radial_profile)
