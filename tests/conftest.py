"""Fixtures that all tests share: a store of their own, and no settings from outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# One thread: tests measure chemistry, not the machine, and run beside each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point POMDFT_STORE into the test's folder and drop all other settings; return the store."""
    for name in list(os.environ):
        if name.startswith("POMDFT_"):
            monkeypatch.delenv(name)
    store = tmp_path / "store"
    monkeypatch.setenv("POMDFT_STORE", str(store))
    # Set and removed again, so that whatever a test's program sets is undone.
    monkeypatch.setenv("POMDFT_DEBUG", "1")
    monkeypatch.delenv("POMDFT_DEBUG")
    monkeypatch.setenv("POMDFT_PROGRESS", "plain")
    return store
