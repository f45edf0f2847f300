"""Level of theory: everything that fixes an energy, given a model."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from pomdft.schemas.base import Document, canonical_hash
from pomdft.schemas.solvent import SolventName, find_solvent


class RelaxationSettings(Document):
    """How a geometry is relaxed.

    Attributes
    ----------
    fmax_ev_per_angstrom : float
        Converged when no atom's force is larger.
    max_steps : int
        Give up (the calculation fails) after this many steps.
    max_step_angstrom : float
        No atom moves further in one step.
    hessian : {"springs", "xtb", "unit"}
        First guess of the Hessian: springs between neighbours (polyoxometalates and metals),
        GFN1-xTB by finite differences, or a multiple of unity.
    shell : {"contact", "all"}
        Which atoms of a polyoxometalate move: those at the contact (contact oxygens, the addenda
        that carry them, and these addenda's bare oxygens; the rest stays at the xTB geometry, the
        same in the complex and in the free ligand), or all. The metal always moves.
    """

    fmax_ev_per_angstrom: float = Field(default=0.05, gt=0, le=1)
    max_steps: int = Field(default=60, gt=0, le=2000)
    max_step_angstrom: float = Field(default=0.2, gt=0, le=1)
    hessian: Literal["springs", "xtb", "unit"] = "xtb"
    shell: Literal["contact", "all"] = "all"


class Level(Document):
    """A level of theory.

    Attributes
    ----------
    name : str
        Preset name, or a name of the user's.
    description : str
        One line for tables.
    method : {"gpaw", "tblite", "emt"}
        The code that computes energies and forces.
    parameters : dict
        Parameters of that code, in its own names and units.
    dispersion : {"d4", "d4s"} or None
        Added to energies and forces.
    relax : bool
        Whether geometries are relaxed at this level (else they come from xTB).
    relaxation : RelaxationSettings
        How.
    vacuum_angstrom : float
        Least distance of an atom from the cell's faces.
    grid_multiple_angstrom : float
        Cell edges are rounded up to multiples of this, so that all models of a study lie on one
        grid; a multiple of four grid spacings.
    spin : {"auto", "off", "on"}
        `auto`: spin-polarised for open d-shell metals and odd electron counts.
    solvent : {"water"} or None
        Continuum around the molecule, see `pomdft.schemas.solvent`: that of Held and Walter with
        GPAW, ALPB with tblite; None for vacuum. New in version 2 of this document.
    """

    CURRENT_VERSION: ClassVar[int] = 2

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")
    description: str = Field(default="", max_length=200)
    method: Literal["gpaw", "tblite", "emt"]
    parameters: dict[str, Any] = Field(default_factory=dict)
    dispersion: Literal["d4", "d4s"] | None = None
    relax: bool = True
    relaxation: RelaxationSettings = RelaxationSettings()
    vacuum_angstrom: float = Field(default=4.0, ge=2.0, le=30.0)
    grid_multiple_angstrom: float = Field(default=0.8, gt=0, le=5.0)
    spin: Literal["auto", "off", "on"] = "auto"
    solvent: SolventName | None = None

    @model_validator(mode="before")
    @classmethod
    def _mark_version(cls, data: Any) -> Any:
        """Mark a level in a solvent as one that older programs cannot read."""
        if isinstance(data, dict) and data.get("solvent") is not None:
            return {**data, "schema_version": max(2, data.get("schema_version", 2))}
        return data

    @model_validator(mode="after")
    def _check_method(self) -> Self:
        if self.method == "emt" and self.dispersion is not None:
            raise ValueError("dispersion needs method gpaw or tblite")
        if self.method == "emt" and self.solvent is not None:
            raise ValueError("solvent needs method gpaw or tblite")
        return self

    @model_serializer(mode="wrap")
    def _leave_out_vacuum(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write no solvent where there is none: such a document is one of version 1."""
        data: dict[str, Any] = handler(self)
        if self.solvent is None:
            data.pop("solvent", None)
        return data

    def canonical(self) -> dict[str, Any]:
        """Return what identifies the level: name and description do not."""
        data = self.model_dump(mode="json", exclude={"name", "description", "schema_version"})
        if self.solvent is not None:
            data["solvent"] = find_solvent(self.solvent).canonical()
        return data

    @property
    def fingerprint(self) -> str:
        """Eight digits that differ between any two levels that give different numbers."""
        return canonical_hash(self.canonical())[:8]

    @property
    def title(self) -> str:
        """Name and fingerprint, e.g. "lcao#1f0c2a9b"."""
        return f"{self.name}#{self.fingerprint}"
