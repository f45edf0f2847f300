"""`pomdft report`: one HTML page with affinities, ordering, activity and provenance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pomdft.cli.rendering import make_console
from pomdft.errors import InputError, NotComputedError

if TYPE_CHECKING:
    from pomdft.schemas.affinity import Affinity
    from pomdft.schemas.study import Study


def report(  # noqa: PLR0917 - options of a command
    study: Annotated[Path, typer.Argument(help="Input file of the study (YAML).")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Page to write; default NAME.html.")
    ] = None,
    fraction: Annotated[float, typer.Option(help="Atomic fraction of the second metal.")] = 0.5,
    atoms: Annotated[int, typer.Option(help="Size of the particles.")] = 309,
    temperature: Annotated[float, typer.Option(help="Kelvin.")] = 298.15,
    coverage: Annotated[float | None, typer.Option(help="Contacts per surface atom.")] = None,
    pair: Annotated[
        list[str] | None, typer.Option(help="Metal pair, e.g. Au-Ag; default: every pair.")
    ] = None,
    members: Annotated[int, typer.Option(help="Members of the uncertainty.")] = 100,
) -> None:
    """Write the report of a study: affinities, ordering maps, particles, activity, provenance.

    Example: pomdft report inputs/quickstart.yaml
    """
    from pomdft.prediction.report import ReportOptions
    from pomdft.schemas.study import Study

    wanted = Study.from_file(study)
    options = ReportOptions(
        fraction=fraction,
        n_atoms=atoms,
        temperature_k=temperature,
        coverage=coverage,
        n_members=members,
        pairs=tuple(_read_pair(text) for text in pair or []),
    )
    target = output or Path(f"{wanted.name}.html")
    console = make_console(stderr=True)
    written = write_study_report(wanted, target, options, console.print)
    make_console().print(f"report: {written}", markup=False, soft_wrap=True)


def write_study_report(wanted: Study, target: Path, options: Any, progress: Any = None) -> Path:
    """Write the report of a study from what the store and the reference data know.

    Parameters
    ----------
    wanted : pomdft.schemas.study.Study
        The study.
    target : Path
        Page to write.
    options : pomdft.prediction.report.ReportOptions
        What to cover.
    progress : callable, optional
        Called with what is being done.

    Returns
    -------
    Path
        Absolute path of the page.

    Raises
    ------
    NotComputedError
        No ligand of the study has affinities for two of its metals.
    """
    from pomdft.api import affinity_row, find_affinities
    from pomdft.prediction.affinities import collect_contact_affinities
    from pomdft.prediction.defaults import fill_in_known
    from pomdft.prediction.report import write_report

    documents = find_study_affinities(wanted)
    held = {
        name: metals
        for name, found in documents.items()
        if (metals := collect_contact_affinities(found, others=find_affinities(ligand=name)))
    }
    if not any(len(metals) > 1 for metals in held.values()):
        raise NotComputedError(
            f"No ligand of the study {wanted.name} has affinities for two metals yet.",
            "Run it first: pomdft run with the same input file.",
        )
    shown = ("ligand", "metal", "cluster", "site", "charge_model", "level", "energy_ev", "std_ev")
    used = {a.source.split(",")[0] for metals in held.values() for a in metals.values()}
    rows = [
        {**{k: affinity_row(d)[k] for k in shown}, "key": d.key}
        for found in documents.values()
        for d in found
        if d.key in used
    ]
    options = replace(options, computed=fill_in_known({}, None, ())["computed"])
    page = write_report(
        target,
        held,
        title=f"Study {wanted.name}: structure and activity of the particles",
        options=options,
        provenance=rows,
        progress=progress,
    )
    return page.absolute()


def find_study_affinities(study: Study) -> dict[str, list[Affinity]]:
    """Return the known affinities of each ligand of a study, of its metals, models and level."""
    from pomdft.api import find_affinities
    from pomdft.calculations.levels import load_level

    level = load_level(study.level.preset, study.level.overrides)
    return {
        ligand: [
            affinity
            for affinity in find_affinities(ligand=ligand, level=level.name)
            if affinity.metal in study.metals
            and affinity.model.cluster in study.clusters
            and affinity.model.site in study.sites
            and affinity.model.charge_model in study.charge_models
        ]
        for ligand in study.ligands
    }


def _read_pair(text: str) -> tuple[str, str]:
    first, _, second = text.partition("-")
    if not (first and second):
        raise InputError(f"--pair {text!r} is not like Au-Ag.")
    return first, second
