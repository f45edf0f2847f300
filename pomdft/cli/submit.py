"""`pomdft submit`: send a study to a cluster's queue."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from pomdft.cli.rendering import Format, make_console, print_rows
from pomdft.errors import CalculationError, InputError
from pomdft.schemas.cluster import Cluster
from pomdft.schemas.study import Study
from pomdft.settings import Settings, load_settings

_TABLE = ("ligand", "metal", "cluster", "level", "energy_ev", "std_ev", "contacts", "key")
_DEFAULT = Path("cluster.yaml")


def submit(
    study: Annotated[Path, typer.Argument(help="Input file (YAML), see inputs/.")],
    *,
    cluster: Annotated[
        Path | None, typer.Option(help="Cluster file; default: cluster.yaml here, if there is one.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show scripts and cost, submit nothing.")
    ] = False,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Drive the queue from here, even with a project.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Without a project: work until all is done.")
    ] = True,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try again what failed for good before.")
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="table, csv or json.")] = Format.TABLE,
) -> None:
    """Send a study to a queue; run it again after any interruption and it goes on.

    Example: pomdft submit inputs/quickstart.yaml --wait
    """
    wanted = Study.from_file(study)
    site = read_cluster(cluster)
    settings = load_settings()
    if dry_run:
        _show_plan(wanted, site, settings, form)
        return
    if site.project is not None and not embedded:
        _hand_over(wanted, site, settings, retry=retry)
        return
    if not wait:
        raise InputError(
            "Without a jobflow-remote project this command drives the queue while it runs.",
            "Leave --no-wait out (in tmux, or with nohup and &), or name a `project` in the "
            "cluster file.",
        )
    drive_study(wanted, site, settings, form, retry=retry)


def read_cluster(path: Path | None) -> Cluster:
    """Read the cluster file; without one the defaults of Slurm are taken."""
    if path is not None:
        return Cluster.from_file(path)
    return Cluster.from_file(_DEFAULT) if _DEFAULT.is_file() else Cluster()


def find_scheduler(cluster: Cluster) -> None:
    """Refuse to submit where the scheduler's commands are missing, before anything is built.

    Raises
    ------
    InputError
        They are.
    """
    command = "sbatch" if cluster.scheduler == "slurm" else "qsub"
    if shutil.which(command) is None:
        raise InputError(
            f"There is no {command} here, so nothing can be submitted to {cluster.scheduler}.",
            "Submit from a login node of the cluster, look with --dry-run, or compute here with "
            "`pomdft run`.",
        )


def drive_study(
    study: Study, cluster: Cluster, settings: Settings, form: Format, *, retry: bool
) -> None:
    """Drive a study to its end, show its affinities, fail if some are missing."""
    from pomdft.api import affinity_row
    from pomdft.flows.queue.submission import submit_study
    from pomdft.schemas.affinity import SIGN_CONVENTION

    find_scheduler(cluster)
    console = make_console(stderr=True)
    console.quiet = settings.progress == "none"
    console.print(
        f"Results in {settings.store}; queue jobs go on if this command ends, run it again to "
        "take them up",
        markup=False,
        soft_wrap=True,
    )
    outcome, engine = submit_study(
        study,
        cluster,
        settings,
        lambda line: console.print(line, markup=False, soft_wrap=True),
        retry=retry,
    )
    rows = [affinity_row(found) for found in outcome.affinities]
    print_rows(rows, _TABLE, form, title=study.name, caption=SIGN_CONVENTION)
    if outcome.missing:
        reasons = "; ".join(f"{label}: {reason}" for label, reason in engine.failures.items())
        raise CalculationError(
            f"Missing: {'; '.join(outcome.missing)}. "
            f"Failed: {reasons or 'nothing new'}. Skipped: {len(engine.skipped)} jobs.",
            "`pomdft status` lists the reasons, `pomdft retry KEY` tries again.",
        )


def _show_plan(study: Study, cluster: Cluster, settings: Settings, form: Format) -> None:
    from pomdft.calculations.cost import format_duration
    from pomdft.flows.queue.submission import check_scripts, prepare_submission, render_scripts

    submission = prepare_submission(study, cluster, settings)
    scripts = render_scripts(submission.queued, cluster, settings)
    ranks = max((job.ranks for job in submission.queued.jobs), default=1)
    planned = submission.plan.list_calculations(settings.model_copy(update={"cores": ranks}))
    costs = {item.label: item for item in planned}
    objections = check_scripts(scripts) if cluster.scheduler == "slurm" else None
    rows = []
    for script in scripts:
        if form is Format.TABLE:
            typer.echo(f"# ---- {script.label}\n{script.text}\n")
        label = script.label.partition(" [")[0]
        cost = costs.get(label)
        said = "" if cost is None else ("stored" if cost.stored else str(cost.cost))
        verdict = "not checked" if objections is None else objections.get(script.name, "accepted")
        rows.append(
            {
                "name": script.name,
                "for": label,
                "atoms": script.n_atoms,
                "asked": script.asked,
                "cost": said,
                "sbatch --test-only": verdict,
            }
        )
        if form is Format.JSON:
            rows[-1]["script"] = script.text
    rest = sum(item.cost.seconds for item in planned if not item.stored)
    columns = ["name", "for", "atoms", "asked", "cost", "sbatch --test-only"]
    columns += ["script"] if form is Format.JSON else []
    if objections is None:
        unchecked = f"; no {cluster.scheduler} answers here, so the scripts were not checked"
    else:
        unchecked = ""
    caption = (
        f"{len(rows)} queue jobs at most, {len(submission.queued.jobs) - len(rows)} steps of "
        f"arithmetic here; about {format_duration(rest)} of computing left with {ranks} ranks "
        f"(good to a factor of two); nothing was submitted{unchecked}"
    )
    print_rows(rows, columns, form, title=study.name, caption=caption)


def _hand_over(study: Study, cluster: Cluster, settings: Settings, *, retry: bool) -> None:
    from pomdft.flows.queue.submission import hand_over, prepare_submission, remember_study

    submission = prepare_submission(study, cluster, settings, retry=retry)
    ids = hand_over(submission, cluster)
    remember_study(study, cluster, settings)
    typer.echo(
        f"{len(ids)} jobs handed to the jobflow-remote project {cluster.project}; follow them "
        f"with `jf job list -p {cluster.project}`, bring results with "
        f"`pomdft collect --project {cluster.project}`."
    )
