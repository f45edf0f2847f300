"""Ion affinities: a metal ion goes from its aquo or chloro complex to a lacunary POM, in water."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jobflow import Flow, Job, job
from pymatgen.core import Molecule

from pomdft.calculations.models import fit_box, lay_out_box
from pomdft.flows.documents import CalculationDocument
from pomdft.flows.periodic import store_root
from pomdft.flows.poses import choose_among
from pomdft.flows.preparation import find_far_shell, prepare_start
from pomdft.flows.solution import (
    SolutionMaker,
    on_framework,
    reaction_energy,
    relaxed_within_limits,
)
from pomdft.schemas.base import canonical_hash
from pomdft.schemas.ion_affinity import IonAffinity, balance_exchange
from pomdft.schemas.level import Level
from pomdft.store.documents import keep_document
from pomdft.structures.contacts import count_contacts
from pomdft.structures.convert import copy_molecule
from pomdft.structures.docking import build_complexes, dock_ligand
from pomdft.structures.solutes import IonComplex, build_ion_complex, find_ion_complex

#: Displacement of the ion that lets a symmetric start leave a saddle point, angstrom.
_RATTLE = 0.03


@dataclass
class IonAffinityMaker(SolutionMaker):
    """Energy of a POM taking a metal ion from its own complex in water.

    Calculations: the ligand; the ion on it, starting from the relaxed ligand; the ion's aquo or
    chloro complex; the ligand that this one releases. All relaxed in the continuum (a POM of high
    charge has no meaning in vacuum), from a start by GFN1-xTB in ALPB water with the POM's bonds
    held near those of crystals.

    Parameters
    ----------
    level, store, cores, retry
        As in `SolutionMaker`.
    orientations : int
        So many of the best poses of the ion; the lowest energy counts.
    """

    name: str = "ion affinity"
    orientations: int = 1

    def make(self, ligand: str, ion: str, site: str = "vacancy") -> Flow:
        """Return the flow for one ligand and ion; its output is an `IonAffinity`.

        Parameters
        ----------
        ligand : str
            Name of a POM.
        ion : str
            Salt or complex, see `pomdft.structures.solutes.find_ion_complex`.
        site : str
            Where the ion sits.

        Raises
        ------
        UnknownNameError
            A name is not known.
        InputError
            The level has no solvent.
        """
        self.check_level()
        found = find_ion_complex(ion)
        bare = dock_ligand(ligand, site, "solvated")
        poses = build_complexes(
            ligand,
            found.metal,
            cluster="M1",
            site=site,
            charge_model="solvated",
            metal_charge=found.oxidation_state,
            n_best=self.orientations,
        )
        poses = [_as_ion(pose) for pose in poses]
        box = fit_box(lay_out_box(bare, "M1", self.level), [bare, *poses], self.level)
        held = self.level.relax and self.level.relaxation.shell == "contact"
        frozen = find_far_shell(bare) if held else ()
        start = prepare_start(bare, store=self.store)
        ligand_job = self.minimum(start.output, ligand, box, frozen)
        jobs: list[Job] = [start, ligand_job]
        complexes = []
        for number, pose in enumerate(poses):
            suffix = f", pose {number + 1}" if len(poses) > 1 else ""
            prepared = prepare_start(pose, store=self.store, ligand=bare, frozen=frozen)
            placed = place_ion(prepared.output, ligand_job.output)
            label = f"{ligand} + {found.ion}{suffix}"
            complexes.append(self.minimum(placed.output, label, box, frozen))
            jobs += [prepared, placed, complexes[-1]]
        title = f"{ligand} + {found.ion}"
        chosen = choose_among([c.output for c in complexes], title)
        reference = self.minimum(build_ion_complex(found.name), found.name)
        released = self.solute(found.donor)
        last = assemble_ion_affinity(
            {"ligand": ligand, "site": site, "complex_name": found.name},
            self.level.model_dump(mode="json"),
            {
                "complex": chosen.output,
                "ligand": ligand_job.output,
                "reference": reference.output,
                "released": released.output,
            },
            other_poses=chosen.output.other_poses,
            store=self.store,
        )
        last.name = f"ion affinity: {ligand} + {found.name}"
        parts = [*jobs, chosen, reference, released, last]
        return Flow(parts, output=last.output, name=last.name)


def _as_ion(pose: Molecule) -> Molecule:
    """Return a pose with the ion a little off its symmetry; closed shells carry no moment."""
    pose = copy_molecule(pose)
    if int(pose.spin_multiplicity or 1) == 1:
        pose.add_site_property("fragment", ["ligand"] * len(pose))
    shift = np.random.default_rng(0).uniform(-_RATTLE, _RATTLE, 3)
    pose[-1].coords = np.round(np.asarray(pose[-1].coords) + shift, 6)
    return pose


@job
def place_ion(pose: Molecule, ligand: CalculationDocument) -> Molecule:
    """Job: put a prepared pose's ion on the relaxed ligand."""
    return on_framework(pose, ligand.molecule)


@job(output_schema=IonAffinity)
def assemble_ion_affinity(
    names: dict[str, str],
    level: dict[str, Any],
    parts: Mapping[str, CalculationDocument],
    other_poses: Mapping[str, str],
    store: str | None = None,
) -> IonAffinity:
    """Job: put the ion affinity together from finished calculations, and store it.

    Parameters
    ----------
    names : dict
        "ligand", "site", "complex_name".
    level : dict
        Fields of `Level`.
    parts : mapping of str to CalculationDocument
        "complex" (the ion on the ligand), "ligand", "reference", "released".
    other_poses : mapping of str
        Role -> key of the complex's other poses.
    store : str, optional
        Folder of the store; by default POMDFT_STORE.
    """
    document = bind_ion(
        names["ligand"],
        names["site"],
        find_ion_complex(names["complex_name"]),
        Level(**level),
        parts,
    )
    calculations = document.calculations | dict(other_poses)
    document = document.model_copy(update={"calculations": calculations})
    return keep_document(store_root(store), document)


def bind_ion(
    ligand: str,
    site: str,
    reference: IonComplex,
    level: Level,
    parts: Mapping[str, CalculationDocument],
) -> IonAffinity:
    """Return the document of an exchange from its four calculations.

    Parameters
    ----------
    ligand, site : str
        Names.
    reference : IonComplex
        What the ion is taken from.
    level : Level
    parts : mapping of str to CalculationDocument
        "complex", "ligand", "reference", "released".

    Raises
    ------
    InputError
        The reaction does not conserve atoms or charge.
    """
    coefficients = balance_exchange(reference.donors)
    energy, dispersion = reaction_energy(parts, coefficients)
    keys = {role: parts[role].key for role in coefficients}
    molecule = parts["complex"].molecule
    symbols = [atom.specie.symbol for atom in molecule]
    positions = np.asarray(molecule.cart_coords, dtype=float)
    oxygens = [i for i, symbol in enumerate(symbols[:-1]) if symbol == "O"]
    return IonAffinity(
        key=canonical_hash({"ion-affinity": keys, "released": reference.donors}),
        ligand=ligand,
        metal=reference.metal,
        oxidation_state=reference.oxidation_state,
        salt=reference.salt,
        reference_complex=reference.name,
        released=reference.donor,
        released_count=reference.donors,
        site=site,
        orientation=str(molecule.properties.get("orientation", "")),
        level=level,
        energy_ev=energy,
        potential_shift_v=energy / reference.oxidation_state,
        dispersion_ev=dispersion,
        contacts=count_contacts(symbols[:-1], positions[:-1], symbols[-1:], positions[-1:]),
        shortest_contact_angstrom=float(
            np.linalg.norm(positions[oxygens] - positions[-1], axis=1).min()
        ),
        relaxed=relaxed_within_limits(parts, level),
        calculations=keys,
    )
