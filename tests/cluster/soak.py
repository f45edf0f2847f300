"""Soak: many small calculations through the embedded engine, with random kills.

    python tests/cluster/soak.py [CALCULATIONS] [SECONDS BETWEEN KILLS]

Starts a Slurm of its own as root. A driver is started again whenever it was killed; queue
jobs and node processes are killed too. At the end every key must be finished exactly once.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from slurm_node import SlurmNode, why_not


def drive(calculations: int) -> None:
    """One driver: all calculations as one flow."""
    import numpy as np
    from driven_flow import WATER, make_cluster, make_maker
    from jobflow import Flow
    from pymatgen.core import Molecule

    from pomdft.flows.embedded import drive as drive_flow
    from pomdft.flows.queue_jobs import prepare_flow
    from pomdft.settings import load_settings

    generator = np.random.default_rng(0)
    maker = make_maker("water")
    jobs = []
    for number in range(calculations):
        shift = generator.uniform(-0.05, 0.05, (3, 3))
        molecule = Molecule(WATER.species, WATER.cart_coords + shift)
        jobs.append(maker.make(molecule, label=f"water {number}"))
    cluster = make_cluster("water", memory=900)
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
        if word in command and str(store) in command:
            found.append(int(path.parent.name))
    return found


def memory_mb(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line for line in text.splitlines() if line.startswith("VmRSS")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


def main(calculations: int, between_s: float) -> int:
    reason = why_not()
    if reason is not None:
        print(f"cannot run here: {reason}")
        return 0
    random.seed(1)
    root = Path(tempfile.mkdtemp(prefix="pomdft-soak-"))
    store = root / "store"
    node = SlurmNode(root / "slurm", cpus=2)
    kills: Counter[str] = Counter()
    memory: list[tuple[float, float]] = []
    started = time.monotonic()
    driver: subprocess.Popen[bytes] | None = None
    try:
        node.start()
        environment = {
            **os.environ,
            **node.environment,
            "POMDFT_STORE": str(store),
            "PYTHONWARNINGS": "ignore",
        }
        status: int | None = None
        while status != 0:
            with (root / "driver.log").open("ab") as stream:
                driver = subprocess.Popen(
                    [sys.executable, __file__, "--drive", str(calculations)],
                    env=environment,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                )
            status = None
            next_kill = time.monotonic() + random.uniform(0.5, 1.5) * between_s
            while status is None:
                time.sleep(1.0)
                status = driver.poll()
                memory.append((time.monotonic() - started, memory_mb(driver.pid)))
                if status is None and time.monotonic() > next_kill:
                    next_kill = time.monotonic() + random.uniform(0.5, 1.5) * between_s
                    victim = random.choice(["driver", "worker", "worker", "queue job"])
                    workers = processes_in(store, "queue_worker")
                    jobs = [name for name, state, _ in node.jobs() if state == "RUNNING"]
                    if victim == "driver":
                        driver.kill()
                    elif victim == "worker" and workers:
                        os.kill(random.choice(workers), signal.SIGKILL)
                    elif victim == "queue job" and jobs:
                        node.run("scancel", random.choice(jobs), check=False)
                    else:
                        continue
                    kills[victim] += 1
        elapsed = time.monotonic() - started
        results = list(store.glob("calculations/*/result.json"))
        broken = [path for path in results if not _is_whole(path)]
        partial = list((store / "calculations").rglob("*.tmp"))
        computed = sum(json.loads(path.read_text())["wall_time_s"] for path in results)
        last = [line for line in (root / "driver.log").read_text().splitlines() if "peak" in line]
        late = [size for moment, size in memory if moment > elapsed / 2 and size > 100]
        print(f"calculations {calculations}, finished {len(results)}, broken {len(broken)}")
        print(f"half-written files {len(partial)}; kills {dict(kills)}")
        print(f"queue jobs {node.count_submitted()}; elapsed {elapsed:.0f} s")
        overhead = (elapsed * node.cpus - computed) / max(calculations, 1)
        print(f"overhead {overhead:.1f} core-seconds a calculation")
        print(
            f"driver memory {min(late, default=0):.0f} to {max(late, default=0):.0f} MB; {last[-1]}"
        )
        return 0 if len(results) == calculations and not broken and not partial else 1
    finally:
        if driver is not None and driver.poll() is None:
            driver.kill()
        node.stop()
        shutil.rmtree(root, ignore_errors=True)


def _is_whole(path: Path) -> bool:
    try:
        content = json.loads(path.read_text())
    except ValueError:
        return False
    return bool(content["key"] == path.parent.name and content["converged"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--drive"]:
        drive(int(sys.argv[2]))
    else:
        arguments = [float(word) for word in sys.argv[1:]] or [500.0]
        sys.exit(main(int(arguments[0]), arguments[1] if len(arguments) > 1 else 30.0))
