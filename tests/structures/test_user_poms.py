import time
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Molecule, Structure

from pomdft.errors import ChargeError, InputError, StructureError
from pomdft.structures import registry
from pomdft.structures.docking import build_complexes
from pomdft.structures.poms import build_pom
from pomdft.structures.registry import find_definition, list_poms, register_pom
from pomdft.structures.user_poms import MAX_ATOMS, read_anion


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(registry, "user_data_path", lambda _name: tmp_path / "data")
    monkeypatch.setattr(registry, "_USER", {})
    return tmp_path


def crystal_of(name: str, shift: float, extra: dict[str, list[float]] | None = None) -> Structure:
    anion = build_pom(name, None)
    symbols = [s.specie.symbol for s in anion] + list(extra or {})
    xyz = np.vstack([anion.cart_coords + shift, *(np.array([v]) for v in (extra or {}).values())])
    return Structure(
        Lattice.orthorhombic(14, 15, 16), symbols, xyz, coords_are_cartesian=True,
        to_unit_cell=True,
    )  # fmt: skip


def test_cif_with_anion_across_the_cell_edge_and_counter_ions(tmp_path: Path) -> None:
    crystal = crystal_of("alpha-PW11O39", 1.0, {"Cs": [8.0, 8.0, 7.9]})
    path = tmp_path / "salt.cif"
    crystal.to(filename=str(path))
    definition = register_pom("mine", path)
    built, reference = build_pom("mine", None), build_pom("alpha-PW11O39", None)
    assert definition.charge == -7
    assert definition.point_group == "Cs"
    assert built.composition == reference.composition
    assert built.properties["oxygen_roles"] == reference.properties["oxygen_roles"]
    assert "mine" in list_poms()


def test_xyz_with_its_charge_and_kept_for_later(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = own_folder / "pom.xyz"
    build_pom("W5O18", None).to(filename=str(path))
    register_pom("lindqvist", path, -6, keep=True)
    monkeypatch.setattr(registry, "_USER", {})
    assert find_definition("lindqvist").charge == -6
    assert build_pom("lindqvist").charge == 0
    kept = own_folder / "data" / "poms" / "lindqvist.json"
    kept.write_text(kept.read_text()[:40])
    monkeypatch.setattr(registry, "_USER", {})
    with pytest.raises(InputError, match=r"lindqvist.json is not a POM document"):
        find_definition("lindqvist")


def test_disorder_is_refused(tmp_path: Path) -> None:
    crystal = crystal_of("W5O18", 7.0)
    crystal[0] = {"W": 0.5, "Mo": 0.5}
    path = tmp_path / "disordered.cif"
    crystal.to(filename=str(path))
    with pytest.raises(StructureError, match="disordered sites"):
        read_anion(path)


def test_huge_and_broken_files_are_refused(tmp_path: Path) -> None:
    many = tmp_path / "many.xyz"
    many.write_text("1000000\n\nW 0 0 0\n")
    with pytest.raises(StructureError, match="1000000 atoms"):
        read_anion(many)
    big = tmp_path / "big.cif"
    with big.open("w") as handle:
        handle.truncate(30_000_000)
    with pytest.raises(StructureError, match="30 MB"):
        read_anion(big)
    broken = tmp_path / "broken.xyz"
    broken.write_text("3\n\nW 0 0 0\nO 0 0\n")
    with pytest.raises(InputError, match="cannot be read"):
        read_anion(broken)
    empty = tmp_path / "empty.cif"
    empty.write_text("data_x\n")
    with pytest.raises(InputError, match="cannot be read"):
        read_anion(empty)
    with pytest.raises(InputError, match="does not exist"):
        read_anion(tmp_path / "none.xyz")
    with pytest.raises(InputError, match=r"not \.xyz"):
        read_anion(tmp_path / "pom.pdb")


def test_nan_overlap_and_absence_of_a_pom_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "nan.xyz"
    path.write_text("2\n\nW nan 0 0\nO 0 0 1.7\n")
    with pytest.raises(StructureError, match="not finite"):
        read_anion(path)
    path.write_text("3\n\nW 0 0 0\nO 0 0 1.7\nO 0 0 1.8\n")
    with pytest.raises(StructureError, match="apart"):
        read_anion(path)
    path.write_text("3\n\nO 0 0 0\nH 0 0 1.0\nH 0 1.0 0\n")
    with pytest.raises(StructureError, match="no anion"):
        read_anion(path)
    assert MAX_ATOMS < 1_000_000


def test_charges_and_names(tmp_path: Path) -> None:
    xyz = [[0, 0, 0], [0, 0, 1.75], [1.75, 0, 0], [0, 1.75, 0], [-1.2, -1.2, 0]]
    tetroxide = Molecule(["W", "O", "O", "O", "O"], xyz, charge=-2)
    with pytest.raises(ChargeError, match="not a whole number"):
        register_pom("half", tetroxide, -1.5)  # type: ignore[arg-type]
    with pytest.raises(ChargeError, match="out of reach"):
        register_pom("much", tetroxide, -90)
    with pytest.raises(InputError, match="built-in"):
        register_pom("W5O18", tetroxide)
    for name in ("../evil", "", "a b", "x" * 80):
        with pytest.raises(InputError, match="not usable"):
            register_pom(name, tetroxide)


HEAD = """data_x
_cell_length_a 20
_cell_length_b 20
_cell_length_c 20
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_symmetry_equiv_pos_as_xyz
{operations}
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
"""


def test_cif_of_a_million_atoms_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "many.cif"
    path.write_text(HEAD.format(operations="'x, y, z'") + "W1 W .1 .2 .3\n" * 1_000_000)
    start = time.process_time()
    with pytest.raises(StructureError, match="lists more than 20000 atoms"):
        read_anion(path)
    assert time.process_time() - start < 5.0
    operations = "\n".join(["'x, y, z'"] * 192)
    path.write_text(HEAD.format(operations=operations) + "W1 W .1 .2 .3\n" * 6000)
    with pytest.raises(StructureError, match="6000 atoms under 192 symmetry operations"):
        read_anion(path)


@pytest.mark.parametrize("value", ["nan", "inf", "?", "."])
def test_cif_with_a_coordinate_that_is_no_number(tmp_path: Path, value: str) -> None:
    path = tmp_path / "hole.cif"
    path.write_text(HEAD.format(operations="'x, y, z'") + f"W1 W .1 {value} .3\nO1 O .1 .2 .4\n")
    with pytest.raises(StructureError, match=r"_atom_site_fract_y of atom W1 is"):
        read_anion(path)


def test_cif_that_the_parser_gives_up_on_says_why(tmp_path: Path) -> None:
    path = tmp_path / "flat.cif"
    text = HEAD.format(operations="'x, y, z'").replace("length_a 20", "length_a 0")
    path.write_text(text + "W1 W .1 .2 .3\n")
    with pytest.raises(InputError, match="Singular matrix"):
        read_anion(path)


@pytest.mark.parametrize("ion", ["Ca", "La", "Eu", "U", "Pb", "Tl", "Ag"])
def test_an_ion_in_the_vacancy_is_no_part_of_the_anion(ion: str) -> None:
    anion = build_pom("W5O18", None)
    symbols = [*(s.specie.symbol for s in anion), ion]
    held = Molecule(symbols, np.vstack([anion.cart_coords, [0, 0, 1.2]]))
    definition = register_pom("held", held)
    assert definition.charge == -6
    assert build_pom("held", None).properties["oxygen_roles"] == anion.properties["oxygen_roles"]


def test_odd_electrons_need_a_multiplicity_and_keep_it(own_folder: Path) -> None:
    anion = build_pom("alpha-PMo12O40", None)
    with pytest.raises(ChargeError, match=r"odd number of electrons .*; fully oxidised"):
        register_pom("blue", anion, -4)
    with pytest.raises(ChargeError, match="spin_multiplicity: 3"):
        register_pom("blue", anion, -4, spin_multiplicity=3)
    register_pom("blue", anion, -4, spin_multiplicity=2, keep=True)
    registry._USER.clear()
    kept = build_pom("blue")
    assert (kept.charge, kept.spin_multiplicity) == (0, 2)
    assert build_complexes("blue", "Au", "M1", "edge")[0].spin_multiplicity == 3
