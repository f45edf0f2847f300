from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pomdft.errors import ChargeError, CorruptDocumentError, StructureError, UnknownNameError
from pomdft.schemas.model import MAX_ATOMS, AtomicModel, as_vectors

WATER: dict[str, Any] = {
    "label": "water",
    "symbols": ("O", "H", "H"),
    "positions_angstrom": ((0.0, 0.0, 0.1), (0.0, 0.76, -0.5), (0.0, -0.76, -0.5)),
}


def make(**changes: Any) -> AtomicModel:
    return AtomicModel(**{**WATER, **changes})


def test_counts_and_formula() -> None:
    model = make()
    assert model.electron_count == 10
    assert model.formula == "H2O"
    assert model.numbers.tolist() == [8, 1, 1]
    assert model.positions.shape == (3, 3)


def test_ghosts_have_no_electrons() -> None:
    model = make(ghosts=(1, 2))
    assert model.electron_count == 8
    assert model.formula == "O"


def test_round_trip() -> None:
    model = make(cell_angstrom=((8, 0, 0), (0, 8, 0), (0, 0, 8)), frozen=(0,), charge=-2)
    assert AtomicModel.from_json(model.to_json()) == model


def test_label_and_tiny_rounding_do_not_count() -> None:
    model = make()
    shifted = model.with_positions(model.positions + 2e-8, label="other name")
    assert shifted.canonical() == model.canonical()
    assert model.with_positions(model.positions + 2e-6).canonical() != model.canonical()


def test_minus_zero_is_zero() -> None:
    other = ((-0.0, -1e-9, 0.1), *WATER["positions_angstrom"][1:])
    data = make(positions_angstrom=other).canonical()
    assert str(data) == str(make().canonical())
    assert "-0.0" not in str(data)


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"symbols": (), "positions_angstrom": ()}, StructureError, "no atoms"),
        ({"symbols": ("O", "H")}, StructureError, "2 symbols but 3 positions"),
        ({"symbols": ("O", "H", "Hx")}, UnknownNameError, "element"),
        ({"symbols": ("O", "H", "X")}, UnknownNameError, "element"),
        ({"charge": 1}, ChargeError, "odd number of electrons"),
        ({"charge": 10}, ChargeError, "leaves 0 electrons"),
        ({"charge": 11}, ChargeError, "leaves -1 electrons"),
        ({"ghosts": (3,)}, StructureError, "ghosts has an index outside"),
        ({"frozen": (-1,)}, StructureError, "frozen has an index outside"),
        ({"magnetic_moments_bohr_magneton": (1.0,)}, StructureError, "1 magnetic moments"),
        ({"pbc": (True, False, False)}, StructureError, "no cell"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        make(**changes)


def test_too_many_atoms() -> None:
    n = MAX_ATOMS + 1
    positions = as_vectors(np.arange(3 * n).reshape(n, 3) * 3.0)
    with pytest.raises(StructureError, match=f"{n} atoms; at most"):
        AtomicModel(symbols=("He",) * n, positions_angstrom=positions)


def test_overlap_names_both_atoms() -> None:
    near = ((0.0, 0.0, 0.1), (0.0, 0.76, -0.5), (0.0, 0.76, -0.45))
    with pytest.raises(StructureError, match=r"atoms 1 \(H\) and 2 \(H\)") as caught:
        make(positions_angstrom=near)
    assert "0.05 angstrom" in str(caught.value)


def test_overlap_across_a_periodic_face() -> None:
    positions = ((0.05, 1.0, 1.0), (3.0, 1.0, 1.0), (5.95, 1.0, 1.0))
    cell = ((6, 0, 0), (0, 6, 0), (0, 0, 6))
    make(positions_angstrom=positions, cell_angstrom=cell)
    with pytest.raises(StructureError, match="overlap"):
        make(positions_angstrom=positions, cell_angstrom=cell, pbc=(True, True, True))


def test_odd_electrons_are_fine_with_moments() -> None:
    assert make(charge=1, magnetic_moments_bohr_magneton=(1.0, 0, 0)).electron_count == 9


def test_bad_content_in_a_stored_document_is_a_corrupt_document() -> None:
    text = make().to_json().replace('"charge":0', '"charge":1')
    text = text.replace('"charge": 0', '"charge": 1')
    with pytest.raises(CorruptDocumentError, match="odd number of electrons"):
        AtomicModel.from_json(text, origin="input.json")
