"""Calculations of crystals and slabs, through the store like all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pymatgen.core import Structure

from pomdft.calculations.periodic import make_periodic_model
from pomdft.flows.jobs import _CalculationMaker
from pomdft.schemas.calculation import CalculationInput, CalculationResult, Property, Task
from pomdft.settings import load_settings


@dataclass
class PeriodicCalculation(_CalculationMaker):
    """One calculation of a crystal or slab.

    Parameters
    ----------
    level, store, cores, retry
        As in `GpawRelaxMaker`.
    task : {"energy", "relaxation"}
    properties : tuple of str
        What else to take from the electronic structure.
    """

    task: Task = "energy"
    properties: tuple[Property, ...] = ()

    def _task(self) -> Task:
        return self.task

    def request(
        self,
        molecule: Structure,
        label: str,
        ghosts: Sequence[int] = (),
        frozen: Sequence[int] = (),
    ) -> CalculationInput:
        """Return the calculation of a structure; there are no ghosts in crystals."""
        model = make_periodic_model(molecule, self.level, label=label, frozen=frozen)
        return CalculationInput.create(self.task, model, self.level, self.properties)

    def run(
        self, structure: Structure, label: str, frozen: Sequence[int] = ()
    ) -> tuple[str, CalculationResult]:
        """Compute, or take from the store; return key and result."""
        request, result = self.calculate(structure, label, (), frozen)
        return request.key, result


def store_root(store: str | None) -> Path:
    """Return the folder of the results store: the given one, or that of POMDFT_STORE."""
    return Path(store) if store is not None else load_settings().store
