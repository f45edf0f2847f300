"""From the close-packed facet to other facets, steps and sites of a particle.

The broken-bond (second-moment) picture: the energy of an atom goes with the square root of its
coordination, so a site of coordination z has (1 - sqrt(z/12)) / (1 - sqrt(z_cp/12)) times the
surface energy of the close-packed facet. What the picture leaves out is carried as uncertainty.

References
----------
F. Cyrot-Lackmann, J. Phys. Chem. Solids 29, 1235 (1968), doi:10.1016/0022-3697(68)90216-3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pomdft.analysis.elements import TransitionMetal
from pomdft.errors import InputError, UnknownNameError

#: Coordination number of each site on an fcc (or, for 0001, hcp) lattice.
SITE_COORDINATION = {
    "111": 9,
    "0001": 9,
    "100": 8,
    "110": 7,
    "211": 7,
    "step": 7,
    "edge": 7,
    "kink": 6,
    "vertex": 6,
}
#: Coordination on a bcc lattice: nearest neighbours, of 8.
BCC_COORDINATION = {
    "110": 6,
    "100": 4,
    "111": 4,
    "211": 5,
    "step": 5,
    "edge": 5,
    "kink": 4,
    "vertex": 4,
}
#: Relative uncertainty of the scaled part, and a floor in eV, away from the close-packed facet.
SCALING_STD_SHARE = 0.35
SCALING_STD_FLOOR_EV = 0.05


@dataclass(frozen=True)
class SiteScaling:
    """How a segregation energy changes from the close-packed facet to another site.

    Attributes
    ----------
    factor : float
        Multiplies the segregation energy of the close-packed facet.
    is_close_packed : bool
        Whether the site is that facet.
    """

    factor: float
    is_close_packed: bool

    def std_ev(self, energy_ev: float, std_ev: float) -> float:
        """Combine the uncertainty of the facet's energy (eV) with that of the scaling."""
        if self.is_close_packed:
            return std_ev
        scaling = SCALING_STD_SHARE * abs(energy_ev * (self.factor - 1.0)) + SCALING_STD_FLOOR_EV
        return math.hypot(self.factor * std_ev, scaling)


def scale_to_site(host: TransitionMetal, site: str) -> SiteScaling:
    """Find the scaling from the host's close-packed facet to a site.

    Parameters
    ----------
    host : TransitionMetal
        The host. hcp and bcc hosts take "111" as their own close-packed facet, since in a particle
        or an alloy film they appear as fcc.
    site : str
        A facet ("111", "100", "110", "211", "0001") or "step", "edge", "kink", "vertex"; or "zN"
        for a particle's site with N neighbours of 12, N from 3 to 11.

    Returns
    -------
    SiteScaling

    Raises
    ------
    UnknownNameError
        The site is not known.
    InputError
        A coordination number is not between 3 and 11.
    """
    bulk, close_packed = 12, 9
    if site.startswith("z") and site[1:].isdigit():
        coordination = int(site[1:])
        if not 3 <= coordination <= 11:
            raise InputError(f"facet {site!r}: a surface site has 3 to 11 of 12 neighbours.")
    elif site not in SITE_COORDINATION:
        raise UnknownNameError("facet", site, [*SITE_COORDINATION, "z9"])
    elif host.structure == "bcc" and site not in ("111", "0001"):
        bulk, close_packed, coordination = 8, 6, BCC_COORDINATION[site]
    else:
        coordination = SITE_COORDINATION[site]

    def missing(z: int) -> float:
        return 1.0 - math.sqrt(z / bulk)

    return SiteScaling(missing(coordination) / missing(close_packed), coordination == close_packed)
