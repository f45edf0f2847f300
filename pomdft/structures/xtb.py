"""Extended tight binding: the one place where tblite's calculator is made, and relaxation with it.

GFN1-xTB is the default: it keeps W-O-W angles of polyoxotungstates and is two to four times
faster than GFN2-xTB. Framework bonds and metal-oxygen contacts are restrained while the rest
relaxes (see `restraints`), so that a DFT relaxation starts near its minimum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed, Calculator
from ase.constraints import FixAtoms
from ase.optimize import BFGS
from pymatgen.core import Molecule

from pomdft.errors import CalculationError, ConvergenceError, InputError, UnknownNameError
from pomdft.structures.charges import check_electron_count
from pomdft.structures.connectivity import check_no_overlap
from pomdft.structures.convert import to_atoms, with_positions
from pomdft.structures.restraints import (
    RestraintList,
    keep_cations_off_site,
    restrain_contacts,
    restrain_framework,
)

XTB_METHODS: Final = ("GFN1-xTB", "GFN2-xTB")
DEFAULT_METHOD: Final = "GFN1-xTB"
#: A relaxation that gains more than this (eV an atom) is a collapse: the Born radii of the ALPB
#: continuum diverge for atoms buried in a closed cage (seen for As in AsW12O40: 0.4 eV/atom within
#: eleven steps and 190 within twenty; sound relaxations of built anions gain up to 0.11).
COLLAPSE_EV_PER_ATOM: Final = 0.4


def make_xtb_calculator(
    charge: float = 0,
    multiplicity: int = 1,
    method: str = DEFAULT_METHOD,
    *,
    electronic_temperature_k: float = 1000.0,
    solvent: str | None = None,
    max_iterations: int = 500,
) -> Calculator:
    """Make tblite's ASE calculator, quiet.

    Parameters
    ----------
    charge : float
        Total charge in units of e.
    multiplicity : int
        2S+1.
    method : {"GFN1-xTB", "GFN2-xTB"}
    electronic_temperature_k : float
        Fermi smearing in kelvin; metal clusters need some to converge.
    solvent : str, optional
        Name for the ALPB continuum, e.g. "water".
    max_iterations : int
        Of self-consistency.

    Returns
    -------
    ase Calculator
        Energies in eV, forces in eV/angstrom.

    Raises
    ------
    UnknownNameError
        Unknown method.
    InputError
        If tblite is not installed.
    """
    if method not in XTB_METHODS:
        raise UnknownNameError("xTB method", str(method), XTB_METHODS)
    try:
        from tblite.ase import TBLite
    except ImportError as error:
        raise InputError(
            "xTB needs the Python package tblite, which is not installed.",
            "Install it (pip install 'tblite[ase]') or build without xTB.",
        ) from error
    return TBLite(
        method=method,
        charge=float(charge),
        multiplicity=int(multiplicity),
        electronic_temperature=electronic_temperature_k,
        max_iterations=max_iterations,
        solvation=None if solvent is None else ("alpb", solvent),
        verbosity=0,
    )


def xtb_energy(molecule: Molecule, method: str = DEFAULT_METHOD) -> float:
    """Return the xTB total energy of a molecule in eV.

    Raises
    ------
    CalculationError
        If self-consistency fails.
    """
    atoms = _with_calculator(molecule, method, molecule.properties.get("solvent"))
    try:
        return float(atoms.get_potential_energy())
    except (CalculationFailed, RuntimeError) as error:
        raise _failure(molecule, method, error) from error


def relax_xtb(
    molecule: Molecule,
    fmax_ev_per_angstrom: float = 0.1,
    max_steps: int = 300,
    fixed: Iterable[int] = (),
    *,
    method: str = DEFAULT_METHOD,
    restrained: bool = True,
    cations_off_site: bool = False,
    strict: bool = False,
) -> Molecule:
    """Relax a molecule with xTB.

    Parameters
    ----------
    molecule : pymatgen Molecule
        Its charge, multiplicity and ``properties["solvent"]`` are used. Where the continuum makes
        the structure collapse, it is relaxed without; ``properties["xtb"]["solvent"]`` tells.
    fmax_ev_per_angstrom : float
        Largest force on any atom at the end.
    max_steps : int
        At most this many BFGS steps.
    fixed : iterable of int
        Atoms that do not move.
    method : {"GFN1-xTB", "GFN2-xTB"}
    restrained : bool
        Restrain metal-oxygen contacts near `contacts.METAL_OXYGEN_ANGSTROM` and the bonds of a
        POM near those of crystals, with the tables of `restraints`; False leaves all to xTB.
    cations_off_site : bool
        Keep counter-cations away from the oxygens of ``properties["site"]``, and at a bond's length
        from all others, see `restraints.keep_cations_off_site`.
    strict : bool
        Raise when the force is not reached in `max_steps`.

    Returns
    -------
    pymatgen Molecule
        Same order, charge, site properties; ``properties["xtb"]`` records method, energy, largest
        force, steps and whether it converged.

    Raises
    ------
    CalculationError
        If self-consistency fails.
    ConvergenceError
        With `strict`, if the relaxation did not converge.
    StructureError
        If atoms overlap before or after.
    """
    symbols = [site.specie.symbol for site in molecule]
    check_no_overlap(symbols, molecule.cart_coords, what="structure given to xTB")
    check_electron_count(symbols, molecule.charge, molecule.spin_multiplicity)
    frozen = sorted({int(i) for i in fixed})
    if any(i < 0 or i >= len(symbols) for i in frozen):
        raise InputError(f"fixed: {frozen} names atoms outside 0..{len(symbols) - 1}.")
    restraints = RestraintList()
    if restrained:
        restraints = restrain_contacts(molecule) + restrain_framework(molecule)
    constraints: list[Any] = [FixAtoms(indices=frozen)] if frozen else []
    if len(restraints):
        constraints.insert(0, restraints.to_constraint())
    apart = keep_cations_off_site(molecule) if cations_off_site else None
    if apart is not None:
        constraints.insert(0, apart)
    solvent = molecule.properties.get("solvent")
    run = _relax(molecule, method, constraints, fmax_ev_per_angstrom, max_steps, solvent)
    if run is None:
        solvent = None
        run = _relax(molecule, method, constraints, fmax_ev_per_angstrom, max_steps, solvent)
    if run is None:
        raise CalculationError(
            f"{method}: {molecule.properties.get('name', 'the structure')} collapsed.",
            "Check the geometry, or build without xTB.",
        )
    if strict and not run.converged:
        raise ConvergenceError(
            f"xTB relaxation of {molecule.properties.get('name', 'the structure')} stopped at "
            f"{run.force:.2f} eV/angstrom after {max_steps} steps.",
            "Raise max_steps or fmax_ev_per_angstrom.",
        )
    check_no_overlap(symbols, run.atoms.positions, what="structure relaxed by xTB")
    relaxed = with_positions(molecule, run.atoms.positions)
    relaxed.properties["xtb"] = {
        "method": method,
        "energy_ev": run.energy,
        "largest_force_ev_per_angstrom": run.force,
        "steps": run.steps,
        "converged": run.converged,
        "solvent": solvent,
        "restrained_distances": len(restraints),
    }
    return relaxed


@dataclass(frozen=True, eq=False)
class _Run:
    """End of one relaxation: atoms, convergence, steps, largest force, energy (eV, angstrom)."""

    atoms: Atoms
    converged: bool
    steps: int
    force: float
    energy: float


def _relax(  # noqa: PLR0917 - the arguments of `relax_xtb`, handed on
    molecule: Molecule,
    method: str,
    constraints: Sequence[Any],
    fmax: float,
    max_steps: int,
    solvent: str | None,
) -> _Run | None:
    """Relax once; None if the structure collapses on the way."""
    atoms = _with_calculator(molecule, method, solvent)
    atoms.set_constraint(list(constraints))
    optimizer = BFGS(atoms, logfile=None, maxstep=0.15)
    converged = False
    energy = floor = -np.inf
    try:
        for reached in optimizer.irun(fmax=fmax, steps=max_steps):
            converged = bool(reached)
            energy = float(atoms.get_potential_energy(apply_constraint=False))
            if floor == -np.inf:
                floor = energy - COLLAPSE_EV_PER_ATOM * len(atoms)
            if energy < floor:
                return None
        force = float(np.linalg.norm(atoms.get_forces(), axis=1).max())
    except (CalculationFailed, RuntimeError) as error:
        raise _failure(molecule, method, error) from error
    steps = int(optimizer.get_number_of_steps())
    return _Run(atoms, converged, steps, force, energy)


def _with_calculator(molecule: Molecule, method: str, solvent: str | None) -> Atoms:
    atoms = to_atoms(molecule)
    atoms.calc = make_xtb_calculator(
        molecule.charge, molecule.spin_multiplicity, method, solvent=solvent
    )
    return atoms


def _failure(molecule: Molecule, method: str, error: Exception) -> CalculationError:
    name = molecule.properties.get("name", molecule.composition.reduced_formula)
    return CalculationError(
        f"{method} failed for {name} (charge {molecule.charge:+g}, multiplicity "
        f"{molecule.spin_multiplicity}): {str(error).strip() or type(error).__name__}.",
        "Check the geometry and the multiplicity, or build without xTB.",
    )
