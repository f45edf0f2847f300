"""d-bands of bulk metals, slabs, and clusters bare and under a ligand, site by site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jobflow import Flow, Maker, Response, job
from pymatgen.core import Structure

from pomdft.calculations.levels import load_level
from pomdft.errors import InputError, NotComputedError
from pomdft.flows.bulk import BulkMaker, lattice_of
from pomdft.flows.periodic import PeriodicCalculation, store_root
from pomdft.schemas.base import canonical_hash
from pomdft.schemas.bulk import BulkMetal
from pomdft.schemas.dband import DBand, DBandSite
from pomdft.schemas.level import Level
from pomdft.settings import load_settings
from pomdft.store.documents import find_documents, save_document
from pomdft.structures.crystals import (
    build_crystal,
    build_facet_slab,
    close_packed_facet,
    surface_site,
)

#: Atomic layers of a slab; a step of three rows takes three times as many layers as deep.
LAYERS = {"111": 4, "100": 4, "0001": 4, "211": 9}


@dataclass
class DBandMaker(Maker):
    """d-band of a bulk metal or of a bulk-truncated slab at the computed lattice constant.

    Parameters
    ----------
    level : Level
        For the slab or crystal.
    bulk_level : Level
        For the lattice constant.
    store : str, optional
        Folder of the results store; by default POMDFT_STORE.
    cores : int
        MPI ranks; 0 means all.
    retry : bool
        Try again what failed for good before.
    """

    name: str = "d-band"
    level: Level = field(default_factory=lambda: load_level("pw-d-band"))
    bulk_level: Level = field(default_factory=lambda: load_level("pw-bulk"))
    store: str | None = None
    cores: int = 0
    retry: bool = False

    def make(self, metal: str, facet: str | None = None) -> Flow:
        """Return the flow: lattice constant, then the d-band; its output is a `DBand`.

        Parameters
        ----------
        metal : str
            An fcc or hcp metal.
        facet : str, optional
            "111", "100", "211", "0001" or "bulk"; by default the close-packed one.
        """
        facet = facet or close_packed_facet(metal)
        bulk_maker = BulkMaker(
            level=self.bulk_level, store=self.store, cores=self.cores, retry=self.retry
        )
        bulk = bulk_maker.make(metal)
        bulk.name = f"lattice constant: {metal}"
        band = compute_surface_d_band(self, bulk.output, facet)
        band.name = f"d-band: {metal}({facet})"
        return Flow([bulk, band], output=band.output, name=f"d-band: {metal}({facet})")

    def compute(self, bulk: BulkMetal, facet: str) -> DBand:
        """Return the d-band of a facet, or of the bulk, of a metal with known lattice."""
        structure, layers = self._build(bulk, facet)
        runs = PeriodicCalculation(
            level=self.level,
            store=self.store,
            cores=self.cores,
            retry=self.retry,
            properties=("d-band",),
        )
        key, result = runs.run(structure, f"{bulk.metal}({facet})")
        site = surface_site(structure) if layers else 0
        document = assemble_d_band(
            result.extras["d_band"],
            [site],
            key=canonical_hash({"d-band": key, "bulk": bulk.key}),
            metal=bulk.metal,
            facet=facet,
            level=self.level,
            lattice_constant_angstrom=bulk.lattice_constant_angstrom,
            layers=layers,
            calculations={"slab" if layers else "crystal": key},
        )
        save_document(store_root(self.store), document)
        return document

    def _build(self, bulk: BulkMetal, facet: str) -> tuple[Structure, int | None]:
        lattice = lattice_of(bulk)
        if facet == "bulk":
            return build_crystal(bulk.metal, lattice), None
        layers = LAYERS.get(facet, 4)
        return build_facet_slab(bulk.metal, facet, lattice, layers=layers), layers


@job(output_schema=DBand)
def compute_surface_d_band(maker: DBandMaker, bulk: BulkMetal, facet: str) -> DBand | Response:
    """Job: see `DBandMaker.compute`."""
    return maker.compute(bulk, facet)


def assemble_d_band(extras: dict[str, Any], surface: Sequence[int], **fields: Any) -> DBand:
    """Return the document of a d-band from what the GPAW process computed.

    Parameters
    ----------
    extras : dict
        From `pomdft.calculations.properties.compute_d_band`.
    surface : sequence of int
        Atoms whose mean stands for the whole.
    **fields
        The other fields of `DBand`; `metal` says which sites are kept.

    Raises
    ------
    InputError
        None of the atoms has a d-band.
    """
    sites = [DBandSite(**site) for site in extras["sites"] if site["symbol"] == fields["metal"]]
    chosen = [site for site in sites if site.index in set(surface)]
    if not chosen:
        raise InputError(f"None of the atoms {list(surface)} of {fields['metal']} has a d-band.")

    def mean(name: str) -> float:
        return float(np.mean([getattr(site, name) for site in chosen]))

    return DBand(
        center_ev=mean("center_ev"),
        width_ev=mean("width_ev"),
        filling=mean("filling"),
        upper_edge_ev=mean("upper_edge_ev"),
        window_center_ev=mean("window_center_ev"),
        range_ev=tuple(extras["range_ev"]),
        window_ev=tuple(extras["window_ev"]),
        sites=tuple(sites),
        **fields,
    )


def find_d_band(metal: str, facet: str = "111", level: str | None = None) -> DBand:
    """Return the d-band of a bare metal: from the user's store, else the data shipped.

    Parameters
    ----------
    metal : str
        Symbol.
    facet : str
        "111", "100", "211", "0001", "bulk", or a cluster such as "M4". The close-packed facet of
        an hcp metal may be called "111".
    level : str, optional
        Name of the level; None for any.

    Returns
    -------
    DBand
        Energies relative to the Fermi level.

    Raises
    ------
    NotComputedError
        It has not been computed; the message names the command that would.
    """
    if facet in ("111", "0001"):
        facet = close_packed_facet(metal)
    found = find_documents(
        load_settings().store,
        DBand,
        lambda d: (
            d.metal == metal
            and d.facet == facet
            and d.ligand is None
            and (level is None or d.level.name == level)
        ),
    )
    if found:
        return found[-1]
    if facet.startswith("M"):
        command = f"pomdft metal ensemble W5O18 {metal} --cluster {facet}"
    else:
        command = f"pomdft metal d-band {metal} --facet {facet}"
    raise NotComputedError(
        f"The d-band of {metal} ({facet}, level {level or 'any'}) has not been computed.",
        f"Compute it: {command}",
    )
