"""Protonation energies of POMs in water, proton by proton, from H3O+."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jobflow import Flow, Job, job
from pymatgen.core import Molecule

from pomdft.calculations.models import Box, fit_box, lay_out_box
from pomdft.errors import InputError
from pomdft.flows.documents import CalculationDocument
from pomdft.flows.periodic import store_root
from pomdft.flows.preparation import prepare_start
from pomdft.flows.solution import SolutionMaker, reaction_energy, relaxed_within_limits
from pomdft.schemas.base import canonical_hash
from pomdft.schemas.level import Level
from pomdft.schemas.protonation import STEP_BALANCE, ProtonationEnergy
from pomdft.store.documents import keep_document
from pomdft.structures.acidity import add_proton, choose_acid_oxygens, find_resting_atoms
from pomdft.structures.poms import build_pom


@dataclass
class ProtonationMaker(SolutionMaker):
    """Energies of a POM taking protons from H3O+ in water, one after the other.

    Each protonated anion starts from the relaxed one before it, the proton as
    `pomdft.structures.acidity.add_proton` places it. With the level's shell "contact" only the
    surroundings of the oxygens that take a proton in the whole series move; the rest stays at its
    start by GFN1-xTB in ALPB water with bonds held near those of crystals, the same with and
    without the proton.

    Parameters
    ----------
    level, store, cores, retry
        As in `SolutionMaker`.
    """

    name: str = "protonation"

    def make(
        self, pom: str, protons: int = 1, site: str | None = None, series: int | None = None
    ) -> Flow:
        """Return the flow of one step, with all steps before it.

        Parameters
        ----------
        pom : str
            Name of a POM.
        protons : int
            Protons after the step; the output is its `ProtonationEnergy`.
        site : str, optional
            Which oxygens, see `pomdft.structures.acidity.choose_acid_oxygens`.
        series : int, optional
            Protons of the longest series this step belongs to; by default `protons`. It decides
            which atoms move, so that steps of one series share their calculations.

        Raises
        ------
        UnknownNameError
            A name is not known.
        InputError
            The level has no solvent, or `series` is smaller than `protons`.
        """
        self.check_level()
        series = protons if series is None else series
        if not 1 <= protons <= series:
            raise InputError(f"Step {protons} is not one of a series of {series} protons.")
        role, oxygens = choose_acid_oxygens(pom, series, site)
        bare = build_pom(pom, "solvated")
        shell = self.level.relaxation.shell if self.level.relax else "all"
        frozen = find_resting_atoms(pom, oxygens, shell)
        box = self._box(bare, oxygens)
        start = prepare_start(bare, store=self.store)
        parents: list[Job] = [self.minimum(start.output, pom, box, frozen)]
        jobs: list[Job] = [start, parents[0]]
        for number, oxygen in enumerate(oxygens[:protons], start=1):
            placed = place_proton(parents[-1].output, oxygen)
            label = f"H{number if number > 1 else ''}-{pom} ({role})"
            parents.append(self.minimum(placed.output, label, box, frozen))
            jobs += [placed, parents[-1]]
        water, hydronium = self.solute("H2O"), self.solute("H3O+")
        last = assemble_protonation(
            {
                "pom": pom,
                "protons": protons,
                "series": series,
                "site": role,
                "oxygen": oxygens[protons - 1],
                "moving": len(bare) - len(frozen),
            },
            self.level.model_dump(mode="json"),
            {
                "protonated": parents[-1].output,
                "parent": parents[-2].output,
                "water": water.output,
                "hydronium": hydronium.output,
            },
            store=self.store,
        )
        title = f"protonation: {pom}, proton {protons}"
        last.name = title
        return Flow([*jobs, water, hydronium, last], output=last.output, name=title)

    def _box(self, bare: Molecule, oxygens: list[int]) -> Box:
        """Return one cell for the anion with any number of the protons."""
        full = bare
        for oxygen in oxygens:
            full = add_proton(full, oxygen)
        return fit_box(lay_out_box(bare, "M1", self.level), [full], self.level)


@job
def place_proton(parent: CalculationDocument, oxygen: int) -> Molecule:
    """Job: put a proton on an oxygen of a relaxed anion."""
    return add_proton(parent.molecule, oxygen)


@job(output_schema=ProtonationEnergy)
def assemble_protonation(
    names: dict[str, Any],
    level: dict[str, Any],
    parts: Mapping[str, CalculationDocument],
    store: str | None = None,
) -> ProtonationEnergy:
    """Job: put a protonation energy together from finished calculations, and store it.

    Parameters
    ----------
    names : dict
        "pom", "protons", "series", "site", "oxygen", "moving".
    level : dict
        Fields of `Level`.
    parts : mapping of str to CalculationDocument
        "protonated", "parent", "water", "hydronium".
    store : str, optional
        Folder of the store; by default POMDFT_STORE.
    """
    document = bind_proton(names, Level(**level), parts)
    return keep_document(store_root(store), document)


def bind_proton(
    names: Mapping[str, Any], level: Level, parts: Mapping[str, CalculationDocument]
) -> ProtonationEnergy:
    """Return the document of a step from its four calculations.

    Parameters
    ----------
    names : mapping
        As in `assemble_protonation`.
    level : Level
    parts : mapping of str to CalculationDocument

    Raises
    ------
    InputError
        The reaction does not conserve atoms or charge.
    """
    energy, dispersion = reaction_energy(parts, STEP_BALANCE)
    keys = {role: parts[role].key for role in STEP_BALANCE}
    molecule = parts["protonated"].molecule
    proton = np.asarray(molecule[-1].coords)
    length = float(np.linalg.norm(proton - molecule[int(names["oxygen"])].coords))
    return ProtonationEnergy(
        key=canonical_hash({"protonation": keys}),
        **names,
        charge=parts["parent"].request.model.charge,
        level=level,
        energy_ev=energy,
        dispersion_ev=dispersion,
        oh_length_angstrom=length,
        relaxed=relaxed_within_limits(parts, level),
        calculations=keys,
    )
