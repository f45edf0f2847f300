"""The affinity flow: ligand, cluster, complex, then the binding energy with all its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jobflow import Flow, Job, Maker, Response, job
from pymatgen.core import Molecule

from pomdft.calculations.levels import load_level
from pomdft.flows.documents import CalculationDocument
from pomdft.flows.ensemble import EnsembleMaker, EnsemblePointMaker, has_d_band
from pomdft.flows.jobs import GpawRelaxMaker, GpawStaticMaker
from pomdft.flows.poses import choose_among
from pomdft.flows.preparation import AffinityPlan, plan_affinity, prepare_start
from pomdft.schemas.affinity import BINDING_BALANCE, Affinity, AffinityModel
from pomdft.schemas.base import canonical_hash
from pomdft.schemas.calculation import CalculationResult
from pomdft.schemas.level import Level
from pomdft.schemas.reaction import ENSEMBLE_ROLE
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore
from pomdft.structures.contacts import count_contacts

#: A fragment this much (eV) below its minimum has a lower minimum.
LOWER_MINIMUM_EV = 0.005


@dataclass
class AffinityMaker(Maker):
    """Binding energy of a ligand to a metal cluster.

    Calculations: the complex (each orientation), the free ligand and the free cluster, relaxed
    where the level relaxes; both fragments frozen as in the complex; the same with the basis
    functions of the other one. All in one cell on one grid.

    Parameters
    ----------
    level : Level
        Level of theory.
    counterpoise : bool
        Compute the counterpoise correction.
    orientations : int
        So many of the best orientations; the lowest energy counts.
    cation : str
        Counter-cation of the charge model "alkali".
    ensemble : bool
        Add a BEEF-vdW ensemble (three more single points).
    store : str, optional
        Folder of the results store; by default POMDFT_STORE.
    cores : int
        MPI ranks; 0 means all.
    retry : bool
        Try again what failed for good before.
    """

    name: str = "affinity"
    level: Level = field(default_factory=load_level)
    counterpoise: bool = True
    orientations: int = 1
    cation: str = "Na"
    ensemble: bool = False
    store: str | None = None
    cores: int = 0
    retry: bool = False

    def make(
        self,
        ligand: str,
        metal: str,
        cluster: str = "M4",
        site: str = "vacancy",
        charge_model: str = "protonated",
    ) -> Flow:
        """Return the flow for one ligand and metal.

        Parameters
        ----------
        ligand, metal, cluster, site, charge_model : str
            Names as in `pomdft.build_complexes`.

        Returns
        -------
        Flow
            Its output is an `Affinity`.
        """
        plan = plan_affinity(
            ligand,
            metal,
            cluster,
            site,
            charge_model,
            level=self.level,
            orientations=self.orientations,
            cation=self.cation,
        )
        model = AffinityModel(
            ligand=ligand, metal=metal, cluster=cluster, site=site, charge_model=charge_model
        )
        return self.make_from_plan(plan, model)

    def make_from_plan(self, plan: AffinityPlan, model: AffinityModel) -> Flow:
        """Return the flow for models that are already built."""
        jobs: list[Job] = []
        ligand = self._minimum(plan, plan.ligand, model.ligand, jobs, frozen=plan.frozen)
        cluster = self._minimum(plan, plan.cluster, f"{model.metal} {model.cluster}", jobs)
        complexes = [
            self._minimum(
                plan,
                molecule,
                f"{model.title} [{_orientation(molecule)}]",
                jobs,
                ligand=ligand.output.molecule,
                frozen=plan.frozen,
            )
            for molecule in plan.complexes
        ]
        chosen = choose_among([minimum.output for minimum in complexes], model.title)
        jobs.append(chosen)
        parts = {"complex": chosen.output}
        static = self._static_maker(plan)
        for role, fragment, ghosts in self.frozen_parts():
            single = static.make(
                chosen.output.molecule,
                label=f"{role} of {model.title}",
                fragment=fragment,
                with_ghosts=ghosts,
            )
            single.name = f"{role}: {model.title}"
            jobs.append(single)
            parts[role] = single.output
        for role, minimum, source, held in (
            ("ligand", ligand, "frozen-ligand", plan.frozen),
            ("cluster", cluster, "frozen-cluster", ()),
        ):
            label = model.ligand if role == "ligand" else f"{model.metal} {model.cluster}"
            settled = settle_minimum(
                minimum.output,
                parts[source],
                maker=self.relax_maker(plan),
                label=f"{label} from {model.title}",
                relaxes=self.level.relax,
                held=held,
            )
            settled.name = f"minimum of {label}"
            jobs.append(settled)
            parts[role] = settled.output
        result = assemble_affinity(
            model=model.model_dump(),
            level=self.level.model_dump(),
            parts=parts,
            other_poses=chosen.output.other_poses,
            store=self.store,
        )
        result.name = f"binding energy: {model.title}"
        jobs.append(result)
        if self.ensemble:
            jobs += self._add_ensemble(result, parts, model)
        return Flow(jobs, output=jobs[-1].output, name=f"affinity: {model.title}")

    def _add_ensemble(
        self, result: Job, parts: Mapping[str, Any], model: AffinityModel
    ) -> list[Job]:
        """Return the jobs that add an ensemble to a finished binding energy; it is the last's."""
        common: dict[str, Any] = {"store": self.store, "cores": self.cores, "retry": self.retry}
        points = []
        for role in BINDING_BALANCE:
            label = f"{ENSEMBLE_ROLE}{role} of {model.title}"
            point = EnsemblePointMaker(**common).make(
                parts[role], label=label, with_d_band=has_d_band(role, self.level)
            )
            point.name = label
            points.append(point)
        last = EnsembleMaker(**common).make(result.output, [point.output for point in points])
        last.name = f"ensemble: {model.title}"
        return [*points, last]

    def frozen_parts(self) -> list[tuple[str, str, bool]]:
        """Return role, fragment and ghosts of every single point at the complex's geometry."""
        parts = [("frozen-ligand", "ligand", False), ("frozen-cluster", "metal", False)]
        if self.counterpoise and self.level.method == "gpaw" and _has_basis(self.level):
            parts += [("ghost-ligand", "ligand", True), ("ghost-cluster", "metal", True)]
        return parts

    def held_in_start(self, plan: AffinityPlan) -> tuple[int, ...]:
        """Return the atoms of a complex that its xTB start leaves where the free ligand has them.

        The ligand is at its minimum of the level already: xTB would only take it away from there.
        """
        return tuple(range(len(plan.ligand))) if self.level.relax else plan.frozen

    def relax_maker(self, plan: AffinityPlan) -> GpawRelaxMaker | GpawStaticMaker:
        """Return the maker for minima: relaxations, or single points where the level has none."""
        kind = GpawRelaxMaker if self.level.relax else GpawStaticMaker
        return kind(
            level=self.level, box=plan.box, store=self.store, cores=self.cores, retry=self.retry
        )

    def _static_maker(self, plan: AffinityPlan) -> GpawStaticMaker:
        return GpawStaticMaker(
            level=self.level, box=plan.box, store=self.store, cores=self.cores, retry=self.retry
        )

    def _minimum(
        self,
        plan: AffinityPlan,
        molecule: Molecule,
        label: str,
        jobs: list[Job],
        *,
        ligand: Any = None,
        frozen: Sequence[int] = (),
    ) -> Job:
        """Append the jobs that bring a molecule to its minimum; return the last.

        `ligand` is the free ligand's minimum, of a job still to come.
        """
        start = molecule
        if self.level.method == "gpaw" and len(molecule) > 1:
            held = self.held_in_start(plan) if ligand is not None else ()
            prepared = prepare_start(molecule, self.store, ligand, held)
            prepared.name = f"xTB start: {label}"
            jobs.append(prepared)
            start = prepared.output
        maker = self.relax_maker(plan)
        if isinstance(maker, GpawRelaxMaker):
            minimum = maker.make(start, label=label, frozen=frozen)
        else:
            minimum = maker.make(start, label=label)
        minimum.name = label
        jobs.append(minimum)
        return minimum


@job
def settle_minimum(
    minimum: CalculationDocument,
    frozen: CalculationDocument,
    maker: GpawRelaxMaker,
    label: str,
    relaxes: bool,
    *,
    held: Sequence[int] = (),
) -> CalculationDocument | Response:
    """Job: return the fragment's minimum; look for a lower one where the complex shows one.

    A fragment that is lower in energy as frozen in the complex than at its own "minimum" has
    only been relaxed into a local one (protons turned, a cluster flattened). It is relaxed again
    from the geometry in the complex.

    Parameters
    ----------
    minimum, frozen : CalculationDocument
        The free fragment, and the fragment frozen as in the complex.
    maker : GpawRelaxMaker
        Relaxes it.
    label : str
        For the new relaxation.
    relaxes : bool
        Whether the level relaxes at all.
    held : sequence of int
        Atoms that do not move.
    """
    if not relaxes or frozen.energy_ev > minimum.energy_ev - LOWER_MINIMUM_EV:
        return minimum
    again = maker.make(frozen.molecule, label=label, frozen=held)
    return Response(replace=again)


@job
def assemble_affinity(
    model: dict[str, Any],
    level: dict[str, Any],
    parts: Mapping[str, CalculationDocument],
    other_poses: Mapping[str, str],
    store: str | None = None,
) -> Affinity:
    """Job: put the binding energy together from finished calculations, and store it.

    Parameters
    ----------
    model, level : dict
        Fields of `AffinityModel` and `Level`.
    parts : mapping of str to CalculationDocument
        Role -> calculation.
    other_poses : mapping of str
        Role -> key of the complex's other poses.
    store : str, optional
        Folder of the store; by default POMDFT_STORE.
    """
    results = ResultStore(Path(store) if store is not None else load_settings().store)
    complex_molecule = parts["complex"].molecule
    filled = AffinityModel(**{**model, "orientation": _orientation(complex_molecule)})
    keys = {role: document.key for role, document in parts.items()}
    affinity = bind(
        filled,
        Level(**level),
        keys,
        {role: results.read_result(key) for role, key in keys.items()},
        count_contacts_of(complex_molecule),
    )
    return results.save_affinity(
        affinity.model_copy(update={"calculations": affinity.calculations | dict(other_poses)})
    )


def bind(
    model: AffinityModel,
    level: Level,
    keys: Mapping[str, str],
    results: Mapping[str, CalculationResult],
    contacts: int,
) -> Affinity:
    """Return the binding energy and its parts from finished calculations.

    Parameters
    ----------
    model, level
        What was computed.
    keys, results : mapping
        Role -> key, role -> result; roles "complex", "ligand", "cluster", "frozen-ligand",
        "frozen-cluster" and, with counterpoise correction, "ghost-ligand", "ghost-cluster".
    contacts : int
        Metal-oxygen contacts in the complex.
    """
    energy = {role: result.energy_ev for role, result in results.items()}
    binding = sum(factor * energy[role] for role, factor in BINDING_BALANCE.items())
    counterpoise = None
    if "ghost-ligand" in energy:
        counterpoise = (
            energy["frozen-ligand"]
            - energy["ghost-ligand"]
            + energy["frozen-cluster"]
            - energy["ghost-cluster"]
        )
    shares = [results[role].dispersion_energy_ev for role in ("complex", "ligand", "cluster")]
    dispersion = None
    if all(share is not None for share in shares):
        dispersion = float(np.dot([1.0, -1.0, -1.0], np.array(shares, dtype=float)))
    return Affinity(
        key=canonical_hash({"affinity": dict(sorted(keys.items()))}),
        model=model,
        level=level,
        energy_ev=binding,
        counterpoise_correction_ev=counterpoise,
        interaction_energy_ev=energy["complex"]
        - energy["frozen-ligand"]
        - energy["frozen-cluster"],
        reorganisation_ligand_ev=energy["frozen-ligand"] - energy["ligand"],
        reorganisation_metal_ev=energy["frozen-cluster"] - energy["cluster"],
        dispersion_ev=dispersion,
        contacts=contacts,
        per_contact_ev=binding / contacts if contacts else None,
        calculations=dict(keys),
        relaxed=results["complex"].task == "relaxation",
    )


def count_contacts_of(molecule: Any) -> int:
    """Return the number of metal-ligand contacts of a complex."""
    symbols = [site.specie.symbol for site in molecule]
    fragments = molecule.site_properties["fragment"]
    ligand = [i for i, name in enumerate(fragments) if name == "ligand"]
    metal = [i for i, name in enumerate(fragments) if name == "metal"]
    positions = np.asarray(molecule.cart_coords, dtype=float)
    return count_contacts(
        [symbols[i] for i in ligand],
        positions[ligand],
        [symbols[i] for i in metal],
        positions[metal],
    )


def _orientation(molecule: Any) -> str:
    return str(molecule.properties.get("orientation", ""))


def _has_basis(level: Level) -> bool:
    """Return whether ghosts can correct a basis-set superposition error: not in a solvent."""
    return level.parameters.get("mode") == "lcao" and level.solvent is None
