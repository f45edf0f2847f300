"""The d-band of a surface, a bulk metal or a cluster, site by site."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pomdft.schemas.base import Document, UtcTime
from pomdft.schemas.level import Level

if TYPE_CHECKING:
    import pandas as pd

#: Printed with every table and plot of d-bands.
ENERGY_CONVENTION = "d-band energies in eV relative to the Fermi level"


class DBandSite(Document):
    """The d-band of one atom; energies relative to the Fermi level.

    Attributes
    ----------
    index : int
        Of the atom in the calculation.
    symbol : str
        Element.
    weight : float
        Integral of the projected density of states, states; below 10, as the projections see the
        inside of the augmentation sphere only.
    center_ev, width_ev : float
        First moment, and square root of the second central moment, over the whole band.
    filling : float
        Occupied share of the weight.
    upper_edge_ev : float
        Highest peak of the Hilbert transform (Xin et al., doi:10.1103/PhysRevB.89.115114).
    window_center_ev, window_width_ev : float
        Moments over the narrower window.
    """

    index: int = Field(ge=0)
    symbol: str
    weight: float = Field(gt=0)
    center_ev: float
    width_ev: float = Field(ge=0)
    filling: float = Field(ge=0, le=1)
    upper_edge_ev: float
    window_center_ev: float
    window_width_ev: float = Field(ge=0)


class DBand(Document):
    """The d-band of a metal: of its surface atom, and of every atom of the model.

    Attributes
    ----------
    key : str
        Content key.
    metal : str
        Symbol.
    facet : str
        "111", "100", "211", "0001", "bulk", or a cluster such as "M4".
    ligand : str or None
        Protecting ligand; None for bare metal.
    level : Level
        Level of theory.
    center_ev, width_ev, filling, upper_edge_ev : float
        Of the surface atom (the mean over the metal atoms of a cluster), over the whole band.
    window_center_ev : float
        Centre in the narrower window.
    range_ev, window_ev : tuple of float
        What "the whole band" and "the window" are.
    lattice_constant_angstrom : float or None
        Of the slab or crystal.
    layers : int or None
        Of the slab.
    sites : tuple of DBandSite
        Every metal atom of the model.
    calculations : dict of str
        Role -> key.
    source : str
        "store" or "reference".
    """

    CURRENT_VERSION: ClassVar[int] = 1

    key: str
    metal: str
    facet: str
    ligand: str | None = None
    level: Level
    center_ev: float
    width_ev: float = Field(ge=0)
    filling: float = Field(ge=0, le=1)
    upper_edge_ev: float
    window_center_ev: float
    range_ev: tuple[float, float]
    window_ev: tuple[float, float]
    lattice_constant_angstrom: float | None = None
    layers: int | None = None
    sites: tuple[DBandSite, ...] = Field(min_length=1)
    calculations: dict[str, str] = Field(min_length=1)
    source: str = "store"
    finished: UtcTime = Field(default_factory=lambda: datetime.now(UTC))

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row a site; energies in eV relative to the Fermi level."""
        import pandas as pd

        frame = pd.DataFrame([site.model_dump(exclude={"schema_version"}) for site in self.sites])
        frame.attrs["energy_convention"] = ENERGY_CONVENTION
        return frame

    @property
    def title(self) -> str:
        """One short line, e.g. "Pd(111)" or "Pd4 under W5O18"."""
        if self.facet.startswith("M"):
            place = f"{self.metal}{self.facet.removeprefix('M')}"
        else:
            place = f"{self.metal} bulk" if self.facet == "bulk" else f"{self.metal}({self.facet})"
        return place if self.ligand is None else f"{place} under {self.ligand}"

    def __repr__(self) -> str:
        return (
            f"DBand({self.title}: centre {self.center_ev:+.2f} eV, width {self.width_ev:.2f} eV, "
            f"filling {self.filling:.2f}, upper edge {self.upper_edge_ev:+.2f} eV, relative to the "
            f"Fermi level, at {self.level.title}; {self.source})"
        )

    __str__ = __repr__
