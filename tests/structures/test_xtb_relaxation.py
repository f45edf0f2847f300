import numpy as np
import pytest
from scipy.optimize import approx_fprime

from pomdft.errors import (
    CalculationError,
    ConvergenceError,
    InputError,
    StructureError,
    UnknownNameError,
)
from pomdft.structures import xtb
from pomdft.structures.connectivity import find_connectivity
from pomdft.structures.contacts import contact_distance
from pomdft.structures.convert import to_atoms, with_positions
from pomdft.structures.docking import build_complexes, dock_ligand
from pomdft.structures.ligands import build_ligand
from pomdft.structures.poms import build_pom
from pomdft.structures.ranking import find_proton_patterns, rank_by_xtb
from pomdft.structures.restraints import (
    keep_cations_off_site,
    restrain_contacts,
    restrain_framework,
)
from pomdft.structures.xtb import make_xtb_calculator, relax_xtb, xtb_energy


def test_restraint_forces_are_the_derivative_of_its_energy() -> None:
    molecule = build_complexes("W5O18", "Ag")[0]
    atoms = to_atoms(molecule)
    atoms.rattle(0.05, seed=1)
    restraint = (restrain_contacts(molecule) + restrain_framework(molecule)).to_constraint()
    forces = np.zeros((len(atoms), 3))
    restraint.adjust_forces(atoms, forces)

    def energy(flat):
        atoms.positions[:] = flat.reshape(-1, 3)
        return restraint.adjust_potential_energy(atoms)

    slope = approx_fprime(atoms.positions.ravel().copy(), energy, 1e-6)
    assert np.allclose(-forces.ravel(), slope, atol=2e-3)


def test_cations_are_pushed_away_from_the_site_only_where_they_are_too_near() -> None:
    molecule = dock_ligand("W5O18", "vacancy", "alkali")
    sodium = next(i for i, r in enumerate(molecule.site_properties["role"]) if r == "cation")
    restraint = keep_cations_off_site(molecule)
    assert restraint is not None
    atoms = to_atoms(molecule)
    for height, pushed in ((1.0, True), (6.0, False)):
        atoms.positions[sodium] = (0.0, 0.0, height)
        forces = np.zeros((len(atoms), 3))
        restraint.adjust_forces(atoms, forces)
        assert bool(forces[sodium, 2] > 1.0) is pushed
        step = 1e-5
        energies = []
        for sign in (1, -1):
            atoms.positions[sodium, 2] = height + sign * step
            energies.append(restraint.adjust_potential_energy(atoms))
        slope = (energies[0] - energies[1]) / (2 * step)
        assert forces[sodium, 2] == pytest.approx(-slope, abs=1e-5)
    assert keep_cations_off_site(dock_ligand("W5O18", "vacancy", "protonated")) is None


def test_a_ligand_without_metal_or_cage_has_no_restraints() -> None:
    molecule = build_ligand("PVP")
    assert len(restrain_contacts(molecule)) == len(restrain_framework(molecule)) == 0


def test_relaxation_keeps_topology_contacts_and_what_is_known_of_the_molecule() -> None:
    molecule = build_complexes("W5O18", "Pd")[0]
    relaxed = relax_xtb(molecule, 0.3, max_steps=5)
    assert relaxed.site_properties == molecule.site_properties
    assert relaxed.spin_multiplicity == molecule.spin_multiplicity
    assert relaxed.properties["orientation"] == molecule.properties["orientation"]
    symbols = [s.specie.symbol for s in molecule][:23]
    before = find_connectivity(symbols, molecule.cart_coords[:23])
    after = find_connectivity(symbols, relaxed.cart_coords[:23])
    assert after.neighbours == before.neighbours
    oxygens = [i for i, s in enumerate(symbols) if s == "O"]
    distance = relaxed.distance_matrix[-4:][:, oxygens]
    assert distance.min() == pytest.approx(contact_distance("Pd"), abs=0.15)


def test_fixed_atoms_stay_and_strictness_is_honoured() -> None:
    molecule = build_ligand("thiolate")
    relaxed = relax_xtb(molecule, 0.01, max_steps=2, fixed=[0, 3])
    assert np.array_equal(relaxed.cart_coords[[0, 3]], molecule.cart_coords[[0, 3]])
    assert relaxed.properties["xtb"]["converged"] is False
    with pytest.raises(ConvergenceError, match="after 1 steps"):
        relax_xtb(molecule, 0.001, max_steps=1, strict=True)
    with pytest.raises(InputError, match="fixed"):
        relax_xtb(molecule, fixed=[99])


def test_quiet_and_clear(capfd: pytest.CaptureFixture[str]) -> None:
    energy = xtb_energy(build_ligand("thiolate"))
    assert np.isfinite(energy)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
    with pytest.raises(UnknownNameError, match="GFN9"):
        make_xtb_calculator(0, 1, "GFN9-xTB")


def test_overlapping_atoms_are_refused() -> None:
    molecule = build_ligand("thiolate")
    xyz = molecule.cart_coords.copy()
    xyz[1] = xyz[0] + 0.1
    with pytest.raises(StructureError, match="apart"):
        relax_xtb(with_positions(molecule, xyz))


def test_failure_of_self_consistency_names_the_molecule() -> None:
    molecule = build_ligand("thiolate")
    atoms = to_atoms(molecule)
    atoms.calc = make_xtb_calculator(0, 1, max_iterations=1)
    with pytest.raises(Exception, match="SCF"):
        atoms.get_potential_energy()
    with pytest.raises(InputError, match="2 different compositions"):
        rank_by_xtb([molecule, build_ligand("PVP")])


def test_ranking_sorts_and_removes_duplicates() -> None:
    molecule = build_ligand("thiolate")
    worse = molecule.cart_coords.copy()
    worse[-1] += [0.0, 0.0, 0.12]
    ranked = rank_by_xtb([with_positions(molecule, worse), molecule, molecule], max_steps=0)
    energies = [m.properties["relative_energy_ev"] for m in ranked]
    assert len(ranked) == 2
    assert energies[0] == 0.0 < energies[1]


def test_proton_patterns_are_distinct_and_ordered() -> None:
    patterns = find_proton_patterns("W5O18", 3, n_candidates=3, max_steps=2)
    chosen = [tuple(m.properties["protonated_oxygens"]) for m in patterns]
    assert len(set(chosen)) == len(chosen) > 1
    energies = [m.properties["relative_energy_ev"] for m in patterns]
    assert energies == sorted(energies)
    bare = build_pom("W5O18", None)
    for molecule, oxygens in zip(patterns, chosen, strict=True):
        assert molecule.charge == 0
        assert {bare.site_properties["role"][i] for i in oxygens} == {"edge-bridging"}


def test_impossible_calculation_raises_the_project_error() -> None:
    molecule = build_ligand("thiolate", "solvated")
    molecule.properties["solvent"] = "no-such-solvent"
    with pytest.raises(CalculationError, match="thiolate"):
        xtb_energy(molecule)


def test_a_cage_that_the_continuum_makes_collapse_is_relaxed_without() -> None:
    molecule = build_pom("alpha-AsW12O40", "solvated")
    relaxed = relax_xtb(molecule, 0.1, max_steps=14)
    assert relaxed.properties["xtb"]["solvent"] is None
    symbols = [s.specie.symbol for s in molecule]
    before = find_connectivity(symbols, molecule.cart_coords)
    after = find_connectivity(symbols, relaxed.cart_coords)
    assert after.neighbours == before.neighbours
    assert abs(relaxed.cart_coords - molecule.cart_coords).max() < 0.2


def test_a_collapse_without_continuum_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xtb, "COLLAPSE_EV_PER_ATOM", 0.0)
    with pytest.raises(CalculationError, match="thiolate collapsed"):
        relax_xtb(build_ligand("thiolate"), 0.001, max_steps=3)
    monkeypatch.undo()
    assert (
        relax_xtb(build_ligand("thiolate", "solvated"), max_steps=1).properties["xtb"]["solvent"]
        == "water"
    )
