"""GPAW's PBE with several points at once.

GPAW evaluates its functionals point by point; with vector instructions the same formulas take a
quarter of the time, or less. Results agree to what rounding leaves of them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from pomdft.kernels import compiled
from pomdft.kernels.pbe import evaluate_pbe


@cache
def use_many_points_at_once() -> None:
    """Let GPAW evaluate PBE with pomdft's kernel in this process.

    Other functionals are left to GPAW, and nothing changes where the kernels are not compiled.
    """
    from gpaw.xc.kernel import XCKernel

    if not compiled.is_compiled("pbe"):
        return
    theirs = XCKernel.calculate

    def calculate(self: Any, *arrays: Any) -> None:
        ours = self.name == "PBE" and all(
            isinstance(array, np.ndarray) and array.flags.c_contiguous for array in arrays
        )
        if ours:
            energies, densities, potentials, products, slopes = arrays
            evaluate_pbe(densities, products, potentials, energies, slopes)
        else:
            theirs(self, *arrays)

    XCKernel.calculate = calculate
