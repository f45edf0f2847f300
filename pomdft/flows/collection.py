"""Bringing results from a jobflow JobStore into the results store; documents are plain data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from pomdft.errors import InputError, PomdftError
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.calculation import CalculationInput, CalculationResult
from pomdft.store.results import ResultStore

Dated = TypeVar("Dated", CalculationResult, Affinity)
_KINDS = ("CalculationDocument", "Affinity")


@dataclass(frozen=True)
class Collected:
    """What was brought in.

    Attributes
    ----------
    calculations, affinities : int
        New ones.
    known : int
        Those that the store had already.
    refused : tuple of str
        Documents that are not what they say, with the reason.
    """

    calculations: int
    affinities: int
    known: int
    refused: tuple[str, ...]


def read_project(name: str) -> Iterator[dict[str, Any]]:
    """Return the documents of a jobflow-remote project's JobStore, as they are stored."""
    from jobflow_remote import ConfigManager

    projects = ConfigManager().projects
    if name not in projects:
        raise InputError(f"There is no jobflow-remote project {name!r}.", "See `jf project list`.")
    job_store: Any = projects[name].get_jobstore()
    store = job_store.docs_store
    store.connect()
    try:
        yield from store.query({"output.@class": {"$in": list(_KINDS)}})
    finally:
        store.close()


def read_json(path: Path) -> Iterator[dict[str, Any]]:
    """Return the documents of a JSON file with a list of JobStore documents.

    Raises
    ------
    InputError
        The file cannot be read or is something else.
    """
    try:
        content = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is not a JSON file ({error}).", "Give a JobStore's JSON."
        ) from None
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        raise InputError(f"{path} does not hold a list of documents.", "Give a JobStore's JSON.")
    yield from content


def collect(documents: Iterable[dict[str, Any]], store: ResultStore) -> Collected:
    """Put finished calculations and affinities into the store.

    Nothing that a document names is imported: it is read as plain data and checked against
    the schemas, and a calculation's key must follow from its input.

    Parameters
    ----------
    documents : iterable of dict
        Of a JobStore.
    store : ResultStore
        Where they go.
    """
    counts = {"calculations": 0, "affinities": 0, "known": 0}
    refused = []
    for document in documents:
        output = document.get("output")
        kind = output.get("@class") if isinstance(output, dict) else None
        if kind not in _KINDS:
            continue
        try:
            add = _add_affinity if kind == "Affinity" else _add_calculation
            counts[add(plain(output), store)] += 1
        except (ValidationError, PomdftError, KeyError, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            refused.append(f"{document.get('uuid', 'a document')}: {reason}")
    return Collected(**counts, refused=tuple(refused))


def plain(value: Any) -> Any:
    """Return a stored value without the marks (@module ...) that tell a decoder what to import."""
    if isinstance(value, dict):
        if value.get("@class") == "datetime":
            return str(value.get("string"))
        return {name: plain(item) for name, item in value.items() if not name.startswith("@")}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _in_utc(document: Dated) -> Dated:
    """Return the document with its zone said: databases keep UTC and drop that it is."""
    if document.finished.tzinfo is not None:
        return document
    return document.model_copy(update={"finished": document.finished.replace(tzinfo=UTC)})


def _add_calculation(output: dict[str, Any], store: ResultStore) -> str:
    if not output.get("request") or not output.get("result"):
        raise InputError("it holds no input and result; it was made by another version of pomdft")
    request = CalculationInput.model_validate(output["request"])
    result = _in_utc(CalculationResult.model_validate(output["result"]))
    if result.key != request.key:
        raise InputError(f"its key {result.key} does not follow from its input ({request.key})")
    if len(result.positions_angstrom) != len(request.model.symbols):
        raise InputError("its result has another number of atoms than its input")
    if store.find_result(request.key) is not None:
        return "known"
    store.begin(request)
    store.save_result(request, result)
    return "calculations"


def _add_affinity(output: dict[str, Any], store: ResultStore) -> str:
    affinity = _in_utc(Affinity.model_validate(output))
    if any(found.key == affinity.key for found in store.affinities()):
        return "known"
    store.save_affinity(affinity)
    return "affinities"
