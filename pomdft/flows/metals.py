"""Studies of metals: the flow of a study, and a local run of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jobflow import Flow

from pomdft.calculations.levels import load_level
from pomdft.errors import CalculationError
from pomdft.flows.bulk import BulkMaker
from pomdft.flows.bulk_ensemble import BulkEnsembleMaker
from pomdft.flows.cohesion import CohesionMaker
from pomdft.flows.dband import DBandMaker
from pomdft.flows.ensemble import EnsembleMaker, add_ensemble_to, without_ensemble
from pomdft.flows.local_run import run_here
from pomdft.flows.poses import list_poses, name_lost_poses
from pomdft.flows.reporting import FlowReporter, SilentReporter
from pomdft.flows.segregation import MixingMaker, SegregationMaker
from pomdft.schemas.level import Level
from pomdft.schemas.metal_study import MetalStudy
from pomdft.schemas.study import LevelRequest
from pomdft.settings import Settings
from pomdft.store.documents import StoredDocument
from pomdft.structures.crystals import experimental_lattice

_LEVELS = {"bulk": "pw-bulk", "d-band": "pw-d-band", "segregation": "pw-slab", "mixing": "pw-slab"}


@dataclass(frozen=True)
class MetalOutcome:
    """What a run of a metal study brought.

    Attributes
    ----------
    documents : tuple
        Finished documents.
    missing : tuple of str
        Names of what failed; of ensembles and poses without which an energy is there, too.
    """

    documents: tuple[StoredDocument, ...]
    missing: tuple[str, ...]

    def check_complete(self) -> None:
        """Raise where something is missing.

        Raises
        ------
        CalculationError
            Names what.
        """
        if self.missing:
            raise CalculationError(
                f"Missing: {'; '.join(self.missing)}.",
                "The reasons are above; `pomdft status` lists them.",
            )


def make_metal_flows(study: MetalStudy, settings: Settings, *, retry: bool = False) -> list[Flow]:
    """Return one flow for every number a study asks for; computes nothing.

    Parameters
    ----------
    study : MetalStudy
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
    for metal in study.metals:
        experimental_lattice(metal)
    request = study.level or LevelRequest(preset=_LEVELS[study.kind])
    level, bulk_level = _load(request), _load(study.bulk_level)
    common: dict[str, Any] = {
        "store": str(settings.store),
        "cores": study.resources.cores or settings.cores,
        "retry": retry,
    }
    ensembles = EnsembleMaker(**common) if study.ensemble else None
    pairs = list(itertools.permutations(study.metals, 2))
    facets: tuple[str | None, ...] = study.facets or (None,)
    if study.kind == "bulk":
        # Asked for by name, a lattice is computed even where one is shipped.
        if study.cohesive:
            cohesion = CohesionMaker(level=bulk_level, shipped=False, **common)
            flows = [cohesion.make(metal) for metal in study.metals]
        else:
            bulk = BulkMaker(level=bulk_level, shipped=False, **common)
            flows = [_single(bulk.make(metal), f"bulk {metal}") for metal in study.metals]
        return _finish(flows, BulkEnsembleMaker(**common) if study.ensemble else None)
    if study.kind == "d-band":
        bands = DBandMaker(level=level, bulk_level=bulk_level, **common)
        return [bands.make(m, f) for m, f in itertools.product(study.metals, facets)]
    if study.kind == "mixing":
        mixing = MixingMaker(
            level=level, bulk_level=bulk_level, supercell=study.supercell, **common
        )
        return _finish([mixing.make(host, solute) for host, solute in pairs], ensembles)
    swaps = SegregationMaker(
        level=level, bulk_level=bulk_level, layers=study.layers, repeat=study.repeat, **common
    )
    flows = [swaps.make(host, solute, f) for (host, solute), f in itertools.product(pairs, facets)]
    return _finish(flows, ensembles)


def run_metal_flows(flows: list[Flow], reporter: FlowReporter | None = None) -> MetalOutcome:
    """Run flows on this machine one after the other, going on from what the store has.

    Parameters
    ----------
    flows : list of Flow
        From `make_metal_flows`; the last job of each gives a document.
    reporter : FlowReporter, optional
        Hears of progress.
    """
    documents: list[StoredDocument] = []
    missing: list[str] = []
    for flow in flows:
        plain = without_ensemble(flow)
        poses = list_poses(plain)
        outputs = run_here(flow, reporter or SilentReporter())
        found, energy = (outputs.get(part.jobs[-1].uuid) for part in (flow, plain))
        if found is None:
            missing.append(str(flow.name if energy is None else flow.jobs[-1].name))
        if energy is not None:
            documents.append(found or energy)
            missing += name_lost_poses(poses, outputs)
    return MetalOutcome(tuple(documents), tuple(missing))


def _finish(flows: list[Flow], maker: EnsembleMaker | BulkEnsembleMaker | None) -> list[Flow]:
    """Return the flows, with their ensembles where a maker of those is given."""
    return flows if maker is None else [add_ensemble_to(flow, maker) for flow in flows]


def _single(job: Any, name: str) -> Flow:
    job.name = name
    return Flow([job], output=job.output, name=name)


def _load(request: LevelRequest) -> Level:
    loader: Callable[..., Level] = load_level
    return loader(request.preset, request.overrides or None)
