"""Where results are kept and how GPAW is started; read from POMDFT_* environment variables."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pomdft.errors import InputError

#: Programs that may start an MPI run; `none` runs GPAW in one process.
LAUNCHERS = ("mpiexec", "mpirun", "srun", "none")
_SHELL_CHARACTERS = frozenset(";&|<>`$\n\\")


class Settings(BaseSettings):
    """Settings of this machine and user.

    Attributes
    ----------
    store : Path
        Folder of the results store (POMDFT_STORE).
    launcher : str
        Command that starts an MPI run: `mpiexec`, `mpirun` or `srun` (a path is allowed), with
        its own options if any, or `none` (POMDFT_LAUNCHER).
    cores : int
        MPI ranks of one GPAW calculation; 0 means all cores this process may use (POMDFT_CORES).
    progress : {"auto", "rich", "plain", "none"}
        How progress is shown (POMDFT_PROGRESS).
    wait : bool
        Wait for a calculation that another process is doing, instead of failing (POMDFT_WAIT);
        queue jobs do.
    """

    model_config = SettingsConfigDict(env_prefix="POMDFT_", extra="ignore", frozen=True)

    store: Path = Field(default_factory=lambda: user_data_path("pomdft") / "store")
    launcher: str = "mpiexec"
    cores: int = Field(default=0, ge=0, le=100_000)
    progress: Literal["auto", "rich", "plain", "none"] = "auto"
    wait: bool = False

    @field_validator("launcher")
    @classmethod
    def _check_launcher(cls, value: str) -> str:
        words = shlex.split(value)
        if set(value) & _SHELL_CHARACTERS:
            msg = f"POMDFT_LAUNCHER={value!r} holds characters of a shell; it is not run by one."
            raise ValueError(msg)
        if not words or Path(words[0]).name not in LAUNCHERS:
            names = ", ".join(LAUNCHERS)
            msg = f"POMDFT_LAUNCHER={value!r} does not start with one of: {names}."
            raise ValueError(msg)
        return value

    @field_validator("store")
    @classmethod
    def _expand_store(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def ranks(self) -> int:
        """Number of MPI ranks of one calculation."""
        return self.cores or available_cores()


def available_cores() -> int:
    """Return the number of cores this process may run on."""
    return len(os.sched_getaffinity(0))


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    InputError
        A POMDFT_* variable has a wrong value.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "POMDFT_" + "_".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        message = f"Environment variable {name}: {reason} (got {first['input']!r})."
        raise InputError(message, "Correct or unset it.") from None
