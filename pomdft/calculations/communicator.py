"""The few MPI operations the worker needs, so that it also runs without MPI."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Communicator(Protocol):
    """Ranks that work on one calculation; GPAW's `world` fits."""

    rank: int
    size: int

    def sum(self, array: NDArray[np.float64]) -> Any:
        """Sum an array over the ranks in place."""

    def broadcast(self, array: NDArray[np.float64], root: int) -> Any:
        """Copy an array from `root` to all ranks in place."""


class SerialCommunicator:
    """One rank."""

    rank = 0
    size = 1

    def sum(self, array: NDArray[np.float64]) -> None:
        """Do nothing: there is one rank."""

    def broadcast(self, array: NDArray[np.float64], root: int) -> None:
        """Do nothing: there is one rank."""
