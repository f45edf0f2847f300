"""Export of a store's work as shipped data, and what the loader refuses."""

import hashlib
import json
import lzma
import shutil
from importlib import resources

import numpy as np
import pytest

from pomdft.calculations.levels import load_level
from pomdft.calculations.perform import perform
from pomdft.errors import CorruptDocumentError, NotComputedError
from pomdft.flows.affinity import bind
from pomdft.flows.bulk import BulkMaker, fit_equation_of_state
from pomdft.flows.segregation import SegregationMaker
from pomdft.schemas.affinity import Affinity, AffinityModel
from pomdft.schemas.beef import ensemble_coefficients
from pomdft.schemas.calculation import CalculationInput
from pomdft.schemas.dband import DBand
from pomdft.schemas.level import Level, RelaxationSettings
from pomdft.schemas.model import AtomicModel, as_vectors
from pomdft.schemas.protonation import ProtonationEnergy
from pomdft.schemas.provenance import CalculationRecord
from pomdft.schemas.reaction import ReactionEnergy
from pomdft.schemas.segregation import SegregationEnergyDocument
from pomdft.settings import load_settings
from pomdft.store.checks import check_document
from pomdft.store.documents import (
    KINDS,
    load_every_reference_document,
    load_reference_affinities,
    load_reference_documents,
)
from pomdft.store.export import export_reference, strip_machine
from pomdft.store.reference import load_provenance, read_archived
from pomdft.store.results import ResultStore

RELAXED = Level(
    name="emt", method="emt", relaxation=RelaxationSettings(hessian="unit", max_steps=200)
)
STATIC = RELAXED.model_copy(update={"name": "emt-static", "relax": False})


def compute_affinity(store, level=RELAXED):
    """A copper dimer on a gold dimer: a whole affinity in a second."""
    settings = load_settings()
    positions = np.array([[0, 0, 0], [2.5, 0, 0], [0, 0, 2.4], [2.5, 0, 2.4]], dtype=float)
    atoms = {"ligand": [0, 1], "cluster": [2, 3], "complex": [0, 1, 2, 3]}
    symbols = ("Cu", "Cu", "Au", "Au")

    def calculate(task, which, xyz):
        model = AtomicModel(
            symbols=tuple(symbols[i] for i in which), positions_angstrom=as_vectors(xyz[which])
        )
        request = CalculationInput.create(task, model, level)
        return request.key, perform(request, store, settings)

    task = "relaxation" if level.relax else "energy"
    parts = {role: calculate(task, which, positions) for role, which in atoms.items()}
    final = np.array(parts["complex"][1].positions_angstrom)
    for role in ("ligand", "cluster"):
        parts[f"frozen-{role}"] = calculate("energy", atoms[role], final)
    affinity = bind(
        AffinityModel(ligand="Cu2", metal="Au", cluster="M2"),
        level,
        {role: key for role, (key, _) in parts.items()},
        {role: result for role, (_, result) in parts.items()},
        4,
    )
    store.save_affinity(affinity)
    return affinity


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    root = tmp_path_factory.mktemp("store")
    store, target = ResultStore(root), tmp_path_factory.mktemp("reference")
    compute_affinity(store)
    compute_affinity(store, STATIC)
    bulk = BulkMaker(level=STATIC, store=str(root)).find_equilibrium("Cu")
    for level in (RELAXED, STATIC):
        maker = SegregationMaker(level=level, bulk_level=STATIC, store=str(root))
        maker.compute(bulk, "Ag", "111")
    lines = export_reference(store, target, ["emt", "emt-static"])
    return store, target, lines


def load(target):
    records = [
        CalculationRecord.model_validate(e)
        for e in json.loads((target / "provenance.json").read_text())
    ]
    (entry,) = json.loads((target / "affinities.json").read_text())
    return Affinity.model_validate(entry), {record.key: record for record in records}


def test_relaxed_work_is_exported_and_the_rest_left_out_with_a_reason(exported):
    store, target, lines = exported
    affinity, records = load(target)
    assert affinity.source == "reference"
    assert affinity.level.name == "emt"
    assert check_document(affinity, records) is affinity
    left_out = [line for line in lines if line.startswith("left out")]
    assert len(left_out) == 2
    assert all("is not relaxed" in line for line in left_out)
    assert len(json.loads((target / "segregation.json").read_text())) == 1
    assert len(json.loads((target / "bulk.json").read_text())) == 1
    for key in affinity.calculations.values():
        packed = (target / "calculations" / f"{key}.json.xz").read_bytes()
        assert hashlib.sha256(packed).hexdigest() == records[key].archive_sha256
        archived = json.loads(lzma.decompress(packed))
        assert archived["result"]["energy_ev"] == store.read_result(key).energy_ev


def test_exporting_twice_changes_nothing(exported):
    store, target, _ = exported
    before = {p.name: p.read_bytes() for p in target.rglob("*") if p.is_file()}
    export_reference(store, target, ["emt"])
    assert {p.name: p.read_bytes() for p in target.rglob("*") if p.is_file()} == before


def test_a_damaged_document_leaves_no_half_export(exported, tmp_path):
    source, _, _ = exported
    root = tmp_path / "store"
    shutil.copytree(source.root, root)
    (document,) = (root / "documents" / "bulk").glob("*.json")
    document.write_text("{")
    with pytest.raises(CorruptDocumentError, match=document.name):
        export_reference(ResultStore(root), tmp_path / "reference", ["emt"])
    assert not (tmp_path / "reference").exists()


def test_what_is_dropped_goes_with_the_calculations_that_only_it_needs(exported, tmp_path):
    store, source, _ = exported
    target = tmp_path / "reference"
    shutil.copytree(source, target)
    (segregation,) = json.loads((target / "segregation.json").read_text())
    (bulk,) = json.loads((target / "bulk.json").read_text())
    lines = export_reference(store, target, ["emt"], drop=[segregation["key"], "0" * 24])
    assert f"dropped {segregation['key']}" in lines
    assert f"nothing shipped has the key {'0' * 24}" in lines
    assert json.loads((target / "segregation.json").read_text()) == []
    assert json.loads((target / "bulk.json").read_text()) == [bulk]
    affinity, records = load(target)
    needed = {*affinity.calculations.values(), *bulk["calculations"].values()}
    assert set(records) == needed
    for folder in ("calculations", "logs"):
        assert {p.name.partition(".")[0] for p in (target / folder).iterdir()} == needed


def test_dropped_affinity_takes_its_d_bands_along(tmp_path):
    with resources.as_file(resources.files("pomdft.store").joinpath("reference")) as shipped:
        shutil.copytree(shipped, tmp_path / "reference")
    known = [a for a in load_reference_affinities() if "ensemble-complex" in a.calculations]
    gone = known[-1]
    used = {
        key for a in load_reference_affinities() if a is not gone for key in a.calculations.values()
    }
    bands = {band.key: set(band.calculations.values()) for band in load_reference_documents(DBand)}
    only_its_own = {
        key for key, keys in bands.items() if keys <= set(gone.calculations.values()) - used
    }
    assert only_its_own
    export_reference(ResultStore(tmp_path / "empty"), tmp_path / "reference", drop=[gone.key])
    left = {entry["key"] for entry in json.loads((tmp_path / "reference/d_band.json").read_text())}
    assert left == set(bands) - only_its_own


def changed(affinity, **fields):
    return affinity.model_copy(update=fields)


def test_hand_typed_energies_are_refused(exported):
    affinity, records = load(exported[1])
    wrong = changed(affinity, energy_ev=affinity.energy_ev - 0.01)
    with pytest.raises(CorruptDocumentError, match=r"says .* its calculations"):
        check_document(wrong, records)


def test_unrelaxed_energies_are_refused(exported):
    affinity, records = load(exported[1])
    with pytest.raises(CorruptDocumentError, match="is not relaxed"):
        check_document(changed(affinity, relaxed=False), records)
    with pytest.raises(CorruptDocumentError, match="is not relaxed"):
        check_document(changed(affinity, level=STATIC), records)
    key = affinity.calculations["complex"]
    static = {**records, key: records[key].model_copy(update={"task": "energy"})}
    with pytest.raises(CorruptDocumentError, match=r"the complex .* is not relaxed"):
        check_document(affinity, static)


def test_unconverged_forces_are_refused(exported):
    affinity, records = load(exported[1])
    key = affinity.calculations["ligand"]
    rough = records[key].model_copy(update={"max_force_ev_per_angstrom": 0.3})
    with pytest.raises(CorruptDocumentError, match=r"the ligand .* is not relaxed"):
        check_document(affinity, {**records, key: rough})


def test_other_poses_have_to_be_relaxed_and_higher(exported):
    affinity, records = load(exported[1])
    lowest = records[affinity.calculations["complex"]]

    def check(energy_ev, **changes):
        other = lowest.model_copy(update={"key": "f" * 24, "energy_ev": energy_ev} | changes)
        calculations = affinity.calculations | {"other-pose-1": other.key}
        return check_document(
            changed(affinity, calculations=calculations), {**records, other.key: other}
        )

    assert check(lowest.energy_ev + 0.2).poses == 2
    with pytest.raises(CorruptDocumentError, match=r"other-pose-1 .* is lower than its complex"):
        check(lowest.energy_ev - 0.02)
    with pytest.raises(CorruptDocumentError, match=r"other-pose-1 .* is not relaxed"):
        check(lowest.energy_ev + 0.2, max_force_ev_per_angstrom=0.3)
    with pytest.raises(CorruptDocumentError, match=r"other-pose-1 .* is of level another level"):
        check(lowest.energy_ev + 0.2, level_title="another level")


def test_energies_without_calculations_are_refused(exported):
    affinity, records = load(exported[1])
    with pytest.raises(CorruptDocumentError, match="lacks its calculations"):
        check_document(changed(affinity, calculations={}), records)
    with pytest.raises(CorruptDocumentError, match="no record"):
        check_document(affinity, {})
    with pytest.raises(CorruptDocumentError, match="is marked store"):
        check_document(changed(affinity, source="store"), records)


def test_segregation_energies_of_two_levels_are_refused(exported):
    _, records = load(exported[1])
    (entry,) = json.loads((exported[1] / "segregation.json").read_text())
    document = SegregationEnergyDocument.model_validate(entry)
    assert check_document(document, records) is document
    key = document.calculations["inside"]
    mixed = {**records, key: records[key].model_copy(update={"level_title": "another level"})}
    with pytest.raises(CorruptDocumentError, match=r"the inside \(.*\) is of level another level"):
        check_document(document, mixed)


def test_ensembles_without_their_single_points_are_refused(exported):
    _, records = load(exported[1])
    (entry,) = json.loads((exported[1] / "segregation.json").read_text())
    document = SegregationEnergyDocument.model_validate(
        entry | {"std_ev": 0.1, "beef_terms_ev": [0.0] * 32}
    )
    with pytest.raises(CorruptDocumentError, match="lacks its calculations"):
        check_document(document, records)
    roles = {f"ensemble-{role}": key for role, key in document.calculations.items()}
    whole = document.model_copy(update={"calculations": document.calculations | roles})
    assert check_document(whole, records) is whole


def test_levels_share_what_they_compute_alike_and_nothing_else():
    """Which atoms of a POM move is said by its model: levels that differ in that are alike."""
    records = load_provenance()
    document = next(iter(load_reference_documents(ProtonationEnergy)))
    changes = {"name": "other", "relaxation": {"shell": "all"}}
    other = document.model_copy(update={"level": load_level(document.level.name, changes)})
    assert {records[key].level_title for key in document.calculations.values()} == {
        document.level.title
    }
    assert other.level.title != document.level.title
    assert check_document(other, records) is other
    finer = load_level(document.level.name, {"name": "finer", "parameters": {"h": 0.18}})
    with pytest.raises(CorruptDocumentError, match="is of level"):
        check_document(document.model_copy(update={"level": finer}), records)


def test_loaded_data_pass_their_checks_and_their_files_are_whole():
    """What is really shipped."""
    records = load_provenance()
    folder = resources.files("pomdft.store") / "reference"
    for affinity in load_reference_affinities():
        assert affinity.level.name in {"lcao", "lcao-water"}
    for record in records.values():
        packed = (folder / "calculations" / f"{record.key}.json.xz").read_bytes()
        assert hashlib.sha256(packed).hexdigest() == record.archive_sha256
        log = lzma.decompress((folder / "logs" / f"{record.key}.txt.xz").read_bytes())
        assert hashlib.sha256(log).hexdigest() == record.log_sha256
        archived = read_archived(record.key)
        assert archived.result.energy_ev == record.energy_ev
        assert archived.result.key == archived.request.key == record.key


def test_shipped_lattices_follow_from_their_points():
    for bulk in load_reference_documents(next(kind for kind in KINDS if KINDS[kind] == "bulk")):
        points = [
            read_archived(key)
            for role, key in bulk.calculations.items()
            if role.startswith("strain")
        ]
        volumes, energies = [], []
        for point in points:
            n = len(point.request.model.symbols)
            volumes.append(abs(np.linalg.det(np.array(point.request.model.cell_angstrom))) / n)
            energies.append(point.result.energy_ev / n)
        fit = fit_equation_of_state(volumes, energies)
        if bulk.symmetry == "fcc":
            a = (4 * fit.volume_angstrom3) ** (1 / 3)
            assert bulk.lattice_constant_angstrom == pytest.approx(a, abs=1e-4)


def test_shipped_d_bands_are_those_of_their_calculations():
    for band in load_reference_documents(next(kind for kind in KINDS if KINDS[kind] == "d_band")):
        check_document(band, load_provenance())
        (key,) = band.calculations.values()
        sites = read_archived(key).result.extras["d_band"]["sites"]
        centers = {site["index"]: site["center_ev"] for site in sites}
        assert all(site.center_ev == centers[site.index] for site in band.sites)


def test_logs_do_not_name_the_machine():
    log = b"User:   me@host\nCWD:    /home/me/x\n  file:    /a/b-c/lib/Au.PBE.gz\nE = 1/2 eV\n"
    assert strip_machine(log) == b"  file:    Au.PBE.gz\nE = 1/2 eV\n"


def test_unknown_calculation():
    with pytest.raises(NotComputedError, match="in the shipped data"):
        read_archived("f" * 24)


def test_shipped_ensembles_follow_from_their_single_points():
    energies = [d for d in load_every_reference_document() if isinstance(d, ReactionEnergy)]
    with_ensemble = [document for document in energies if document.std_ev is not None]
    assert with_ensemble
    coefficients = ensemble_coefficients()
    for document in with_ensemble:
        terms = sum(
            factor
            * np.array(
                read_archived(document.calculations[f"ensemble-{role}"]).result.extras[
                    "beef_contributions_ev"
                ]
            )
            for role, factor in document.balance.items()
        )
        np.testing.assert_allclose(document.beef_terms_ev, terms, atol=2e-8)
        assert document.std_ev == pytest.approx((coefficients @ terms).std(), abs=1e-6)
        for role in document.balance:
            minimum, probe = (
                read_archived(document.calculations[name]).result.energy_ev
                for name in (role, f"ensemble-{role}")
            )
            assert abs(minimum - probe) < 0.02
