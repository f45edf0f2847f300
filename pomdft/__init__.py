"""Affinities of polyoxometalates for metals, and what they do to bimetallic nanoparticles.

The names of the API are loaded when first used, so that `import pomdft` takes no time.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Any

__version__ = metadata.version("pomdft")

#: Public names and the modules they come from.
_API = dict.fromkeys(
    (
        "affinities",
        "affinity",
        "build_complexes",
        "build_pom",
        "d_band",
        "ion_affinity",
        "ordering_map",
        "predict_activity",
        "predict_ordering",
        "protonation_energies",
        "segregation_energy",
    ),
    "pomdft.api",
)

__all__ = ["__version__", *_API]  # noqa: PLE0604 - names of the lazily loaded API


def __getattr__(name: str) -> Any:
    if name in _API:
        return getattr(import_module(_API[name]), name)
    raise AttributeError(f"module 'pomdft' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
