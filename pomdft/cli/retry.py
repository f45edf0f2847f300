"""`pomdft retry`: try a failed calculation again, with more time or memory if asked."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pomdft.cli.rendering import Format
from pomdft.cli.submit import drive_study
from pomdft.errors import InputError
from pomdft.schemas.cluster import Cluster, JobResources
from pomdft.schemas.study import Study
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore


def retry(
    key: Annotated[str, typer.Argument(help="Key of a failed calculation, or its first digits.")],
    walltime: Annotated[
        str | None, typer.Option("--time", help="Time limit, H:MM:SS or D-H:MM:SS.")
    ] = None,
    memory: Annotated[int | None, typer.Option("--memory", help="MB of memory a rank.")] = None,
    form: Annotated[Format, typer.Option("--format", help="table, csv or json.")] = Format.TABLE,
) -> None:
    """Go on with a calculation that failed, from its checkpoint, and with all that needs it.

    Example: pomdft retry 1f0c2a9b --time 48:00:00
    """
    from pomdft.flows.queue.watch import default_queue_folder, resolve_key

    settings = load_settings()
    store = ResultStore(settings.store)
    whole = resolve_key(store, key)
    if store.find_result(whole) is not None:
        typer.echo(f"{whole} is finished; nothing to retry")
        return
    folder = default_queue_folder(settings)
    record = folder.find_calculation(whole)
    if record is None:
        raise InputError(
            f"Calculation {whole} was not submitted to a queue from this store.",
            "Use `pomdft run STUDY --retry`.",
        )
    submitted = folder.read_study(record.study)
    (store.folder(whole) / "failure.json").unlink(missing_ok=True)
    cluster = with_resources(submitted.cluster, walltime, memory)
    study = Study.from_fields(dict(submitted.fields), origin=f"study {record.study}")
    drive_study(study, cluster, settings, form, retry=False)


def with_resources(cluster: Cluster, walltime: str | None, memory: int | None) -> Cluster:
    """Return the cluster with another time limit and memory for all jobs."""
    changes: dict[str, Any] = {}
    if walltime is not None:
        changes["walltime"] = walltime
    if memory is not None:
        changes["memory_per_rank_mb"] = memory
    if not changes:
        return cluster
    fields = cluster.model_dump(exclude={"schema_version"})
    for name in ("small", "large"):
        fields[name] = JobResources.model_validate(fields[name]).model_dump() | changes
        fields[name].pop("schema_version")
    fields["batch"].pop("schema_version")
    return Cluster.from_fields(fields, origin="--time and --memory")
