"""The jobflow-remote project that the embedded engine runs: workers, queue store, folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtoolkit.io import scheduler_mapping

from pomdft.flows.queue_batch import batch_folders
from pomdft.flows.queue_jobs import make_resources, node_python, safe_path
from pomdft.flows.queue_records import QueueFolder
from pomdft.schemas.cluster import Cluster
from pomdft.settings import Settings


def describe_resources(resources: Mapping[str, Any]) -> str:
    """Return resources (QResources as a dict) in words."""
    words = []
    if resources.get("queue_name"):
        words.append(str(resources["queue_name"]))
    nodes = resources.get("nodes") or 1
    words.append(f"{nodes * (resources.get('processes_per_node') or 1)} ranks on {nodes} nodes")
    limit = resources.get("time_limit")
    if limit:
        words.append(f"{limit // 3600}:{limit % 3600 // 60:02d}:{limit % 60:02d} h")
    memory = resources.get("memory_per_thread")
    if memory:
        words.append(f"{memory} MB a rank")
    return ", ".join(words)


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
        "execution_cmd": f"{python} -m pomdft.flows.queue_worker {{}}",
    }
    workers = {
        "here": worker | {"scheduler_type": "shell"},
        "small": dict(worker),
        "large": worker | {"max_jobs": cluster.max_jobs},
    }
    if cluster.batch.queue_jobs:
        asked = cluster.small
        ranks = asked.choose_ranks(cluster.small_atoms)
        # Of a batch, jobflow-remote takes resources in the scheduler's own words only.
        scheduler = scheduler_mapping[cluster.scheduler]()
        workers["small"] |= {
            "max_jobs": cluster.batch.queue_jobs,
            "resources": scheduler.check_convert_qresources(make_resources(asked, ranks)),
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
