"""OpenBLAS is told its kernels only where it has chosen old ones itself."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pomdft.calculations import blas
from pomdft.calculations.blas import choose_blas_core, openblas_core
from pomdft.calculations.launcher import gpaw_environment
from pomdft.kernels.compiled import cpu_level

_ASK = "from pomdft.calculations.blas import openblas_core; print(openblas_core())"


@pytest.mark.parametrize(
    ("core", "level", "expected"),
    [
        ("Prescott", 2, {"OPENBLAS_CORETYPE": "SkylakeX"}),
        ("Prescott", 1, {"OPENBLAS_CORETYPE": "Haswell"}),
        ("Prescott", 0, {}),
        ("SkylakeX", 2, {}),
        ("Zen", 1, {}),
        (None, 2, {}),
    ],
)
def test_choice(
    monkeypatch: pytest.MonkeyPatch, core: str | None, level: int, expected: dict[str, str]
) -> None:
    monkeypatch.setattr(blas, "openblas_core", lambda: core)
    monkeypatch.setattr(blas, "cpu_level", lambda: level)
    assert choose_blas_core({}) == expected


def test_a_choice_of_the_user_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "openblas_core", lambda: "Prescott")
    assert gpaw_environment({"OPENBLAS_CORETYPE": "Core2"})["OPENBLAS_CORETYPE"] == "Core2"


def test_openblas_of_a_gpaw_process_uses_what_the_processor_has() -> None:
    if openblas_core() is None:
        pytest.skip("GPAW's linear algebra is not OpenBLAS here")
    if cpu_level() == 0:
        pytest.skip("this processor has no AVX2")
    words = [sys.executable, "-c", _ASK]
    said = subprocess.check_output(words, env=gpaw_environment(os.environ), text=True)
    assert said.strip() not in {"Prescott", "Core2", "Nehalem", "None"}
