from __future__ import annotations

from pomdft.calculations.recovery import is_permanent, recovery_ladder
from pomdft.errors import (
    CalculationError,
    ChargeError,
    ConvergenceError,
    StepLimitError,
    StoreError,
)

LEVEL = {"maxiter": 100, "occupations": {"name": "fermi-dirac", "width": 0.1}}


def test_order_of_the_rungs() -> None:
    rungs = list(recovery_ladder(LEVEL, spin_polarised=False))
    assert [rung.name for rung in rungs] == [
        "restart-from-density",
        "damp-mixing",
        "more-smearing",
        "damp-mixing-from-smeared-density",
        "spin-polarised",
    ]
    assert all(rung.changes["maxiter"] == 200 for rung in rungs)
    assert rungs[1].changes["mixer"]["beta"] < 0.05


def test_only_the_preliminary_rung_changes_the_smearing() -> None:
    for rung in recovery_ladder(LEVEL, spin_polarised=True):
        assert rung.preliminary == ("occupations" in rung.changes)
    assert LEVEL["occupations"] == {"name": "fermi-dirac", "width": 0.1}


def test_spin_is_not_tried_twice() -> None:
    names = [rung.name for rung in recovery_ladder({}, spin_polarised=True)]
    assert "spin-polarised" not in names


def test_record() -> None:
    rung = next(recovery_ladder(LEVEL, spin_polarised=False))
    step = rung.record("SCF not converged")
    assert (step.rung, step.reason) == ("restart-from-density", "SCF not converged")


def test_what_fails_for_good() -> None:
    assert is_permanent(ConvergenceError("x"))
    assert is_permanent(ChargeError("x"))
    assert not is_permanent(StepLimitError("x"))
    assert not is_permanent(CalculationError("crashed"))
    assert not is_permanent(StoreError("full"))
