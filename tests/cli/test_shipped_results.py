"""`pomdft show` and `pomdft logs` know what is shipped with the package, in an empty store too."""

import json
import shlex
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pomdft.cli.recomputation import find_command
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.level import Level
from pomdft.schemas.reaction import ENSEMBLE_ROLE
from pomdft.store.documents import load_every_reference_document, load_reference_affinities
from pomdft.store.reference import load_provenance
from pomdft.store.results import ResultStore

Run = Callable[..., Any]
AFFINITIES = load_reference_affinities()
DOCUMENTS = load_every_reference_document()


def test_shipped_affinity_is_shown_with_its_calculations_and_command(pomdft: Run) -> None:
    affinity = next(a for a in AFFINITIES if a.metal == "Au" and a.ligand == "W5O18")
    text = pomdft("show", affinity.key[:10]).out
    assert "shipped with the package" in text
    assert "binding energy in eV; negative = bound" in text
    assert f"energy_ev: {affinity.energy_ev:.6f}" in text
    assert "computed again by: pomdft run --ligand W5O18 --metal Au" in text
    shown = json.loads(pomdft("show", affinity.key, "--format", "json").out)
    energy = {role: part["energy_ev"] for role, part in shown["parts"].items()}
    difference = energy["complex"] - energy["ligand"] - energy["cluster"]
    assert difference == pytest.approx(affinity.energy_ev, abs=1e-6)


@pytest.mark.parametrize("kind", sorted({type(d).__name__ for d in DOCUMENTS}))
def test_other_shipped_documents_are_shown(pomdft: Run, kind: str) -> None:
    document = next(d for d in DOCUMENTS if type(d).__name__ == kind)
    answer = pomdft("show", document.key)
    assert answer.status == 0, answer.err
    assert document.level.title in answer.out
    command = find_command(document) or "a study that asks for it"
    assert f"computed again by: {command}" in answer.out
    for key in document.calculations.values():
        assert f"log: pomdft logs {key}" in answer.out
        # With the name of the pose, which stands in brackets.
        assert load_provenance()[key].label in answer.out


def test_log_of_a_shipped_calculation_is_printed(pomdft: Run) -> None:
    key = AFFINITIES[0].calculations["cluster"]
    answer = pomdft("logs", key, "-n", "100000")
    assert answer.status == 0, answer.err
    assert "shipped with the package" in answer.out
    assert "Fermi level" in answer.out
    assert "iter:" in answer.out
    assert len(pomdft("logs", key, "-n", "3").out.splitlines()) == 4


@pytest.mark.parametrize("key", ["*", "**", "../..", "[", "", "zz"])
def test_words_that_are_no_key_are_refused_in_one_line(pomdft: Run, key: str) -> None:
    for command in ("show", "logs"):
        answer = pomdft(command, key)
        assert answer.status in (1, 2)
        assert len(answer.err.strip().splitlines()) == 1
        assert "unexpected" not in answer.err


def test_own_copy_goes_before_the_shipped_one(pomdft: Run) -> None:
    key = AFFINITIES[0].key
    part = AFFINITIES[0].calculations["cluster"]
    assert pomdft("store", "adopt").status == 0
    store = pomdft("store", "path").out.strip()
    assert f"source: {store}" in pomdft("show", key).out
    assert f"{store}/calculations/{part}/gpaw.txt" in pomdft("logs", part).out


def test_own_energy_is_shown_with_the_shipped_ensemble_of_its_minimum(pomdft: Run) -> None:
    shipped = next(a for a in AFFINITIES if a.std_ev is not None)
    assert pomdft("store", "adopt").status == 0
    store = ResultStore(Path(pomdft("store", "path").out.strip()))
    parts = {r: k for r, k in shipped.calculations.items() if not r.startswith(ENSEMBLE_ROLE)}
    key = "0123456789ab" * 2
    later = shipped.finished + timedelta(seconds=1)
    without = {
        "key": key,
        "finished": later,
        "std_ev": None,
        "beef_terms_ev": None,
        "calculations": parts,
    }
    store.save_affinity(shipped.model_copy(update={**without, "source": "store"}))
    text = pomdft("show", key).out
    assert f"source: {store.root}" in text
    assert f"std_ev: {shipped.std_ev:.6f}" in text
    assert "--ensemble" in text


@pytest.mark.parametrize(
    "document", [*AFFINITIES, *DOCUMENTS], ids=lambda d: f"{type(d).__name__}-{d.key[:6]}"
)
def test_command_of_every_shipped_document_is_one_the_program_takes(
    pomdft: Run, document: Any
) -> None:
    command = find_command(document)
    assert command is not None
    # With --help at its end nothing runs, but every word before it has to be understood.
    answer = pomdft(*shlex.split(command)[1:], "--help")
    assert answer.status == 0, answer.err


def test_level_that_is_no_preset_has_no_command() -> None:
    affinity = AFFINITIES[0]
    other = Level.model_validate({**affinity.level.model_dump(), "vacuum_angstrom": 9.0})
    assert find_command(affinity) is not None
    assert find_command(Affinity.model_validate({**dict(affinity), "level": other})) is None
