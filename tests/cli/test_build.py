import json
import sys
from pathlib import Path

import pytest
from ase.io import read

from pomdft.cli.build import parse_composition
from pomdft.cli.main import main
from pomdft.errors import InputError


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["pomdft", "build", *words])
    with pytest.raises(SystemExit) as leave:
        main()
    return int(leave.value.code or 0)


def test_build_writes_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    status = run(
        monkeypatch, "W5O18", "Ag", "--best", "2", "--format", "json", "--view", "-o", "a.xyz",
        "-o", "a.db",
    )  # fmt: skip
    assert status == 0
    rows = json.loads(capsys.readouterr().out)
    assert [r["number"] for r in rows] == [1, 2]
    assert rows[0]["contacts"] > 0
    assert len(read("a.xyz", ":")) == 2
    assert (tmp_path / "a.db").exists()
    assert "3Dmol" in (tmp_path / "W5O18-Ag4.html").read_text()


def test_without_a_name_everything_is_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--format", "csv") == 0
    listed = capsys.readouterr().out
    assert "A-alpha-SiW9O34" in listed
    assert "PVP" in listed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["W5O17", "Ag"], "W5O18"),
        (["W5O18", "Xx"], "metal 'Xx'"),
        (["W5O18", "Ag", "-o", "x.pdb"], "no known suffix"),
        (["W5O18", "--facet", "111"], "need a metal"),
        (["W5O18", "Ag", "--charge", "3"], "--from"),
        (["new", "--from", "missing.cif"], "does not exist"),
        (["W5O18", "Ag", "--best", "0"], "n_best"),
        (["W5O18", "Au0.5Pd", "--cluster", "M13"], "neither an element nor an alloy"),
    ],
)
def test_bad_input_is_one_line_and_status_two(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_compositions() -> None:
    assert parse_composition("Au") == "Au"
    assert parse_composition("Au1Pd3") == {"Au": 0.25, "Pd": 0.75}
    for wrong in ("au", "AuPd", "Au0Pd0", "Au1Au1", "3Au"):
        with pytest.raises(InputError):
            parse_composition(wrong)
