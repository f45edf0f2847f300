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
        (["W5O18", "Au", "--multiplicity", "2"], "spin_multiplicity: 2 does not fit"),
        (["W5O18", "Au", "--charge-model", "alkali", "--cations", "9"], "9 cannot balance"),
        (["W5O18", "--multiplicity", "2"], "goes with a metal or --from"),
        (["W5O18", "Au", "--proton-patterns", "2"], "without a metal"),
        (["bare"], "needs a metal"),
        (["bare", "Au", "--support", "silica"], "graphene"),
        (["bare", "Au1Pd1", "--facet", "111"], "a slab is of one metal"),
        (["bare", "Au", "--facet", "0001"], "111"),
        (["P2W17O62"], "alpha2-P2W17O61"),
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


def test_bare_metals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("bare", "Au1Pd1", "--cluster", "M13", "--support", "graphene", "--format", "json")
    assert run(monkeypatch, *words, "-o", "supported.xyz") == 0
    assert json.loads(capsys.readouterr().out)[0]["name"].endswith("graphene-C54H18")
    symbols = read("supported.xyz").get_chemical_symbols()
    assert (symbols.count("Au") + symbols.count("Pd"), symbols.count("C")) == (13, 54)
    assert run(monkeypatch, "bare", "Ru", "--facet", "0001", "-o", "slab.cif") == 0
    assert read("slab.cif").cell.rank == 3


def test_proton_patterns_are_listed_by_energy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "W6O19", "--proton-patterns", "2", "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)
    energies = [r["relative_energy_ev"] for r in rows]
    assert len(rows) == 2
    assert energies[0] == 0.0 < energies[1]


def test_a_file_with_odd_electrons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "W6O19", "--charge-model", "none", "-o", "w6.xyz") == 0
    words = ("blue", "--from", "w6.xyz", "--charge", "-3", "--format", "json")
    capsys.readouterr()
    assert run(monkeypatch, *words) == 2
    assert "odd number of electrons" in capsys.readouterr().err
    assert run(monkeypatch, *words, "--multiplicity", "2") == 0
    assert json.loads(capsys.readouterr().out)[0]["multiplicity"] == 2
