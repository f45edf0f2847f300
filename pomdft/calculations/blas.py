"""Which vector instructions the linear algebra of GPAW uses."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import cache

from pomdft.kernels.compiled import cpu_level

#: Name by which OpenBLAS takes its choice from outside.
VARIABLE = "OPENBLAS_CORETYPE"
#: What OpenBLAS falls back to on a processor that it does not know: kernels without AVX.
_OLD_CORES = frozenset(
    {"Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Atom", "Katmai", "Coppermine"}
    | {"Northwood", "Banias", "Generic", "Athlon", "Opteron", "Opteron_SSE3", "Barcelona"}
)
#: The kernels for the paths of `cpu_level`.
_CORES = {1: "Haswell", 2: "SkylakeX"}
_LIBRARY = "libopenblas.so.0"


def choose_blas_core(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what to add to the environment of a GPAW process so that OpenBLAS uses AVX.

    OpenBLAS looks its kernels up by the model of the processor; one that is newer than it (or a
    virtual one) gets those of 2004, although its instructions would allow faster ones. A choice
    made by the user stands.

    Parameters
    ----------
    environment : mapping of str to str
        Of the process that starts GPAW.

    Returns
    -------
    dict of str to str
        Empty where nothing is to be changed.
    """
    level = cpu_level()
    if VARIABLE in environment or level not in _CORES or openblas_core() not in _OLD_CORES:
        return {}
    return {VARIABLE: _CORES[level]}


@cache
def openblas_core() -> str | None:
    """Return the name of the kernels that the system's OpenBLAS has chosen, None without one."""
    try:
        name = ctypes.CDLL(_LIBRARY).openblas_get_corename
    except (OSError, AttributeError):
        return None
    name.restype = ctypes.c_char_p
    found = name()
    return None if found is None else str(found.decode())
