"""Which code runs: a compiled kernel on one of its vector paths, or the NumPy twin.

``POMDFT_KERNELS`` forces a path: ``plain``, ``avx2``, ``avx512`` or ``reference`` (the NumPy
twins). It is read at each call, so a test may switch it.
"""

from __future__ import annotations

import importlib
import os
import warnings
from functools import cache
from types import ModuleType

from pomdft.errors import InputError, UnknownNameError

VARIABLE = "POMDFT_KERNELS"
LEVELS = {"plain": 0, "avx2": 1, "avx512": 2}


class CompiledKernelsMissingWarning(UserWarning):
    """The compiled kernels are not installed: the NumPy twins run, slower."""


@cache
def _import(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(f"pomdft.kernels._{name}")
    except ModuleNotFoundError:
        return None


@cache
def _warn_once() -> None:
    warnings.warn(
        "The compiled kernels of pomdft are absent: the slower NumPy twins run instead. "
        "Build them with `pip install pomdft` from a wheel, or in a checkout with "
        "`python setup.py build_ext --inplace`.",
        CompiledKernelsMissingWarning,
        stacklevel=4,
    )


def _requested() -> str:
    value = os.environ.get(VARIABLE, "")
    if value and value != "reference" and value not in LEVELS:
        raise UnknownNameError(VARIABLE, value, [*LEVELS, "reference"])
    return value


def is_compiled(name: str) -> bool:
    """Return whether the kernel runs compiled, as things and ``POMDFT_KERNELS`` stand.

    Parameters
    ----------
    name : str
        Extension without its underscore: ``"energy"`` for ``pomdft.kernels._energy``.

    Returns
    -------
    bool
        False where the NumPy twin runs.
    """
    return _requested() != "reference" and _import(name) is not None


def select(name: str, reference: ModuleType) -> ModuleType:
    """Return the compiled module, or the twin with the same functions.

    Parameters
    ----------
    name : str
        Extension without its underscore.
    reference : module
        NumPy twin; its functions have the signatures of the compiled ones.

    Returns
    -------
    module
        Where the compiled module is absent without having been switched off, the twin, with one
        `CompiledKernelsMissingWarning` for the whole process.
    """
    if _requested() == "reference":
        return reference
    module = _import(name)
    if module is None:
        _warn_once()
        return reference
    return module


@cache
def cpu_level() -> int:
    """Return the widest path of this machine: 0 plain, 1 AVX2, 2 AVX-512."""
    module = _import("simd")
    return 0 if module is None else int(module.cpu_level())


def simd_level() -> int:
    """Return the path the compiled kernels take: 0 plain, 1 AVX2, 2 AVX-512.

    Returns
    -------
    int
        The machine's widest, or what ``POMDFT_KERNELS`` asks for.

    Raises
    ------
    InputError
        ``POMDFT_KERNELS`` asks for instructions this machine lacks.
    """
    requested = _requested()
    if requested not in LEVELS:
        return cpu_level()
    if LEVELS[requested] > cpu_level():
        names = [n for n, level in LEVELS.items() if level <= cpu_level()]
        raise InputError(
            f"{VARIABLE}={requested}: this machine lacks these instructions.",
            f"Unset it or use one of {', '.join(names)}.",
        )
    return LEVELS[requested]
