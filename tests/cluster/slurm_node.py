"""A real Slurm of one node, started by the tests as root and stopped after them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")

CONFIG = """\
ClusterName=pomdft-test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={control_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={socket}
CredType=cred/munge
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=pmix
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=200000,bf_interval=1
KillWait=2
MinJobAge=3000
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=long Nodes={host} MaxTime=2-0:0:0 State=UP
"""


@dataclass
class SlurmNode:
    """A controller and a node daemon below one folder."""

    root: Path
    cpus: int = 4
    memory_mb: int = 6000
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.root / "slurm.conf"

    @property
    def environment(self) -> dict[str, str]:
        return {"SLURM_CONF": str(self.config)}

    def start(self) -> None:
        """Start munged, slurmctld, slurmd; wait until the node takes jobs."""
        self.root.mkdir(parents=True)
        self.root.chmod(0o755)
        for name in ("state", "spool", "munge"):
            (self.root / name).mkdir(mode=0o755)
        munge = self.root / "munge"
        key = munge / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        host = socket.gethostname().split(".")[0]
        control, node = _free_ports(2)
        self.config.write_text(
            CONFIG.format(
                root=self.root,
                host=host,
                socket=munge / "socket",
                control_port=control,
                node_port=node,
                cpus=self.cpus,
                memory=self.memory_mb,
            )
        )
        self._spawn(
            "munged",
            "--foreground",
            "--force",
            f"--key-file={key}",
            f"--socket={munge / 'socket'}",
            f"--pid-file={munge / 'pid'}",
            f"--log-file={munge / 'log'}",
            f"--seed-file={munge / 'seed'}",
        )
        _wait_until((munge / "socket").exists, 10, "munged")
        self._spawn("slurmctld", "-D", "-i", "-f", str(self.config))
        self._spawn("slurmd", "-D", "-N", host, "-f", str(self.config))
        _wait_until(self._is_idle, 40, "the node to become idle")

    def stop(self) -> None:
        """Cancel all jobs, end the daemons."""
        self.run("scancel", "--full", "--signal=KILL", "--state=RUNNING", "-u", "root", check=False)
        self.run("scancel", "-u", "root", check=False)
        # A daemon that ends before its job steps leaves them behind.
        with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
            _wait_until(lambda: not self.jobs(), 15, "the queue to empty")
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def run(self, *command: str, check: bool = True) -> str:
        """Run a client command of this Slurm; return its standard output."""
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if check and done.returncode:
            raise RuntimeError(f"{command}: {done.stderr}")
        return done.stdout

    def jobs(self) -> list[tuple[str, str, str]]:
        """Return (id, state, name) of the jobs that wait or run."""
        lines = self.run("squeue", "--noheader", "-o", "%i %T %j").splitlines()
        return [tuple(line.split(maxsplit=2)) for line in lines]  # type: ignore[misc]

    def submitted(self, names: Iterable[str]) -> Counter[str]:
        """Return how often each of these names was ever accepted."""
        wanted = set(names)
        shown = self.run("scontrol", "show", "job", "-o")
        return Counter(name for name in re.findall(r"JobName=(\S+)", shown) if name in wanted)

    def count_submitted(self) -> int:
        """Return how many jobs were ever accepted."""
        log = (self.root / "slurmctld.log").read_text()
        return log.count("_slurm_rpc_submit_batch_job: JobId=")

    def _spawn(self, *command: str) -> None:
        program = shutil.which(command[0], path=os.environ["PATH"] + ":/usr/sbin")
        if program is None:
            raise RuntimeError(f"{command[0]} is missing")
        with (self.root / f"{command[0]}.out").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [program, *command[1:]],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, **self.environment},
                    preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl call, no locks
                )
            )

    def _is_idle(self) -> bool:
        for process in self.processes:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended at once; see {self.root}")
        return "idle" in self.run("sinfo", "--noheader", "-o", "%t", check=False)


def why_not() -> str | None:
    """Return why Slurm cannot be started here, None if it can."""
    if os.geteuid() != 0:
        return "Slurm's daemons are started by the tests as root"
    for name in PROGRAMS:
        if shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin") is None:
            return f"{name} is missing (Debian: slurm-wlm, munge)"
    return None


def _die_with_parent() -> None:
    """Ask the kernel to end this daemon when the tests are killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _wait_until(condition, seconds: float, what: str) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds} s for {what}")
        time.sleep(0.1)
