"""The recovery ladder: what is tried when an SCF does not converge, in this order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pomdft.errors import ConvergenceError, InputError, PomdftError, StepLimitError
from pomdft.schemas.calculation import RecoveryStep


@dataclass(frozen=True)
class Rung:
    """One attempt.

    Attributes
    ----------
    name : str
        What is tried.
    changes : dict
        GPAW parameters that replace the level's.
    preliminary : bool
        The energy of this attempt is not the level's: its density only starts the next one.
    """

    name: str
    changes: dict[str, Any]
    preliminary: bool = False

    def record(self, reason: str) -> RecoveryStep:
        """Return the rung as it is kept in the result."""
        return RecoveryStep(rung=self.name, reason=reason, changes=self.changes)


def recovery_ladder(parameters: dict[str, Any], *, spin_polarised: bool) -> Iterator[Rung]:
    """Yield the rungs after a first failed attempt.

    Only the mixing and the number of iterations change for good: they change the way, not the
    energy. More smearing would change the energy, so it only prepares a density for an SCF with
    the level's own smearing.

    Parameters
    ----------
    parameters : dict
        GPAW parameters of the level.
    spin_polarised : bool
        Whether the density has two spin channels.
    """
    patience = {"maxiter": 2 * int(parameters.get("maxiter", 333))}
    yield Rung("restart-from-density", dict(patience))
    damped = {"mixer": {"backend": "pulay", "beta": 0.03, "nmaxold": 8, "weight": 100.0}}
    yield Rung("damp-mixing", patience | damped)
    occupations = dict(parameters.get("occupations") or {"name": "fermi-dirac", "width": 0.1})
    wide = occupations | {"width": 4 * float(occupations.get("width", 0.1))}
    yield Rung("more-smearing", patience | damped | {"occupations": wide}, preliminary=True)
    yield Rung("damp-mixing-from-smeared-density", patience | damped)
    if not spin_polarised:
        spin = {"spinpol": True, "hund": False}
        yield Rung("spin-polarised", patience | damped | spin)


def is_permanent(error: PomdftError) -> bool:
    """Return whether the same input would fail again in the same way."""
    return isinstance(error, ConvergenceError | InputError) and not isinstance(
        error, StepLimitError
    )
