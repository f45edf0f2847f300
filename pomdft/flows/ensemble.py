"""What is added to a finished energy: the BEEF-vdW ensemble; to affinities the metal's d-band too.

Both come from one more single point of each minimum, at the level of the energy. The members of
the ensemble differ in the weights of 32 exchange and correlation energies only, so that these 32
numbers of each calculation give all members of any energy difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from jobflow import Flow, Job, Maker, job

from pomdft.calculations.perform import perform
from pomdft.errors import CalculationError, InputError, PomdftError
from pomdft.flows.dband import assemble_d_band
from pomdft.flows.documents import CalculationDocument
from pomdft.flows.periodic import store_root
from pomdft.flows.reporting import current_reporter
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.base import canonical_hash
from pomdft.schemas.beef import N_BEEF_TERMS, ensemble_coefficients
from pomdft.schemas.calculation import CalculationInput, CalculationResult, Property
from pomdft.schemas.dband import DBand
from pomdft.schemas.level import Level
from pomdft.schemas.reaction import ENSEMBLE_ROLE, ReactionEnergy
from pomdft.settings import Settings, load_settings
from pomdft.store.catalogue import read_calculation
from pomdft.store.documents import StoredReaction, save_document
from pomdft.store.results import ResultStore

#: The single point has to meet the energy of the minimum this closely (eV): else it is another
#: electronic state.
ENERGY_TOLERANCE_EV = 0.05
#: Digits that are kept of a term that members weigh, in eV.
_DIGITS = 8
#: What every single point has to give.
PLAIN_PROPERTIES: tuple[Property, ...] = ("beef-ensemble",)

E = TypeVar("E", Affinity, StoredReaction)


def has_d_band(role: str, level: Level) -> bool:
    """Return whether a part of a binding energy has a metal whose d-band the level can give."""
    return role != "ligand" and level.solvent is None


def _choose_properties(with_d_band: bool) -> tuple[Property, ...]:
    return (*PLAIN_PROPERTIES, "d-band") if with_d_band else PLAIN_PROPERTIES


def choose_request(
    store: ResultStore, key: str, properties: tuple[Property, ...]
) -> CalculationInput:
    """Return the calculation that gives properties of a known minimum.

    It is a single point at its geometry. Where that is known to meet another electronic state (a
    magnetic cluster may have several) it is the relaxation once more, with the properties at its
    end: only the way down to the minimum leads into its state.

    Parameters
    ----------
    store : ResultStore
        What is known; the minimum may be a shipped one.
    key : str
        Of the minimum.
    properties : tuple of str
        Which.
    """
    request, known = read_calculation(store, key)
    model = request.model.with_positions(np.array(known.positions_angstrom))
    point = CalculationInput.create("energy", model, request.level, properties)
    if request.task == "energy":
        return point
    again = CalculationInput.create("relaxation", request.model, request.level, properties)
    found = store.find_result(point.key)
    elsewhere = found is not None and not _is_same_state(found, known)
    return again if elsewhere or store.find_result(again.key) is not None else point


def _is_same_state(found: CalculationResult, known: CalculationResult) -> bool:
    return abs(found.energy_ev - known.energy_ev) <= ENERGY_TOLERANCE_EV


@dataclass
class EnsemblePointMaker(Maker):
    """Single point of a minimum, with the terms that the ensemble's members weigh.

    See `choose_request` for what is done instead where that meets another state.

    Parameters are those of `EnsembleMaker`.
    """

    store: str | None = None
    cores: int = 0
    retry: bool = False
    name: str = "ensemble point"

    @job
    def make(self, minimum: CalculationDocument, label: str, *, with_d_band: bool) -> str:
        """Job: compute the single point; return its key.

        Parameters
        ----------
        minimum : CalculationDocument
            At whose geometry.
        label : str
            What it is for.
        with_d_band : bool
            Whether its metal's d-band is wanted too.
        """
        return self.compute(minimum.key, label, _choose_properties(with_d_band))[0]

    def request(self, minimum: CalculationDocument, *, with_d_band: bool) -> CalculationInput:
        """Return the calculation that `make` does."""
        store = ResultStore(store_root(self.store))
        return choose_request(store, minimum.key, _choose_properties(with_d_band))

    def compute(
        self, minimum: str, label: str, properties: tuple[Property, ...]
    ) -> tuple[str, CalculationResult]:
        """Return key and result of what gives properties of the minimum with the given key.

        Raises
        ------
        CalculationError
            Single point and relaxation end in another electronic state than the minimum.
        """
        reporter = current_reporter()
        store = ResultStore(store_root(self.store))
        settings = load_settings().model_copy(
            update={"store": Path(store.root)} | ({"cores": self.cores} if self.cores else {})
        )
        try:
            _, known = read_calculation(store, minimum)
            request = choose_request(store, minimum, properties)
            result = self._perform(request, store, settings)
            if not _is_same_state(result, known):
                request = choose_request(store, minimum, properties)
                result = self._perform(request, store, settings)
            if not _is_same_state(result, known):
                raise CalculationError(
                    f"What gives {label} is at {result.energy_ev:.3f} eV, its minimum at "
                    f"{known.energy_ev:.3f} eV.",
                    "It has met another electronic state: change spin or mixer of the level.",
                )
        except PomdftError as error:
            reporter.fail(label, error)
            raise
        return request.key, result

    def _perform(
        self, request: CalculationInput, store: ResultStore, settings: Settings
    ) -> CalculationResult:
        """Return the result of a calculation, reported from begin to end."""
        reporter = current_reporter()
        reporter.begin(request, stored=store.find_result(request.key) is not None)
        result = perform(request, store, settings, reporter.progress, retry=self.retry)
        reporter.finish(request, result)
        return result


@dataclass
class EnsembleMaker(Maker):
    """Adds the BEEF-vdW ensemble to an energy.

    It is evaluated with the density of the energy's own level. For the atomisation of
    CO and the oxidation of H2 (LCAO dzp) the standard deviations with the densities of PBE and of
    BEEF-vdW itself are 0.177 and 0.176, 0.222 and 0.223 eV, the members correlated by 0.999.

    Parameters
    ----------
    store : str, optional
        Folder of the results store; by default POMDFT_STORE.
    cores : int
        MPI ranks; 0 means all.
    retry : bool
        Try again what failed for good before.
    """

    name: str = "ensemble"
    store: str | None = None
    cores: int = 0
    retry: bool = False

    @job(output_schema=ReactionEnergy)
    def make(self, document: E, points: Sequence[str] = ()) -> E:
        """Job: see `add_ensemble`; `points` are keys of single points that come before."""
        return self.add_ensemble(document)

    def add_ensemble(self, document: E) -> E:
        """Return an energy with `std_ev` and `beef_terms_ev`; it replaces the one in the store.

        Parameters
        ----------
        document : Affinity or StoredReaction
            A binding, segregation, mixing, ion or protonation energy. With the first the d-bands
            of its metal come into the store, bare and in the complex.

        Raises
        ------
        InputError
            Its level is not GPAW's.
        CalculationError
            Nothing leads back to the electronic state of a minimum.
        """
        level = document.level
        if level.method != "gpaw":
            raise InputError(f"{document!r} is not of GPAW.", "Choose a GPAW level.")
        root = store_root(self.store)
        store = ResultStore(root)
        points = EnsemblePointMaker(self.store, self.cores, self.retry)
        probes, terms = {}, np.zeros(N_BEEF_TERMS)
        for role, factor in document.balance.items():
            held = document if isinstance(document, Affinity) and has_d_band(role, level) else None
            label = f"{ENSEMBLE_ROLE}{role} of {document.title}"
            properties = _choose_properties(held is not None)
            key, result = points.compute(document.calculations[role], label, properties)
            probes[f"{ENSEMBLE_ROLE}{role}"] = key
            terms += factor * np.array(result.extras["beef_contributions_ev"])
            if held is not None:
                save_document(root, _cluster_d_band(held, role, key, result))
        updated = document.model_copy(
            update={
                "std_ev": float(np.std(ensemble_coefficients() @ terms)),
                "beef_terms_ev": tuple(float(round(term, _DIGITS)) for term in terms),
                "calculations": document.calculations | probes,
                "source": "store",
            }
        )
        if isinstance(updated, Affinity):
            store.save_affinity(updated)
        else:
            save_document(root, updated)
        return updated


def add_ensemble_to(flow: Flow, maker: Maker) -> Flow:
    """Return a flow that goes on with the ensemble of the energy that another flow gives.

    Parameters
    ----------
    flow : Flow
        Its output is what the maker takes.
    maker : Maker
        `EnsembleMaker`, or that of lattice constants.
    """
    last: Job = maker.make(flow.output)
    last.name = _ensemble_name(flow)
    return Flow([flow, last], output=last.output, name=flow.name)


def without_ensemble(flow: Flow) -> Flow:
    """Return the flow to which `add_ensemble_to` has added one; any other as it is."""
    first, last = flow.jobs[0], flow.jobs[-1]
    return first if isinstance(first, Flow) and last.name == _ensemble_name(first) else flow


def _ensemble_name(flow: Flow) -> str:
    return f"ensemble: {flow.name}"


def _cluster_d_band(affinity: Affinity, role: str, key: str, result: CalculationResult) -> DBand:
    """Return the d-band of the metal atoms of a cluster, bare or in its complex."""
    extras = result.extras["d_band"]
    metal = [site["index"] for site in extras["sites"] if site["symbol"] == affinity.metal]
    return assemble_d_band(
        extras,
        metal,
        key=canonical_hash({"d-band": key}),
        metal=affinity.metal,
        facet=affinity.model.cluster,
        ligand=affinity.ligand if role == "complex" else None,
        level=affinity.level,
        calculations={role: key},
    )
