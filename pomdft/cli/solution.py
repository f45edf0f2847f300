"""`pomdft solution`: ion affinities and protonation energies of POMs in continuum water."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pomdft.cli.metal import Ensemble, Form, ProgressLines, Retry
from pomdft.cli.rendering import Format, make_console, print_rows
from pomdft.schemas import ion_affinity, protonation
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.schemas.protonation import ProtonationEnergy
from pomdft.schemas.solution_study import SolutionStudy
from pomdft.settings import load_settings
from pomdft.store.solution import load_ion_affinities, load_protonation_energies

app = typer.Typer(help="POMs in continuum water: metal ions and protons they take.")

_COLUMNS = {
    "ion-affinity": (
        "ligand",
        "salt",
        "reference_complex",
        "energy_ev",
        "std_ev",
        "potential_shift_v",
        "contacts",
        "level",
        "relaxed",
        "source",
        "key",
    ),
    "protonation": (
        "pom",
        "protons",
        "charge",
        "site",
        "energy_ev",
        "std_ev",
        "oh_length_angstrom",
        "level",
        "relaxed",
        "source",
        "key",
    ),
}
_CAPTIONS = {
    "ion-affinity": ion_affinity.SIGN_CONVENTION,
    "protonation": protonation.SIGN_CONVENTION,
}

Level = Annotated[str, typer.Option(help="Level of theory; it needs a solvent.")]


@app.command("run")
def run(
    study: Annotated[Path, typer.Argument(help="Input file (YAML), see inputs/.")],
    retry: Retry = False,
    form: Form = Format.TABLE,
) -> None:
    """Compute what an input file asks; started again it goes on where it stopped.

    Example: pomdft solution run inputs/ion-affinities.yaml
    """
    _compute(SolutionStudy.from_file(study), retry, form)


@app.command("ions")
def ions(  # noqa: PLR0917 - options of a command
    ligand: str,
    ion: Annotated[list[str], typer.Argument(help="Salts or complexes: Ag+ [AuCl4]- ...")],
    level: Level = "lcao-water",
    site: Annotated[str | None, typer.Option(help="Where the ion sits; default: vacancy.")] = None,
    orientations: Annotated[int, typer.Option(help="Poses to relax.")] = 1,
    ensemble: Ensemble = False,
    retry: Retry = False,
    form: Form = Format.TABLE,
) -> None:
    """Compute the energy of a POM taking metal ions from their complexes in water.

    Example: pomdft solution ions W5O18 Ag+ '[PdCl4]2-'
    """
    fields = {
        "ligands": [ligand],
        "ions": ion,
        "site": site,
        "orientations": orientations,
        "ensemble": ensemble,
    }
    _compute(_study("ion-affinity", level, fields), retry, form)


@app.command("protonation")
def protonation_command(  # noqa: PLR0917 - options of a command
    pom: str,
    protons: Annotated[int, typer.Option(help="As many, one after the other.")] = 1,
    level: Level = "lcao-water",
    site: Annotated[
        str | None, typer.Option(help="unshared, corner-bridging, edge-bridging or terminal.")
    ] = None,
    ensemble: Ensemble = False,
    retry: Retry = False,
    form: Form = Format.TABLE,
) -> None:
    """Compute the energies of a POM taking protons from H3O+ in water.

    Example: pomdft solution protonation alpha-PMo12O40 --protons 2
    """
    fields = {"ligands": [pom], "protons": protons, "site": site, "ensemble": ensemble}
    _compute(_study("protonation", level, fields), retry, form)


@app.command("show")
def show(
    ligand: Annotated[str | None, typer.Argument(help="POM; default: all.")] = None,
    form: Form = Format.TABLE,
) -> None:
    """Show the known ion affinities and protonation energies; computes nothing.

    Example: pomdft solution show W5O18
    """
    if ligand is not None:
        from pomdft.structures.names import check_names

        check_names(ligand, None)
    _print("ion-affinity", load_ion_affinities(ligand), form)
    if form is not Format.JSON:
        _print("protonation", load_protonation_energies(ligand), form)


def _study(kind: str, level: str, fields: dict[str, Any]) -> SolutionStudy:
    data = {"name": "command-line", "kind": kind, "level": level, **fields}
    return SolutionStudy.from_fields(data, origin="the command line")


def _compute(study: SolutionStudy, retry: bool, form: Format) -> None:
    from pomdft.flows.metals import run_metal_flows
    from pomdft.flows.solution_study import make_solution_flows

    settings = load_settings()
    console = make_console(stderr=True)
    console.quiet = settings.progress == "none"
    flows = make_solution_flows(study, settings, retry=retry)
    outcome = run_metal_flows(flows, ProgressLines(console))
    found = [d for d in outcome.documents if isinstance(d, IonAffinity | ProtonationEnergy)]
    _print(study.kind, found, form)
    outcome.check_complete()


def _print(kind: str, documents: Any, form: Format) -> None:
    columns = _COLUMNS[kind]
    rows = [
        {c: getattr(d, c) if c != "level" else d.level.title for c in columns} for d in documents
    ]
    print_rows(rows, columns, form, title=kind, caption=_CAPTIONS[kind])
