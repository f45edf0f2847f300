"""The workflow scripts are read and edited by users: they must stay runnable."""

import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "workflows"


def load(name: str) -> dict[str, object]:
    return runpy.run_path(str(FOLDER / f"{name}.py"), run_name="workflow")


def test_quickstart_makes_the_flow_of_its_input_file() -> None:
    from pomdft.schemas.study import Study

    study = Study.from_file(FOLDER.parent / "inputs" / "quickstart.yaml")
    flow = load("quickstart")["make_flow"]("xtb")  # type: ignore[operator]
    assert [part.name for part in flow.jobs] == [
        f"affinity: {ligand} + {metal}4, vacancy, protonated"
        for ligand in study.ligands
        for metal in study.metals
    ]


def test_affinity_screen_makes_every_pair() -> None:
    script = load("affinity_screen")
    flow = script["make_flow"](("W5O18",), ("Au", "Pd"), "xtb")  # type: ignore[operator]
    assert len(flow.jobs) == 2


def test_convergence_makes_a_flow_for_each_metal_and_variant() -> None:
    script = load("convergence")
    flows = script["make_flows"]()  # type: ignore[operator]
    assert len({flow.name for flow in flows}) == len(flows) == 6


def test_models_begin_from_what_is_known(own_settings: Path) -> None:
    script = load("models")
    usual, *others = script["MODELS"].values()  # type: ignore[attr-defined]
    find_known, metals = script["find_known"], script["METALS"]
    assert [a.metal for a in find_known(usual)] == list(metals)  # type: ignore[operator, call-overload]
    script["compute_missing"](usual)  # type: ignore[operator]
    assert not own_settings.exists()
    for model in others:
        for affinity in find_known(model):  # type: ignore[operator]
            (changed,) = model.items()
            assert getattr(affinity.model, changed[0]) == changed[1]


@pytest.mark.parametrize(
    "path", sorted((FOLDER.parent / "inputs").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_affinity_input_is_valid(path: Path) -> None:
    import yaml

    from pomdft.calculations.levels import load_level
    from pomdft.schemas.study import Study

    data = yaml.safe_load(path.read_text())
    if "ligands" not in data or data.get("kind", "affinity") != "affinity":
        pytest.skip("not an affinity study; checked with its own schema")
    study = Study.from_file(path)
    load_level(study.level.preset, study.level.overrides)


def test_ion_affinities_make_a_flow_for_each_salt() -> None:
    script = load("ion_affinities")
    maker, ligand, salts = script["maker"], script["LIGAND"], script["SALTS"]
    names = [maker.make(ligand, salt).name for salt in salts]  # type: ignore[attr-defined]
    assert len(set(names)) == len(names) == 3
    assert all(str(ligand) in name for name in names)


def test_recompute_compares_a_number_with_what_a_store_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pomdft.schemas.segregation import SubstitutionEnergyDocument
    from pomdft.store.documents import load_reference_documents, save_document

    script = load("recompute")
    shipped = load_reference_documents(SubstitutionEnergyDocument)[0]
    assert script["find_shipped"](shipped.key[:8]) == shipped  # type: ignore[operator]
    with pytest.raises(SystemExit, match="0 shipped documents"):
        script["find_shipped"]("0" * 24)  # type: ignore[operator]
    compare = script["compare"]
    assert compare(shipped, tmp_path) == float("inf")  # type: ignore[operator]
    moved = {"key": "a" * 24, "source": "store", "energy_ev": shipped.energy_ev + 0.015}
    save_document(tmp_path, shipped.model_copy(update=moved))
    assert compare(shipped, tmp_path) == pytest.approx(0.015)  # type: ignore[operator]
    assert "+0.0150" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["DATASET.md", "convergence.md"])
def test_tables_of_a_page_are_those_of_the_shipped_data(name: str) -> None:
    """Rewriting changes nothing, and puts right what is wrong."""
    rewrite = load("dataset_tables")["rewrite"]
    page = (FOLDER.parent / "docs" / name).read_text()
    assert rewrite(page) == page, "run python workflows/dataset_tables.py"  # type: ignore[operator]
    row = next(line for line in page.splitlines() if line.startswith("| W5O18 | "))
    cells = row.split(" | ")
    wrong = " | ".join("9.999" if cell.startswith("-") else cell for cell in cells)
    assert wrong != row
    assert rewrite(page.replace(row, wrong)) == page  # type: ignore[operator]


def test_shipped_dispersion_is_far_from_the_steps_of_d4() -> None:
    """docs/DATASET.md says how much the smooth variant would change."""
    from pomdft.store.documents import load_reference_affinities

    table = load("dispersion_variants")["tabulate"]()  # type: ignore[operator]
    for affinity in load_reference_affinities():
        if affinity.level.dispersion != "d4":
            continue
        found = table.loc[affinity.title, "d4_ev"]
        assert found == pytest.approx(affinity.dispersion_ev, abs=1e-6)
    page = " ".join((FOLDER.parent / "docs" / "DATASET.md").read_text().split())
    changes = (table["d4s_ev"] - table["d4_ev"]).abs()
    salts = changes.index.str.endswith("alkali")
    assert changes.max() < 0.06
    words = (
        f"by more than {changes.max():.3f} eV (Cu4 on A-alpha-SiW9O34; most by less than 0.02 eV)"
    )
    assert words in page
    forces = table["largest_difference_of_forces_ev_per_angstrom"]
    assert forces[~salts].max() < 0.3
    assert f"(with sodium ions {forces.max():.2f} eV/angstrom)" in page
