"""The results store: one folder a calculation, addressed by the content of its input.

Layout::

    <store>/calculations/<key>/input.json     what was asked
                               result.json    what came out; the truth
                               failure.json   why it failed, if it did
                               gpaw.txt ...   logs and checkpoints
    <store>/affinities/<key>.json             binding energies derived from calculations
    <store>/geometries/<key>.json             prepared starting geometries
    <store>/index.sqlite                      can be dropped: `pomdft store rebuild`
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pomdft.errors import CorruptDocumentError, InputError, NotComputedError, StoreError
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.base import Document
from pomdft.schemas.calculation import CalculationFailure, CalculationInput, CalculationResult
from pomdft.store.files import drop_stale, is_locked, locked, write_atomically
from pomdft.store.index import Index, set_aside

_LOG = logging.getLogger(__name__)
_DocumentT = TypeVar("_DocumentT", bound=Document)
_KEY = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True)
class RebuildReport:
    """What `pomdft store rebuild` found.

    Attributes
    ----------
    calculations, affinities : int
        Documents indexed.
    set_aside : tuple of Path
        Unreadable documents and the old index, renamed, not deleted.
    """

    calculations: int
    affinities: int
    set_aside: tuple[Path, ...] = field(default=())


class ResultStore:
    """Content-addressed results below one folder.

    Parameters
    ----------
    root : Path
        The store's folder; made when first written to.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def __repr__(self) -> str:
        return f"ResultStore({str(self.root)!r})"

    @cached_property
    def index(self) -> Index:
        """The SQLite index, opened when first needed; made from the documents if it is gone."""
        path = self.root / "index.sqlite"
        if not path.exists() and self._has_documents():
            with locked(self.root / "index.lock", wait=True):
                if not path.exists():
                    self._build_index(path)
        return Index(path)

    def folder(self, key: str) -> Path:
        """Return the folder of a calculation; it need not exist."""
        if not _KEY.fullmatch(key):
            raise InputError(f"{key!r} is not a calculation key (24 hexadecimal digits).")
        return self.root / "calculations" / key

    def find_result(self, key: str) -> CalculationResult | None:
        """Return a finished calculation's result, None if there is none.

        A result that cannot be read is set aside, so that the calculation is done again.
        """
        path = self.folder(key) / "result.json"
        content = _read(path)
        if content is None:
            return None
        try:
            result = CalculationResult.from_json(content, origin=str(path))
        except CorruptDocumentError:
            result = None
        if result is None or result.key != key:
            # A store that is only read keeps its damaged file; it counts as absent all the same.
            with suppress(StoreError):
                kept = set_aside(path)
                _LOG.warning(
                    "%s cannot be read: set aside as %s, to be done again", path, kept.name
                )
            return None
        return result

    def read_result(self, key: str) -> CalculationResult:
        """Return a finished calculation's result.

        Raises
        ------
        NotComputedError
            There is none.
        CorruptDocumentError
            It cannot be read.
        """
        path = self.folder(key) / "result.json"
        content = _read(path)
        if content is None:
            raise NotComputedError(f"No result for key {key} in {self.root}.")
        return CalculationResult.from_json(content, origin=str(path))

    def read_input(self, key: str) -> CalculationInput:
        """Return what was asked of a calculation.

        Raises
        ------
        NotComputedError
            The store does not know the key.
        """
        path = self.folder(key) / "input.json"
        content = _read(path)
        if content is None:
            raise NotComputedError(f"No calculation with key {key} in {self.root}.")
        return CalculationInput.from_json(content, origin=str(path))

    def find_failure(self, key: str) -> CalculationFailure | None:
        """Return why a calculation failed, None if it did not (or that cannot be read)."""
        path = self.folder(key) / "failure.json"
        content = _read(path)
        if content is None:
            return None
        try:
            return CalculationFailure.from_json(content, origin=str(path))
        except CorruptDocumentError:
            return None

    def begin(self, request: CalculationInput) -> Path:
        """Make the folder of a calculation, write its input, return the folder."""
        folder = self.folder(request.key)
        path = folder / "input.json"
        try:
            whole = self.read_input(request.key).key == request.key
        except NotComputedError:
            whole = False
        except CorruptDocumentError:
            set_aside(path)
            whole = False
        if not whole:
            write_atomically(path, request.to_json())
        return folder

    def recall(self, request: CalculationInput) -> CalculationResult | None:
        """Return a finished calculation's result and see that the index has it.

        A process killed between writing a result and indexing it leaves it out of the index.
        """
        result = self.find_result(request.key)
        if result is not None and not self.index.has_calculation(request.key):
            self.finish(request, result)
        return result

    def finish(self, request: CalculationInput, result: CalculationResult) -> None:
        """Put a result that its process has written into the index and drop old failures."""
        (self.folder(result.key) / "failure.json").unlink(missing_ok=True)
        self.index.add_calculation(request, result)

    def save_result(self, request: CalculationInput, result: CalculationResult) -> None:
        """Write a result and index it."""
        write_atomically(self.folder(result.key) / "result.json", result.to_json())
        self.finish(request, result)

    def save_failure(self, failure: CalculationFailure) -> None:
        """Write why a calculation failed."""
        write_atomically(self.folder(failure.key) / "failure.json", failure.to_json())

    def find_geometry(self, key: str) -> list[list[float]] | None:
        """Return prepared starting positions in angstrom (n_atoms x 3), None if there are none."""
        content = _read(self.root / "geometries" / f"{key}.json")
        if content is None:
            return None
        try:
            positions: list[list[float]] = json.loads(content)["positions_angstrom"]
        except (ValueError, KeyError, TypeError):
            return None
        return positions

    def save_geometry(self, key: str, positions_angstrom: list[list[float]]) -> None:
        """Keep prepared starting positions in angstrom (n_atoms x 3)."""
        text = json.dumps({"positions_angstrom": positions_angstrom})
        write_atomically(self.root / "geometries" / f"{key}.json", text)

    def save_affinity(self, affinity: Affinity) -> Affinity:
        """Write a binding energy and index it; one that is there already stays as it is.

        Returns
        -------
        Affinity
            The stored one: with the time it was first finished, and with what was added to the
            same binding energy before, see `Affinity.with_additions`.
        """
        path = self.root / "affinities" / f"{affinity.key}.json"
        known = None
        try:
            known = self.read_affinity(affinity.key)
        except NotComputedError:
            pass
        except CorruptDocumentError:
            set_aside(path)
        if known is not None:
            affinity = affinity.with_additions(known)
            if known == affinity.model_copy(update={"finished": known.finished}):
                if known.key not in self.index.find_affinities(ligand=known.ligand):
                    self.index.add_affinity(known)
                return known
        write_atomically(path, affinity.to_json())
        self.index.add_affinity(affinity)
        return affinity

    def read_affinity(self, key: str) -> Affinity:
        """Return an affinity by key.

        Raises
        ------
        NotComputedError
            The store does not have it.
        """
        path = self.root / "affinities" / f"{key}.json"
        content = _read(path)
        if content is None:
            raise NotComputedError(f"No affinity with key {key} in {self.root}.")
        return Affinity.from_json(content, origin=str(path))

    def affinities(self, **equal: str | None) -> list[Affinity]:
        """Return the affinities whose fields equal the given values (None: any), oldest first."""
        if not self.root.exists():
            return []
        return [self.read_affinity(key) for key in self.index.find_affinities(**equal)]

    @contextmanager
    def lock(self, key: str, *, wait: bool = False) -> Iterator[None]:
        """Hold the right to compute one key; `wait` for it instead of raising.

        Raises
        ------
        BusyError
            Another process has it.
        """
        folder = self.folder(key)
        advice = "Wait for it to finish, or let this command wait: POMDFT_WAIT=1."
        with locked(folder / "driver.lock", wait=wait, advice=advice):
            drop_stale(folder)
            yield

    def is_running(self, key: str) -> bool:
        """Return whether some process is computing the key now."""
        return is_locked(self.folder(key) / "driver.lock")

    def calculation_keys(self) -> list[str]:
        """Return the keys of all calculations begun, finished or not."""
        folder = self.root / "calculations"
        if not folder.is_dir():
            return []
        return sorted(p.name for p in folder.iterdir() if _KEY.fullmatch(p.name))

    def rebuild(self) -> RebuildReport:
        """Make the index anew from the documents; what cannot be read is set aside."""
        if not self.root.is_dir():
            raise StoreError(f"There is no store at {self.root}.", "Check POMDFT_STORE or --store.")
        opened = self.__dict__.pop("index", None)
        if opened is not None:
            opened.close()
        with locked(self.root / "index.lock", wait=True):
            return self._build_index(self.root / "index.sqlite")

    def _has_documents(self) -> bool:
        return any((self.root / name).is_dir() for name in ("calculations", "affinities"))

    def _build_index(self, path: Path) -> RebuildReport:
        """Write an index beside its place, then put it there: at any moment one is whole."""
        aside: list[Path] = []
        calculations = []
        for key in self.calculation_keys():
            folder = self.folder(key)
            result = self._read_or_set_aside(folder / "result.json", CalculationResult, aside)
            request = self._read_or_set_aside(folder / "input.json", CalculationInput, aside)
            if request is not None and result is not None and result.key == key:
                calculations.append((request, result))
        paths = sorted((self.root / "affinities").glob("*.json"))
        found = [self._read_or_set_aside(p, Affinity, aside) for p in paths]
        affinities = [affinity for affinity in found if affinity is not None]
        temporary = path.with_name(f"{path.name}.new")
        temporary.unlink(missing_ok=True)
        fresh = Index(temporary)
        fresh.add_all(calculations, affinities)
        fresh.close()
        temporary.with_name(f"{temporary.name}-journal").unlink(missing_ok=True)
        if path.exists():
            aside.append(set_aside(path))
        temporary.rename(path)
        return RebuildReport(len(calculations), len(affinities), tuple(aside))

    def _read_or_set_aside(
        self, path: Path, kind: type[_DocumentT], aside: list[Path]
    ) -> _DocumentT | None:
        content = _read(path)
        if content is None:
            return None
        try:
            return kind.from_json(content, origin=str(path))
        except CorruptDocumentError:
            aside.append(set_aside(path))
            return None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(
            f"Cannot read {path}: {error.strerror}.", "Check its permissions and the disk."
        ) from error
