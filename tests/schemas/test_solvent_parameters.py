"""The solvent in a level: what it changes and what it leaves alone."""

from __future__ import annotations

import json

import pytest

from pomdft.calculations.levels import load_level
from pomdft.errors import CorruptDocumentError, InputError, UnknownNameError
from pomdft.schemas.calculation import CalculationInput
from pomdft.schemas.level import Level
from pomdft.schemas.model import AtomicModel
from pomdft.schemas.solvent import SOLVENTS, find_solvent
from pomdft.store.reference import load_provenance, read_archived

WATER = Level(name="w", method="tblite", solvent="water")
VACUUM = Level(name="w", method="tblite")


def test_levels_without_solvent_are_what_they_were() -> None:
    # Fingerprints and keys of shipped calculations were made before there was a solvent.
    known = {record.level_title for record in load_provenance().values()}
    assert load_level("pw-d-band").title in known
    key = next(iter(load_provenance()))
    assert read_archived(key).request.key == key
    written = json.loads(VACUUM.to_json())
    assert "solvent" not in written
    assert written["schema_version"] == 1


def test_a_solvent_is_another_level_that_older_programs_refuse_by_version() -> None:
    assert WATER.fingerprint != VACUUM.fingerprint
    written = json.loads(WATER.to_json())
    assert (written["solvent"], written["schema_version"]) == ("water", 2)
    assert Level.from_json(WATER.to_json()) == WATER
    newer = json.dumps({**written, "schema_version": 3})
    with pytest.raises(CorruptDocumentError, match="newer"):
        Level.from_json(newer)


def test_key_holds_parameters_and_the_radii_of_these_atoms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = AtomicModel(symbols=("H", "H"), positions_angstrom=((0, 0, 0), (0, 0, 0.8)))

    def key(level: Level) -> str:
        return CalculationInput.create("energy", model, level).key

    before = key(WATER)
    assert before != key(VACUUM)
    radii = SOLVENTS["water"].radii_angstrom
    monkeypatch.setitem(radii, "Ag", 2.0)
    assert key(WATER) == before
    monkeypatch.setitem(radii, "H", 1.2)
    assert key(WATER) != before


def test_unknown_solvents_and_elements_without_radius_are_named() -> None:
    with pytest.raises(UnknownNameError, match="water"):
        find_solvent("watr")
    with pytest.raises(InputError, match="Xe"):
        find_solvent("water").radii_of(["O", "Xe"])


@pytest.mark.parametrize(
    ("preset", "overrides", "match"),
    [
        ("lcao", {"solvent": "wine"}, "solvent"),
        ("pw", {"solvent": "water"}, "mode is pw"),
        ("xtb", {"method": "emt", "parameters": {}, "solvent": "water"}, "solvent"),
    ],
)
def test_levels_that_no_code_can_compute(
    preset: str, overrides: dict[str, object], match: str
) -> None:
    with pytest.raises(InputError, match=match):
        load_level(preset, overrides)


def test_no_properties_and_no_crystals_in_a_continuum() -> None:
    level = load_level("lcao-water")
    cell = ((4.0, 0.0, 0.0), (0.0, 4.0, 0.0), (0.0, 0.0, 4.0))
    model = AtomicModel(symbols=("He",), positions_angstrom=((2, 2, 2),), cell_angstrom=cell)
    with pytest.raises(InputError, match="d-band"):
        CalculationInput.create("energy", model, level, ("d-band",))
    periodic = model.model_copy(update={"pbc": (True, True, True)})
    with pytest.raises(InputError, match="periodic"):
        CalculationInput.create("energy", periodic, level)
