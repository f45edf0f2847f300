"""Where a shipped number comes from: one record a calculation."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pomdft.schemas.base import Document, UtcTime
from pomdft.schemas.calculation import CalculationInput, CalculationResult, Task


class CalculationRecord(Document):
    """What is shipped of a calculation in plain sight; input, result and log are beside it.

    Attributes
    ----------
    key : str
        Content key.
    label : str
        What was computed.
    task : {"energy", "relaxation"}
    level_title : str
        Level of theory.
    energy_ev : float
        Total energy, eV.
    max_force_ev_per_angstrom, fmax_ev_per_angstrom : float
        Largest force on a free atom, and the limit of a relaxation.
    converged : True
        Always.
    codes : dict of str
        Code versions.
    wall_time_s : float
        Wall time in seconds.
    n_ranks : int
        MPI ranks.
    archive_sha256 : str
        Checksum of the archive with input and result.
    log_sha256 : str
        Checksum of GPAW's log as shipped (without user and folders), uncompressed.
    """

    CURRENT_VERSION: ClassVar[int] = 1

    key: str
    label: str
    task: Task
    level_title: str
    energy_ev: float
    max_force_ev_per_angstrom: float = Field(ge=0)
    fmax_ev_per_angstrom: float = Field(gt=0)
    converged: Literal[True] = True
    codes: dict[str, str]
    wall_time_s: float = Field(ge=0)
    n_ranks: int = Field(ge=1)
    finished: UtcTime
    archive_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    log_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @property
    def relaxed(self) -> bool:
        """Whether this is a relaxation that has reached its limit of forces."""
        within = self.max_force_ev_per_angstrom <= self.fmax_ev_per_angstrom
        return self.task == "relaxation" and within


class ArchivedCalculation(Document):
    """Input and result of a calculation together.

    Attributes
    ----------
    request : CalculationInput
    result : CalculationResult
    """

    CURRENT_VERSION: ClassVar[int] = 1

    request: CalculationInput
    result: CalculationResult
