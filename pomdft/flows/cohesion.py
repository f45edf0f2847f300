"""Cohesive energies: the free atom beside the equilibrium of the bulk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from jobflow import Flow, Maker, job

from pomdft.calculations.levels import load_level
from pomdft.flows.bulk import BulkMaker
from pomdft.flows.periodic import PeriodicCalculation, store_root
from pomdft.schemas.bulk import BulkMetal
from pomdft.schemas.level import Level
from pomdft.store.documents import save_document
from pomdft.structures.crystals import build_free_atom

#: Smearing of the free atom, eV: small, for whole electrons in its orbitals.
_ATOM_WIDTH_EV = 0.01


@dataclass
class CohesionMaker(Maker):
    """Cohesive energy of a metal: free atom less bulk, an atom; positive.

    The atom is spin-polarised with the moment of its ground state, which is kept.

    Parameters
    ----------
    level, store, cores, retry, shipped
        As in `BulkMaker`.
    """

    name: str = "cohesive energy"
    level: Level = field(default_factory=lambda: load_level("pw-bulk"))
    store: str | None = None
    cores: int = 0
    retry: bool = False
    shipped: bool = True

    def make(self, metal: str) -> Flow:
        """Return the flow: the equation of state, then the free atom."""
        bulk = BulkMaker(
            level=self.level,
            store=self.store,
            cores=self.cores,
            retry=self.retry,
            shipped=self.shipped,
        ).make(metal)
        bulk.name = f"lattice constant: {metal}"
        last = compute_cohesion(self, bulk.output)
        last.name = f"cohesive energy: {metal}"
        return Flow([bulk, last], output=last.output, name=last.name)

    def compute(self, bulk: BulkMetal) -> BulkMetal:
        """Return the bulk document with its cohesive energy, and store it so.

        Parameters
        ----------
        bulk : BulkMetal
            From `BulkMaker`; one that has its cohesive energy is returned as it is.

        Raises
        ------
        ConvergenceError
            The SCF of the free atom does not converge.
        """
        if bulk.cohesive_energy_ev_per_atom is not None:
            return bulk
        runs = PeriodicCalculation(
            level=make_atom_level(bulk.level), store=self.store, cores=self.cores, retry=self.retry
        )
        key, atom = runs.run(build_free_atom(bulk.metal), f"{bulk.metal} atom")
        document = bulk.model_copy(
            update={
                "cohesive_energy_ev_per_atom": atom.energy_ev - bulk.energy_ev_per_atom,
                "calculations": {**bulk.calculations, "atom": key},
                "source": "store",
                "finished": datetime.now(UTC),
            }
        )
        save_document(store_root(self.store), document)
        return document


@job(output_schema=BulkMetal)
def compute_cohesion(maker: CohesionMaker, bulk: BulkMetal) -> BulkMetal:
    """Job: see `CohesionMaker.compute`."""
    return maker.compute(bulk)


def make_atom_level(level: Level) -> Level:
    """Return the level for a free atom: one k-point, a fixed moment, hardly any smearing.

    Parameters
    ----------
    level : Level
        Of the bulk.

    Returns
    -------
    Level
        Cutoff and functional of the bulk's; the same level where the method is not GPAW.
    """
    if level.method != "gpaw":
        return level
    changes = {
        "kpts": {"size": [1, 1, 1], "gamma": True},
        "symmetry": "off",
        "occupations": {"name": "fermi-dirac", "width": _ATOM_WIDTH_EV, "fixmagmom": True},
    }
    return level.model_copy(update={"parameters": {**level.parameters, **changes}})
