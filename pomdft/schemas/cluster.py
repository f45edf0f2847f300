"""How a cluster is used: what `cluster.yaml` says, checked before any of it reaches a shell."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator

from pomdft.errors import InputError, UnknownNameError
from pomdft.schemas.base import Document

#: A cluster file larger than this is not one.
_MAX_BYTES = 100_000
#: Names of partitions, accounts, modules: nothing a shell or a queue script could act on.
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._+@-]{0,63}$"
_MODULE = r"^[A-Za-z0-9][A-Za-z0-9._+/-]{0,127}$"
_PATH = re.compile(r"^~?/[A-Za-z0-9._+/-]{0,255}$")
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
_VALUE = re.compile(r"^[A-Za-z0-9._+:,=@%/~-]{0,255}$")
#: Lines that prepare a shell for a program; words may use $NAME, nothing else a shell expands.
_LINE = re.compile(
    r"^(?:module (?:load|use|purge|swap|unload|restore)|source|\.|export|ulimit"
    r"|(?:conda|mamba|micromamba) activate|spack (?:load|env activate))"
    r"(?: (?:[A-Za-z0-9._+:,=@%/~-]|\$[A-Za-z_]|\$\{[A-Za-z_][A-Za-z0-9_]*\})+)*$"
)
#: Names of variables that hold what others must not read.
_SECRET = re.compile(
    r"PASSW|SECRET|TOKEN|CREDENTIAL|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|MONGO(DB)?_UR[IL]|://[^/]*@",
    re.IGNORECASE,
)
_NO_SECRETS = (
    "a secret does not belong in a cluster file: it would stand in every queue script; keep it "
    "in a file of mode 0600 that a `source` line reads"
)
_WALLTIME = re.compile(r"^(?:(\d{1,3})-)?(\d{1,4}):([0-5]?\d):([0-5]?\d)$")
#: A GPAW rank has work enough with about this many atoms.
_ATOMS_PER_RANK = 4

Scheduler = Literal["slurm", "pbs", "sge"]
Name = Annotated[str, Field(pattern=_NAME)]


def parse_walltime(value: Any) -> int:
    """Return a duration in seconds from "H:MM:SS", "D-H:MM:SS" or a number of seconds.

    Raises
    ------
    ValueError
        It is none of these.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _WALLTIME.fullmatch(str(value))
    if match is None:
        msg = "a walltime is written H:MM:SS or D-H:MM:SS, in quotes"
        raise ValueError(msg)
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _check_path(value: str) -> str:
    if not _PATH.fullmatch(value) or ".." in value.split("/"):
        msg = "a path is absolute (or begins with ~/), without spaces, '..' or shell characters"
        raise ValueError(msg)
    return value


PlainPath = Annotated[str, AfterValidator(_check_path)]
Walltime = Annotated[int, BeforeValidator(parse_walltime), Field(ge=60, le=60 * 86400)]


class JobResources(Document):
    """What one queue job asks for.

    Attributes
    ----------
    partition, account, qos : str or None
        Names at the site.
    nodes : int
        Nodes of one job.
    ranks : int
        MPI ranks of one job; 0: chosen from the number of atoms.
    ranks_per_node : int
        Cores of a node that may be used.
    walltime : int
        Time limit in seconds, written "H:MM:SS" in the file.
    memory_per_rank_mb : int or None
        Memory of one rank in MB.
    parallel_environment : str or None
        SGE's name for how ranks are laid out on nodes; needed there for more than one rank.
    """

    CURRENT_VERSION: ClassVar[int] = 1

    partition: Name | None = None
    account: Name | None = None
    qos: Name | None = None
    nodes: int = Field(default=1, ge=1, le=1000)
    ranks: int = Field(default=0, ge=0, le=100_000)
    ranks_per_node: int = Field(default=16, ge=1, le=1024)
    walltime: Walltime = 86400
    memory_per_rank_mb: int | None = Field(default=None, ge=1, le=10_000_000)
    parallel_environment: Name | None = None

    def choose_ranks(self, n_atoms: int) -> int:
        """Return the MPI ranks for a system of `n_atoms` atoms.

        A power of two near one rank for four atoms (grids divide evenly), at most what the nodes
        have; a number given in the file is taken as it is.
        """
        if self.ranks:
            return self.ranks
        wanted = 1 << max(0, round(math.log2(max(n_atoms, 1) / _ATOMS_PER_RANK)))
        return min(wanted, self.nodes * self.ranks_per_node)


class Batching(Document):
    """Many small calculations in one queue job.

    Attributes
    ----------
    queue_jobs : int
        At most so many queue jobs for small calculations at once; 0: one for each calculation.
    idle_s : float
        A queue job with nothing left to do waits this long for more (s).
    """

    queue_jobs: int = Field(default=0, ge=0, le=1000)
    idle_s: float = Field(default=20.0, ge=0, le=3600)


class Cluster(Document):
    """A cluster and how to use it.

    Attributes
    ----------
    scheduler : {"slurm", "pbs", "sge"}
        qtoolkit's name of the queueing system.
    project : str or None
        Name of a jobflow-remote project that takes over the jobs; None: `pomdft submit` drives
        the queue itself.
    worker : str or None
        Worker of that project; None: its first one.
    launcher : {"srun", "mpiexec", "mpirun", "none"}
        Starts GPAW inside a job.
    folder : str or None
        Folder for scripts and queue output, seen by all nodes; by default inside the store.
    python : str or None
        Python on the nodes; by default the one that submits.
    modules : tuple of str
        Loaded at the start of a job.
    pre_run : tuple of str
        Further lines at the start: module, source, export, ulimit, conda activate, spack load.
    environment : dict of str
        Exported in every job.
    small_atoms : int
        Systems of at most so many atoms, and all that xTB computes, are small.
    small, large : JobResources
        What small and large jobs ask for.
    batch : Batching
        Small calculations sharing queue jobs.
    max_jobs : int
        At most so many large jobs in the queue at once.
    poll_s : float
        The queue is asked this often (s).
    """

    CURRENT_VERSION: ClassVar[int] = 1

    scheduler: Scheduler = "slurm"
    project: Name | None = None
    worker: Name | None = None
    launcher: Literal["srun", "mpiexec", "mpirun", "none"] = "mpiexec"
    folder: PlainPath | None = None
    python: PlainPath | None = None
    modules: tuple[Annotated[str, Field(pattern=_MODULE)], ...] = Field(default=(), max_length=50)
    pre_run: tuple[str, ...] = Field(default=(), max_length=50)
    environment: dict[str, str] = Field(default_factory=dict)
    small_atoms: int = Field(default=16, ge=1, le=10_000)
    small: JobResources = JobResources(ranks_per_node=4, walltime=4 * 3600)
    large: JobResources = JobResources()
    batch: Batching = Batching()
    max_jobs: int = Field(default=50, ge=1, le=10_000)
    poll_s: float = Field(default=15.0, ge=0.2, le=3600)

    @field_validator("pre_run")
    @classmethod
    def _check_lines(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for line in value:
            if line.lstrip().startswith("export") and _SECRET.search(line):
                raise ValueError(_NO_SECRETS)
            if not _LINE.fullmatch(line):
                msg = (
                    f"{line!r}: a line is one of module, source, export, ulimit, conda activate, "
                    "spack load, with plain words"
                )
                raise ValueError(msg)
        return value

    @field_validator("environment")
    @classmethod
    def _check_variables(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if _SECRET.search(f"{name}={text}"):
                raise ValueError(_NO_SECRETS)
            if not _VARIABLE.fullmatch(name) or not _VALUE.fullmatch(text):
                msg = f"{name}={text!r}: plain names and values only, without spaces"
                raise ValueError(msg)
        return value

    def is_small(self, n_atoms: int, method: str) -> bool:
        """Return whether a calculation counts as small."""
        return method != "gpaw" or n_atoms <= self.small_atoms

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a cluster file.

        Raises
        ------
        InputError
            The file is missing, not plain YAML, or a field is wrong; names the field.
        """
        path = Path(path)
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise InputError(f"{path} is too large for a cluster file.")
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise InputError(f"Cannot read {path}: {reason}.", "Check the path.") from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            problem = getattr(error, "problem", None) or "not plain YAML"
            raise InputError(f"{path}{where}: {problem}.", "Correct the YAML.") from None
        if data is None:
            data = {}
        if not isinstance(data, dict):
            raise InputError(f"{path} does not hold a mapping of fields.", "See inputs/.")
        return cls.from_fields(data, origin=str(path))

    @classmethod
    def from_fields(cls, data: dict[str, Any], origin: str = "cluster") -> Self:
        """Build from plain fields.

        Raises
        ------
        UnknownNameError
            A key is misspelt; the near names are listed.
        InputError
            A value is wrong, or could make a shell or a queue do something else.
        """
        _check_keys(data, cls, f"key in {origin}")
        for name, kind in (("small", JobResources), ("large", JobResources), ("batch", Batching)):
            if isinstance(data.get(name), dict):
                _check_keys(data[name], kind, f"key under {name} in {origin}")
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            quotable = first["type"] != "missing" and _NO_SECRETS not in first["msg"]
            given = f" (got {first['input']!r})" if quotable else ""
            raise InputError(f"{origin}: {where}: {first['msg']}{given}.", "Correct it.") from None


def _check_keys(data: dict[str, Any], kind: type[Document], what: str) -> None:
    known = set(kind.model_fields) - {"schema_version"}
    for name in data:
        if name not in known:
            raise UnknownNameError(what, str(name), known)
