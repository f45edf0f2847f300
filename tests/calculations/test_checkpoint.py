from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from ase.io import ulm

from pomdft.calculations.gpaw_engine import _is_readable


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A file of the same format, with a density where GPAW has it."""
    path = tmp_path / "scf.gpw"
    with ulm.Writer(path, tag="gpaw") as writer:
        writer.write(version=4, ha=27.2)
        writer.child("density").write(density=np.linspace(0.0, 1.0, 300).reshape(1, 10, 5, 6))
    return path


def test_a_whole_checkpoint_is_readable(checkpoint: Path) -> None:
    assert _is_readable(checkpoint)


def test_a_truncated_one_is_not(checkpoint: Path) -> None:
    whole = checkpoint.read_bytes()
    for length in range(0, len(whole), 13):
        checkpoint.write_bytes(whole[:length])
        assert not _is_readable(checkpoint)


def test_a_garbled_one_raises_nothing(checkpoint: Path) -> None:
    whole = np.frombuffer(checkpoint.read_bytes(), dtype=np.uint8)
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        garbled = whole.copy()
        start = rng.integers(0, len(whole))
        garbled[start : start + 12] = rng.integers(0, 256, len(garbled[start : start + 12]))
        checkpoint.write_bytes(garbled.tobytes())
        with warnings.catch_warnings():
            # Sizes of garbage overflow.
            warnings.simplefilter("ignore", RuntimeWarning)
            found.append(_is_readable(checkpoint))
    assert set(found) == {True, False}


def test_one_with_numbers_that_are_none_is_not(checkpoint: Path) -> None:
    with ulm.Writer(checkpoint, tag="gpaw") as writer:
        writer.child("density").write(density=np.array([1.0, np.nan]))
    assert not _is_readable(checkpoint)
    with ulm.Writer(checkpoint, tag="gpaw") as writer:
        writer.write(version=4)
    assert not _is_readable(checkpoint)
