"""Soak: many small calculations through the embedded engine, with random kills.

    python tests/cluster/soak.py [CALCULATIONS] [CALCULATIONS BETWEEN KILLS] [QUEUE JOBS TO SHARE]

Starts a Slurm of its own as root. A driver is started again whenever it was killed; queue
jobs and node processes are killed too. With 0 queue jobs to share, each calculation gets its
own. At the end every key must be finished exactly once.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from slurm_node import SlurmNode, why_not


def drive(calculations: int, shared: int) -> None:
    """One driver: all calculations as one flow."""
    import numpy as np
    from driven_flow import WATER, make_cluster, make_maker
    from jobflow import Flow
    from pymatgen.core import Molecule

    from pomdft.flows.queue.engine import drive as drive_flow
    from pomdft.flows.queue.jobs import prepare_flow
    from pomdft.settings import load_settings

    generator = np.random.default_rng(0)
    maker = make_maker("water")
    jobs = []
    for number in range(calculations):
        shift = generator.uniform(-0.05, 0.05, (3, 3))
        molecule = Molecule(WATER.species, WATER.cart_coords + shift)
        jobs.append(maker.make(molecule, label=f"water {number}"))
    batch = {"queue_jobs": shared, "idle_s": 5}
    cluster = make_cluster("water", memory=1500, walltime="1:00:00", batch=batch)
    settings = load_settings()
    queued = prepare_flow(Flow(jobs, name="soak"), cluster, settings)
    outcome = drive_flow(queued, cluster, settings, "soak", lambda line: print(line, flush=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"outputs {len(outcome.outputs)} peak {peak:.0f} MB", flush=True)
    sys.exit(0 if len(outcome.outputs) == calculations else 3)


def processes_in(store: Path, word: str) -> list[int]:
    """Return the processes whose command names `word` and the store: never anyone else's."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if word in command and str(store) in command and "bash" not in command:
            found.append(int(path.parent.name))
    return found


def memory_mb(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line for line in text.splitlines() if line.startswith("VmRSS")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


def main(calculations: int, between: float, shared: int) -> int:
    reason = why_not()
    if reason is not None:
        print(f"cannot run here: {reason}")
        return 0
    random.seed(1)
    root = Path(tempfile.mkdtemp(prefix="pomdft-soak-"))
    store = root / "store"
    node = SlurmNode(root / "slurm", cpus=2)
    soak = Soak(node, store, root / "driver.log", between)
    try:
        node.start()
        soak.run([sys.executable, __file__, "--drive", str(calculations), str(shared)])
        return soak.report(calculations)
    finally:
        soak.end()
        node.stop()
        shutil.rmtree(root, ignore_errors=True)


class Soak:
    """Drivers one after the other, and what kills them."""

    def __init__(self, node: SlurmNode, store: Path, log: Path, between: float) -> None:
        self.node, self.store, self.log, self.between = node, store, log, between
        self.kills: Counter[str] = Counter()
        self.memory: list[tuple[int, float]] = []
        self.drivers = 0
        self.next_kill = random.uniform(0.2, 1.8) * between
        self.written: dict[str, int] = {}
        self.rewritten: set[str] = set()
        self.started = time.monotonic()
        self.driver: subprocess.Popen[bytes] | None = None

    def run(self, command: list[str]) -> None:
        environment = {
            **os.environ,
            **self.node.environment,
            "POMDFT_STORE": str(self.store),
            "PYTHONWARNINGS": "ignore",
        }
        status: int | None = None
        while status != 0:
            self.drivers += 1
            with self.log.open("ab") as stream:
                self.driver = subprocess.Popen(
                    command, env=environment, stdout=stream, stderr=subprocess.STDOUT
                )
            status = None
            while status is None:
                time.sleep(0.5)
                status = self.driver.poll()
                self._look()
                if status is None and len(self.written) >= self.next_kill and self._kill():
                    self.next_kill = len(self.written) + random.uniform(0.2, 1.8) * self.between

    def _look(self) -> None:
        """Note the driver's memory, and results that were there and are written again."""
        assert self.driver is not None
        self.memory.append((len(self.written), memory_mb(self.driver.pid)))
        for path in self.store.glob("calculations/*/result.json"):
            written = path.stat().st_mtime_ns
            if self.written.setdefault(path.parent.name, written) != written:
                self.rewritten.add(path.parent.name)

    def _kill(self) -> bool:
        assert self.driver is not None
        victim = random.choice(["driver", "worker", "worker", "queue job"])
        workers = processes_in(self.store, "pomdft.flows.queue.")
        jobs = [number for number, state, _ in self.node.jobs() if state == "RUNNING"]
        if victim == "driver":
            self.driver.kill()
        elif victim == "worker" and workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(workers), signal.SIGKILL)
        elif victim == "queue job" and jobs:
            self.node.run("scancel", random.choice(jobs), check=False)
        else:
            return False
        self.kills[victim] += 1
        seconds = time.monotonic() - self.started
        print(f"{seconds:.0f} s, {len(self.written)} finished: killed a {victim}", flush=True)
        return True

    def report(self, calculations: int) -> int:
        elapsed = time.monotonic() - self.started
        results = list(self.store.glob("calculations/*/result.json"))
        broken = [path for path in results if not _is_whole(path)]
        partial = list(self.store.rglob("*.tmp"))
        indexed = _count_indexed(self.store)
        computed = sum(json.loads(path.read_text())["wall_time_s"] for path in results)
        last = [line for line in self.log.read_text().splitlines() if "peak" in line]
        print(
            f"calculations {calculations}, finished {len(results)}, indexed {indexed}, "
            f"broken {len(broken)}, written twice {len(self.rewritten)}"
        )
        print(
            f"half-written files {len(partial)}; kills {dict(self.kills)}; "
            f"{self.drivers} drivers; {self.node.count_submitted()} queue jobs"
        )
        overhead = (elapsed * self.node.cpus - computed) / max(calculations, 1)
        print(
            f"elapsed {elapsed:.0f} s, of which computing {computed:.0f} s of "
            f"{self.node.cpus} cores; overhead {overhead:.2f} core-seconds a calculation"
        )
        for part in range(5):
            low, high = part * calculations // 5, (part + 1) * calculations // 5
            sizes = [size for done, size in self.memory if low <= done < high]
            print(
                f"driver memory while {low} to {high} are finished: {max(sizes, default=0):.0f} MB"
            )
        print(last[-1])
        good = len(results) == indexed == calculations
        return 0 if good and not broken and not partial and not self.rewritten else 1

    def end(self) -> None:
        if self.driver is not None and self.driver.poll() is None:
            self.driver.kill()
            self.driver.wait()


def _count_indexed(store: Path) -> int:
    with contextlib.closing(sqlite3.connect(store / "index.sqlite")) as connection:
        return int(connection.execute("SELECT count(*) FROM calculation").fetchone()[0])


def _is_whole(path: Path) -> bool:
    try:
        content = json.loads(path.read_text())
    except ValueError:
        return False
    return bool(content["key"] == path.parent.name and content["converged"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--drive"]:
        drive(int(sys.argv[2]), int(sys.argv[3]))
    else:
        given = [float(word) for word in sys.argv[1:]]
        defaults = [500.0, 12.0, 2.0]
        count, between, share = given + defaults[len(given) :]
        sys.exit(main(int(count), between, int(share)))
