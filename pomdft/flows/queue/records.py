"""What was handed to a queue, kept beside the results so that any shell can look it up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from pomdft.errors import CorruptDocumentError, NotComputedError
from pomdft.schemas.base import Document
from pomdft.schemas.cluster import Cluster
from pomdft.store.files import write_atomically

RecordState = Literal["submitting", "queued", "running", "finished", "failed"]
_NAME = re.compile(r"pd-[0-9a-f]{12}")


class QueueRecord(Document):
    """One queue job.

    Attributes
    ----------
    name : str
        Its name in the queue.
    label : str
        What it computes.
    key : str or None
        Content key of the calculation; None for a pre-relaxation.
    scheduler : str
        qtoolkit's name of the queueing system.
    queue_id : str or None
        Its id in the queue; None between asking and being told.
    run_dir : str
        Folder of its script and queue output.
    ticket : str or None
        File that stands for it while it waits for a queue job that many share.
    study : str
        Study that asked for it.
    state : str
        As the submitter last knew it.
    reason : str
        Why it failed.
    asked : str
        Partition, ranks, walltime, memory.
    submitted : datetime
        UTC.
    """

    CURRENT_VERSION: ClassVar[int] = 1

    name: str = Field(pattern=r"^pd-[0-9a-f]{12}$")
    label: str
    key: str | None = None
    scheduler: str
    queue_id: str | None = None
    run_dir: str
    ticket: str | None = None
    study: str = ""
    state: RecordState = "submitting"
    reason: str = ""
    asked: str = ""
    submitted: datetime = Field(default_factory=lambda: datetime.now(UTC))


class StudyRecord(Document):
    """A study that was submitted, so that parts of it can be tried again.

    Attributes
    ----------
    name : str
        Name of the study.
    fields : dict
        The study's fields.
    cluster : Cluster
        How it was submitted.
    """

    CURRENT_VERSION: ClassVar[int] = 1

    name: str
    fields: dict[str, object]
    cluster: Cluster


class QueueFolder:
    """The folder that holds scripts, queue output and records.

    Parameters
    ----------
    root : Path
        E.g. <store>/queue; made when needed, for the user alone.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def make(self) -> None:
        """Make the folder, readable and writable by the user alone."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)

    @property
    def lock_path(self) -> Path:
        """Lock held from looking for a queue job by name until it is submitted."""
        return self.root / "submit.lock"

    def save(self, record: QueueRecord) -> None:
        """Write a record."""
        write_atomically(self.root / "records" / f"{record.name}.json", record.to_json())

    def find(self, name: str) -> QueueRecord | None:
        """Return the record of a queue job's name, None if there is none that can be read."""
        path = self.root / "records" / f"{name}.json"
        try:
            return QueueRecord.from_json(path.read_bytes(), origin=str(path))
        except (FileNotFoundError, CorruptDocumentError):
            return None

    def records(self) -> Iterator[QueueRecord]:
        """Return all records that can be read, oldest first."""
        folder = self.root / "records"
        names = [p.stem for p in folder.glob("pd-*.json")] if folder.is_dir() else []
        found = [self.find(name) for name in names if _NAME.fullmatch(name)]
        yield from sorted((r for r in found if r is not None), key=lambda r: r.submitted)

    def find_run_dirs(self, job_uuid: str, index: int) -> list[Path]:
        """Return the folders that earlier submissions made for a job, oldest first."""
        names = f"*/*/*/*/{job_uuid}_{index}/submit.sh"
        found = sorted((self.root / "runs").glob(names), key=lambda path: path.stat().st_mtime)
        return [path.parent for path in found]

    def find_calculation(self, key: str) -> QueueRecord | None:
        """Return the newest record of a calculation, None if it was never queued."""
        matching = [record for record in self.records() if record.key == key]
        return matching[-1] if matching else None

    def save_study(self, study: StudyRecord) -> None:
        """Remember a submitted study."""
        write_atomically(self.root / "studies" / f"{study.name}.json", study.to_json())

    def read_study(self, name: str) -> StudyRecord:
        """Return a submitted study.

        Raises
        ------
        NotComputedError
            No study of that name was submitted.
        """
        path = self.root / "studies" / f"{name}.json"
        try:
            return StudyRecord.from_json(path.read_bytes(), origin=str(path))
        except FileNotFoundError:
            raise NotComputedError(
                f"No study {name!r} was submitted from {self.root}.", "Use `pomdft submit`."
            ) from None
