"""The checked doors to the compiled kernels, and their NumPy twins."""

from pomdft.kernels.energy import (
    Swaps,
    best_swaps,
    exchange_energies,
    local_fields,
    swap_energies,
    total_energy,
)
from pomdft.kernels.lattice import Lattice, build_lattice
from pomdft.kernels.model import LatticeModel

__all__ = [
    "Lattice",
    "LatticeModel",
    "Swaps",
    "best_swaps",
    "build_lattice",
    "exchange_energies",
    "local_fields",
    "swap_energies",
    "total_energy",
]
