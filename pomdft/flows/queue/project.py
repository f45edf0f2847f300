"""The jobflow-remote project that the embedded engine runs: workers, queue store, folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pomdft.flows.queue.batch import batch_folders
from pomdft.flows.queue.jobs import node_python, safe_path
from pomdft.flows.queue.records import QueueFolder
from pomdft.flows.queue.resources import batch_words, make_resources
from pomdft.schemas.cluster import Cluster
from pomdft.settings import Settings


def make_project(name: str, cluster: Cluster, settings: Settings, work: Path) -> dict[str, Any]:
    """Return the fields of the jobflow-remote project that the engine uses.

    Parameters
    ----------
    name : str
        Of the project.
    cluster, settings
        How and where.
    work : Path
        Folder of this engine's scripts and output.
    """
    python = node_python(cluster)
    prepare = "\n".join((f"export PATH={Path(python).parent}:$PATH", *cluster.pre_run))
    worker: dict[str, Any] = {
        "type": "local",
        "scheduler_type": cluster.scheduler,
        "work_dir": str(work),
        "pre_run": "\n".join((prepare, *(f"module load {module}" for module in cluster.modules))),
        "execution_cmd": f"{python} -m pomdft.flows.queue.worker {{}}",
    }
    workers = {
        "here": worker | {"scheduler_type": "shell"},
        "small": dict(worker),
        "large": worker | {"max_jobs": cluster.max_jobs},
    }
    if cluster.batch.queue_jobs:
        asked = cluster.small
        ranks = asked.choose_ranks(cluster.small_atoms)
        workers["small"] |= {
            "max_jobs": cluster.batch.queue_jobs,
            "resources": batch_words(make_resources(asked, ranks), cluster.scheduler, asked),
            "batch": {
                **batch_folders(work),
                "max_wait": cluster.batch.idle_s,
                # No new calculation in the last tenth of the time.
                "max_time": 0.9 * asked.walltime,
                "sleep_time": min(2.0, max(0.2, cluster.poll_s)),
            },
        }
    poll = cluster.poll_s
    return {
        "name": name,
        "base_dir": str(work / "project"),
        "log_dir": str(work),
        "log_level": "info",
        "workers": workers,
        "queue": {"store": {"type": "MemoryStore"}},
        "jobstore": {"docs_store": {"type": "MemoryStore"}},
        "runner": {
            "delay_checkout": min(poll, 0.5),
            "delay_check_run_status": poll,
            "delay_advance_status": min(poll, 0.5),
            "delay_refresh_limited": 10 * poll,
            "delay_update_batch": poll,
            "max_step_attempts": 10,
            "delta_retry": (poll, 4 * poll, 120),
        },
    }


def queue_folder(cluster: Cluster, settings: Settings) -> QueueFolder:
    """Return the folder for scripts, output and records."""
    root = Path(cluster.folder).expanduser() if cluster.folder else settings.store / "queue"
    safe_path(root, "the queue folder")
    return QueueFolder(root)
