"""How the benchmarks measure, and what a row of their table holds."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType

# What is looked at by the clock lasts at least about this long (s).
SHORTEST = 1e-3
# How often a work is timed in each of its turns.
TURN = 3


@dataclass
class Row:
    """One kind of work.

    Parameters
    ----------
    name : str
        The work.
    unit : str
        What the times are per.
    seconds : float
        Ours.
    against : str
        Key of `peers` that the limit is about.
    peers : dict of str to (float or str)
        Seconds of each peer in the same run on the same work, or why there is none.
    at_most : float, optional
        Ours may take at most this many times the peer's time.
    at_least : float, optional
        Ours has to be at least this many times as fast as the peer.
    mark_seconds : float, optional
        What throw-away C reached on one Zen 4 core.
    """

    name: str
    unit: str
    seconds: float
    against: str
    peers: dict[str, float | str] = field(default_factory=dict)
    at_most: float | None = None
    at_least: float | None = None
    mark_seconds: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's time where a ceiling is set, else the peer's over ours."""
        peer = self.peers.get(self.against)
        if not isinstance(peer, float):
            return None
        return self.seconds / peer if self.at_most is not None else peer / self.seconds

    @property
    def passed(self) -> bool | None:
        """Whether the limit is kept; None where there is none or the peer is absent."""
        if self.ratio is None or (self.at_most is None and self.at_least is None):
            return None
        if self.at_most is not None:
            return self.ratio <= self.at_most
        return self.ratio >= self.at_least


def time_interleaved(
    works: Mapping[str, Callable[[], object]], repeats: int = 20, seconds: float = 20.0
) -> dict[str, float]:
    """Return the shortest time of each work, run in turns so that all meet the same machine.

    It is the thread's processor time, which other programs on the machine do not count towards;
    works have to run in the calling thread. Short works are called several times in a row, so that
    looking at the clock does not count either.

    Parameters
    ----------
    works : mapping of str to callable
        What is timed.
    repeats : int
        Rounds at most.
    seconds : float
        No round is started after this time; the first is always made, and one before it to warm
        up.
    """
    start = time.perf_counter()
    best = {name: time_once(work) for name, work in works.items()}
    calls = {name: max(1, round(SHORTEST / max(t, 1e-9))) for name, t in best.items()}
    for _ in range(repeats):
        for name, work in works.items():
            # The first of a turn finds the caches and the memory as another work left them.
            for _ in range(TURN):
                best[name] = min(best[name], time_once(work, calls[name]))
        if time.perf_counter() - start > seconds:
            break
    return best


def time_once(work: Callable[[], object], calls: int = 1) -> float:
    """Return the thread's processor time (s) a call."""
    before = time.thread_time()
    for _ in range(calls):
        work()
    return (time.thread_time() - before) / calls


def find_peer(name: str) -> ModuleType | str:
    """Return a peer's module, or the sentence that stands for it in the table."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return "not installed"
