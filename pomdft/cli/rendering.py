"""Tables for people, CSV and JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Format(StrEnum):
    """How a table is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def print_rows(
    rows: Sequence[Mapping[str, Any]],
    columns: Iterable[str],
    form: Format,
    *,
    title: str | None = None,
    caption: str | None = None,
) -> None:
    """Write rows to standard output.

    Parameters
    ----------
    rows : sequence of mapping
        Column -> value; None is written as an empty cell, or null in JSON.
    columns : iterable of str
        Columns and their order.
    form : Format
        Table, CSV or JSON.
    title, caption : str, optional
        Above and below a table.
    """
    names = list(columns)
    if form is Format.JSON:
        sys.stdout.write(json.dumps([{n: row.get(n) for n in names} for row in rows], indent=1))
        sys.stdout.write("\n")
    elif form is Format.CSV:
        import csv

        writer = csv.DictWriter(sys.stdout, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        console = make_console()
        table = Table()
        for name in names:
            numeric = any(isinstance(row.get(name), int | float) for row in rows)
            table.add_column(name, justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*[escape(format_value(row.get(name))) for name in names])
        # Beside the table rich would wrap them to its width.
        if title:
            console.print(title, markup=False, style="bold")
        console.print(table)
        if caption:
            console.print(caption, markup=False, style="dim")


def make_console(*, stderr: bool = False) -> Console:
    """Return a console; where output is not a terminal it is wide and plain."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console = Console(stderr=stderr, highlight=False, width=200)
    return console


def format_value(value: Any) -> str:
    """Return a value as a table cell: energies with three decimals, None empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value)
