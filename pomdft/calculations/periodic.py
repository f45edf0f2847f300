"""From crystals and slabs to calculation models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from ase.calculators.calculator import kpts2sizeandoffsets
from pymatgen.core import Structure

from pomdft.errors import InputError
from pomdft.schemas.level import Level
from pomdft.schemas.model import AtomicModel, as_vectors
from pomdft.structures.convert import to_atoms

#: Initial moments of the metals that are ferromagnetic in bulk, Bohr magnetons an atom.
FERROMAGNETIC_MOMENTS = {"Fe": 2.3, "Co": 1.7, "Ni": 0.7}


def make_periodic_model(
    structure: Structure, level: Level, *, label: str, frozen: Iterable[int] = ()
) -> AtomicModel:
    """Return a crystal or slab as a calculation model.

    Parameters
    ----------
    structure : pymatgen Structure
        Its lattice says along which axes it is periodic. A site property "magmom" gives initial
        moments in Bohr magnetons; otherwise ferromagnetic metals have those of their bulk.
    level : Level
        With k-points; decides the spin treatment.
    label : str
        What a person calls it.
    frozen : iterable of int
        Atoms that a relaxation does not move.

    Raises
    ------
    InputError
        The level is for molecules: it has no k-points.
    """
    if level.method == "gpaw" and "kpts" not in level.parameters:
        raise InputError(
            f"Level {level.name} has no k-points, which {label} needs.",
            "Choose level pw-bulk or pw-slab, or set level.parameters.kpts.",
        )
    symbols = tuple(site.specie.symbol for site in structure)
    moments = None
    given = structure.site_properties.get("magmom")
    magnetic = given is not None or any(symbol in FERROMAGNETIC_MOMENTS for symbol in symbols)
    if level.spin == "on" or (level.spin == "auto" and magnetic):
        moments = tuple(given or (FERROMAGNETIC_MOMENTS.get(symbol, 0.0) for symbol in symbols))
    a, b, c = as_vectors(np.round(np.asarray(structure.lattice.matrix), 6))
    pbc = structure.lattice.pbc
    return AtomicModel(
        label=label,
        symbols=symbols,
        positions_angstrom=as_vectors(np.round(np.asarray(structure.cart_coords), 6)),
        cell_angstrom=(a, b, c),
        pbc=(bool(pbc[0]), bool(pbc[1]), bool(pbc[2])),
        charge=round(float(structure.charge or 0)),
        magnetic_moments_bohr_magneton=moments,
        frozen=tuple(sorted(frozen)),
    )


def fix_grid(level: Level, structure: Structure) -> Level:
    """Return the level with as many k-points as its density gives for this structure.

    Energies of one crystal at several volumes must have one grid: where a density gives one
    point more at one volume than at the next, the equation of state has a step of some 0.01 eV.

    Parameters
    ----------
    level : Level
        With `kpts: {density: ...}`; a level with a given grid is returned as it is.
    structure : pymatgen Structure
        The reference.
    """
    kpts = level.parameters.get("kpts")
    if not isinstance(kpts, Mapping) or "density" not in kpts:
        return level
    others = {name: value for name, value in kpts.items() if name != "density"}
    size, _ = kpts2sizeandoffsets(density=kpts["density"], atoms=to_atoms(structure))
    grid = {"size": [int(n) for n in size], **others}
    return level.model_copy(update={"parameters": {**level.parameters, "kpts": grid}})
