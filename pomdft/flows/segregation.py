"""Segregation energies by slab swap, and substitution energies in bulk."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobflow import Flow, Maker, job
from pymatgen.core import Structure

from pomdft.calculations.levels import load_level
from pomdft.errors import InputError, NotComputedError
from pomdft.flows.bulk import BulkMaker, lattice_of
from pomdft.flows.periodic import PeriodicCalculation, store_root
from pomdft.schemas.base import canonical_hash
from pomdft.schemas.bulk import BulkMetal
from pomdft.schemas.calculation import CalculationResult
from pomdft.schemas.level import Level
from pomdft.schemas.metal_study import DEFAULT_LAYERS, DEFAULT_REPEAT
from pomdft.schemas.segregation import SegregationEnergyDocument, SubstitutionEnergyDocument
from pomdft.settings import load_settings
from pomdft.store.documents import find_segregation_documents, keep_document
from pomdft.structures.crystals import (
    build_crystal,
    build_facet_slab,
    build_supercell,
    close_packed_facet,
    inner_site,
    substitute,
    surface_site,
)


@dataclass
class _AlloyMaker(Maker):
    """What both makers share; parameters as in `SegregationMaker`."""

    level: Level = field(default_factory=lambda: load_level("pw-slab"))
    bulk_level: Level = field(default_factory=lambda: load_level("pw-bulk"))
    store: str | None = None
    cores: int = 0
    retry: bool = False

    def bulk_maker(self) -> BulkMaker:
        """Return the maker of lattice constants."""
        return BulkMaker(
            level=self.bulk_level, store=self.store, cores=self.cores, retry=self.retry
        )

    def _calculate(self, structure: Structure, label: str) -> tuple[str, CalculationResult]:
        runs = PeriodicCalculation(
            level=self.level,
            store=self.store,
            cores=self.cores,
            retry=self.retry,
            task="relaxation" if self.level.relax else "energy",
        )
        return runs.run(structure, label)


@dataclass
class SegregationMaker(_AlloyMaker):
    """Energy of a solute atom in the surface layer of a slab, less that in its middle.

    Parameters
    ----------
    level : Level
        For the slabs; relaxed where the level relaxes.
    bulk_level : Level
        For the host's lattice constant.
    store : str, optional
        Folder of the results store; by default POMDFT_STORE.
    cores : int
        MPI ranks; 0 means all.
    retry : bool
        Try again what failed for good before.
    layers : int
        Of the slab. With four the middle layer is one below the surface layer.
    repeat : int
        Surface cells along both directions; the solute covers one over its square.
    vacuum_angstrom : float
        On each side of the slab.
    """

    name: str = "segregation"
    layers: int = DEFAULT_LAYERS
    repeat: int = DEFAULT_REPEAT
    vacuum_angstrom: float = 5.0

    def make(self, host: str, solute: str, facet: str | None = None) -> Flow:
        """Return the flow: the host's lattice constant, then both slabs.

        Parameters
        ----------
        host, solute : str
            Metals; the host fcc or hcp.
        facet : str, optional
            By default the close-packed one.
        """
        _check_pair(host, solute)
        facet = facet or close_packed_facet(host)
        bulk = self.bulk_maker().make(host)
        bulk.name = f"lattice constant: {host}"
        swap = compute_segregation(self, bulk.output, solute, facet)
        swap.name = f"segregation: {solute} in {host}({facet})"
        return Flow([bulk, swap], output=swap.output, name=swap.name)

    def compute(self, bulk: BulkMetal, solute: str, facet: str) -> SegregationEnergyDocument:
        """Return the segregation energy in a host with known lattice."""
        host = bulk.metal
        _check_pair(host, solute)
        repeat = (self.repeat, self.repeat)
        slab = build_facet_slab(
            host,
            facet,
            lattice_of(bulk),
            layers=self.layers,
            repeat=repeat,
            vacuum_angstrom=self.vacuum_angstrom,
        )
        keys, energies = {}, {}
        for role, site in (("surface", surface_site(slab)), ("inside", inner_site(slab))):
            label = f"{solute} in {host}({facet}), {role}"
            keys[role], result = self._calculate(substitute(slab, site, solute), label)
            energies[role] = result.energy_ev
        document = SegregationEnergyDocument(
            key=canonical_hash({"segregation": keys}),
            host=host,
            solute=solute,
            facet=facet,
            layers=self.layers,
            repeat=repeat,
            level=self.level,
            energy_ev=energies["surface"] - energies["inside"],
            relaxed=self.level.relax,
            lattice_constant_angstrom=bulk.lattice_constant_angstrom,
            calculations=keys,
        )
        return keep_document(store_root(self.store), document)


@dataclass
class MixingMaker(_AlloyMaker):
    """Energy to dissolve a solute atom in a supercell of bulk host.

    Parameters
    ----------
    level, bulk_level, store, cores, retry
        As in `SegregationMaker`.
    supercell : int
        Repeats of the host's primitive cell along each vector.
    """

    name: str = "mixing"
    supercell: int = 2

    def make(self, host: str, solute: str) -> Flow:
        """Return the flow: both lattice constants, then supercell, host and solute."""
        _check_pair(host, solute)
        bulks = [self.bulk_maker().make(metal) for metal in (host, solute)]
        for bulk, metal in zip(bulks, (host, solute), strict=True):
            bulk.name = f"lattice constant: {metal}"
        mixed = compute_substitution(self, bulks[0].output, bulks[1].output)
        mixed.name = f"substitution: {solute} in {host}"
        return Flow([*bulks, mixed], output=mixed.output, name=mixed.name)

    def compute(self, host: BulkMetal, solute: BulkMetal) -> SubstitutionEnergyDocument:
        """Return the substitution energy of metals with known lattices.

        Host and alloy share a cell and its k-points. The solute is computed as one cell of
        its crystal with one atom, at the same density of k-points.

        Raises
        ------
        InputError
            The solute's primitive cell holds more than one atom.
        """
        crystal = build_supercell(host.metal, lattice_of(host), self.supercell)
        own = build_crystal(solute.metal, lattice_of(solute))
        if len(own) != 1:
            raise InputError(
                f"Solute {solute.metal} is {solute.symmetry}, its primitive cell holds "
                f"{len(own)} atoms.",
                "Choose an fcc solute.",
            )
        pair = f"{solute.metal} in {host.metal}"
        n = len(crystal)
        models = {
            "alloy": (substitute(crystal, 0, solute.metal), f"{pair}, {n} atoms"),
            "host": (crystal, f"{host.metal}, {n} atoms"),
            "solute": (own, f"{solute.metal} bulk"),
        }
        keys, energies = {}, {}
        for role, (structure, label) in models.items():
            keys[role], result = self._calculate(structure, label)
            energies[role] = result.energy_ev
        document = SubstitutionEnergyDocument(
            key=canonical_hash({"substitution": keys}),
            host=host.metal,
            solute=solute.metal,
            n_atoms=n,
            level=self.level,
            energy_ev=energies["alloy"] - (n - 1) / n * energies["host"] - energies["solute"],
            relaxed=self.level.relax,
            lattice_constant_angstrom=host.lattice_constant_angstrom,
            calculations=keys,
        )
        return keep_document(store_root(self.store), document)


@job(output_schema=SegregationEnergyDocument)
def compute_segregation(
    maker: SegregationMaker, bulk: BulkMetal, solute: str, facet: str
) -> SegregationEnergyDocument:
    """Job: see `SegregationMaker.compute`."""
    return maker.compute(bulk, solute, facet)


@job(output_schema=SubstitutionEnergyDocument)
def compute_substitution(
    maker: MixingMaker, host: BulkMetal, solute: BulkMetal
) -> SubstitutionEnergyDocument:
    """Job: see `MixingMaker.compute`."""
    return maker.compute(host, solute)


def find_segregation(host: str, solute: str, facet: str = "111") -> SegregationEnergyDocument:
    """Return a DFT segregation energy: from the user's store, else the data shipped.

    Of several own ones: one of a slab and level with both directions of the pair, of these the one
    of the thickest slab, of these the latest.

    Raises
    ------
    NotComputedError
        It has not been computed; the message names the command that would.
    """
    for document in reversed(find_segregation_documents(load_settings().store)):
        if (document.host, document.solute, document.facet) == (host, solute, facet):
            return document
    raise NotComputedError(
        f"The segregation energy of {solute} in {host}({facet}) has not been computed.",
        f"Compute it: pomdft metal segregation {host} {solute} --facet {facet}",
    )


def _check_pair(host: str, solute: str) -> None:
    if host == solute:
        raise InputError(f"host and solute are both {host}.", "Name two different metals.")
