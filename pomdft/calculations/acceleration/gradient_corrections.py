"""GPAW's gradient correction of spin-polarised potentials with half of the derivatives.

What depends on the gradient of one spin's density adds to the potentials of both. GPAW takes the
divergence of each of the four parts; here those that go to one spin are added before.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np


@cache
def use_common_divergences() -> None:
    """Let GPAW take one divergence a spin for gradient-corrected functionals in this process.

    Potentials without spin polarisation are left to GPAW: they have one anyway.
    """
    from gpaw.new import xc
    from gpaw.xc import gga

    theirs = gga.add_gradient_correction

    def add_gradient_correction(
        grad_v: Any, gradn_svg: Any, sigma_xg: Any, dedsigma_xg: Any, v_sg: Any
    ) -> None:
        if len(v_sg) != 2 or not isinstance(v_sg, np.ndarray):
            theirs(grad_v, gradn_svg, sigma_xg, dedsigma_xg, v_sg)
            return
        # GPAW gives the products of gradients away as working space.
        flux, part, slope = sigma_xg
        for derivative, gradn_sg in zip(grad_v, gradn_svg.swapaxes(0, 1), strict=True):
            for spin in range(2):
                np.multiply(dedsigma_xg[2 * spin], gradn_sg[spin], out=flux)
                flux *= 2.0
                np.multiply(dedsigma_xg[1], gradn_sg[1 - spin], out=part)
                flux += part
                derivative(flux, slope)
                v_sg[spin] -= slope

    gga.add_gradient_correction = add_gradient_correction
    xc.add_gradient_correction = add_gradient_correction
