"""Whatever is wrong: one clear line, the right exit status, nothing stored lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pomdft.flows.study import plan_study, run_study
from pomdft.schemas.study import Study
from pomdft.settings import Settings

Run = Callable[..., Any]

GOOD = "name: a\nligands: thiolate\nmetals: Au\nclusters: M1\nlevel: xtb\n"


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str = GOOD) -> Path:
        path = tmp_path / "study.yaml"
        path.write_text(text)
        return path

    return write


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one finished study."""
    store = tmp_path_factory.mktemp("finished") / "store"
    data = {"name": "a", "ligands": "thiolate", "metals": "Au", "clusters": "M1", "level": "xtb"}
    outcome = run_study(plan_study(Study.from_fields(data), Settings(store=store)))
    assert len(outcome.affinities) == 1
    return store


@pytest.fixture
def filled(finished: Path, own_settings: Path) -> Path:
    subprocess.run(["cp", "-a", str(finished), str(own_settings)], check=True)
    return own_settings


def assert_one_line(answer: Any, status: int, *words: str) -> None:
    assert answer.status == status, answer.err
    assert answer.message.startswith("pomdft: error: ") or status == 2
    for word in words:
        assert word in answer.err, answer.err
    assert "Traceback" not in answer.err + answer.out
    assert "unexpected" not in answer.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("thiolate", "thiolat"), ("Unknown ligand 'thiolat'", "'thiolate'")),
        (("thiolate", "W5O19"), ("Unknown ligand 'W5O19'", "'W5O18'")),
        (("Au", "Aur"), ("Unknown metal 'Aur'", "'Au'")),
        (("M1", "M2"), ("Unknown cluster 'M2'", "M1")),
        (("xtb", "xtbb"), ("Unknown level 'xtbb'", "'xtb'")),
        (("metals", "metal"), ("Unknown key in", "'metal'", "'metals'")),
        (("name: a", "name: a/b"), ("name",)),
        (
            ("level: xtb", "level: {preset: lcao, overrides: {parameters: {basiss: 1}}}"),
            ("'basis'",),
        ),
        (
            ("level: xtb", "level: {preset: lcao, overrides: {parameters: {charge: 1}}}"),
            ("charge",),
        ),
        (("level: xtb", "level: {preset: lcao, overrides: 3}"), ("level.overrides",)),
        (("level: xtb", "level: {preset: lcao, overrides: {vacuum_angstrom: x}}"), ("vacuum",)),
        (("level: xtb", "level: 3"), ("level",)),
        (("level: xtb", "resources: {cores: -2}"), ("resources.cores",)),
        (("level: xtb", "sites: vacuncy"), ("'vacancy'",)),
        (("level: xtb", "charge_models: proton"), ("charge model",)),
        (("level: xtb", "counterpoise: [1]"), ("counterpoise",)),
        (("level: xtb", "level: {preset: xtb, overrides: {spin: 'off'}}"), ("odd number", "spin")),
    ],
)
def test_wrong_study(
    pomdft: Run, study: Run, own_settings: Path, change: tuple[str, str], words: tuple[str, ...]
) -> None:
    assert change[0] in GOOD
    answer = pomdft("run", study(GOOD.replace(*change)))
    assert_one_line(answer, 2, *words)
    assert len(answer.err.strip().splitlines()) == 1
    assert not own_settings.exists()


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", bytes(range(256)) * 10, b"[1, 2", b"42"])
def test_files_that_are_no_study(pomdft: Run, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    assert_one_line(pomdft("run", path), 2, str(path))


def test_paths_that_are_no_file(pomdft: Run, tmp_path: Path) -> None:
    assert_one_line(pomdft("run", tmp_path), 2, str(tmp_path), "directory")
    assert_one_line(pomdft("run", tmp_path / "missing.yaml"), 2, "missing.yaml", "No such file")


def test_python_in_yaml_is_not_run(pomdft: Run, study: Run, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    path = study(f"name: !!python/object/apply:os.system ['touch {mark}']\n")
    assert_one_line(pomdft("run", path), 2, str(path), "line 1")
    assert not mark.exists()


def test_options_that_do_not_fit(pomdft: Run, study: Run) -> None:
    assert_one_line(pomdft("run"), 2, "Nothing to run")
    assert_one_line(pomdft("run", study(), "--ligand", "W5O18"), 2, "not both")
    assert_one_line(pomdft("run", study(), "--cores", "-1"), 2, "--cores -1 is negative")
    assert_one_line(pomdft("run", "--ligand", "W5O18"), 2, "--metal")
    assert_one_line(pomdft("run", "--ligand", "W5O81", "--metal", "Au"), 2, "W5O18")
    assert_one_line(pomdft("run", study(), "--colour", "red"), 2, "--colour", "--help")
    assert_one_line(pomdft("no-such-command"), 2, "no-such-command")
    assert_one_line(pomdft("affinities", "--format", "xml"), 2, "--format", "xml")
    assert_one_line(pomdft("show"), 2, "key")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POMDFT_CORES", "-1"),
        ("POMDFT_LAUNCHER", "mpiexec; touch mark"),
        ("POMDFT_LAUNCHER", "sh -c 'touch mark'"),
        ("POMDFT_PROGRESS", "loud"),
    ],
)
def test_wrong_environment(
    pomdft: Run, study: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    assert_one_line(pomdft("run", study()), 2, name)
    assert not (tmp_path / "mark").exists()


def test_missing_launcher(
    pomdft: Run, study: Run, own_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POMDFT_LAUNCHER", "/nonexistent/mpiexec")
    answer = pomdft("run", study(GOOD.replace("xtb", "lcao")))
    assert_one_line(answer, 1, "/nonexistent/mpiexec", "openmpi-bin", "POMDFT_LAUNCHER=none")
    assert not list(own_settings.glob("calculations/*/result.json"))


def test_debug_shows_the_traceback(pomdft: Run, study: Run) -> None:
    answer = pomdft("--debug", "run", study(GOOD.replace("Au", "Aur")))
    assert answer.status == 2
    assert "Traceback" in answer.err
    assert answer.message.startswith("pomdft: error: Unknown metal")


def test_unexpected_errors_are_one_line_too(pomdft: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("pomdft.cli.affinities.find_affinities", broken)
    answer = pomdft("affinities")
    assert answer.status == 1
    assert answer.err.strip().splitlines() == [
        "pomdft: error: unexpected ZeroDivisionError: a bug. Run with --debug for details."
    ]


@pytest.mark.parametrize("key", ["xyz", "../..", "ABC", "0" * 25, "%", ""])
def test_keys_that_are_none(pomdft: Run, filled: Path, key: str) -> None:
    answer = pomdft("show", key)
    assert answer.status in (1, 2)
    assert "Traceback" not in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_a_key_that_fits_several_or_nothing(pomdft: Run, filled: Path) -> None:
    keys = [p.name for p in (filled / "calculations").iterdir()]
    assert len(keys) == 5
    unused = next(f"{i:024x}" for i in range(100) if f"{i:024x}" not in keys)
    assert_one_line(pomdft("show", unused), 1, unused, "pomdft affinities")


def test_not_computed_names_the_command(pomdft: Run, filled: Path) -> None:
    assert pomdft("affinities", "--metal", "Pd", "--level", "xtb", "--format", "json").out == "[]\n"
    assert_one_line(pomdft("affinities", "--metal", "pd"), 2, "'Pd'")


def damage(path: Path) -> bytes:
    content = path.read_bytes()[: path.stat().st_size // 2]
    path.write_bytes(content)
    return content


def test_truncated_result_is_computed_again(pomdft: Run, study: Run, filled: Path) -> None:
    before = pomdft("affinities", "--level", "xtb", "--format", "json").out
    path = sorted(filled.glob("calculations/*/result.json"))[0]
    content = damage(path)
    rest = [p for p in filled.glob("calculations/*/result.json") if p != path]
    others = {p: p.stat().st_mtime_ns for p in rest}
    answer = pomdft("run", study())
    assert answer.status == 0, answer.err
    assert [p.read_bytes() for p in path.parent.glob("result.json.aside-*")] == [content]
    assert path.exists()
    assert {p: p.stat().st_mtime_ns for p in rest} == others
    assert pomdft("affinities", "--level", "xtb", "--format", "json").out == before


def test_truncated_input_is_written_again(pomdft: Run, study: Run, filled: Path) -> None:
    path = sorted(filled.glob("calculations/*/input.json"))[0]
    damage(path)
    answer = pomdft("status", "--all")
    assert answer.status == 0
    assert "unreadable" in answer.out
    assert_one_line(pomdft("show", path.parent.name), 1, str(path), "store rebuild")
    assert pomdft("store", "rebuild").status == 0
    assert pomdft("run", study()).status == 0
    assert (path.parent / "result.json").exists()


def test_damaged_affinity(pomdft: Run, study: Run, filled: Path) -> None:
    (path,) = filled.glob("affinities/*.json")
    damage(path)
    assert_one_line(pomdft("affinities"), 1, str(path), "pomdft store rebuild")
    assert "0 affinities" in pomdft("store", "rebuild").out
    assert pomdft("affinities").status == 0
    assert pomdft("run", study()).status == 0
    assert path.exists()


@pytest.mark.parametrize("content", [b"", b"junk" * 1000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_damaged_index(pomdft: Run, filled: Path, content: bytes) -> None:
    before = pomdft("affinities", "--level", "xtb", "--format", "json").out
    index = filled / "index.sqlite"
    index.write_bytes(content)
    answer = pomdft("affinities", "--level", "xtb", "--format", "json")
    if content:
        assert_one_line(answer, 1, str(index), "pomdft store rebuild")
    rebuilt = pomdft("store", "rebuild")
    assert rebuilt.status == 0
    assert "indexed 5 calculations and 1 affinities" in rebuilt.out
    assert pomdft("affinities", "--level", "xtb", "--format", "json").out == before


def test_lost_index_makes_itself_again(pomdft: Run, filled: Path) -> None:
    before = pomdft("affinities", "--level", "xtb", "--format", "json").out
    (filled / "index.sqlite").unlink()
    assert pomdft("affinities", "--level", "xtb", "--format", "json").out == before != "[]\n"


def test_index_of_a_newer_version(pomdft: Run, filled: Path) -> None:
    with sqlite3.connect(filled / "index.sqlite") as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    answer = pomdft("affinities")
    assert_one_line(answer, 1, "newer version (99", "Update pomdft")
    assert len(list(filled.glob("affinities/*.json"))) == 1


def test_result_of_a_newer_version(pomdft: Run, filled: Path) -> None:
    (path,) = filled.glob("affinities/*.json")
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 7', 1))
    assert_one_line(pomdft("affinities"), 1, str(path), "newer", "update pomdft")
    assert path.exists()


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mount something on a folder of the test."""
    target = tmp_path / "mounted"
    target.mkdir()
    done: list[Path] = []

    def mount(*options: str) -> Path:
        command = ["mount", *options, str(target)]
        if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("needs the right to mount a file system")
        done.append(target)
        return target

    yield mount
    for path in done:
        subprocess.run(["umount", "-l", str(path)], check=True)


def test_read_only_store(
    pomdft: Run, study: Run, filled: Path, mounted: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pomdft("affinities", "--level", "xtb", "--format", "json").out
    store = mounted("--bind", str(filled))
    subprocess.run(["mount", "-o", "remount,ro,bind", str(store)], check=True)
    monkeypatch.setenv("POMDFT_STORE", str(store))
    # Everything that only reads works, and so does a study that is all there.
    assert pomdft("affinities", "--level", "xtb", "--format", "json").out == before
    assert pomdft("status").status == 0
    assert pomdft("show", next((store / "affinities").iterdir()).stem).status == 0
    assert pomdft("run", study()).status == 0
    answer = pomdft("run", study(GOOD.replace("Au", "Ag")))
    assert_one_line(answer, 1, str(store), "Make the store writable")
    assert_one_line(pomdft("store", "rebuild"), 1, str(store), "Make the store writable")


def test_read_only_folder_for_a_new_store(
    pomdft: Run, study: Run, mounted: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = mounted("-t", "tmpfs", "-o", "size=64k,ro", "none")
    monkeypatch.setenv("POMDFT_STORE", str(folder / "store"))
    assert_one_line(pomdft("run", study()), 1, str(folder), "Make the store writable")
    assert pomdft("affinities").status == 0


def test_full_disk(pomdft: Run, study: Run, mounted: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = mounted("-t", "tmpfs", "-o", "size=1m", "none")
    monkeypatch.setenv("POMDFT_STORE", str(disk / "store"))
    assert pomdft("run", study()).status == 0
    before = pomdft("affinities", "--format", "json").out
    usage = os.statvfs(disk)
    (disk / "filler").write_bytes(b"x" * (usage.f_bavail * usage.f_frsize))
    answer = pomdft("run", study(GOOD.replace("Au", "Ag")))
    assert_one_line(answer, 1, str(disk), "No space left", "Free some space")
    assert answer.err.count("No space left") == 1
    assert pomdft("affinities", "--format", "json").out == before
    (disk / "filler").unlink()
    assert pomdft("run", study(GOOD.replace("Au", "[Au, Ag]"))).status == 0
