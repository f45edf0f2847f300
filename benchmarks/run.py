"""Measure the kernels against their peers: ``python -m benchmarks.run [name ...]``.

Every ``benchmarks/bench_*.py`` gives rows; with names, only those whose file name contains one.
The table is printed and written to ``benchmarks/latest.json``. The exit status is 1 where a limit
is not kept.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.timing import Row
from pomdft.kernels import compiled

FOLDER = Path(__file__).parent
LATEST = FOLDER / "latest.json"


def describe_time(seconds: float) -> str:
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def describe_limit(row: Row) -> str:
    if row.at_most is not None:
        return f"at most {row.at_most:g} x {row.against}"
    if row.at_least is not None:
        return f"at least {row.at_least:g} x faster than {row.against}"
    return ""


def machine() -> dict[str, object]:
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [x for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        model = names[0].split(":")[1].strip() if names else model
    path = {level: name for name, level in compiled.LEVELS.items()}[compiled.simd_level()]
    return {
        "processor": model,
        "path": path if compiled.is_compiled("energy") else "reference",
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def show(rows: list[Row]) -> None:
    table = Table(title="Kernels against their peers, in one run on one core")
    for column in ("work", "ours", "mark", "peers", "ratio", "limit", ""):
        table.add_column(column, overflow="fold")
    for row in rows:
        peers = "\n".join(
            f"{name}: {describe_time(t) if isinstance(t, float) else t}"
            for name, t in row.peers.items()
        )
        mark = "" if row.mark_seconds is None else describe_time(row.mark_seconds)
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        verdict = {True: "kept", False: "NOT KEPT", None: ""}[row.passed]
        time_text = f"{describe_time(row.seconds)}/{row.unit}"
        table.add_row(row.name, time_text, mark, peers, ratio, describe_limit(row), verdict)
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="parts of the benchmark files' names")
    parser.add_argument("--output", type=Path, default=LATEST)
    arguments = parser.parse_args()
    start = time.perf_counter()
    rows: list[Row] = []
    for path in sorted(FOLDER.glob("bench_*.py")):
        if arguments.names and not any(n in path.stem for n in arguments.names):
            continue
        print(f"{path.stem} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"benchmarks.{path.stem}").rows()
    show(rows)
    record = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "seconds": round(time.perf_counter() - start, 1),
        "rows": [
            {
                "work": row.name,
                "unit": row.unit,
                "seconds": row.seconds,
                "mark_seconds": row.mark_seconds,
                "peers": row.peers,
                "against": row.against,
                "ratio": row.ratio,
                "at_most": row.at_most,
                "at_least": row.at_least,
                "kept": row.passed,
            }
            for row in rows
        ],
    }
    arguments.output.write_text(json.dumps(record, indent=1) + "\n")
    broken = [row.name for row in rows if row.passed is False]
    if broken:
        print(f"Limits not kept: {'; '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
