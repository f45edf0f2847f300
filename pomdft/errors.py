"""The one exception tree: every message says what was wrong and what to do.

Input errors (something the user wrote) end the command line with exit status 2, failures
(something that went wrong while working) with 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping


class PomdftError(Exception):
    """Base of every error raised on purpose by pomdft.

    Parameters
    ----------
    message : str
        What was wrong: names the field or path and the value.
    remedy : str, optional
        What to do about it; appended to the message.
    """

    exit_status = 1

    def __init__(self, message: str, remedy: str | None = None) -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(message if remedy is None else f"{message} {remedy}")


class InputError(PomdftError):
    """Something the user gave is wrong."""

    exit_status = 2


class UnknownNameError(InputError):
    """A name (POM, metal, level, parameter ...) is not known; the near names are listed.

    Parameters
    ----------
    kind : str
        What it should name.
    name : str
        What was given.
    known : iterable of str
        Valid names.
    aliases : mapping of str to str, optional
        Other names, each with the valid one that is shown in its place.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        known: Iterable[str],
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        names = sorted(known)
        also = dict(aliases or {})
        near = near_names(name, [*names, *sorted(also)])
        self.near = list(dict.fromkeys(also.get(n, n) for n in near))
        if self.near:
            remedy = f"Did you mean {' or '.join(repr(n) for n in self.near)}?"
        else:
            remedy = f"Known: {', '.join(names)}."
        super().__init__(f"Unknown {kind} {name!r}.", remedy)


class StructureError(InputError):
    """A structure is not finite, overlaps, is too large or cannot be built."""


class ChargeError(InputError):
    """Charge, electron count and spin do not fit together, or cannot be balanced."""


class KernelInputError(InputError):
    """An array handed to a kernel has the wrong dtype, shape, order or content."""


class NotComputedError(PomdftError):
    """The quantity has not been computed; the message names the command that would."""


class CalculationError(PomdftError):
    """A calculation failed."""


class ConvergenceError(CalculationError):
    """The SCF or the relaxation did not converge after every rung of the recovery ladder."""


class StepLimitError(ConvergenceError):
    """A relaxation used up its steps; with more it goes on from where it is."""


class LauncherError(CalculationError):
    """The MPI launcher or the GPAW process could not be started."""


class StoreError(PomdftError):
    """The results store cannot be read or written."""


class CorruptDocumentError(StoreError):
    """A stored document is truncated, unreadable or of a newer version."""


class BusyError(StoreError):
    """Another process is computing the same calculation."""


def near_names(name: str, known: Iterable[str], limit: int = 4) -> list[str]:
    """Return known names that resemble `name`, best first, ignoring case.

    A name that holds all of `name` (three letters or more) comes before one that is merely alike.

    Parameters
    ----------
    name : str
        What was given.
    known : iterable of str
        Valid names.
    limit : int
        At most this many are returned.

    Returns
    -------
    list of str
        Empty where nothing resembles.
    """
    by_lower = {k.lower(): k for k in known}
    text = name.lower()
    holding = [lower for lower in by_lower if text in lower] if len(text) > 2 else []
    alike = difflib.get_close_matches(text, list(by_lower), n=limit, cutoff=0.6)
    matches = dict.fromkeys([*sorted(holding, key=len), *alike])
    return [by_lower[m] for m in matches][:limit]
