"""What a queue job asks for: in qtoolkit's terms, in a scheduler's words, for a person."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from qtoolkit.core.data_objects import QResources
from qtoolkit.io import scheduler_mapping

from pomdft.errors import InputError
from pomdft.schemas.cluster import JobResources


def make_resources(asked: JobResources, ranks: int) -> QResources:
    """Return qtoolkit's resources for so many ranks."""
    nodes = max(1, math.ceil(ranks / asked.ranks_per_node))
    return QResources(
        queue_name=asked.partition,
        account=asked.account,
        qos=asked.qos,
        nodes=nodes,
        processes_per_node=math.ceil(ranks / nodes),
        threads_per_process=1,
        time_limit=asked.walltime,
        memory_per_thread=asked.memory_per_rank_mb,
    )


def scheduler_words(resources: QResources, scheduler: str, asked: JobResources) -> dict[str, Any]:
    """Return resources as jobflow-remote takes them from a job.

    Raises
    ------
    InputError
        SGE needs a parallel environment for them.
    """
    if scheduler == "sge":
        return _sge_words(resources, asked)
    fields: dict[str, Any] = resources.as_dict()
    return fields


def batch_words(resources: QResources, scheduler: str, asked: JobResources) -> dict[str, Any]:
    """Return resources as jobflow-remote takes them for a batch: in the scheduler's words only."""
    if scheduler == "sge":
        return _sge_words(resources, asked)
    words: dict[str, Any] = scheduler_mapping[scheduler]().check_convert_qresources(resources)
    return words


def _sge_words(resources: QResources, asked: JobResources) -> dict[str, Any]:
    """Return resources in SGE's words; qtoolkit writes PBS's `select`, which SGE does not know."""
    ranks = (resources.nodes or 1) * (resources.processes_per_node or 1)
    if ranks > 1 and asked.parallel_environment is None:
        raise InputError(
            f"SGE needs a parallel environment for {ranks} ranks.",
            "Set parallel_environment (under small and large); `qconf -spl` lists the site's.",
        )
    limit = asked.walltime
    hours = f"{limit // 3600}:{limit % 3600 // 60:02d}:{limit % 60:02d}"
    lines = ["#$ -S /bin/bash"]
    if resources.memory_per_thread:
        # SGE counts it for each slot.
        lines.append(f"#$ -l h_vmem={resources.memory_per_thread}M")
    if resources.account:
        lines.append(f"#$ -A {resources.account}")
    words = {
        "queue": resources.queue_name,
        "walltime": hours,
        "model": f"{asked.parallel_environment} {ranks}" if ranks > 1 else None,
        "qverbatim": "\n".join(lines),
    }
    return {name: value for name, value in words.items() if value is not None}


def describe_resources(resources: Mapping[str, Any]) -> str:
    """Return resources, as a job carries them, in words."""
    if "walltime" in resources:
        _, _, ranks = str(resources.get("model") or "one 1").rpartition(" ")
        memory = re.search(r"h_vmem=(\d+)M", str(resources.get("qverbatim")))
        words = [str(resources["queue"])] if resources.get("queue") else []
        words += [f"{ranks} ranks", f"{resources['walltime']} h"]
        return ", ".join(words + ([f"{memory[1]} MB a rank"] if memory else []))
    words = []
    if resources.get("queue_name"):
        words.append(str(resources["queue_name"]))
    nodes = resources.get("nodes") or 1
    words.append(f"{nodes * (resources.get('processes_per_node') or 1)} ranks on {nodes} nodes")
    limit = resources.get("time_limit")
    if limit:
        words.append(f"{limit // 3600}:{limit % 3600 // 60:02d}:{limit % 60:02d} h")
    memory_mb = resources.get("memory_per_thread")
    if memory_mb:
        words.append(f"{memory_mb} MB a rank")
    return ", ".join(words)
