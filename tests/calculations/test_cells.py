"""Cells of complexes and fragments (pomdft.calculations.models)."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Molecule
from scipy.spatial.transform import Rotation

from pomdft.calculations.levels import load_level
from pomdft.calculations.models import fit_box, lay_out_box, make_model
from pomdft.errors import ChargeError, StructureError
from pomdft.flows.preparation import AffinityPlan, plan_affinity

LEVEL = load_level("lcao")


def plan(metal: str, cluster: str = "M4") -> AffinityPlan:
    return plan_affinity("thiolate", metal, cluster, "vacancy", "protonated", level=LEVEL)


def test_one_box_for_all_metals() -> None:
    plans = [plan(metal) for metal in ("Au", "Ag", "Cu", "Pd", "Pt")]
    assert len({p.box for p in plans}) == 1
    keys = {make_model(p.ligand, LEVEL, p.box, label="ligand").model_dump_json() for p in plans}
    assert len(keys) == 1


def test_edges_are_multiples_and_atoms_keep_their_distance() -> None:
    found = plan("Au")
    edges = np.array(found.box.edges_angstrom)
    ratio = edges / LEVEL.grid_multiple_angstrom
    assert np.allclose(ratio, np.round(ratio))
    for molecule in (*found.complexes, found.ligand, found.cluster):
        inside = found.box.place(np.asarray(molecule.cart_coords))
        assert inside.min() >= LEVEL.vacuum_angstrom - 0.5
        assert (edges - inside).min() >= LEVEL.vacuum_angstrom - 0.5


def test_fragments_lie_on_the_grid_of_the_complex() -> None:
    found = plan("Ag")
    ligand = make_model(found.ligand, LEVEL, found.box, label="l")
    whole = make_model(found.complexes[0], LEVEL, found.box, label="c")
    assert ligand.cell_angstrom == whole.cell_angstrom
    n = len(ligand.symbols)
    assert ligand.positions_angstrom == whole.positions_angstrom[:n]


def test_a_box_that_fits_is_kept_one_that_does_not_grows() -> None:
    found = plan("Au")
    assert fit_box(found.box, [found.ligand], LEVEL) == found.box
    wide = found.ligand.copy()
    wide.translate_sites(vector=[6.0, 0, 0])
    grown = fit_box(found.box, [found.ligand, wide], LEVEL)
    assert grown.edges_angstrom[0] > found.box.edges_angstrom[0]
    ratio = np.array(grown.edges_angstrom) / LEVEL.grid_multiple_angstrom
    assert np.allclose(ratio, np.round(ratio))
    assert fit_box(grown, [found.ligand, wide], LEVEL) == grown


def test_box_depends_on_the_kind_of_cluster() -> None:
    small = lay_out_box(plan("Au").ligand, "M1", LEVEL)
    large = lay_out_box(plan("Au").ligand, "M13", LEVEL)
    assert min(np.subtract(large.edges_angstrom, small.edges_angstrom)) >= 0
    assert large.edges_angstrom[2] > small.edges_angstrom[2]


def test_a_cluster_that_hangs_on_one_atom_has_room_to_turn() -> None:
    """Over sulphur a planar Ag4 swung out of a cell that was just large enough for its start."""
    names = ("M4", "vacancy", "protonated")
    boxes = {m: plan_affinity("thiolate", m, *names, level=LEVEL).box for m in ("Ag", "Pd")}
    assert boxes["Ag"] == boxes["Pd"]
    found = plan_affinity("thiolate", "Ag", *names, level=LEVEL)
    whole = found.complexes[0]
    cluster = whole.cart_coords[len(found.ligand) :]
    edges = np.array(found.box.edges_angstrom)
    for degrees in range(0, 360, 30):
        for tilt in (0, 45):
            turned = Rotation.from_euler("xz", [tilt, degrees], degrees=True).apply(cluster)
            inside = found.box.place(turned)
            assert inside[:, :2].min() > 2.7
            assert (edges - inside).min() > 2.7


def test_xtb_needs_no_cell() -> None:
    found = plan("Au")
    model = make_model(found.ligand, load_level("xtb"), label="x")
    assert model.cell_angstrom is None


def molecule(charge: float = 0, multiplicity: int | None = None) -> Molecule:
    return Molecule(
        ["Pd", "Pd"],
        [[0, 0, 0], [0, 0, 2.6]],
        charge=charge,
        spin_multiplicity=multiplicity,
        charge_spin_check=False,
        site_properties={"fragment": ["metal", "metal"]},
    )


def test_open_shells_get_moments_on_the_metal() -> None:
    triplet = make_model(molecule(0, 3), LEVEL, label="t")
    assert triplet.magnetic_moments_bohr_magneton == (1.0, 1.0)
    singlet = make_model(molecule(0, 1), LEVEL, label="s")
    assert singlet.magnetic_moments_bohr_magneton == (0.0, 0.0)
    closed = make_model(molecule(0, 1), load_level("lcao", {"spin": "off"}), label="o")
    assert closed.magnetic_moments_bohr_magneton is None


def test_charge_that_does_not_fit_the_spin() -> None:
    with pytest.raises(ChargeError, match="odd number of electrons"):
        make_model(molecule(1, 2), load_level("lcao", {"spin": "off"}), label="odd")


def test_broken_charge() -> None:
    with pytest.raises(StructureError, match="not a whole number"):
        make_model(molecule(0.5), LEVEL, label="half")


def test_overlapping_atoms() -> None:
    bad = Molecule(["O", "O"], [[0, 0, 0], [0, 0, 0.3]])
    with pytest.raises(StructureError, match="overlap"):
        make_model(bad, LEVEL, label="bad")
