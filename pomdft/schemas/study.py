"""A study: what a user's input file asks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import yaml
from pydantic import Field, ValidationError, field_validator

from pomdft.errors import InputError, UnknownNameError
from pomdft.schemas.base import Document

#: An input file larger than this is not one.
MAX_INPUT_BYTES = 1_000_000


class LevelRequest(Document):
    """Which level of theory, with changes to it.

    Attributes
    ----------
    preset : str
        Name of a preset.
    overrides : dict
        Changes to the preset, see `pomdft.calculations.levels.load_level`.
    """

    preset: str = "lcao"
    overrides: dict[str, Any] = Field(default_factory=dict)


class Resources(Document):
    """Cores of one calculation; 0 means all.

    Attributes
    ----------
    cores : int
        MPI ranks.
    """

    cores: int = Field(default=0, ge=0, le=100_000)


class InputDocument(Document):
    """What a user's YAML file holds: misspelt keys are named with the near ones."""

    #: Fields that only some kinds of study read, and which.
    ONLY_FOR: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read an input from a YAML file.

        Raises
        ------
        InputError
            The file is missing, not YAML, or a field is wrong; names the field.
        """
        path = Path(path)
        try:
            if path.stat().st_size > MAX_INPUT_BYTES:
                raise InputError(f"{path} is too large for an input file.")
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise InputError(f"Cannot read {path}: {reason}.", "Check the path.") from None
        try:
            data = yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            problem = getattr(error, "problem", None) or "not plain YAML"
            raise InputError(f"{path}{where}: {problem}.", "Correct the YAML.") from None
        if not isinstance(data, dict):
            raise InputError(f"{path} does not hold a mapping of fields.", "See inputs/.")
        return cls.from_fields(data, origin=str(path))

    @classmethod
    def from_fields(cls, data: dict[str, Any], origin: str = "study") -> Self:
        """Build an input from plain fields.

        Raises
        ------
        UnknownNameError
            A key is misspelt; the near names are listed.
        InputError
            A value is wrong, or a study of this kind would not read it.
        """
        _check_keys(data, set(cls.model_fields) - {"schema_version"}, f"key in {origin}")
        level = data.get("level")
        if isinstance(level, dict):
            _check_keys(level, {"preset", "overrides"}, f"key under level in {origin}")
        resources = data.get("resources")
        if isinstance(resources, dict):
            _check_keys(resources, {"cores"}, f"key under resources in {origin}")
        try:
            found = cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            given = f" (got {first['input']!r})" if first["type"] != "missing" else ""
            raise InputError(f"{origin}: {where}: {first['msg']}{given}.", "Correct it.") from None
        for field, kinds in cls.ONLY_FOR.items():
            asked = getattr(found, field) != cls.model_fields[field].default
            if asked and data.get("kind") not in kinds:
                raise InputError(
                    f"{origin}: {field} is read by studies of kind {' and '.join(kinds)} only, "
                    f"not by {data.get('kind')!r}.",
                    "Remove it, or correct the kind.",
                )
        return found


class Study(InputDocument):
    """Affinities of ligands for metals.

    Attributes
    ----------
    name : str
        Letters, digits, dot, dash and underscore.
    ligands, metals : tuple of str
        Every ligand is combined with every metal.
    clusters, sites, charge_models : tuple of str
        And these with each other.
    orientations : int
        So many of the best orientations are computed; the lowest energy counts.
    cation : str
        Counter-cation of the charge model "alkali".
    counterpoise : bool
        Compute the counterpoise correction (two more single points an affinity).
    ensemble : bool
        Add BEEF-vdW ensembles (three more single points an affinity), with the d-bands of the
        clusters.
    level : LevelRequest
        Level of theory.
    resources : Resources
        Cores.
    """

    CURRENT_VERSION: ClassVar[int] = 1

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    kind: Literal["affinity"] = "affinity"
    ligands: tuple[str, ...] = Field(min_length=1, max_length=100)
    metals: tuple[str, ...] = Field(min_length=1, max_length=100)
    clusters: tuple[str, ...] = Field(default=("M4",), min_length=1, max_length=20)
    sites: tuple[str, ...] = Field(default=("vacancy",), min_length=1, max_length=20)
    charge_models: tuple[str, ...] = Field(default=("protonated",), min_length=1, max_length=20)
    orientations: int = Field(default=1, ge=1, le=20)
    cation: str = "Na"
    counterpoise: bool = True
    ensemble: bool = False
    level: LevelRequest = LevelRequest()
    resources: Resources = Resources()

    @field_validator("ligands", "metals", "clusters", "sites", "charge_models", mode="before")
    @classmethod
    def _accept_one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("level", mode="before")
    @classmethod
    def _accept_name(cls, value: Any) -> Any:
        return {"preset": value} if isinstance(value, str) else value


def _check_keys(data: dict[str, Any], known: set[str], kind: str) -> None:
    for name in data:
        if name not in known:
            raise UnknownNameError(kind, str(name), known)
