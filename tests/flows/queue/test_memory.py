"""The engine's queue database in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from maggma.stores import MemoryStore

from pomdft.flows.queue.memory import KeptStore, QuickJobs


@pytest.fixture
def jobs() -> QuickJobs:
    store = MemoryStore()
    store.connect()
    now = datetime.now(UTC)
    collection = QuickJobs(store._collection)
    collection.insert_many(
        {
            "uuid": str(number),
            "state": "READY" if number % 2 else "DONE",
            "priority": number % 3,
            "created_on": now + timedelta(seconds=-number),
            "remote": {"retry_time_limit": None},
        }
        for number in range(12)
    )
    return collection


def test_first_by_priority_then_age(jobs: QuickJobs) -> None:
    order = [("priority", -1), ("created_on", 1)]
    seen = []
    while True:
        found = jobs.find_one_and_update(
            {"state": "READY"}, {"$set": {"state": "DONE"}}, sort=order, projection=["uuid"]
        )
        if found is None:
            break
        seen.append(int(found["uuid"]))
    # Priority is the rest of three; among equals the oldest, which has the highest number.
    assert seen == [11, 5, 7, 1, 9, 3]
    assert jobs.count_documents({"state": "DONE"}) == 12


def test_a_job_to_be_tried_again_later_waits_until_then(jobs: QuickJobs) -> None:
    now = datetime.now(UTC)
    for number, limit in ((1, now + timedelta(seconds=60)), (3, now - timedelta(seconds=60))):
        jobs.find_one_and_update(
            {"uuid": str(number)}, {"$set": {"remote.retry_time_limit": limit}}
        )
    due = {"state": "READY", "remote.retry_time_limit": {"$not": {"$gt": now}}}
    assert sorted(doc["uuid"] for doc in jobs.find(due)) == ["11", "3", "5", "7", "9"]
    assert jobs.find_one_and_update({"uuid": "none"}, {"$set": {"state": "x"}}) is None


def test_closing_keeps_what_is_stored() -> None:
    store = KeptStore()
    store.connect()
    store.update([{"uuid": "a", "index": 1}], key="uuid")
    store.close()
    assert store.count() == 1
