"""What every stored document has in common: frozen, versioned, no unknown fields."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from pomdft.errors import CorruptDocumentError, PomdftError

#: Length of a content key in hexadecimal digits (96 bits: no collision in any real store).
KEY_LENGTH = 24

#: A time. One without a zone is UTC: job stores, in which documents go from job to job, drop it.
UtcTime = Annotated[
    datetime, AfterValidator(lambda time: time if time.tzinfo else time.replace(tzinfo=UTC))
]

_REBUILD = "Run `pomdft store rebuild`: it is set aside and the rest indexed again."


class Document(BaseModel):
    """A frozen, versioned document; every float field names its unit."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )

    CURRENT_VERSION: ClassVar[int] = 1
    schema_version: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _check_version(self) -> Self:
        if self.schema_version > self.CURRENT_VERSION:
            msg = (
                f"schema_version {self.schema_version} is newer than this pomdft reads "
                f"({self.CURRENT_VERSION}); update pomdft"
            )
            raise ValueError(msg)
        return self

    def to_json(self) -> str:
        """Return the document as indented JSON text."""
        return self.model_dump_json(indent=1)

    @classmethod
    def from_json(cls, text: str | bytes, origin: str = "text") -> Self:
        """Parse a document.

        Parameters
        ----------
        text : str or bytes
            JSON; it is parsed as plain data, nothing it names is imported.
        origin : str
            Path or other name for the error message.

        Raises
        ------
        CorruptDocumentError
            The text is truncated, not JSON, or does not fit the schema.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "document"
            message = f"{origin} is not a valid {cls.__name__}: {where}: {first['msg']}."
            raise CorruptDocumentError(message, _REBUILD) from None
        except CorruptDocumentError:
            raise
        except PomdftError as error:
            # A check of the content (overlapping atoms, odd electrons) failed in a stored document.
            raise CorruptDocumentError(
                f"{origin} is not a valid {cls.__name__}: {error.message}", _REBUILD
            ) from None


def canonical_hash(data: Any) -> str:
    """Return the content key of plain data: the start of the SHA-256 of its canonical JSON.

    Parameters
    ----------
    data : JSON-able
        Mappings are sorted by name; floats keep their shortest exact form.

    Returns
    -------
    str
        24 hexadecimal digits.
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]
