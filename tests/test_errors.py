from __future__ import annotations

import inspect

import pytest

from pomdft import errors
from pomdft.errors import (
    BusyError,
    ConvergenceError,
    InputError,
    LauncherError,
    NotComputedError,
    PomdftError,
    StepLimitError,
    StoreError,
    UnknownNameError,
    near_names,
)


def test_every_error_belongs_to_the_tree() -> None:
    classes = [
        c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__
    ]
    assert len(classes) > 10
    for kind in classes:
        assert issubclass(kind, PomdftError)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (InputError, 2),
        (NotComputedError, 1),
        (ConvergenceError, 1),
        (LauncherError, 1),
        (StoreError, 1),
        (BusyError, 1),
        (StepLimitError, 1),
    ],
)
def test_exit_statuses(kind: type[PomdftError], status: int) -> None:
    assert kind("what", "remedy").exit_status == status


def test_message_and_remedy_are_joined() -> None:
    error = InputError("cores: -1 is negative.", "Give 0 or more.")
    assert str(error) == "cores: -1 is negative. Give 0 or more."
    assert (error.message, error.remedy) == ("cores: -1 is negative.", "Give 0 or more.")
    assert str(StoreError("alone")) == "alone"


def test_unknown_name_lists_near_names() -> None:
    error = UnknownNameError("metal", "ag", ["Au", "Ag", "Pd"])
    assert "'Ag'" in str(error)
    assert error.near[0] == "Ag"
    assert error.exit_status == 2


def test_unknown_name_lists_all_where_nothing_is_near() -> None:
    assert "Known: Ag, Au." in str(UnknownNameError("metal", "zzzz", ["Au", "Ag"]))


def test_near_names_is_limited_and_ordered() -> None:
    known = [f"alpha{i}" for i in range(20)]
    found = near_names("alpha1", known, limit=3)
    assert len(found) == 3
    assert found[0] == "alpha1"


def test_a_name_that_holds_the_given_text_comes_first_and_aliases_are_resolved() -> None:
    known = ["alpha-SiW12O40", "gamma-SiW12O40", "P2W18O62"]
    assert near_names("SiW12", known)[:2] == ["alpha-SiW12O40", "gamma-SiW12O40"]
    error = UnknownNameError("POM", "P2W17O60", ["P2W18O62", "alpha2-x"], {"P2W17O61": "alpha2-x"})
    assert error.near[0] == "alpha2-x"
