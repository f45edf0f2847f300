"""Shipped calculations in a store of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pomdft.calculations.levels import load_level
from pomdft.errors import CorruptDocumentError, NotComputedError
from pomdft.flows.adoption import adopt_shipped
from pomdft.flows.bulk import find_bulk
from pomdft.flows.ensemble import choose_request
from pomdft.flows.jobs import GpawRelaxMaker
from pomdft.flows.preparation import find_prepared, plan_affinity
from pomdft.schemas.dband import DBand
from pomdft.store import reference
from pomdft.store.documents import (
    list_documents,
    load_reference_affinities,
    load_reference_documents,
)
from pomdft.store.reference import load_provenance
from pomdft.store.results import ResultStore


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> ResultStore:
    store = ResultStore(tmp_path_factory.mktemp("store"))
    report = adopt_shipped(store)
    assert (report.calculations, report.kept) == (len(load_provenance()), 0)
    return store


def test_everything_shipped_is_there(adopted: ResultStore) -> None:
    for key, record in load_provenance().items():
        result = adopted.read_result(key)
        assert result.energy_ev == record.energy_ev
        assert "Energy" in (adopted.folder(key) / "gpaw.txt").read_text()
    shipped = {affinity.key: affinity for affinity in load_reference_affinities()}
    assert {affinity.key: affinity for affinity in adopted.affinities()} == shipped
    assert {d.key for d in list_documents(adopted.root, DBand)} == {
        d.key for d in load_reference_documents(DBand)
    }


def test_a_study_with_another_metal_finds_the_ligand(adopted: ResultStore) -> None:
    level = load_level("lcao")
    plan = plan_affinity("W5O18", "Rh", "M4", "vacancy", "protonated", level=level)
    start = find_prepared(plan.ligand, adopted)
    assert start is not None
    maker = GpawRelaxMaker(level=level, box=plan.box, store=str(adopted.root))
    request = maker.request(start, "W5O18", frozen=plan.frozen)
    assert request.key in load_provenance()


def test_ensemble_from_a_relaxation_done_once_more_is_found(adopted: ResultStore) -> None:
    """Of palladium on A-alpha-SiW9O34 no single point is shipped."""
    (affinity,) = (
        a for a in load_reference_affinities() if (a.ligand, a.metal) == ("A-alpha-SiW9O34", "Pd")
    )
    request = choose_request(adopted, affinity.calculations["complex"], ("beef-ensemble", "d-band"))
    assert request.task == "relaxation"
    assert request.key == affinity.calculations["ensemble-complex"]


def test_an_ensemble_can_begin(adopted: ResultStore) -> None:
    affinity = load_reference_affinities()[0]
    request = choose_request(adopted, affinity.calculations["complex"], ("beef-ensemble",))
    assert request.model.label == load_provenance()[affinity.calculations["complex"]].label


def test_lattice_constants_are_not_computed_again(adopted: ResultStore) -> None:
    found = find_bulk("Pd", load_level("pw-bulk"), str(adopted.root))
    assert found is not None
    assert found.source == "reference"


def test_own_results_stay(adopted: ResultStore, tmp_path: Path) -> None:
    key = next(iter(load_provenance()))
    own = ResultStore(tmp_path)
    request = adopted.read_input(key)
    own.begin(request)
    mine = adopted.read_result(key).model_copy(update={"wall_time_s": 12345.0})
    own.save_result(request, mine)
    report = adopt_shipped(own)
    assert (report.calculations, report.kept) == (len(load_provenance()) - 1, 1)
    assert own.read_result(key).wall_time_s == 12345.0
    assert adopt_shipped(own).calculations == 0


def test_what_follows_from_own_energies_is_left_to_their_owner(
    adopted: ResultStore, tmp_path: Path
) -> None:
    shipped = load_reference_affinities()
    key = shipped[0].calculations["complex"]
    own = ResultStore(tmp_path)
    own.begin(adopted.read_input(key))
    result = adopted.read_result(key)
    own.save_result(
        adopted.read_input(key), result.model_copy(update={"energy_ev": result.energy_ev + 0.01})
    )
    adopt_shipped(own)
    assert {a.key for a in own.affinities()} == {a.key for a in shipped} - {shipped[0].key}


def test_own_affinity_without_ensemble_stays(adopted: ResultStore, tmp_path: Path) -> None:
    shipped = next(a for a in load_reference_affinities() if a.std_ev is not None)
    own = ResultStore(tmp_path)
    mine = own.save_affinity(
        shipped.model_copy(update={"std_ev": None, "beef_terms_ev": None, "source": "store"})
    )
    adopt_shipped(own)
    assert own.read_affinity(shipped.key) == mine


def test_a_damaged_or_missing_log_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference.resources, "files", lambda _: tmp_path)
    with pytest.raises(NotComputedError, match="in the shipped data"):
        reference.read_archived_log("0" * 24)
    (tmp_path / "reference" / "logs").mkdir(parents=True)
    (tmp_path / "reference" / "logs" / f"{'0' * 24}.txt.xz").write_bytes(b"no archive")
    with pytest.raises(CorruptDocumentError, match="Reinstall pomdft"):
        reference.read_archived_log("0" * 24)
