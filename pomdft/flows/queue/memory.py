"""The engine's queue database in memory, quick enough for a thousand jobs.

mongomock answers "the first job in this state" by copying every job with all its atoms and
sorting the copies. With five hundred jobs a driver would spend its time on that alone.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from maggma.stores import MemoryStore
from mongomock_ng.filtering import filter_applies

_applies: Any = filter_applies


class KeptStore(MemoryStore):
    """A store in memory that closing does not empty: it is the only copy."""

    def close(self) -> None:
        """Stay open."""


class QuickJobs:
    """mongomock's collection of jobs, which is asked for one job at a time.

    Parameters
    ----------
    collection : mongomock_ng.collection.Collection
        Of the job controller; everything else is left to it.
    """

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self._iterate = collection._iter_documents
        collection._iter_documents = self._iterate_quickly

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    def find_one_and_update(
        self,
        filter: Mapping[str, Any],  # noqa: A002
        update: Any,
        *,
        sort: Sequence[tuple[str, int]] | None = None,
        **options: Any,
    ) -> Any:
        """Update the first document; the others are neither copied nor sorted by mongomock."""
        if sort:
            found = list(self._iterate_quickly(filter))
            for name, direction in reversed(sort):
                found.sort(key=operator.itemgetter(name), reverse=direction < 0)
            if not found:
                return None
            filter = {"_id": found[0]["_id"]}  # noqa: A001
        return self._collection.find_one_and_update(filter, update, **options)

    def _iterate_quickly(self, filter: Any) -> Iterator[Any]:  # noqa: A002
        filter = _as_stored(filter)  # noqa: A001
        identity = filter.get("_id") if isinstance(filter, Mapping) else None
        if not isinstance(identity, ObjectId):
            found: Iterator[Any] = self._iterate(filter)
            return found
        same = [doc for doc in self._collection._store.documents if doc["_id"] == identity]
        return (doc for doc in same if _applies(filter, doc))


def _as_stored(value: Any) -> Any:
    """Return a filter with its times as mongomock stores them: in UTC, without saying so.

    It refuses to compare them otherwise, and jobflow-remote asks so for jobs to try again.
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, Mapping):
        return {name: _as_stored(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_stored(item) for item in value]
    return value
