"""`pomdft convergence`: what it refuses, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pomdft.cli.recomputation import find_command
from pomdft.flows.convergence import choose_variants
from pomdft.schemas.interaction import InteractionEnergy

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("W5O18", "Au", "--variant", "plane waves 300 eV"), "plane waves 400 eV"),
        (("W5O17", "Au"), "W5O18"),
        (("W5O18", "Au", "Xx"), "Xx"),
        (("W5O18", "Rh"), "has not been computed"),
        (("W5O18", "Au", "--site", "terminal"), "has not been computed"),
        (("W5O18",), "metals"),
        (("W5O18", "Au", "--plot", "figure.html"), ".webp."),
        (("W5O18", "Au", "--plot", "/no/such/folder/figure.png"), "there is no /no/such/folder"),
    ],
)
def test_what_it_does_not_know_is_refused_in_one_line(
    arguments: tuple[str, ...],
    words: str,
    pomdft: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POMDFT_STORE", str(tmp_path))
    answer = pomdft("convergence", *arguments)
    assert answer.status != 0
    assert words in answer.err
    assert "Traceback" not in answer.err


def test_a_level_of_ones_own_has_no_command() -> None:
    level = choose_variants(["h 0.18"])["h 0.18"]
    energy = InteractionEnergy(
        key="a" * 24,
        ligand="W5O18",
        metal="Au",
        cluster="M4",
        site="vacancy",
        charge_model="protonated",
        variant="h 0.18",
        level=level,
        energy_ev=-1.0,
        calculations={"complex": "b" * 24},
    )
    assert find_command(energy) == "pomdft convergence W5O18 Au --variant 'h 0.18'"
    assert find_command(energy.model_copy(update={"variant": "h 0.19"})) is None
    assert find_command(energy.model_copy(update={"variant": "h 0.16"})) is None
