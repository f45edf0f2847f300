"""`pomdft convergence`: how an interaction energy moves with grid, cell and basis."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pomdft.cli.metal import Form, ProgressLines, Retry
from pomdft.cli.rendering import Format, make_console, print_rows
from pomdft.schemas.interaction import SIGN_CONVENTION, InteractionEnergy
from pomdft.settings import load_settings

_COLUMNS = (
    "ligand",
    "metal",
    "variant",
    "energy_ev",
    "counterpoise_energy_ev",
    "std_ev",
    "level",
    "source",
    "key",
)


def convergence(  # noqa: PLR0917 - options of a command
    ligand: str,
    metals: Annotated[list[str], typer.Argument(help="Metals with a known affinity.")],
    variant: Annotated[
        list[str] | None, typer.Option(help="What to change, e.g. 'h 0.18'; default: all.")
    ] = None,
    cluster: Annotated[str, typer.Option(help="Metal cluster.")] = "M4",
    site: Annotated[str, typer.Option(help="Docking site.")] = "vacancy",
    charge_model: Annotated[str, typer.Option(help="How the charge is compensated.")] = (
        "protonated"
    ),
    plot: Annotated[Path | None, typer.Option(help="Write a figure: png, svg or pdf.")] = None,
    retry: Retry = False,
    form: Form = Format.TABLE,
) -> None:
    """Compute one relaxed complex again at other levels: grid, vacuum, basis, plane waves.

    Hours for all; started again it goes on. With two metals the figure shows their difference.

    Example: pomdft convergence W5O18 Au Ag --variant 'plane waves 400 eV'
    """
    from pomdft.api import affinity
    from pomdft.flows.convergence import ConvergenceMaker, choose_variants
    from pomdft.flows.metals import run_metal_flows
    from pomdft.prediction.energy_figures import draw_convergence
    from pomdft.prediction.figure_files import check_figure_path, save_figure

    if plot is not None:
        check_figure_path(plot, interactive=False)
    levels = choose_variants(variant or [])
    names = {"cluster": cluster, "site": site, "charge_model": charge_model}
    affinities = [affinity(ligand, metal, **names) for metal in dict.fromkeys(metals)]
    settings = load_settings()
    console = make_console(stderr=True)
    console.quiet = settings.progress == "none"
    maker = ConvergenceMaker(store=str(settings.store), cores=settings.cores, retry=retry)
    flows = [
        maker.make(found, name, level) for name, level in levels.items() for found in affinities
    ]
    outcome = run_metal_flows(flows, ProgressLines(console))
    energies = [d for d in outcome.documents if isinstance(d, InteractionEnergy)]
    rows = [
        {**{name: getattr(d, name) for name in _COLUMNS}, "level": d.level.title} for d in energies
    ]
    print_rows(rows, _COLUMNS, form, title=f"convergence of {ligand}", caption=SIGN_CONVENTION)
    if plot is not None and energies:
        save_figure(draw_convergence(energies), plot)
    outcome.check_complete()
