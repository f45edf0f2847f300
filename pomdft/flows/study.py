"""A whole study: the flow of all its affinities, its plan, and a local run of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobflow import Flow
from pymatgen.core import Molecule

from pomdft.calculations.cost import CostEstimate, estimate_cost
from pomdft.calculations.levels import load_level
from pomdft.calculations.models import make_model
from pomdft.errors import InputError
from pomdft.flows.affinity import AffinityMaker
from pomdft.flows.documents import final_molecule
from pomdft.flows.ensemble import PLAIN_PROPERTIES
from pomdft.flows.jobs import take_fragment
from pomdft.flows.local_run import run_here
from pomdft.flows.preparation import AffinityPlan, find_prepared, plan_affinity
from pomdft.flows.reporting import (
    FlowReporter,
    SilentReporter,
    StoppingReporter,
    StudyStopped,
)
from pomdft.schemas.affinity import BINDING_BALANCE, Affinity, AffinityModel
from pomdft.schemas.calculation import CalculationInput, Task
from pomdft.schemas.level import Level
from pomdft.schemas.reaction import ENSEMBLE_ROLE
from pomdft.schemas.study import Study
from pomdft.settings import Settings
from pomdft.store.results import ResultStore


@dataclass(frozen=True)
class PlannedCalculation:
    """A calculation that a study would run.

    Attributes
    ----------
    affinity, role, label : str
        What it is for.
    task : {"energy", "relaxation"}
    n_atoms, n_electrons : int
        Electrons of all atoms that are not ghosts, core electrons included.
    level_title : str
        Level of theory.
    key : str or None
        Content key; None while the geometry it starts from is not known yet.
    stored : bool
        Whether the store already has it.
    cost : CostEstimate
        Wall time, if it has to run.
    identity : tuple of str
        Equal for calculations that will turn out to be the same one.
    """

    affinity: str
    role: str
    label: str
    task: Task
    n_atoms: int
    n_electrons: int
    level_title: str
    key: str | None
    stored: bool
    cost: CostEstimate
    identity: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyOutcome:
    """What a run of a study brought.

    Attributes
    ----------
    affinities : tuple of Affinity
        Finished binding energies.
    missing : tuple of str
        Titles of those that failed or were skipped, of ensembles, and of poses beside which
        another gave an energy.
    """

    affinities: tuple[Affinity, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class StudyPlan:
    """Everything of a study that can be known before it runs.

    Attributes
    ----------
    study : Study
    level : Level
    maker : AffinityMaker
    members : tuple of (AffinityModel, AffinityPlan)
    """

    study: Study
    level: Level
    maker: AffinityMaker
    members: tuple[tuple[AffinityModel, AffinityPlan], ...]

    def make_flow(self) -> Flow:
        """Return the Jobflow flow of all affinities."""
        flows = [self.maker.make_from_plan(plan, model) for model, plan in self.members]
        return Flow(flows, output=[flow.output for flow in flows], name=self.study.name)

    def count_calculations(self) -> int:
        """Return the number of distinct calculations."""
        return len({c.identity for c in self._calculations(None, 1)})

    def list_calculations(self, settings: Settings) -> list[PlannedCalculation]:
        """Return every distinct calculation, with what is already stored and what it costs."""
        store = ResultStore(settings.store)
        distinct: dict[tuple[str, ...], PlannedCalculation] = {}
        for planned in self._calculations(store, settings.ranks):
            distinct.setdefault(planned.identity, planned)
        return list(distinct.values())

    def _calculations(
        self, store: ResultStore | None, n_ranks: int
    ) -> Iterator[PlannedCalculation]:
        exists = store is not None and store.root.exists()
        history = store.index.wall_times() if store is not None and exists else []
        for model, plan in self.members:
            minima = [("ligand", model.ligand, plan.ligand)]
            minima += [("cluster", f"{model.metal} {model.cluster}", plan.cluster)]
            minima += [("complex", f"{model.title}", molecule) for molecule in plan.complexes]
            task: Task = "relaxation" if self.level.relax else "energy"
            relaxed: Molecule | None = None
            for role, label, molecule in minima:
                start, known = self._start(plan, role, molecule, store if exists else None, relaxed)
                frozen = () if role == "cluster" or task == "energy" else plan.frozen
                atoms = make_model(start, self.level, plan.box, label=label, frozen=frozen)
                request = CalculationInput.create(task, atoms, self.level)
                key = request.key if known else None
                found = store.find_result(key) if store is not None and exists and key else None
                if role == "ligand" and found is not None:
                    relaxed = final_molecule(start, request, found)
                yield PlannedCalculation(
                    affinity=model.title,
                    role=role,
                    label=label,
                    task=task,
                    n_atoms=len(atoms.symbols),
                    n_electrons=atoms.electron_count,
                    level_title=self.level.title,
                    key=key,
                    stored=found is not None,
                    cost=estimate_cost(task, atoms, self.level, n_ranks, history),
                    identity=(request.key,),
                )
            yield from self._single_points(model, plan, n_ranks, history)

    def _start(
        self,
        plan: AffinityPlan,
        role: str,
        molecule: Molecule,
        store: ResultStore | None,
        relaxed: Molecule | None,
    ) -> tuple[Molecule, bool]:
        """Return where a calculation starts, and whether that is its final start.

        A complex starts from the free ligand's minimum, `relaxed`.
        """
        if self.level.method != "gpaw" or len(molecule) == 1:
            return molecule, True
        if store is None:
            return molecule, False
        if role == "complex":
            if relaxed is None:
                return molecule, False
            held = self.maker.held_in_start(plan)
            prepared = find_prepared(molecule, store, relaxed, held)
        else:
            prepared = find_prepared(molecule, store)
        return (molecule, False) if prepared is None else (prepared, True)

    def _single_points(
        self,
        model: AffinityModel,
        plan: AffinityPlan,
        n_ranks: int,
        history: list[tuple[str, str, int, float]],
    ) -> Iterator[PlannedCalculation]:
        """Yield the calculations at geometries that are still to be found."""
        points = []
        for role, fragment, with_ghosts in self.maker.frozen_parts():
            part, ghosts = take_fragment(plan.complexes[0], fragment, keep_ghosts=with_ghosts)
            atoms = make_model(part, self.level, plan.box, label=role, ghosts=ghosts)
            points.append((role, f"{role} of {model.title}", atoms, (model.title, role)))
        if self.maker.ensemble:
            starts = {"ligand": plan.ligand, "cluster": plan.cluster, "complex": plan.complexes[0]}
            for part_name in BINDING_BALANCE:
                atoms = make_model(starts[part_name], self.level, plan.box, label=part_name)
                # Metals share the ligand's, in one cell.
                same = CalculationInput.create("energy", atoms, self.level, PLAIN_PROPERTIES)
                role = f"{ENSEMBLE_ROLE}{part_name}"
                points.append((role, f"{role} of {model.title}", atoms, (role, same.key)))
        for role, label, atoms, identity in points:
            yield PlannedCalculation(
                affinity=model.title,
                role=role,
                label=label,
                task="energy",
                n_atoms=len(atoms.symbols),
                n_electrons=atoms.electron_count,
                level_title=self.level.title,
                key=None,
                stored=False,
                cost=estimate_cost("energy", atoms, self.level, n_ranks, history),
                identity=identity,
            )


def plan_study(study: Study, settings: Settings, *, retry: bool = False) -> StudyPlan:
    """Check a study and build all its models; computes nothing.

    Parameters
    ----------
    study : Study
        From an input file.
    settings : Settings
        Where results go.
    retry : bool
        Try again what failed for good before.

    Raises
    ------
    InputError
        A name or value in the study is wrong.
    """
    level = load_level(study.level.preset, study.level.overrides)
    if study.ensemble and level.method != "gpaw":
        raise InputError(
            f"Level {level.name} has no functional whose error an ensemble could tell.",
            "Choose a GPAW level, or leave out ensemble.",
        )
    maker = AffinityMaker(
        level=level,
        counterpoise=study.counterpoise,
        orientations=study.orientations,
        cation=study.cation,
        ensemble=study.ensemble,
        store=str(settings.store),
        cores=study.resources.cores or settings.cores,
        retry=retry,
    )
    members = []
    for ligand, metal, cluster, site, charge_model in itertools.product(
        study.ligands, study.metals, study.clusters, study.sites, study.charge_models
    ):
        plan = plan_affinity(
            ligand,
            metal,
            cluster,
            site,
            charge_model,
            level=level,
            orientations=study.orientations,
            cation=study.cation,
        )
        model = AffinityModel(
            ligand=ligand, metal=metal, cluster=cluster, site=site, charge_model=charge_model
        )
        members.append((model, plan))
    return StudyPlan(study, level, maker, tuple(members))


def run_study(plan: StudyPlan, reporter: FlowReporter | None = None) -> StudyOutcome:
    """Run a study on this machine, going on from whatever the store already has.

    Parameters
    ----------
    plan : StudyPlan
        From `plan_study`.
    reporter : FlowReporter, optional
        Hears of progress.

    Returns
    -------
    StudyOutcome
        What failed is reported and skipped with all that needs it; the rest goes on.

    Raises
    ------
    StoreError
        The store takes no more results (full disk, no permission).
    LauncherError
        GPAW cannot be started.
    """
    flows = [(model, plan.maker.make_from_plan(member, model)) for model, member in plan.members]
    whole = Flow([flow for _, flow in flows], name=plan.study.name)
    try:
        outputs = run_here(whole, StoppingReporter(reporter or SilentReporter()))
    except StudyStopped as stopped:
        raise stopped.error from stopped
    found = []
    for _, flow in flows:
        results = [outputs.get(job.uuid) for job in reversed(flow.jobs)]
        found.append(next((r for r in results if isinstance(r, Affinity)), None))
    return sum_up(plan, found)


def sum_up(plan: StudyPlan, found: Sequence[Affinity | None]) -> StudyOutcome:
    """Return the outcome of a study.

    Parameters
    ----------
    plan : StudyPlan
    found : sequence of Affinity or None
        Of each of its members; None where it failed, without ensemble where only that did.
    """
    missing = []
    for (model, member), affinity in zip(plan.members, found, strict=True):
        if affinity is None:
            missing.append(model.title)
            continue
        n_poses = len(member.complexes)
        if affinity.poses < n_poses:
            missing.append(f"{n_poses - affinity.poses} of {n_poses} poses of {model.title}")
        if plan.maker.ensemble and affinity.std_ev is None:
            missing.append(f"the ensemble of {model.title}")
    return StudyOutcome(tuple(a for a in found if a is not None), tuple(missing))
