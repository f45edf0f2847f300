"""What runs on a node: `python -m pomdft.flows.queue.worker FOLDER` does the job in that folder."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import os
import stat
import sys
import warnings
from pathlib import Path
from typing import Any

from pomdft.errors import InputError

IN_NAME = "jfremote_in.json"
#: Objects in a job file come from these packages; naming another one makes the file refused.
_PACKAGES = frozenset(
    {"pomdft", "jobflow", "jobflow_remote", "maggma", "pymatgen", "atomate2", "emmet", "qtoolkit"}
)
_OTHER = frozenset({"datetime", "numpy", "builtins", "uuid", "pathlib"})


def check_job_file(path: Path) -> None:
    """Refuse a job file that others could have written, or that names foreign code.

    Job files hold serialised objects, and reading one imports what it names.

    Raises
    ------
    InputError
        It is missing, is not the user's own, or names a module outside pomdft's libraries.
    """
    try:
        status = path.stat()
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is not a job file ({error}).", "Submit the study again."
        ) from None
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWOTH | stat.S_IWGRP):
        raise InputError(
            f"{path} belongs to, or can be changed by, somebody else.", "Submit the study again."
        )
    _check_names(content, path)


def _check_names(value: Any, path: Path) -> None:
    if isinstance(value, dict):
        module = value.get("@module")
        if module is not None:
            package = str(module).partition(".")[0]
            if package not in _PACKAGES | _OTHER:
                raise InputError(
                    f"{path} names the module {module!r}, which no job of pomdft does."
                )
            if "@callable" in value:
                _check_callable(str(module), str(value["@callable"]), path)
        for item in value.values():
            _check_names(item, path)
    elif isinstance(value, list):
        for item in value:
            _check_names(item, path)


def _check_callable(module: str, name: str, path: Path) -> None:
    """Refuse a function that is not pomdft's own; "os.system" of a module that imports os is not.

    Its module is one of pomdft's, so that importing it to look is harmless.
    """
    found: Any = None
    if module.partition(".")[0] == "pomdft" and not any(
        part.startswith("_") for part in name.split(".")
    ):
        with contextlib.suppress(ModuleNotFoundError):
            found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part, None)
            if inspect.ismodule(found):
                break
    if not callable(found) or not str(getattr(found, "__module__", "")).startswith("pomdft."):
        raise InputError(
            f"{path} names the module {module!r} with the function {name!r}, which no job of "
            "pomdft calls."
        )


def run_job(folder: Path) -> None:
    """Do the job in `folder`; the outcome, or the error, is left there."""
    check_job_file(folder / IN_NAME)
    from jobflow_remote.jobs.run import run_remote_job

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_remote_job(folder)


def main() -> None:
    """Run as a program."""
    run_job(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
