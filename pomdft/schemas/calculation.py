"""One calculation: what goes in, its content key, and what comes out."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pomdft.errors import InputError
from pomdft.schemas.base import Document, UtcTime, canonical_hash
from pomdft.schemas.level import Level, RelaxationSettings
from pomdft.schemas.model import AtomicModel, Vector
from pomdft.schemas.solvent import find_solvent

Task = Literal["energy", "relaxation"]
#: What else is taken from the final electronic structure, see pomdft.calculations.properties.
Property = Literal["d-band", "beef-ensemble"]

#: Packages whose version changes the numbers, by method.
_CODES: dict[str, tuple[str, ...]] = {
    "gpaw": ("gpaw", "gpaw-data"),
    "tblite": ("tblite",),
    "emt": ("ase",),
}


@lru_cache(maxsize=32)
def package_version(name: str) -> str:
    """Return the installed version of a distribution, or "absent"."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def code_versions(level: Level) -> dict[str, str]:
    """Return name and version of the codes whose version changes this level's numbers."""
    names = _CODES[level.method] + (("dftd4",) if level.dispersion else ())
    return {name: package_version(name) for name in names}


class CalculationInput(Document):
    """Everything that fixes the outcome of one calculation.

    Attributes
    ----------
    task : {"energy", "relaxation"}
        Energy and forces at the given geometry, or relaxation.
    model : AtomicModel
        Atoms, charge, spin, cell.
    level : Level
        Level of theory.
    codes : dict of str
        Versions of the codes that change the numbers.
    properties : tuple of {"d-band", "beef-ensemble"}
        What else is taken from the final electronic structure; GPAW only.
    """

    CURRENT_VERSION: ClassVar[int] = 1

    task: Task
    model: AtomicModel
    level: Level
    codes: dict[str, str]
    properties: tuple[Property, ...] = ()

    @model_validator(mode="after")
    def _check_properties(self) -> Self:
        if self.properties and self.level.method != "gpaw":
            raise InputError(
                f"properties {', '.join(self.properties)} need method gpaw, not "
                f"{self.level.method}.",
                "Choose a GPAW level.",
            )
        if self.level.solvent is not None:
            if "d-band" in self.properties:
                raise InputError(
                    "property d-band is not available in a continuum.",
                    "Choose a level without solvent.",
                )
            if any(self.model.pbc):
                raise InputError(
                    f"Model {self.model.label!r} is periodic; continuum {self.level.solvent} is "
                    "for molecules.",
                    "Choose a level without solvent.",
                )
        return self

    @classmethod
    def create(
        cls, task: Task, model: AtomicModel, level: Level, properties: tuple[Property, ...] = ()
    ) -> CalculationInput:
        """Return the input with the versions of the installed codes."""
        codes = code_versions(level)
        return cls(task=task, model=model, level=level, codes=codes, properties=properties)

    @property
    def key(self) -> str:
        """Content key: equal for equal physics, whatever the labels."""
        level = self.level
        data: dict[str, Any] = {
            "task": self.task,
            "model": self.model.canonical(),
            "method": level.method,
            "parameters": level.parameters,
            "dispersion": level.dispersion,
            "codes": self.codes,
        }
        if self.task == "relaxation":
            data["relaxation"] = level.relaxation.model_dump(
                mode="json", exclude={"schema_version", "max_steps", "shell"}
            )
        if level.solvent is not None:
            data["solvent"] = find_solvent(level.solvent).canonical(self.model.symbols)
        if self.properties:
            data["properties"] = sorted(self.properties)
        return canonical_hash(data)


class RecoveryStep(Document):
    """One rung of the recovery ladder that was climbed.

    Attributes
    ----------
    rung : str
        Name of the rung, e.g. "damp-mixing".
    reason : str
        Why it was needed.
    changes : dict
        GPAW parameters changed on it.
    """

    rung: str
    reason: str
    changes: dict[str, Any] = Field(default_factory=dict)


class CalculationResult(Document):
    """Outcome of a converged calculation; an unconverged one has no result.

    Attributes
    ----------
    key : str
        Content key of the input.
    task : {"energy", "relaxation"}
        What was done.
    energy_ev : float
        Total energy in eV, dispersion included, extrapolated to zero electronic temperature.
    dispersion_energy_ev : float or None
        The dispersion correction in it; None where the level has none.
    forces_ev_per_angstrom : tuple of 3-tuples
        Forces on the atoms, n_atoms x 3, eV/angstrom.
    max_force_ev_per_angstrom : float
        Largest force on a free atom.
    positions_angstrom : tuple of 3-tuples
        Final positions, n_atoms x 3.
    magnetic_moment_bohr_magneton : float or None
        Total moment; None for a calculation without spin polarisation.
    fermi_level_ev, gap_ev : float or None
        Of the final electronic structure, where the code gives them.
    n_steps : int
        Relaxation steps taken in all, over all restarts.
    step_energies_ev : tuple of float
        Energy at every step of the relaxation.
    recovery : tuple of RecoveryStep
        Rungs of the recovery ladder that were needed.
    converged : True
        Always; kept so that other programs can see it.
    wall_time_s : float
        Wall time in seconds, over all restarts.
    n_ranks : int
        MPI ranks of the last run.
    codes : dict of str
        Code versions.
    finished : datetime
        UTC.
    extras : dict
        Other results of the code (e.g. ensemble energies), JSON-able, units in the names.
    """

    CURRENT_VERSION: ClassVar[int] = 1

    key: str
    task: Task
    energy_ev: float
    dispersion_energy_ev: float | None = None
    forces_ev_per_angstrom: tuple[Vector, ...]
    max_force_ev_per_angstrom: float = Field(ge=0)
    positions_angstrom: tuple[Vector, ...]
    magnetic_moment_bohr_magneton: float | None = None
    fermi_level_ev: float | None = None
    gap_ev: float | None = None
    n_steps: int = Field(default=0, ge=0)
    step_energies_ev: tuple[float, ...] = ()
    recovery: tuple[RecoveryStep, ...] = ()
    converged: Literal[True] = True
    wall_time_s: float = Field(ge=0)
    n_ranks: int = Field(default=1, ge=1)
    codes: dict[str, str]
    finished: UtcTime = Field(default_factory=lambda: datetime.now(UTC))
    extras: dict[str, Any] = Field(default_factory=dict)


class CalculationFailure(Document):
    """Why a calculation failed; written beside its input, never read as a number.

    Attributes
    ----------
    key : str
        Content key.
    kind : str
        Name of the error class, e.g. "ConvergenceError".
    message : str
        What happened and what to do.
    permanent : bool
        Whether the same input would fail again (True), or the machine was at fault (False).
    recovery : tuple of RecoveryStep
        Rungs tried.
    """

    CURRENT_VERSION: ClassVar[int] = 1

    key: str
    kind: str
    message: str
    permanent: bool
    recovery: tuple[RecoveryStep, ...] = ()
    failed: datetime = Field(default_factory=lambda: datetime.now(UTC))


__all__ = [
    "CalculationFailure",
    "CalculationInput",
    "CalculationResult",
    "Property",
    "RecoveryStep",
    "RelaxationSettings",
    "Task",
    "code_versions",
    "package_version",
]
