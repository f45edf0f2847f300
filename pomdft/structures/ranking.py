"""Rank built structures by xTB: poses of a metal, and patterns of protons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from pymatgen.analysis.molecule_matcher import KabschMatcher
from pymatgen.core import Molecule

from pomdft.errors import CalculationError, InputError, StructureError
from pomdft.structures.connectivity import find_connectivity
from pomdft.structures.convert import copy_molecule
from pomdft.structures.poms import build_pom
from pomdft.structures.protonation import proton_positions, rank_proton_sites
from pomdft.structures.symmetry import axial_operations, matching_operations
from pomdft.structures.xtb import DEFAULT_METHOD, relax_xtb

#: Two relaxed structures are one if they differ by less than both (angstrom, eV).
SAME_RMSD_ANGSTROM: Final = 0.15
SAME_ENERGY_EV: Final = 0.02


def rank_by_xtb(
    molecules: Sequence[Molecule],
    n_best: int | None = None,
    *,
    fmax_ev_per_angstrom: float = 0.2,
    max_steps: int = 60,
    method: str = DEFAULT_METHOD,
) -> list[Molecule]:
    """Relax structures of one composition with xTB and sort them by energy.

    Parameters
    ----------
    molecules : sequence of pymatgen Molecule
        E.g. from `docking.build_complexes`; one composition, charge and multiplicity.
    n_best : int, optional
        At most this many are returned.
    fmax_ev_per_angstrom, max_steps, method
        As in `xtb.relax_xtb`.

    Returns
    -------
    list of pymatgen Molecule
        Relaxed, lowest energy first, near-duplicates (pymatgen's Kabsch matcher) removed.
        ``properties["relative_energy_ev"]`` counts from the lowest. Structures for which xTB
        fails are left out.

    Raises
    ------
    InputError
        If compositions, charges or multiplicities differ.
    CalculationError
        If xTB failed for all of them.
    """
    kinds = {(m.composition.formula, m.charge, m.spin_multiplicity) for m in molecules}
    if len(kinds) != 1:
        raise InputError(
            f"rank: {len(kinds)} different compositions or charges were given.",
            "Rank structures of one composition only: energies of others do not compare.",
        )
    relaxed: list[Molecule] = []
    failure: CalculationError | StructureError | None = None
    for molecule in molecules:
        try:
            relaxed.append(relax_xtb(molecule, fmax_ev_per_angstrom, max_steps, method=method))
        except (CalculationError, StructureError) as error:
            failure = error
    if not relaxed:
        raise CalculationError("rank: xTB failed for every structure.", str(failure))
    relaxed.sort(key=lambda m: m.properties["xtb"]["energy_ev"])
    kept: list[Molecule] = []
    for molecule in relaxed:
        if not any(_is_same(molecule, other) for other in kept):
            kept.append(molecule)
    lowest = kept[0].properties["xtb"]["energy_ev"]
    for molecule in kept:
        molecule.properties["relative_energy_ev"] = molecule.properties["xtb"]["energy_ev"] - lowest
    return kept if n_best is None else kept[:n_best]


def _is_same(first: Molecule, second: Molecule) -> bool:
    energies = [m.properties["xtb"]["energy_ev"] for m in (first, second)]
    if abs(energies[0] - energies[1]) > SAME_ENERGY_EV:
        return False
    _, rmsd = KabschMatcher(first).fit(second)
    return float(rmsd) < SAME_RMSD_ANGSTROM


def find_proton_patterns(
    name: str,
    n_best: int = 3,
    *,
    n_candidates: int = 8,
    seed: int = 0,
    contact: str | None = "vacancy",
    max_steps: int = 40,
    method: str = DEFAULT_METHOD,
) -> list[Molecule]:
    """Return the proton patterns of a POM that xTB finds lowest.

    Candidates are the spread-out default and seeded exchanges within the class of oxygens that is
    only partly filled (terminal ones never, contact ones last); symmetry-equivalent patterns are
    one. Each is relaxed with xTB, and near-duplicates are removed.

    Parameters
    ----------
    name : str
        POM name.
    n_best, n_candidates : int
        How many to return, and to try.
    seed : int
    contact : {"vacancy", None}
        As in `poms.build_pom`.
    max_steps : int
        Of each xTB relaxation.
    method : str

    Returns
    -------
    list of pymatgen Molecule
        Lowest energy first, with ``properties["relative_energy_ev"]``.

    Raises
    ------
    UnknownNameError, ChargeError
        As in `poms.build_pom`.
    InputError
        If the numbers are not positive.
    """
    if n_best < 1 or n_candidates < 1:
        raise InputError(f"n_best: {n_best}, n_candidates: {n_candidates} have to be positive.")
    first = build_pom(name, "protonated", contact=contact)
    chosen = list(first.properties["protonated_oxygens"])
    n_cage = len(first) - len(chosen)
    symbols = [s.specie.symbol for s in first][:n_cage]
    xyz = np.asarray(first.cart_coords, dtype=float)[:n_cage]
    found = find_connectivity(symbols, xyz)
    vacancy = first.properties["vacancy"] if contact == "vacancy" else None
    contacts = vacancy["oxygen_indices"] if vacancy else []
    classes = rank_proton_sites(found, contacts)
    partly = next((c for c in classes if 0 < len(set(c) & set(chosen)) < len(c)), None)
    if partly is None:
        return rank_by_xtb([first], n_best, max_steps=max_steps, method=method)
    fixed = [i for i in chosen if i not in partly]
    count = len(chosen) - len(fixed)
    images = [
        partner for _, partner in matching_operations(symbols, xyz, axial_operations(symbols, xyz))
    ]
    seen = {_canonical(chosen, images)}
    patterns = [chosen]
    rng = np.random.default_rng(seed)
    for _ in range(40 * n_candidates):
        if len(patterns) >= n_candidates:
            break
        pick = rng.choice(partly, size=count, replace=False)
        pattern = sorted([*fixed, *(int(i) for i in pick)])
        key = _canonical(pattern, images)
        if key not in seen:
            seen.add(key)
            patterns.append(pattern)
    molecules = []
    for pattern in patterns:
        molecule = copy_molecule(first)
        protons = proton_positions(found, xyz, pattern)
        for k, place in enumerate(protons):
            molecule[n_cage + k].coords = place
        molecule.properties = {**first.properties, "protonated_oxygens": list(pattern)}
        molecules.append(molecule)
    return rank_by_xtb(molecules, n_best, max_steps=max_steps, method=method)


def _canonical(pattern: Sequence[int], images: Sequence[np.ndarray]) -> tuple[int, ...]:
    """Return the same tuple for patterns that a symmetry operation maps on each other."""
    return min(tuple(sorted(int(image[i]) for i in pattern)) for image in images)
