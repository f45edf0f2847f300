from __future__ import annotations

from typing import Any

import pytest

from pomdft.calculations.levels import (
    check_parameters,
    gpaw_parameter_names,
    load_level,
    preset_names,
)
from pomdft.errors import InputError, UnknownNameError
from pomdft.schemas.level import Level


def test_the_promised_presets_are_there() -> None:
    assert {"xtb", "lcao", "lcao-static", "fd", "pw"} <= set(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_valid_and_described(name: str) -> None:
    level = load_level(name)
    assert level.name == name
    assert level.description
    check_parameters(level)
    h = level.parameters.get("h")
    if h is not None:
        # Edges are multiples of four grid spacings, so that all models share grid lines.
        ratio = level.grid_multiple_angstrom / (4 * h)
        assert ratio == pytest.approx(round(ratio))


def test_fingerprints_differ() -> None:
    assert len({load_level(name).fingerprint for name in preset_names()}) == len(preset_names())


def test_overrides_are_merged() -> None:
    base = load_level("lcao")
    level = load_level(
        "lcao",
        {
            "parameters": {"h": 0.25, "maxiter": None, "basis": "sz(dzp)"},
            "relaxation": {"fmax_ev_per_angstrom": 0.2},
        },
    )
    assert level.name == "lcao-changed"
    assert level.parameters["h"] == 0.25
    assert "maxiter" not in level.parameters
    assert level.parameters["xc"] == base.parameters["xc"]
    assert level.relaxation.fmax_ev_per_angstrom == 0.2
    assert level.relaxation.max_steps == base.relaxation.max_steps
    assert level.fingerprint != base.fingerprint
    assert load_level("lcao", {"name": "mine", "vacuum_angstrom": 5}).name == "mine"


def test_preset_with_a_base_is_that_preset_with_changes() -> None:
    changes = {
        "name": "lcao-water-contact",
        "dispersion": "d4",
        "relaxation": {"shell": "contact"},
    }
    assert load_level("lcao-water-contact").title == load_level("lcao-water", changes).title
    assert load_level("lcao-water").relaxation.shell == "all"


def test_a_preset_is_not_changed_by_its_overrides() -> None:
    before = load_level("lcao").fingerprint
    load_level("lcao", {"parameters": {"convergence": {"density": 1e-2}}})
    assert load_level("lcao").fingerprint == before


@pytest.mark.parametrize(
    ("name", "overrides", "match"),
    [
        ("lcoa", {}, "'lcao'"),
        ("LCAO", {}, "'lcao'"),
        ("lcao", {"parameter": {}}, "'parameters'"),
        ("lcao", {"parameters": {"baisis": "dzp"}}, "'basis'"),
        ("lcao", {"parameters": {"max_iter": 3}}, "'maxiter'"),
        ("lcao", {"parameters": {"convergence": {"densty": 1}}}, "'density'"),
        ("lcao", {"parameters": {"occupations": {"widht": 1}}}, "'width'"),
        ("lcao", {"parameters": {"mixer": {"betta": 1}}}, "'beta'"),
        ("lcao", {"relaxation": {"fmax": 0.1}}, "'fmax_ev_per_angstrom'"),
        ("xtb", {"parameters": {"acuracy": 1}}, "'accuracy'"),
    ],
)
def test_misspelt_names_list_near_ones(name: str, overrides: dict[str, Any], match: str) -> None:
    with pytest.raises(UnknownNameError, match=match):
        load_level(name, overrides)


@pytest.mark.parametrize(
    ("overrides", "match"),
    [
        ({"parameters": {"charge": -1}}, r"level\.parameters\.charge is set by pomdft"),
        ({"parameters": {"txt": "/etc/passwd"}}, r"level\.parameters\.txt"),
        ({"parameters": {"magmoms": [1]}}, r"level\.parameters\.magmoms"),
        ({"parameters": {"mode": None}}, r"level\.parameters\.mode is missing"),
        ({"parameters": ["h", 0.2]}, r"level\.parameters is"),
        ({"parameters": "h"}, r"level\.parameters is"),
        ({"relaxation": 0.05}, r"level\.relaxation is"),
        ({"relaxation": {"max_steps": "few"}}, r"level\.relaxation\.max_steps"),
        ({"relaxation": {"fmax_ev_per_angstrom": -0.1}}, "fmax_ev_per_angstrom"),
        ({"vacuum_angstrom": "wide"}, r"level\.vacuum_angstrom"),
        ({"vacuum_angstrom": -3}, r"level\.vacuum_angstrom"),
        ({"method": "vasp"}, r"level\.method"),
        ({"spin": "up"}, r"level\.spin"),
        ({"name": "a b"}, r"level\.name"),
        ({"parameters": {"h": "fine"}}, r"level\.parameters\.h"),
        ({"parameters": {"h": -0.2}}, r"level\.parameters\.h"),
        ({"parameters": {"h": 0}}, r"level\.parameters\.h"),
        ({"parameters": {"maxiter": 0}}, r"level\.parameters\.maxiter"),
        ({"parameters": {"maxiter": "many"}}, r"level\.parameters\.maxiter"),
        ({"parameters": {"xc": 3}}, r"level\.parameters\.xc"),
    ],
)
def test_wrong_values_name_the_field(overrides: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        load_level("lcao", overrides)
    assert "\n" not in str(caught.value)


def test_gpaw_parameters_are_those_of_gpaw() -> None:
    names = gpaw_parameter_names()
    assert {"mode", "xc", "h", "basis", "convergence", "legacy_gpaw"} <= set(names)
    assert not {"charge", "txt", "communicator", "self"} & set(names)


def test_no_dispersion_for_a_functional_without_parameters() -> None:
    with pytest.raises(InputError, match="dispersion"):
        load_level("lcao", {"parameters": {"xc": "LDA"}})
    level = load_level("lcao", {"parameters": {"xc": "LDA"}, "dispersion": None})
    assert level.dispersion is None


def test_emt_has_its_own_parameters() -> None:
    check_parameters(Level(name="e", method="emt", parameters={"asap_cutoff": True}))
    with pytest.raises(UnknownNameError):
        check_parameters(Level(name="e", method="emt", parameters={"h": 0.2}))
