"""Interaction energies of one geometry at several levels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pomdft as package
from pomdft.errors import CorruptDocumentError, NotComputedError, UnknownNameError
from pomdft.flows.convergence import (
    CONVERGENCE_VARIANTS,
    ConvergenceMaker,
    choose_variants,
    convergence_levels,
    relaxed_complex,
)
from pomdft.flows.metals import run_metal_flows
from pomdft.prediction.energy_figures import draw_convergence
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.interaction import InteractionEnergy
from pomdft.schemas.provenance import CalculationRecord
from pomdft.store.checks import check_document
from pomdft.store.documents import list_documents
from pomdft.store.reference import load_provenance, read_archived
from pomdft.store.results import ResultStore

#: Two levels of xTB that differ in what hardly moves an energy.
CHANGES = {"xtb": {"preset": "xtb"}, "sharper": {"preset": "xtb", "parameters": {"accuracy": 0.1}}}


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Affinity:
    monkeypatch.setenv("POMDFT_STORE", str(tmp_path))
    return package.affinity("W5O18", "Au")


@pytest.fixture
def energies(shipped: Affinity) -> list[InteractionEnergy]:
    flows = [ConvergenceMaker().make(shipped, *item) for item in levels().items()]
    outcome = run_metal_flows(flows)
    assert not outcome.missing
    return [d for d in outcome.documents if isinstance(d, InteractionEnergy)]


def levels() -> dict[str, Any]:
    return convergence_levels(CHANGES)


def test_variants_are_valid_and_distinct_levels() -> None:
    made = convergence_levels()
    assert set(made) == set(CONVERGENCE_VARIANTS)
    assert len({level.fingerprint for level in made.values()}) == len(made)


def test_an_unknown_variant_is_refused_with_near_names() -> None:
    with pytest.raises(UnknownNameError, match=r"h 0\.18"):
        choose_variants(["h 0.19"])


def test_geometry_is_that_of_the_relaxed_complex(shipped: Affinity, tmp_path: Path) -> None:
    molecule = relaxed_complex(shipped, ResultStore(tmp_path))
    archived = read_archived(shipped.calculations["complex"])
    relaxed = np.array(archived.result.positions_angstrom)
    shift = relaxed - np.array(molecule.cart_coords)
    assert np.ptp(shift, axis=0).max() < 1e-9
    assert set(molecule.site_properties["fragment"]) == {"ligand", "metal"}


def test_same_geometry_at_two_levels(
    energies: list[InteractionEnergy], shipped: Affinity, tmp_path: Path
) -> None:
    first, second = energies
    assert first.level.title != second.level.title
    assert first.calculations["geometry"] == shipped.calculations["complex"]
    assert first.key != second.key
    # Frozen fragments hold together more than relaxed ones, by an energy typical of bonds.
    assert -15.0 < first.energy_ev < -0.5
    assert second.energy_ev == pytest.approx(first.energy_ev, abs=5e-3)
    assert first.counterpoise_energy_ev is None
    store = ResultStore(tmp_path)
    whole, *parts = (
        store.read_result(first.calculations[role]).energy_ev
        for role in ("complex", "frozen-ligand", "frozen-cluster")
    )
    assert first.energy_ev == pytest.approx(whole - sum(parts), abs=1e-9)
    assert {d.key for d in list_documents(tmp_path, InteractionEnergy)} == {first.key, second.key}


def test_nothing_is_computed_twice(energies: list[InteractionEnergy], shipped: Affinity) -> None:
    flows = [ConvergenceMaker().make(shipped, *item) for item in levels().items()]
    assert list(run_metal_flows(flows).documents) == energies


def test_a_relaxation_that_is_nowhere_is_named(shipped: Affinity) -> None:
    gone = shipped.model_copy(update={"calculations": {"complex": "0" * 24}})
    with pytest.raises(NotComputedError, match="neither in"):
        ConvergenceMaker().make(gone, "x", levels()["xtb"])


def record(store: ResultStore, key: str) -> CalculationRecord:
    request, result = store.read_input(key), store.read_result(key)
    some = next(iter(load_provenance().values()))
    return some.model_copy(
        update={"key": key, "level_title": request.level.title, "energy_ev": result.energy_ev}
    )


def test_what_does_not_follow_is_not_shipped(
    energies: list[InteractionEnergy], tmp_path: Path
) -> None:
    shipped = energies[0].model_copy(update={"source": "reference"})
    store = ResultStore(tmp_path)
    records = dict(load_provenance())
    for role, key in shipped.calculations.items():
        if role != "geometry":
            records[key] = record(store, key)
    assert check_document(shipped, records) is shipped
    typed = shipped.model_copy(update={"energy_ev": shipped.energy_ev - 0.01})
    with pytest.raises(CorruptDocumentError, match="its calculations"):
        check_document(typed, records)
    half = shipped.model_copy(update={"counterpoise_energy_ev": -1.0})
    with pytest.raises(CorruptDocumentError, match="lacks its calculations"):
        check_document(half, records)
    other = shipped.model_copy(update={"level": energies[1].level})
    with pytest.raises(CorruptDocumentError, match="is of level"):
        check_document(other, records)
    roles = {k: v for k, v in shipped.calculations.items() if k != "geometry"}
    with pytest.raises(CorruptDocumentError, match="lacks its calculations"):
        check_document(shipped.model_copy(update={"calculations": roles}), records)
    geometry = shipped.calculations["geometry"]
    rough = {geometry: records[geometry].model_copy(update={"max_force_ev_per_angstrom": 1.0})}
    with pytest.raises(CorruptDocumentError, match="is not relaxed"):
        check_document(shipped, records | rough)


def test_figure_shows_each_metal_and_their_difference(energies: list[InteractionEnergy]) -> None:
    silver = [
        e.model_copy(update={"metal": "Ag", "energy_ev": e.energy_ev - 1.0}) for e in energies
    ]
    figure = draw_convergence([*energies, *silver])
    left, right = figure.axes
    assert "negative = bound" in left.get_xlabel()
    assert right.get_xlabel() == "Ag minus Au (eV)"
    np.testing.assert_allclose(right.lines[0].get_xdata(), -1.0)
    (alone,) = draw_convergence(energies).axes
    assert [label.get_text() for label in alone.get_yticklabels()] == list(CHANGES)
