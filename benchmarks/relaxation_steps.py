"""Steps that relaxations of complexes take, by what the first Hessian holds in place.

    python -m benchmarks.relaxation_steps Ag Cu PVP PVP:Ag

Metals: their M4 under W5O18. Organic ligands: alone, from a minimum shaken by 0.03 angstrom; with a
metal, on its M4. Held are nothing, atoms, or atoms but no rigid body. xTB stands in for DFT, so
that a metal takes seconds: the springs were not fitted to it.
"""

from __future__ import annotations

import sys
from unittest import mock

import numpy as np
from ase import Atoms

from pomdft.calculations import hessian
from pomdft.calculations.communicator import SerialCommunicator
from pomdft.calculations.hessian import (
    METAL_ON_SITE,
    ORGANIC_ON_SITE,
    OXYGEN_ON_SITE,
    compute_spring_hessian,
)
from pomdft.calculations.levels import load_level
from pomdft.calculations.relaxation import (
    FIRST_RADIUS,
    RelaxationState,
    positive_definite,
    relax,
)
from pomdft.errors import ConvergenceError
from pomdft.flows.preparation import plan_affinity
from pomdft.structures.xtb import make_xtb_calculator

METALS = ("Cu", "Ag", "Au", "Pd", "Pt", "Rh")
ORGANIC = ("thiolate", "PVP", "citrate")
COMPLEXES = tuple(f"{ligand}:{metal}" for ligand in ORGANIC for metal in ("Au", "Ag", "Pd"))
SHAKE_ANGSTROM = 0.03


class XtbEngine:
    def __init__(self, atoms):
        self._atoms = atoms

    def evaluate(self, positions, *, roughness=1.0):
        self._atoms.positions = positions
        return self._atoms.get_potential_energy(), self._atoms.get_forces()


def count_steps(name: str, held: str) -> tuple[int, float]:
    """Return steps and final energy (eV) of a complex, or of one organic ligand.

    `held`: "nothing", "atoms", or "no body", as `compute_spring_hessian` does where there is no
    polyoxometalate.
    """
    level = load_level("lcao")
    ligand, _, metal = name.partition(":")
    alone = ligand in ORGANIC and not metal
    names = (ligand, metal or "Au") if ligand in ORGANIC else ("W5O18", name)
    plan = plan_affinity(*names, "M4", "vacancy", "protonated", level=level)
    model = plan.ligand if alone else plan.complexes[0]
    numbers = np.array([site.specie.Z for site in model])
    positions = np.array(model.cart_coords, dtype=float)
    atoms = Atoms(numbers, positions=positions, calculator=make_xtb_calculator())
    free = np.array([i for i in range(len(model)) if i not in plan.frozen])
    if alone:
        positions = positions + np.random.default_rng(0).normal(0, SHAKE_ANGSTROM, positions.shape)
        # Hydroxyls of a carboxylic acid are held as those of a POM are, with and without.
        from_heavy = atoms.get_all_distances() + 9 * (numbers == 1)
        bearers = numbers[from_heavy.argmin(axis=1)]
        held_here = np.isin(numbers, (6, 7, 16)) | ((numbers == 1) & np.isin(bearers, (6, 7, 16)))
        places = np.where(held_here, ORGANIC_ON_SITE, 0.0)
    elif ligand in ORGANIC:
        places = np.zeros(len(numbers))
    else:
        fragments = np.array(model.site_properties["fragment"])
        places = np.where(numbers == 8, OXYGEN_ON_SITE, 0.0)
        places = np.where(fragments == "metal", METAL_ON_SITE, places)
    taken_off = np.diag(np.repeat(places[free], 3)) if held == "nothing" else 0.0

    def guess(where):
        if held == "no body":
            return positive_definite(compute_spring_hessian(numbers, where, free))
        with mock.patch.object(hessian, "_release"):
            return positive_definite(compute_spring_hessian(numbers, where, free) - taken_off)

    outcome = relax(
        XtbEngine(atoms),
        RelaxationState(positions, guess(positions), FIRST_RADIUS),
        free,
        level.relaxation,
        SerialCommunicator(),
        save=lambda state: None,
        report=lambda step, energy, force: None,
        guess=guess,
    )
    return outcome.n_steps, outcome.energy_ev


def main() -> None:
    print("model         held     steps  energy (eV)")
    for name in sys.argv[1:] or METALS + ORGANIC + COMPLEXES:
        for held in ("atoms", "no body") if ":" in name else ("nothing", "atoms"):
            try:
                steps, energy = count_steps(name, held)
            except ConvergenceError as error:
                print(f"{name:12}  {held:7}  {error}")
            else:
                print(f"{name:12}  {held:7}  {steps:5d}  {energy:.3f}")


if __name__ == "__main__":
    main()
