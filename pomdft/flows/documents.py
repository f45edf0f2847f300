"""What the jobs return: pomdft's documents, with atomate2's embedded for other programs."""

from __future__ import annotations

from typing import Any

import numpy as np
from atomate2.ase.schemas import AseMoleculeTaskDoc, AseResult, AseStructureTaskDoc, AseTaskDoc
from pydantic import BaseModel, ConfigDict
from pymatgen.core import Molecule, Structure

from pomdft.schemas.calculation import CalculationInput, CalculationResult
from pomdft.structures.convert import with_positions


class CalculationDocument(BaseModel):
    """A finished calculation as a job's output.

    Attributes
    ----------
    key : str
        Content key in the store.
    label : str
        What was computed.
    energy_ev : float
        Total energy in eV.
    molecule : Molecule
        Final geometry in the frame it was given in, with its site properties; without ghosts.
    level_title : str
        Level of theory.
    request : CalculationInput
        What was asked.
    result : CalculationResult
        What came out; with `request` all that a results store needs, see `pomdft collect`.
    task_document : AseMoleculeTaskDoc or AseStructureTaskDoc
        atomate2's document of the same calculation.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    key: str
    label: str
    energy_ev: float
    molecule: Molecule
    level_title: str
    request: CalculationInput
    result: CalculationResult
    task_document: AseMoleculeTaskDoc | AseStructureTaskDoc


def make_document(
    request: CalculationInput, result: CalculationResult, molecule: Molecule, ase_result: AseResult
) -> CalculationDocument:
    """Return the document of a finished calculation.

    Parameters
    ----------
    request, result
        The calculation.
    molecule : Molecule
        Final geometry.
    ase_result : AseResult
        atomate2's view of the result.
    """
    relaxation = request.level.relaxation
    steps = relaxation.max_steps if request.task == "relaxation" else 1
    fmax = relaxation.fmax_ev_per_angstrom
    task_document = AseTaskDoc.to_mol_or_struct_metadata_doc(
        request.level.method,
        ase_result,
        steps,
        relax_kwargs={"fmax": fmax},
        optimizer_kwargs={},
        relax_cell=False,
        fix_symmetry=False,
        symprec=None,
        ionic_step_data=("energy", "forces", "mol_or_struct"),
    )
    return CalculationDocument(
        key=request.key,
        label=request.model.label,
        energy_ev=result.energy_ev,
        molecule=molecule,
        level_title=request.level.title,
        request=request,
        result=result,
        task_document=task_document,
    )


def final_molecule(
    initial: Molecule, request: CalculationInput, result: CalculationResult
) -> Molecule:
    """Return the initial molecule at the final positions, in its own frame, without ghosts."""
    shift = np.asarray(initial.cart_coords) - request.model.positions
    final = with_positions(initial, np.round(np.array(result.positions_angstrom) + shift, 6))
    final.remove_sites(request.model.ghosts)
    return final


def as_ase_result(
    final: Molecule | Structure, request: CalculationInput, result: CalculationResult
) -> AseResult:
    """Return atomate2's view of a result, with the last frame as its trajectory; without ghosts."""
    from pymatgen.core.trajectory import Trajectory

    ghosts = set(request.model.ghosts)
    forces = enumerate(result.forces_ev_per_angstrom)
    frame: dict[str, Any] = {
        "energy": result.energy_ev,
        "forces": [list(force) for i, force in forces if i not in ghosts],
    }
    plain = Molecule(
        [site.specie for site in final],
        final.cart_coords,
        charge=request.model.charge,
        charge_spin_check=False,
    )
    trajectory = Trajectory.from_molecules([plain], frame_properties=[frame])
    limit = request.level.relaxation.fmax_ev_per_angstrom
    return AseResult(
        final_mol_or_struct=plain,
        final_energy=result.energy_ev,
        trajectory=trajectory,
        converged=True,
        is_force_converged=result.max_force_ev_per_angstrom <= limit
        if request.task == "relaxation"
        else None,
        energy_downhill=result.step_energies_ev[-1] <= result.step_energies_ev[0]
        if len(result.step_energies_ev) > 1
        else None,
        elapsed_time=result.wall_time_s,
    )
