"""How an interaction energy moves with grid, vacuum, basis: the same geometry at many levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobflow import Flow, Job, Maker, job
from pydantic import BaseModel, ConfigDict
from pymatgen.core import Molecule

from pomdft.calculations.levels import load_level
from pomdft.calculations.models import Box, fit_box, lay_out_box
from pomdft.flows.documents import CalculationDocument
from pomdft.flows.jobs import GpawStaticMaker, take_fragment
from pomdft.schemas.level import Level


class ConvergencePoint(BaseModel):
    """Interaction energy of one geometry at one level.

    Attributes
    ----------
    variant : str
        What is changed, e.g. "h 0.16".
    level_title : str
        Level of theory.
    interaction_energy_ev : float
        E(complex) - E(frozen ligand) - E(frozen cluster); negative = bound.
    counterpoise_energy_ev : float or None
        The same with both fragments in the basis of the complex.
    wall_time_s : float
        Of all its calculations.
    calculations : dict of str
        Role -> key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant: str
    level_title: str
    interaction_energy_ev: float
    counterpoise_energy_ev: float | None
    wall_time_s: float
    calculations: dict[str, str]


@dataclass
class ConvergenceMaker(Maker):
    """Single points of one complex and its frozen fragments at many levels.

    Parameters
    ----------
    cluster : str
        Kind of metal cluster, for the box.
    counterpoise : bool
        Also compute the fragments in the basis of the complex, for LCAO levels.
    store : str, optional
        Folder of the results store; by default POMDFT_STORE.
    cores : int
        MPI ranks; 0 means all.
    """

    name: str = "convergence"
    cluster: str = "M4"
    counterpoise: bool = True
    store: str | None = None
    cores: int = 0

    def make(self, molecule: Molecule, levels: Mapping[str, Level]) -> Flow:
        """Return the flow.

        Parameters
        ----------
        molecule : Molecule
            A complex in the docking frame, with property "fragment_states".
        levels : mapping of str to Level
            Variant -> level.
        """
        ligand, _ = take_fragment(molecule, "ligand", keep_ghosts=False)
        jobs: list[Job] = []
        outputs = []
        for variant, level in levels.items():
            box = fit_box(lay_out_box(ligand, self.cluster, level), [molecule], level)
            point = self._point(molecule, variant, level, box, jobs)
            outputs.append(point.output)
        return Flow(jobs, output=outputs, name=self.name)

    def _point(
        self, molecule: Molecule, variant: str, level: Level, box: Box, jobs: list[Job]
    ) -> Job:
        maker = GpawStaticMaker(level=level, box=box, store=self.store, cores=self.cores)
        parts: list[tuple[str, str | None, bool]] = [
            ("complex", None, False),
            ("frozen-ligand", "ligand", False),
            ("frozen-cluster", "metal", False),
        ]
        if self.counterpoise and level.parameters.get("mode") == "lcao":
            parts += [("ghost-ligand", "ligand", True), ("ghost-cluster", "metal", True)]
        documents = {}
        for role, fragment, ghosts in parts:
            single = maker.make(
                molecule, label=f"{role}, {variant}", fragment=fragment, with_ghosts=ghosts
            )
            jobs.append(single)
            documents[role] = single.output
        point = collect_point(variant, level.title, documents)
        jobs.append(point)
        return point


@job(output_schema=ConvergencePoint)
def collect_point(
    variant: str, level_title: str, documents: dict[str, CalculationDocument]
) -> ConvergencePoint:
    """Job: put one interaction energy together."""
    energy = {role: document.energy_ev for role, document in documents.items()}
    counterpoise = None
    if "ghost-ligand" in energy:
        counterpoise = energy["complex"] - energy["ghost-ligand"] - energy["ghost-cluster"]
    return ConvergencePoint(
        variant=variant,
        level_title=level_title,
        interaction_energy_ev=energy["complex"]
        - energy["frozen-ligand"]
        - energy["frozen-cluster"],
        counterpoise_energy_ev=counterpoise,
        wall_time_s=sum(_seconds(document) for document in documents.values()),
        calculations={role: document.key for role, document in documents.items()},
    )


def _seconds(document: CalculationDocument) -> float:
    output = document.task_document.output
    return float(output.elapsed_time or 0.0)


def convergence_levels(
    changes: Mapping[str, Mapping[str, Any]], preset: str = "lcao"
) -> dict[str, Level]:
    """Return a level for each variant of a preset.

    Parameters
    ----------
    changes : mapping of str to mapping
        Variant -> overrides as in `load_level`; a key "preset" replaces the preset.
    preset : str
        Where the changes start from.
    """
    levels = {}
    for variant, overrides in changes.items():
        fields = dict(overrides)
        base = str(fields.pop("preset", preset))
        levels[variant] = load_level(base, fields or None)
    return levels
