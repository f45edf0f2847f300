"""Going on from the shipped calculations in a store of one's own."""

from __future__ import annotations

import numpy as np

from pomdft.flows.preparation import geometry_key, plan_affinity
from pomdft.schemas.affinity import Affinity
from pomdft.store.adoption import AdoptionReport, copy_shipped
from pomdft.store.documents import load_reference_affinities
from pomdft.store.reference import read_archived
from pomdft.store.results import ResultStore


def adopt_shipped(store: ResultStore) -> AdoptionReport:
    """Put the shipped calculations into a store, so that studies at their level find them there.

    With them go the starting geometries of ligands and clusters: made anew by xTB on another
    machine they could differ in the sixth digit, and the ligand would be computed again.

    Parameters
    ----------
    store : ResultStore
        What it has is not changed.

    Raises
    ------
    CorruptDocumentError
        A shipped document is damaged.
    StoreError
        The store cannot be written.
    """
    report = copy_shipped(store)
    for affinity in load_reference_affinities():
        _keep_starts(affinity, store)
    return report


def _keep_starts(affinity: Affinity, store: ResultStore) -> None:
    model = affinity.model
    plan = plan_affinity(
        model.ligand,
        model.metal,
        model.cluster,
        model.site,
        model.charge_model,
        level=affinity.level,
    )
    origin = np.array(plan.box.origin_angstrom)
    for role, molecule, label in (
        ("ligand", plan.ligand, model.ligand),
        ("cluster", plan.cluster, f"{model.metal} {model.cluster}"),
    ):
        archived = read_archived(affinity.calculations[role]).request.model
        key = geometry_key(molecule, ())
        # A minimum found from the geometry in the complex did not start from xTB's.
        if archived.label == label and store.find_geometry(key) is None:
            store.save_geometry(key, np.round(archived.positions - origin, 6).tolist())
