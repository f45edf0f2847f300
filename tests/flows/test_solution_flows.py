"""Ion affinities and protonation energies by xTB in ALPB water, from flow to shipped data."""

import json
import os
import shutil

import pytest
from typer.testing import CliRunner

import pomdft
from pomdft.calculations.levels import load_level
from pomdft.cli.recomputation import find_command
from pomdft.cli.solution import app
from pomdft.errors import CorruptDocumentError, InputError, NotComputedError, UnknownNameError
from pomdft.flows.ion_affinity import IonAffinityMaker
from pomdft.flows.metals import run_metal_flows
from pomdft.flows.protonation import ProtonationMaker
from pomdft.flows.solution import reaction_energy
from pomdft.schemas.calculation import CalculationFailure
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.schemas.poses import SAME_MINIMUM_EV
from pomdft.schemas.protonation import ProtonationEnergy
from pomdft.schemas.provenance import CalculationRecord
from pomdft.store.checks import check_document
from pomdft.store.documents import list_documents
from pomdft.store.export import export_reference
from pomdft.store.reference import load_provenance
from pomdft.store.results import ResultStore
from pomdft.store.solution import load_ion_affinities, load_protonation_energies

LOOSE = {
    "name": "loose",
    "relaxation": {"fmax_ev_per_angstrom": 0.3, "hessian": "unit", "shell": "contact"},
}
SIGNS = {"complex": 1, "released": 2, "ligand": -1, "reference": -1}
STEP = {"protonated": 1, "water": 1, "parent": -1, "hydronium": -1}


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """Ag+ and two protons on W5O18, relaxed; and a proton at the built geometries."""
    root = tmp_path_factory.mktemp("store")
    before = os.environ.get("POMDFT_STORE")
    os.environ["POMDFT_STORE"] = str(root)
    try:
        level = load_level("xtb-water", LOOSE)
        static = load_level("xtb-water", {"name": "static", "relax": False})
        steps = ProtonationMaker(level=level)
        outcome = run_metal_flows(
            [
                IonAffinityMaker(level=level).make("W5O18", "Ag+"),
                steps.make("W5O18", 1, series=2),
                steps.make("W5O18", 2),
                ProtonationMaker(level=static).make("W5O18"),
            ]
        )
    finally:
        if before is None:
            os.environ.pop("POMDFT_STORE")
        else:
            os.environ["POMDFT_STORE"] = before
    assert outcome.missing == ()
    return ResultStore(root), outcome.documents


def test_exchange_energy_follows_from_its_calculations(computed):
    store, (silver, *_) = computed
    energies = {r: store.read_result(k).energy_ev for r, k in silver.calculations.items()}
    expected = sum(n * energies[role] for role, n in SIGNS.items())
    assert silver.energy_ev == pytest.approx(expected, abs=1e-9)
    assert silver.potential_shift_v == silver.energy_ev < 0.0
    assert (silver.salt, silver.released, silver.released_count) == ("Ag+", "H2O", 2)
    assert silver.relaxed
    assert silver.std_ev is None
    charges = {r: store.read_input(k).model.charge for r, k in silver.calculations.items()}
    assert charges == {"complex": -5, "released": 0, "ligand": -6, "reference": 1}
    assert 2.0 < silver.shortest_contact_angstrom < 2.7
    assert silver.contacts >= 1
    assert "negative = bound" in repr(silver)
    assert "no uncertainty computed" in repr(silver)


def test_all_calculations_are_in_the_solvent_and_ligand_and_complex_on_one_grid(computed):
    store, documents = computed
    for document in documents:
        for key in document.calculations.values():
            assert store.read_input(key).level.solvent == "water"
    maker = IonAffinityMaker(level=load_level("lcao-water"))
    flow = maker.make("W5O18", "Ag+")
    boxes = {job.name: job.maker.box for job in flow.jobs if hasattr(job.maker, "box")}
    assert boxes["W5O18"] == boxes["W5O18 + Ag+"] is not None


def test_successive_protons_are_weaker_and_share_their_calculations(computed):
    store, (_, first, second, _) = computed
    assert second.calculations["parent"] == first.calculations["protonated"]
    assert first.energy_ev < second.energy_ev < 0.0
    assert (first.charge, second.charge) == (-6, -5)
    energies = {r: store.read_result(k).energy_ev for r, k in first.calculations.items()}
    expected = sum(n * energies[role] for role, n in STEP.items())
    assert first.energy_ev == pytest.approx(expected, abs=1e-9)
    assert 0.9 < first.oh_length_angstrom < 1.1
    moving = store.read_input(first.calculations["parent"]).model
    assert first.moving == len(moving.symbols) - len(moving.frozen)


def test_command_of_a_step_computes_its_whole_series(computed):
    _, (_, first, second, _) = computed
    assert (first.protons, second.protons) == (1, 2)
    level = load_level("lcao-water-contact")
    for step in (first, second):
        command = find_command(step.model_copy(update={"level": level}))
        expected = f"pomdft solution protonation W5O18 --protons 2 --site {step.site}"
        assert command == f"{expected} --level lcao-water-contact"


def test_unrelaxed_energies_say_so(computed):
    *_, static = computed[1]
    assert not static.relaxed


def compute_two_poses(computed, monkeypatch, tmp_path):
    """Return a copy of the store, Ag+ on W5O18 of one pose, and of two poses in the copy."""
    store, (silver, *_) = computed
    root = tmp_path / "copy"
    shutil.copytree(store.root, root)
    monkeypatch.setenv("POMDFT_STORE", str(root))
    maker = IonAffinityMaker(level=silver.level, orientations=2)
    (both,) = run_metal_flows([maker.make("W5O18", "Ag+")]).documents
    return root, silver, both


def test_the_lowest_of_two_poses_counts_and_the_other_is_named(computed, monkeypatch, tmp_path):
    root, silver, both = compute_two_poses(computed, monkeypatch, tmp_path)
    energies = {r: ResultStore(root).read_result(k).energy_ev for r, k in both.calculations.items()}
    assert silver.calculations["complex"] in both.calculations.values()
    assert both.poses == 2
    assert energies["complex"] <= energies["other-pose-1"] + SAME_MINIMUM_EV
    assert "the lowest of 2 poses" in repr(both)
    # One pose again: what is known of the other stays, and the lower one answers.
    (again,) = run_metal_flows(
        [IonAffinityMaker(level=silver.level).make("W5O18", "Ag+")]
    ).documents
    assert again.calculations["complex"] == silver.calculations["complex"]
    assert pomdft.ion_affinity("W5O18", "Ag+", level="loose") == both

    some = next(record for record in load_provenance().values() if record.relaxed)
    records = {
        key: some.model_copy(
            update={"key": key, "level_title": both.level.title, "energy_ev": energies[role]}
        )
        for role, key in both.calculations.items()
    }
    shipped = both.model_copy(update={"source": "reference"})
    assert check_document(shipped, records) is shipped
    key = both.calculations["other-pose-1"]
    lower = records[key].model_copy(update={"energy_ev": energies["complex"] - 0.1})
    with pytest.raises(CorruptDocumentError, match="is lower than its complex"):
        check_document(shipped, {**records, key: lower})


def test_a_pose_of_an_ion_that_fails_is_left_out_and_named(computed, monkeypatch, tmp_path):
    root, silver, both = compute_two_poses(computed, monkeypatch, tmp_path)
    lower = both.calculations["complex"]
    shutil.rmtree(root / "calculations" / lower)
    failure = CalculationFailure(key=lower, kind="Test", message="it left", permanent=True)
    ResultStore(root).save_failure(failure)
    maker = IonAffinityMaker(level=silver.level, orientations=2)
    outcome = run_metal_flows([maker.make("W5O18", "Ag+")])
    (one,) = outcome.documents
    assert one.calculations["complex"] == both.calculations["other-pose-1"]
    assert outcome.missing == ("1 of 2 poses of W5O18 + Ag+",)
    # The command ends as one for an affinity does: with the energy, and with an error.
    level = {"preset": "xtb-water", "overrides": LOOSE}
    wanted = {"name": "t", "kind": "ion-affinity", "ligands": "W5O18", "ions": "Ag+"}
    path = tmp_path / "study.yaml"
    path.write_text(json.dumps({**wanted, "level": level, "orientations": 2}))
    answer = CliRunner().invoke(app, ["run", str(path), "--format", "json"])
    assert [row["key"] for row in json.loads(answer.stdout)] == [one.key]
    assert "1 of 2 poses" in str(answer.exception)


def test_queries_by_store_and_api(computed, monkeypatch):
    store, (silver, first, second, static) = computed
    monkeypatch.setenv("POMDFT_STORE", str(store.root))
    assert load_ion_affinities("W5O18", level="loose") == [silver]
    assert load_ion_affinities("W5O18", salt="[Ag(H2O)2]+")[-1] == silver
    assert load_ion_affinities("W5O18", metal="Au", level="loose") == []
    assert pomdft.ion_affinity("W5O18", "Ag+", level="loose") == silver
    assert pomdft.protonation_energies("W5O18", level="loose") == [first, second]
    assert load_protonation_energies("W5O18", "static") == [static]
    with pytest.raises(NotComputedError, match=r"pomdft solution ions W5O18 '\[AuCl4\]-'"):
        pomdft.ion_affinity("W5O18", "[AuCl4]-", level="loose")
    with pytest.raises(NotComputedError, match="pomdft solution protonation W6O19"):
        pomdft.protonation_energies("W6O19", level="loose")
    assert pomdft.ion_affinity("W5O18", "Ag+").source == "reference"
    with pytest.raises(NotComputedError, match="known at level lcao-water and loose: ask for that"):
        pomdft.ion_affinity("W5O18", "Ag+", level="lcao")
    with pytest.raises(NotComputedError, match="known at level loose and static: ask for that"):
        pomdft.protonation_energies("W5O18")
    with pytest.raises(UnknownNameError, match="W5O18"):
        pomdft.ion_affinity("W5O17", "Ag+")
    with pytest.raises(UnknownNameError, match="ion"):
        pomdft.ion_affinity("W5O18", "Ag3+")


def test_command_takes_from_the_store_and_prints_convention(computed, monkeypatch, tmp_path):
    store, (silver, first, second, _) = computed
    monkeypatch.setenv("POMDFT_STORE", str(store.root))
    level = {"preset": "xtb-water", "overrides": LOOSE}
    path = tmp_path / "study.yaml"
    study = {"name": "t", "kind": "ion-affinity", "ligands": "W5O18", "ions": "Ag+", "level": level}
    path.write_text(json.dumps(study))
    runner = CliRunner()
    shown = runner.invoke(app, ["run", str(path), "--format", "json"], catch_exceptions=False)
    (row,) = json.loads(shown.stdout)
    assert (row["key"], row["energy_ev"]) == (silver.key, silver.energy_ev)
    assert row["level"] == silver.level.title
    assert "computing" not in shown.stderr
    study = {**study, "kind": "protonation", "protons": 2, "ions": []}
    path.write_text(json.dumps(study))
    shown = runner.invoke(app, ["run", str(path), "--format", "json"], catch_exceptions=False)
    assert [row["key"] for row in json.loads(shown.stdout)] == [first.key, second.key]
    table = " ".join(runner.invoke(app, ["show", "W5O18"]).stdout.split())
    assert "negative = harder to reduce" in table
    assert "from H3O+" in table


def test_wrong_questions(monkeypatch, tmp_path):
    with pytest.raises(InputError, match="has no solvent"):
        IonAffinityMaker(level=load_level("lcao")).make("W5O18", "Ag+")
    with pytest.raises(InputError, match="Step 3"):
        ProtonationMaker().make("W5O18", 3, series=2)
    path = tmp_path / "study.yaml"
    path.write_text("name: t\nkind: ion-affinity\nligands: W5O18\n")
    with pytest.raises(InputError, match="ions is missing"):
        CliRunner().invoke(app, ["run", str(path)], catch_exceptions=False)
    path.write_text("name: t\nkind: ion-affinity\nligand: W5O18\n")
    with pytest.raises(UnknownNameError, match="'ligands'"):
        CliRunner().invoke(app, ["run", str(path)], catch_exceptions=False)


def test_shipped_input_files_make_their_flows(tmp_path):
    from pathlib import Path

    from pomdft.flows.solution_study import make_solution_flows
    from pomdft.schemas.solution_study import SolutionStudy
    from pomdft.settings import Settings

    folder = Path(__file__).parents[2] / "inputs"
    for name in ("ion-affinities", "protonation", "protonation-keggin"):
        study = SolutionStudy.from_file(folder / f"{name}.yaml")
        flows = make_solution_flows(study, Settings(store=tmp_path))
        each = len(study.ions) if study.kind == "ion-affinity" else study.protons
        assert len(flows) == len(study.ligands) * each


def test_unbalanced_reactions_are_refused(computed):
    class Part:
        def __init__(self, request, result):
            self.request, self.result = request, result

    store, (silver, *_) = computed
    parts = {
        role: Part(store.read_input(key), store.read_result(key))
        for role, key in silver.calculations.items()
    }
    assert reaction_energy(parts, SIGNS)[0] == pytest.approx(silver.energy_ev)
    with pytest.raises(InputError, match="not balanced"):
        reaction_energy(parts, {**SIGNS, "released": 4})
    with pytest.raises(InputError, match="charge"):
        reaction_energy(parts, {"complex": 1, "ligand": -1})


@pytest.fixture(scope="module")
def exported(computed, tmp_path_factory):
    target = tmp_path_factory.mktemp("reference")
    lines = export_reference(computed[0], target)
    records = [
        CalculationRecord.model_validate(entry)
        for entry in json.loads((target / "provenance.json").read_text())
    ]
    return target, lines, {record.key: record for record in records}


def test_relaxed_documents_are_exported_and_the_rest_left_out(exported):
    target, lines, records = exported
    (entry,) = json.loads((target / "ion_affinity.json").read_text())
    assert check_document(IonAffinity.model_validate(entry), records).salt == "Ag+"
    steps = json.loads((target / "protonation.json").read_text())
    assert len(steps) == 2
    assert all(ProtonationEnergy.model_validate(step).relaxed for step in steps)
    (left_out,) = [line for line in lines if line.startswith("left out")]
    assert "is not relaxed" in left_out


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"energy_ev": -1.0}, r"says -1\.0"),
        ({"potential_shift_v": -1.0}, r"says -1\.0"),
        ({"relaxed": False}, "not relaxed"),
        ({"calculations": {}}, "lacks"),
        ({"source": "store"}, "marked store"),
        ({"level": load_level("xtb-water")}, "is of level"),
    ],
)
def test_hand_typed_and_unrelaxed_ion_affinities_are_refused(exported, changes, match):
    target, _, records = exported
    (entry,) = json.loads((target / "ion_affinity.json").read_text())
    document = IonAffinity.model_validate(entry).model_copy(update=changes)
    with pytest.raises(CorruptDocumentError, match=match):
        check_document(document, records)


def test_unconverged_forces_and_unknown_calculations_are_refused(exported):
    target, _, records = exported
    step = ProtonationEnergy.model_validate(
        json.loads((target / "protonation.json").read_text())[0]
    )
    key = step.calculations["protonated"]
    rough = {**records, key: records[key].model_copy(update={"max_force_ev_per_angstrom": 0.4})}
    with pytest.raises(CorruptDocumentError, match="not relaxed"):
        check_document(step, rough)
    with pytest.raises(CorruptDocumentError, match="no record"):
        check_document(step, {})
    typed = step.model_copy(update={"energy_ev": step.energy_ev + 0.01})
    with pytest.raises(CorruptDocumentError, match="its calculations"):
        check_document(typed, records)


def test_documents_survive_their_files(computed):
    store, documents = computed
    assert list_documents(store.root, IonAffinity) == [documents[0]]
    assert len(list_documents(store.root, ProtonationEnergy)) == 3
