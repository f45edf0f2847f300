"""A study of metals: what an input file of d-bands, segregation or mixing asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, field_validator

from pomdft.schemas.study import InputDocument, LevelRequest, Resources

#: Slab of a segregation energy: atomic layers, and surface cells along both directions.
DEFAULT_LAYERS: Final = 4
DEFAULT_REPEAT: Final = 2


class MetalStudy(InputDocument):
    """Bulk lattices, d-bands, segregation or mixing energies of metals.

    Attributes
    ----------
    name : str
        Letters, digits, dot, dash and underscore.
    kind : {"bulk", "d-band", "segregation", "mixing"}
        What is computed. Segregation and mixing are computed for every ordered pair of the metals,
        as host and solute.
    metals : tuple of str
        fcc or hcp metals.
    facets : tuple of str
        Of d-bands and segregation; by default each metal's close-packed one. "bulk" is one for
        d-bands.
    layers, repeat : int
        Slab of a segregation energy: atomic layers, and surface cells along both directions.
    cohesive : bool
        Cohesive energies with the lattice constants of kind "bulk": one free atom more a metal.
    supercell : int
        Repeats of the primitive cell along each vector, for mixing.
    ensemble : bool
        BEEF-vdW ensembles of segregation and mixing energies, lattice constants and cohesive
        energies: one more single point of each calculation.
    level, bulk_level : LevelRequest, optional
        Of the slabs or supercells, and of the lattice constants; by default "pw-d-band" or
        "pw-slab", and "pw-bulk".
    resources : Resources
        Cores.
    """

    CURRENT_VERSION: ClassVar[int] = 1
    ONLY_FOR: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "facets": ("d-band", "segregation"),
        "layers": ("segregation",),
        "repeat": ("segregation",),
        "cohesive": ("bulk",),
        "supercell": ("mixing",),
        "ensemble": ("bulk", "segregation", "mixing"),
    }

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    kind: Literal["bulk", "d-band", "segregation", "mixing"]
    metals: tuple[str, ...] = Field(min_length=1, max_length=60)
    facets: tuple[str, ...] = Field(default=(), max_length=10)
    layers: int = Field(default=DEFAULT_LAYERS, ge=3, le=30)
    repeat: int = Field(default=DEFAULT_REPEAT, ge=1, le=10)
    cohesive: bool = False
    supercell: int = Field(default=2, ge=2, le=6)
    ensemble: bool = False
    level: LevelRequest | None = None
    bulk_level: LevelRequest = LevelRequest(preset="pw-bulk")
    resources: Resources = Resources()

    @field_validator("metals", "facets", mode="before")
    @classmethod
    def _accept_one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("level", "bulk_level", mode="before")
    @classmethod
    def _accept_name(cls, value: Any) -> Any:
        return {"preset": value} if isinstance(value, str) else value
