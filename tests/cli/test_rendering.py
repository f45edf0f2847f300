from __future__ import annotations

import csv
import io
import json

import pytest

from pomdft.cli.rendering import Format, format_value, make_console, print_rows

ROWS = [
    {"name": 'a, "b"', "energy_ev": -1.23456789, "std_ev": None, "relaxed": True},
    {"name": "ü", "energy_ev": 2.0, "extra": 1},
]
COLUMNS = ("name", "energy_ev", "std_ev")


def test_json_keeps_every_digit(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(ROWS, COLUMNS, Format.JSON)
    data = json.loads(capsys.readouterr().out)
    assert data[0] == {"name": 'a, "b"', "energy_ev": -1.23456789, "std_ev": None}
    assert data[1]["std_ev"] is None
    assert list(data[0]) == list(COLUMNS)


def test_csv_can_be_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(ROWS, COLUMNS, Format.CSV)
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["name"] for row in rows] == ['a, "b"', "ü"]
    assert float(rows[0]["energy_ev"]) == -1.23456789
    assert rows[0]["std_ev"] == ""


def test_table_says_title_sign_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(ROWS, COLUMNS, Format.TABLE, title="study", caption="negative = bound")
    out = capsys.readouterr().out
    for word in ("study", "negative = bound", "-1.235", "ü", "energy_ev"):
        assert word in out
    assert "\x1b" not in out


@pytest.mark.parametrize("form", list(Format))
def test_no_rows(capsys: pytest.CaptureFixture[str], form: Format) -> None:
    print_rows([], COLUMNS, form)
    out = capsys.readouterr().out
    assert out.strip() == {"json": "[]", "csv": ",".join(COLUMNS)}.get(form, out.strip())


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "yes"), (False, "no"), (-1.23456, "-1.235"), (3, "3"), ("x", "x")],
)
def test_values(value: object, text: str) -> None:
    assert format_value(value) == text


def test_console_of_a_pipe_is_wide_and_plain() -> None:
    console = make_console()
    assert console.width >= 200
    assert not console.is_terminal
