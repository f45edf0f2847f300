"""Studies in water: the flows of a study."""

from __future__ import annotations

import itertools
from typing import Any

from jobflow import Flow

from pomdft.calculations.levels import load_level
from pomdft.errors import InputError
from pomdft.flows.ensemble import EnsembleMaker, add_ensemble_to
from pomdft.flows.ion_affinity import IonAffinityMaker
from pomdft.flows.protonation import ProtonationMaker
from pomdft.schemas.solution_study import SolutionStudy
from pomdft.settings import Settings


def make_solution_flows(
    study: SolutionStudy, settings: Settings, *, retry: bool = False
) -> list[Flow]:
    """Return one flow for every number a study asks for; computes nothing.

    Parameters
    ----------
    study : SolutionStudy
        From an input file.
    settings : Settings
        Where results go.
    retry : bool
        Try again what failed for good before.

    Returns
    -------
    list of Flow
        For `pomdft.flows.metals.run_metal_flows`; the last job of each gives the document.

    Raises
    ------
    InputError
        A name or value in the study is wrong.
    """
    common: dict[str, Any] = {
        "level": load_level(study.level.preset, study.level.overrides or None),
        "store": str(settings.store),
        "cores": study.resources.cores or settings.cores,
        "retry": retry,
    }
    if study.kind == "ion-affinity":
        if not study.ions:
            raise InputError("ions is missing.", 'Give salts, e.g. ions: ["Ag+", "[AuCl4]-"].')
        ions = IonAffinityMaker(orientations=study.orientations, **common)
        flows = [
            ions.make(ligand, ion, study.site or "vacancy")
            for ligand, ion in itertools.product(study.ligands, study.ions)
        ]
    else:
        steps = ProtonationMaker(**common)
        flows = [
            steps.make(pom, number, study.site, series=study.protons)
            for pom, number in itertools.product(study.ligands, range(1, study.protons + 1))
        ]
    if not study.ensemble:
        return flows
    common.pop("level")
    return [add_ensemble_to(flow, EnsembleMaker(**common)) for flow in flows]
