"""A study in water: what an input file of ion affinities or protonation energies asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from pomdft.schemas.study import InputDocument, LevelRequest, Resources


class SolutionStudy(InputDocument):
    """Ion affinities or protonation energies of POMs in continuum water.

    Attributes
    ----------
    name : str
        Letters, digits, dot, dash and underscore.
    kind : {"ion-affinity", "protonation"}
        What is computed.
    ligands : tuple of str
        POMs; each is combined with each ion.
    ions : tuple of str
        Of ion affinities: salts or complexes, e.g. "Ag+", "[AuCl4]-", "[Ag(H2O)4]+".
    protons : int
        Of protonation energies: as many are added one after the other.
    site : str, optional
        Of ion affinities where the ion sits (default "vacancy"), of protonation energies which
        oxygens (default: the most basic role that the POM has).
    orientations : int
        Of ion affinities: so many poses of the ion are relaxed; the lowest energy counts.
    ensemble : bool
        With BEEF-vdW ensembles: one more single point of each minimum.
    level : LevelRequest
        With a solvent.
    resources : Resources
        Cores.
    """

    CURRENT_VERSION: ClassVar[int] = 1
    ONLY_FOR: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "ions": ("ion-affinity",),
        "orientations": ("ion-affinity",),
        "protons": ("protonation",),
    }

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    kind: Literal["ion-affinity", "protonation"]
    ligands: tuple[str, ...] = Field(min_length=1, max_length=60)
    ions: tuple[str, ...] = Field(default=(), max_length=60)
    protons: int = Field(default=1, ge=1, le=24)
    site: str | None = None
    orientations: int = Field(default=1, ge=1, le=12)
    ensemble: bool = False
    level: LevelRequest = LevelRequest(preset="lcao-water")
    resources: Resources = Resources()

    @field_validator("ligands", "ions", mode="before")
    @classmethod
    def _accept_one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("level", mode="before")
    @classmethod
    def _accept_name(cls, value: Any) -> Any:
        return {"preset": value} if isinstance(value, str) else value
