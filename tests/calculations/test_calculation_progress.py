from __future__ import annotations

import json
from pathlib import Path

from pomdft.calculations.progress import FILE_NAME, Progress, ProgressReader, progress_writer


def test_events_come_once_and_in_order(tmp_path: Path) -> None:
    write, reader = progress_writer(tmp_path), ProgressReader(tmp_path)
    assert reader.read() == []
    write(Progress("scf", 1, -2.5))
    write(Progress("note", text="words"))
    assert [event.kind for event in reader.read()] == ["scf", "note"]
    assert reader.read() == []
    write(Progress("step", 3, -2.5, 0.1, 12.0))
    (event,) = reader.read()
    assert event == Progress("step", 3, -2.5, 0.1, 12.0)


def test_earlier_runs_are_not_read_again(tmp_path: Path) -> None:
    progress_writer(tmp_path)(Progress("scf", 1))
    reader = ProgressReader(tmp_path)
    progress_writer(tmp_path)(Progress("scf", 2))
    assert [event.number for event in reader.read()] == [2]


def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    reader = ProgressReader(tmp_path)
    line = json.dumps({"kind": "scf", "number": 7}) + "\n"
    path = tmp_path / FILE_NAME
    for end in range(1, len(line)):
        path.write_text(line[:end])
        assert reader.read() == []
    path.write_text(line + line[:9])
    assert [event.number for event in reader.read()] == [7]


def test_nonsense_between_events_is_skipped(tmp_path: Path) -> None:
    reader = ProgressReader(tmp_path)
    good = json.dumps({"kind": "scf", "number": 1}).encode() + b"\n"
    (tmp_path / FILE_NAME).write_bytes(good + b'\xff\xfe{"kind"\n[1]\n{"colour": 1}\n' + good)
    assert len(reader.read()) == 2


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    progress_writer(tmp_path / "missing")(Progress("scf", 1))


def test_words() -> None:
    assert str(Progress("note", text="hello")) == "hello"
    assert str(Progress("scf", 4, -1.25)) == "SCF iteration 4, E = -1.2500 eV"
    step = str(Progress("step", 2, -1.0, 0.1234))
    assert step == "relaxation step 2, E = -1.0000 eV, largest force 0.123 eV/angstrom"
