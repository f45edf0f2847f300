"""`pomdft run`: compute the affinities of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pomdft.cli.progress import StudyProgress
from pomdft.cli.rendering import Format, make_console, print_rows
from pomdft.errors import CalculationError, InputError
from pomdft.schemas.study import Study
from pomdft.settings import Settings, load_settings

_TABLE = (
    "ligand",
    "metal",
    "cluster",
    "level",
    "energy_ev",
    "std_ev",
    "counterpoise_correction_ev",
    "interaction_energy_ev",
    "dispersion_ev",
    "poses",
    "contacts",
    "per_contact_ev",
    "key",
)


def run(  # noqa: PLR0917 - options of a command
    study: Annotated[Path | None, typer.Argument(help="Input file (YAML), see inputs/.")] = None,
    ligand: Annotated[list[str] | None, typer.Option(help="Instead of a file: ligand.")] = None,
    metal: Annotated[list[str] | None, typer.Option(help="Instead of a file: metal.")] = None,
    level: Annotated[
        str | None, typer.Option(help="With --ligand: level of theory; default: lcao.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="With --ligand: metal cluster, e.g. M13, or M4-on-graphene; default: M4."
        ),
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="With --ligand: docking site; default: vacancy.")
    ] = None,
    charge_model: Annotated[
        str | None, typer.Option(help="With --ligand: charge model; default: protonated.")
    ] = None,
    orientations: Annotated[
        int | None,
        typer.Option(help="With --ligand: so many poses, the lowest energy counts; default: 1."),
    ] = None,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="With --ligand: the functional's uncertainty too.")
    ] = False,
    cores: Annotated[int, typer.Option(help="MPI ranks; 0: all cores.")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every calculation and its cost; run nothing.")
    ] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try failed ones again.")] = False,
    form: Annotated[Format, typer.Option("--format", help="Of the tables.")] = Format.TABLE,
) -> None:
    """Compute affinities: from an input file, or for one ligand and metal.

    Started again after any interruption it goes on where it stopped; what is in the store is not
    computed again.

    Example: pomdft run inputs/quickstart.yaml
    """
    options = {
        "level": level,
        "clusters": cluster,
        "sites": site,
        "charge_models": charge_model,
        "orientations": orientations,
        "ensemble": ensemble or None,
    }
    given = {field: value for field, value in options.items() if value is not None}
    wanted = _read_study(study, ligand, metal, given)
    if cores < 0:
        raise InputError(f"--cores {cores} is negative.", "Give a number of cores, or 0 for all.")
    settings = load_settings()
    chosen = cores or wanted.resources.cores
    if chosen:
        settings = settings.model_copy(update={"cores": chosen})

    from pomdft.flows.study import plan_study, run_study

    plan = plan_study(wanted, settings, retry=retry)
    planned = plan.list_calculations(settings)
    if dry_run:
        rows = [
            {
                "for": p.affinity,
                "role": p.role,
                "task": p.task,
                "atoms": p.n_atoms,
                "electrons": p.n_electrons,
                "level": p.level_title,
                "cost": "stored" if p.stored else f"{p.cost} ({p.cost.basis})",
            }
            for p in planned
        ]
        rest = sum(p.cost.seconds for p in planned if not p.stored)
        from pomdft.calculations.cost import format_duration

        caption = (
            f"{len(rows)} calculations on {settings.ranks} cores, about {format_duration(rest)} "
            "left (single points to a factor of two, relaxations by their usual number of steps); "
            "nothing was run"
        )
        columns = ("for", "role", "task", "atoms", "electrons", "level", "cost")
        print_rows(rows, columns, form, title=wanted.name, caption=caption)
        return
    _check_launcher(plan.level.method, settings)
    console = make_console(stderr=True)
    live = settings.progress == "rich" or (settings.progress == "auto" and console.is_terminal)
    console.print(f"Results in {settings.store}", markup=False, soft_wrap=True)
    console.quiet = settings.progress == "none"
    with StudyProgress(planned, console, live=live) as progress:
        outcome = run_study(plan, progress)

    from pomdft.api import affinity_row
    from pomdft.schemas.affinity import SIGN_CONVENTION

    rows = [affinity_row(found) for found in outcome.affinities]
    caption = f"{SIGN_CONVENTION}; {plan.level.title}: {plan.level.description}"
    print_rows(rows, _TABLE, form, title=wanted.name, caption=caption)
    if outcome.missing:
        raise CalculationError(
            f"Missing: {'; '.join(outcome.missing)}.",
            "The reasons are above; `pomdft status` lists them.",
        )
    if form is Format.TABLE and plan.level.method == "gpaw" and len(wanted.metals) > 1:
        from pomdft.cli.conclusion import print_conclusion

        print_conclusion(wanted, settings.store / "reports", console)


def _read_study(
    path: Path | None,
    ligands: list[str] | None,
    metals: list[str] | None,
    given: dict[str, Any],
) -> Study:
    """Return the study of a file, or of the options given; `given` has fields of `Study`."""
    if path is not None:
        if ligands or metals:
            raise InputError("Give an input file or --ligand and --metal, not both.")
        for field, value in given.items():
            option = field.removesuffix("s") if field != "orientations" else field
            raise InputError(
                f"--{option.replace('_', '-')} goes with --ligand.",
                f"Write {field}: {str(value).lower() if value is True else value} in {path}.",
            )
        return Study.from_file(path)
    if not ligands or not metals:
        raise InputError(
            "Nothing to run.", "Give an input file, or --ligand and --metal; see pomdft run --help."
        )
    return Study.from_fields(
        {"name": "command-line", "ligands": ligands, "metals": metals, **given},
        origin="the command line",
    )


def _check_launcher(method: str, settings: Settings) -> None:
    """Fail before anything is built where GPAW cannot be started."""
    if method == "gpaw":
        from pomdft.calculations.launcher import gpaw_command

        gpaw_command(settings, settings.store, settings.ranks)
