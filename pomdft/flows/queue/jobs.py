"""A flow made ready for a queue: each job once, under a name that stays, with its resources."""

from __future__ import annotations

import json
import re
import sys
import uuid
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jobflow import Flow, Job, OutputReference
from monty.json import jsanitize
from pymatgen.core import Molecule
from qtoolkit.core.data_objects import QResources

from pomdft.errors import InputError
from pomdft.flows.documents import CalculationDocument
from pomdft.flows.ensemble import EnsemblePointMaker
from pomdft.flows.jobs import GpawRelaxMaker, GpawStaticMaker, fragments_of, take_fragment
from pomdft.flows.queue.resources import make_resources, scheduler_words
from pomdft.schemas.calculation import CalculationInput
from pomdft.schemas.cluster import Cluster
from pomdft.settings import Settings

#: Where the job is done: beside the submitter (arithmetic), in a small or in a large queue job.
Place = Literal["here", "small", "large"]

_NAMESPACE = uuid.UUID("5b0c46c1-7b0e-5c5b-9a54-0d3c1b6f2f5e")
_SAFE_PATH = re.compile(r"/[A-Za-z0-9._+/-]{1,400}")


@dataclass(frozen=True)
class QueueJob:
    """One job of a flow, as the queue will see it.

    Attributes
    ----------
    uuid : str
        Of the Jobflow job; the same each time the same study is submitted.
    label : str
        What it computes.
    place : {"here", "small", "large"}
        Where it is done.
    n_atoms : int
        Atoms, ghosts included; 0 for arithmetic.
    ranks : int
        MPI ranks.
    resources : QResources or None
        What the queue is asked for; None for arithmetic.
    """

    uuid: str
    label: str
    place: Place
    n_atoms: int
    ranks: int
    resources: QResources | None

    @property
    def queue_name(self) -> str:
        """Name of the queue job."""
        return queue_name(self.uuid)


@dataclass(frozen=True)
class QueueFlow:
    """A flow without doubles.

    Attributes
    ----------
    flow : Flow
        Its jobs carry worker, resources and environment.
    jobs : tuple of QueueJob
        In the order of the flow.
    twins : dict of str
        Uuid of every job of the original flow -> uuid of the job that does its work.
    """

    flow: Flow
    jobs: tuple[QueueJob, ...]
    twins: dict[str, str]


def queue_name(job_uuid: str, index: int = 1) -> str:
    """Return the name of a queue job: fifteen plain characters, which every scheduler keeps."""
    if index > 1:
        job_uuid = str(uuid.uuid5(_NAMESPACE, f"{job_uuid} {index}"))
    return f"pd-{job_uuid.replace('-', '')[:12]}"


def prepare_flow(flow: Flow, cluster: Cluster, settings: Settings) -> QueueFlow:
    """Return the flow with each distinct job once, named by its content, resources chosen.

    Parameters
    ----------
    flow : Flow
        Of `StudyPlan.make_flow` or of one's own makers; it is used up.
    cluster : Cluster
        Resources.
    settings : Settings
        Store.

    Returns
    -------
    QueueFlow
    """
    twins: dict[str, str] = {}
    fragments: dict[str, Counter[str]] = {}
    kept: dict[str, Job] = {}
    described: list[QueueJob] = []
    for job in list_jobs(flow):
        old = job.uuid
        job.function_args = _redirect(tuple(job.function_args), twins)
        job.function_kwargs = _redirect(dict(job.function_kwargs), twins)
        # Two stores of one user are two sets of calculations.
        new = str(uuid.uuid5(_NAMESPACE, f"{settings.store} {_signature(job)}"))
        twins[old] = new
        if new in kept:
            continue
        job.set_uuid(new)
        job.hosts = []
        kept[new] = job
        fragments[new] = _count_atoms(job, fragments)
        described.append(_configure(job, fragments[new], cluster, settings))
    name = re.sub(r"[^A-Za-z0-9._-]", "-", str(flow.name))[:64]
    return QueueFlow(Flow(list(kept.values()), name=name), tuple(described), twins)


def list_jobs(flow: Flow) -> list[Job]:
    """Return the jobs of a flow, parents before children."""
    with warnings.catch_warnings():
        # Affinities of a study need not depend on each other, which Jobflow remarks on.
        warnings.filterwarnings("ignore", "Some jobs are not connected", UserWarning)
        return [job for job, _ in flow.iterflow()]


def find_request(
    job: Job,
) -> tuple[CalculationInput, GpawRelaxMaker | GpawStaticMaker | EnsemblePointMaker] | None:
    """Return the calculation that a job with resolved arguments does; None for other jobs."""
    maker = getattr(job.function, "__self__", None)
    if isinstance(maker, EnsemblePointMaker):
        minimum = CalculationDocument.model_validate(job.function_args[0])
        with_d_band = bool(job.function_kwargs["with_d_band"])
        return maker.request(minimum, with_d_band=with_d_band), maker
    if not isinstance(maker, GpawRelaxMaker | GpawStaticMaker) or not job.function_args:
        return None
    molecule = job.function_args[0]
    if not isinstance(molecule, Molecule):
        return None
    options = job.function_kwargs
    part, ghosts = take_fragment(
        molecule, options.get("fragment"), keep_ghosts=bool(options.get("with_ghosts"))
    )
    label = str(options.get("label") or part.formula)
    return maker.request(part, label, ghosts, tuple(options.get("frozen", ()))), maker


def job_environment(cluster: Cluster, settings: Settings, ranks: int) -> dict[str, str]:
    """Return the variables that a queue job exports."""
    return {
        **cluster.environment,
        "POMDFT_STORE": safe_path(settings.store, "the store"),
        "POMDFT_LAUNCHER": cluster.launcher if ranks > 1 else "none",
        "POMDFT_CORES": str(ranks),
        "POMDFT_WAIT": "1",
        "OMP_NUM_THREADS": "1",
    }


def safe_path(path: Path | str, what: str) -> str:
    """Return a path as text that is fit for a queue script.

    Raises
    ------
    InputError
        It has spaces or characters that a shell acts on.
    """
    text = str(path)
    if not _SAFE_PATH.fullmatch(text):
        raise InputError(
            f"The path of {what}, {text!r}, has characters that a queue script cannot carry.",
            "Use letters, digits, dot, dash, plus and underscore only.",
        )
    return text


def node_python(cluster: Cluster) -> str:
    """Return the Python that runs on the nodes."""
    chosen = Path(cluster.python).expanduser() if cluster.python else Path(sys.executable)
    return safe_path(chosen, "Python")


def _redirect(value: Any, twins: dict[str, str]) -> Any:
    if isinstance(value, OutputReference):
        return value.set_uuid(twins.get(value.uuid, value.uuid), inplace=False)
    if isinstance(value, dict):
        return {name: _redirect(item, twins) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_redirect(item, twins) for item in value)
    return value


def _signature(job: Job) -> str:
    """Return text that is equal for jobs that do the same."""
    content = {
        "function": f"{job.function.__module__}.{job.function.__qualname__}",
        "maker": getattr(job.function, "__self__", None),
        "args": job.function_args,
        "kwargs": job.function_kwargs,
    }
    return json.dumps(jsanitize(content, strict=True, allow_bson=True), sort_keys=True, default=str)


def _count_atoms(job: Job, known: dict[str, Counter[str]]) -> Counter[str]:
    """Return the atoms by fragment of what a job works on or hands on."""
    for value in (*job.function_args, *job.function_kwargs.values()):
        count = _count_in(value, known)
        if count:
            fragment = job.function_kwargs.get("fragment")
            if fragment is not None and not job.function_kwargs.get("with_ghosts"):
                return Counter({fragment: count[fragment]})
            return count
    return Counter()


def _count_in(value: Any, known: dict[str, Counter[str]]) -> Counter[str]:
    if isinstance(value, Molecule):
        named = "fragment" in value.site_properties
        return Counter(fragments_of(value) if named else ["all"] * len(value))
    if isinstance(value, OutputReference):
        return known.get(value.uuid, Counter())
    if isinstance(value, list | tuple) and value:
        return _count_in(value[0], known)
    return Counter()


def _configure(job: Job, atoms: Counter[str], cluster: Cluster, settings: Settings) -> QueueJob:
    """Choose where a job is done and with what, and write it into the job."""
    maker = getattr(job.function, "__self__", None)
    n_atoms = atoms.total()
    label = str(job.function_kwargs.get("label") or job.name)
    if isinstance(maker, GpawRelaxMaker | GpawStaticMaker):
        method = maker.level.method
        place, ranks, resources = _choose(n_atoms, method, cluster)
        if not maker.cores or maker.cores == settings.cores:
            maker.cores = 0
    elif isinstance(maker, EnsemblePointMaker):
        place, ranks, resources = _choose(n_atoms, "gpaw", cluster)
        if not maker.cores or maker.cores == settings.cores:
            maker.cores = 0
    elif job.function.__name__ == "prepare_start":
        place, ranks, resources = _choose(n_atoms, "tblite", cluster)
    else:
        place, ranks, resources = "here", 1, None
    job.config.manager_config = _manager_config(place, ranks, resources, cluster, settings)
    follow_up = job.function_kwargs.get("maker")
    if isinstance(follow_up, GpawRelaxMaker | GpawStaticMaker):
        # What a job adds while it runs is a calculation, whatever the job itself is.
        later = _choose(n_atoms, follow_up.level.method, cluster)
        job.config.response_manager_config = _manager_config(*later, cluster, settings)
    return QueueJob(job.uuid, label, place, n_atoms if resources else 0, ranks, resources)


def _choose(n_atoms: int, method: str, cluster: Cluster) -> tuple[Place, int, QResources]:
    small = cluster.is_small(n_atoms, method)
    asked = cluster.small if small else cluster.large
    ranks = 1 if method != "gpaw" else asked.choose_ranks(n_atoms)
    return ("small" if small else "large"), ranks, make_resources(asked, ranks)


def _manager_config(
    place: Place, ranks: int, resources: QResources | None, cluster: Cluster, settings: Settings
) -> dict[str, Any]:
    if resources is None:
        return {"worker": "here", "resources": {}}
    return {
        "worker": place,
        "resources": scheduler_words(
            resources, cluster.scheduler, cluster.small if place == "small" else cluster.large
        ),
        "exec_config": {"export": job_environment(cluster, settings, ranks)},
    }
