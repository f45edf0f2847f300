"""What is added to a finished energy: the BEEF-vdW ensemble; to affinities the metal's d-band too.

Both come from one more single point of each minimum, at the level of the energy. The members of
the ensemble differ in the weights of 32 exchange and correlation energies only, so that these 32
numbers of each calculation give all members of any energy difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jobflow import Flow, Maker, job
from numpy.typing import NDArray

from pomdft.calculations.perform import perform
from pomdft.errors import CalculationError, InputError, PomdftError
from pomdft.flows.dband import assemble_d_band
from pomdft.flows.periodic import store_root
from pomdft.flows.reporting import current_reporter
from pomdft.schemas.affinity import BALANCE, Affinity
from pomdft.schemas.base import canonical_hash
from pomdft.schemas.calculation import CalculationInput, CalculationResult, Property
from pomdft.schemas.dband import DBand
from pomdft.schemas.reaction import ENSEMBLE_ROLE, ReactionEnergy
from pomdft.settings import load_settings
from pomdft.store.catalogue import read_calculation
from pomdft.store.documents import StoredReaction, save_document
from pomdft.store.results import ResultStore

#: Members of the ensemble, and the seed of their coefficients (those of ase.dft.bee).
N_MEMBERS = 2000
SEED = 0
#: The single point has to meet the energy of the minimum this closely (eV): else it is another
#: electronic state.
ENERGY_TOLERANCE_EV = 0.05
#: Digits that are kept of a member's energy, and of a term that members weigh.
_DIGITS = 4
_TERM_DIGITS = 8


def ensemble_coefficients(n_members: int = N_MEMBERS, seed: int = SEED) -> NDArray[np.float64]:
    """Return the coefficients of the members, shape (n_members, 32), for contributions in eV.

    Parameters
    ----------
    n_members : int
    seed : int
        Same seed, same members, so that they can be subtracted one by one.

    References
    ----------
    J. Wellendorff et al., Phys. Rev. B 85, 235149 (2012), doi:10.1103/PhysRevB.85.235149.
    """
    from ase.dft.bee import BEEFEnsemble

    ensemble = BEEFEnsemble(None, 0.0, np.zeros(32), "BEEF-vdW", verbose=False)
    coefficients = ensemble.get_beefvdw_ensemble_coefs(n_members, seed)
    return np.asarray(coefficients, dtype=np.float64)


def ensemble_shifts(contributions_ev: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return how far each member's binding energy is from the mean functional's, in eV.

    Parameters
    ----------
    contributions_ev : mapping of str to ndarray, shape (32,)
        Of "complex", "ligand" and "cluster".

    Returns
    -------
    ndarray of float64, shape (2000,)
    """
    return ensemble_coefficients() @ _sum_terms(contributions_ev, BALANCE)


def _sum_terms(
    terms_ev: Mapping[str, NDArray[np.float64]], balance: Mapping[str, float]
) -> NDArray[np.float64]:
    rows = np.array([factor * terms_ev[role] for role, factor in balance.items()])
    return np.asarray(rows.sum(axis=0), dtype=np.float64)


def final_request(
    store: ResultStore, key: str, properties: tuple[Property, ...]
) -> CalculationInput:
    """Return the single point, with properties, at the final geometry of a known calculation."""
    request, result = read_calculation(store, key)
    model = request.model.with_positions(np.array(result.positions_angstrom))
    return CalculationInput.create("energy", model, request.level, properties)


@dataclass
class EnsembleMaker(Maker):
    """Adds the BEEF-vdW ensemble to an affinity, and the d-band of its metal to the store.

    The ensemble is evaluated with the density of the affinity's own level. For the atomisation of
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

    @job(output_schema=Affinity)
    def make(self, affinity: Affinity) -> Affinity:
        """Job: see `add_ensemble`."""
        return self.add_ensemble(Affinity.model_validate(affinity))

    def add_ensemble(self, affinity: Affinity) -> Affinity:
        """Return the affinity with `std_ev` and `ensemble_ev`; it replaces the one in the store.

        The members scatter about `energy_ev`: member i is `energy_ev` plus its shift from the
        BEEF-vdW functional.

        Raises
        ------
        InputError
            The affinity's level is not GPAW's.
        CalculationError
            A single point ends in another electronic state than its minimum.
        """
        root = store_root(self.store)
        store = ResultStore(root)
        calculations = dict(affinity.calculations)
        contributions: dict[str, NDArray[np.float64]] = {}
        _check_level(affinity)
        for role in BALANCE:
            key, result = self._probe(
                store,
                affinity.calculations[role],
                f"ensemble of {role}: {affinity.model.title}",
                ("beef-ensemble",) if role == "ligand" else ("beef-ensemble", "d-band"),
            )
            calculations[f"{ENSEMBLE_ROLE}{role}"] = key
            contributions[role] = _terms_of(result)
            if role != "ligand":
                save_document(root, _cluster_d_band(affinity, role, key, result))
        shifts = ensemble_shifts(contributions)
        members = tuple(float(round(affinity.energy_ev + s, _DIGITS)) for s in shifts)
        updated = affinity.model_copy(
            update={
                "std_ev": float(np.std(shifts)),
                "ensemble_ev": members,
                "calculations": calculations,
                "source": "store",
            }
        )
        store.save_affinity(updated)
        return updated

    def add_terms(self, document: StoredReaction) -> StoredReaction:
        """Return an energy with `std_ev` and `beef_terms_ev`; it replaces the one in the store.

        Parameters
        ----------
        document : StoredReaction
            A segregation, mixing, ion or protonation energy.

        Raises
        ------
        InputError
            Its level is not GPAW's.
        CalculationError
            A single point ends in another electronic state than its minimum.
        """
        _check_level(document)
        root = store_root(self.store)
        store = ResultStore(root)
        probes, terms = {}, {}
        for role in document.balance:
            label = f"ensemble of {role}: {document.title}"
            key, result = self._probe(store, document.calculations[role], label, ("beef-ensemble",))
            probes[f"{ENSEMBLE_ROLE}{role}"], terms[role] = key, _terms_of(result)
        total = _sum_terms(terms, document.balance)
        updated = document.model_copy(
            update={
                "std_ev": float(np.std(ensemble_coefficients() @ total)),
                "beef_terms_ev": tuple(float(round(term, _TERM_DIGITS)) for term in total),
                "calculations": document.calculations | probes,
                "source": "store",
            }
        )
        save_document(root, updated)
        return updated

    def _probe(
        self, store: ResultStore, minimum: str, label: str, properties: tuple[Property, ...]
    ) -> tuple[str, CalculationResult]:
        """Return key and result of the single point of a minimum with the given key."""
        reporter = current_reporter()
        try:
            _, known = read_calculation(store, minimum)
            request = final_request(store, minimum, properties)
            reporter.begin(request, stored=store.find_result(request.key) is not None)
            settings = load_settings().model_copy(
                update={"store": Path(store.root)} | ({"cores": self.cores} if self.cores else {})
            )
            result = perform(request, store, settings, reporter.progress, retry=self.retry)
            if abs(result.energy_ev - known.energy_ev) > ENERGY_TOLERANCE_EV:
                raise CalculationError(
                    f"The single point ({label}) is at {result.energy_ev:.3f} eV, its minimum at "
                    f"{known.energy_ev:.3f} eV.",
                    "It has met another electronic state: change spin or mixer of the level.",
                )
        except PomdftError as error:
            reporter.fail(label, error)
            raise
        reporter.finish(request, result)
        return request.key, result


def add_ensemble_to(flow: Flow, maker: EnsembleMaker) -> Flow:
    """Return a flow that goes on with the ensemble of the energy that another flow gives.

    Parameters
    ----------
    flow : Flow
        Its output is an energy, see `EnsembleMaker.add_terms`.
    maker : EnsembleMaker
    """
    last = compute_ensemble(maker, flow.output)
    last.name = f"ensemble: {flow.name}"
    return Flow([flow, last], output=last.output, name=flow.name)


@job(output_schema=ReactionEnergy)
def compute_ensemble(maker: EnsembleMaker, document: StoredReaction) -> StoredReaction:
    """Job: see `EnsembleMaker.add_terms`."""
    return maker.add_terms(document)


def _check_level(document: Affinity | ReactionEnergy) -> None:
    if document.level.method != "gpaw":
        raise InputError(f"{document!r} is not of GPAW.", "Choose a GPAW level.")


def _terms_of(result: CalculationResult) -> NDArray[np.float64]:
    return np.array(result.extras["beef_contributions_ev"], dtype=np.float64)


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
