"""What the flows in continuum water share: minima of solutes as jobs, and energies out of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobflow import Job, Maker
from pymatgen.core import Molecule

from pomdft.calculations.levels import load_level
from pomdft.calculations.models import Box
from pomdft.errors import InputError
from pomdft.flows.documents import CalculationDocument
from pomdft.flows.jobs import GpawRelaxMaker, GpawStaticMaker
from pomdft.schemas.level import Level
from pomdft.structures.convert import copy_molecule
from pomdft.structures.solutes import build_solute


@dataclass
class SolutionMaker(Maker):
    """What both makers share.

    Parameters
    ----------
    level : Level
        Level of theory, with a solvent.
    store : str, optional
        Folder of the results store; by default POMDFT_STORE.
    cores : int
        MPI ranks; 0 means all.
    retry : bool
        Try again what failed for good before.
    """

    name: str = "solution"
    level: Level = field(default_factory=lambda: load_level("lcao-water"))
    store: str | None = None
    cores: int = 0
    retry: bool = False

    def check_level(self) -> None:
        """Refuse a level without solvent.

        Raises
        ------
        InputError
        """
        if self.level.solvent is None:
            raise InputError(
                f"Level {self.level.name} has no solvent, and ions exchange theirs in water.",
                "Choose lcao-water, or set level.solvent: water.",
            )

    def minimum(
        self,
        molecule: Any,
        label: str,
        box: Box | None = None,
        frozen: Sequence[int] = (),
    ) -> Job:
        """Return the job of a molecule's minimum: a relaxation where the level relaxes."""
        common: dict[str, Any] = {
            "level": self.level,
            "box": box,
            "store": self.store,
            "cores": self.cores,
            "retry": self.retry,
        }
        if self.level.relax:
            made = GpawRelaxMaker(**common).make(molecule, label=label, frozen=tuple(frozen))
        else:
            made = GpawStaticMaker(**common).make(molecule, label=label)
        made.name = label
        return made

    def solute(self, name: str) -> Job:
        """Return the job of a small solute: "H2O", "H3O+" or "Cl-"."""
        return self.minimum(build_solute(name), name)


def reaction_energy(
    parts: Mapping[str, CalculationDocument], coefficients: Mapping[str, float]
) -> tuple[float, float | None]:
    """Return the energy of a reaction, and the share of dispersion in it.

    Parameters
    ----------
    parts : mapping of str to CalculationDocument
        Role -> calculation.
    coefficients : mapping of str to float
        Role -> stoichiometric coefficient, negative on the left.

    Returns
    -------
    energy_ev : float
        eV, negative = exothermic.
    dispersion_ev : float or None
        None where the level has none.

    Raises
    ------
    InputError
        The reaction does not conserve atoms or charge.
    """
    _check_balance(parts, coefficients)
    energy = sum(n * parts[role].result.energy_ev for role, n in coefficients.items())
    shares = [parts[role].result.dispersion_energy_ev for role in coefficients]
    dispersion = None
    if all(share is not None for share in shares):
        dispersion = float(
            sum(n * (share or 0.0) for n, share in zip(coefficients.values(), shares, strict=True))
        )
    return float(energy), dispersion


def _check_balance(
    parts: Mapping[str, CalculationDocument], coefficients: Mapping[str, float]
) -> None:
    balance: dict[str, float] = {}
    charge = 0.0
    for role, n in coefficients.items():
        model = parts[role].request.model
        charge += n * model.charge
        for symbol in model.symbols:
            balance[symbol] = balance.get(symbol, 0) + n
    wrong = {symbol: n for symbol, n in balance.items() if n}
    if wrong or charge:
        raise InputError(f"The reaction is not balanced: atoms {wrong}, charge {charge:+g}.")


def relaxed_within_limits(parts: Mapping[str, CalculationDocument], level: Level) -> bool:
    """Return whether every part was relaxed to the level's limit of forces."""
    limit = level.relaxation.fmax_ev_per_angstrom
    return level.relax and all(
        part.request.task == "relaxation" and part.result.max_force_ev_per_angstrom <= limit
        for part in parts.values()
    )


def on_framework(molecule: Molecule, framework: Molecule) -> Molecule:
    """Return a molecule with its first atoms at the places of a framework's atoms."""
    moved = copy_molecule(molecule)
    for site, other in zip(moved[: len(framework)], framework, strict=True):
        site.coords = other.coords
    return moved
