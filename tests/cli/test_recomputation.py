"""The command named for a shipped number asks for just the calculations it was made of."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from pomdft.cli.recomputation import find_command
from pomdft.flows.adoption import adopt_shipped
from pomdft.flows.preparation import plan_affinity
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.bulk import BulkMetal
from pomdft.schemas.dband import DBand
from pomdft.schemas.interaction import InteractionEnergy
from pomdft.schemas.level import Level
from pomdft.schemas.segregation import SegregationEnergyDocument, SubstitutionEnergyDocument
from pomdft.store.documents import (
    list_documents,
    load_every_reference_document,
    load_reference_affinities,
    load_reference_documents,
)
from pomdft.store.results import ResultStore

Run = Callable[..., Any]
#: Those whose structures are built, or taken from shipped calculations, and not relaxed by xTB
#: first: the same on every machine.
BUILT = [
    document
    for document in load_every_reference_document()
    if isinstance(
        document,
        BulkMetal
        | DBand
        | SegregationEnergyDocument
        | SubstitutionEnergyDocument
        | InteractionEnergy,
    )
    and not (isinstance(document, DBand) and document.facet.startswith("M"))
]


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> ResultStore:
    store = ResultStore(tmp_path_factory.mktemp("store"))
    adopt_shipped(store)
    return store


@pytest.mark.parametrize("document", BUILT, ids=lambda d: f"{type(d).__name__}-{d.key[:6]}")
def test_command_needs_no_other_calculation_than_the_shipped_ones(
    document: Any, adopted: ResultStore, pomdft: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POMDFT_STORE", str(adopted.root))
    # Any calculation that is not in the store would have to be started, and cannot.
    monkeypatch.setenv("POMDFT_LAUNCHER", "mpiexec --no-such-option")
    command = find_command(document)
    assert command is not None
    answer = pomdft(*shlex.split(command)[1:], "--format", "json")
    rows = {row["key"]: row for row in json.loads(answer.out)}
    # A segregation command computes both directions; only one of them may be shipped.
    assert document.key in rows, answer.err
    for field, value in rows[document.key].items():
        expected = getattr(document, field)
        expected = expected.title if isinstance(expected, Level) else expected
        if field != "source":
            assert value == pytest.approx(expected), field


def test_without_the_shipped_calculations_it_would_have_to_compute(
    pomdft: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POMDFT_LAUNCHER", "mpiexec --no-such-option")
    command = find_command(BUILT[0])
    assert command is not None
    answer = pomdft(*command.split()[1:], "--format", "json")
    assert answer.status != 0
    assert "failed" in answer.err


@pytest.mark.parametrize("affinity", load_reference_affinities(), ids=lambda a: a.key[:6])
def test_ensemble_command_needs_no_other_calculation_than_the_shipped_ones(
    affinity: Affinity, adopted: ResultStore, pomdft: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    if affinity.std_ev is None:
        pytest.skip("shipped without ensemble")
    monkeypatch.setenv("POMDFT_STORE", str(adopted.root))
    monkeypatch.setenv("POMDFT_LAUNCHER", "mpiexec --no-such-option")
    model = affinity.model
    words = ["--cluster", model.cluster, "--site", model.site, "--charge-model", model.charge_model]
    words += ["--level", affinity.level.name]
    answer = pomdft("metal", "ensemble", affinity.ligand, affinity.metal, *words)
    assert answer.status == 0, answer.err
    assert f"{affinity.std_ev:.2f} eV" in answer.out
    made = {band.key for band in list_documents(adopted.root, DBand)}
    for band in load_reference_documents(DBand):
        if set(band.calculations.values()) & set(affinity.calculations.values()):
            assert band.key in made
            command = find_command(band)
            assert command is not None
            assert command.startswith("pomdft metal ensemble")
            if band.ligand is not None:
                assert ("--site" in command) == (model.site != "vacancy")
                assert ("--cluster M1" in command) == (model.cluster == "M1")


def test_command_of_another_pose_asks_for_as_many_as_it_takes(pomdft: Run) -> None:
    shipped = next(a for a in load_reference_affinities() if a.ligand == "W5O18")
    own = {r: key for r, key in shipped.calculations.items() if not r.startswith("other-pose")}
    affinity = shipped.model_copy(update={"calculations": own})
    assert "--orientations" not in str(find_command(affinity))
    poses = plan_affinity(
        *("W5O18", affinity.metal, "M4", "vacancy", "protonated"),
        level=affinity.level,
        orientations=3,
    ).complexes
    label = poses[2].properties["orientation"]
    other = affinity.model_copy(
        update={"model": affinity.model.model_copy(update={"orientation": label})}
    )
    command = find_command(other)
    words = f"pomdft run --ligand W5O18 --metal {affinity.metal} --orientations"
    assert command == f"{words} 3 --ensemble"
    # Of more poses than that of the lowest, all are computed again.
    known = own | {f"other-pose-{n}": "0" * 24 for n in (1, 2, 3)}
    more = affinity.model_copy(update={"calculations": known})
    assert more.poses == 4
    assert str(find_command(more)).endswith(" --orientations 4 --ensemble")
    planned = pomdft(*shlex.split(command)[1:], "--dry-run")
    assert planned.status == 0, planned.err
    # Three complexes, ligand, cluster, four single points at the complex that is lowest, and the
    # three of the ensemble.
    assert "12 calculations" in planned.out


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [
        ("--orientations", "2", "orientations"),
        ("--orientations", "1", "orientations"),
        ("--level", "pw", "level"),
        ("--cluster", "M13", "clusters"),
        ("--site", "terminal", "sites"),
        ("--charge-model", "cation", "charge_models"),
    ],
)
def test_what_a_file_says_stands_in_the_file(
    pomdft: Run, option: str, value: str, field: str
) -> None:
    answer = pomdft("run", "inputs/quickstart.yaml", option, value, "--dry-run")
    assert answer.status == 2
    assert f"{option} goes with --ligand" in answer.message
    assert f"Write {field}: {value} in inputs/quickstart.yaml" in answer.message


@pytest.mark.parametrize("count", ["0", "-1", "21", "two"])
def test_number_of_poses_is_checked(pomdft: Run, count: str) -> None:
    answer = pomdft(
        "run", "--ligand", "W5O18", "--metal", "Au", "--orientations", count, "--dry-run"
    )
    assert answer.status == 2
    assert len(answer.err.strip().splitlines()) == 1
    assert "orientations" in answer.message
