"""Why a queue job ended without leaving a result: what the scheduler and its output say."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_S = 30
_MEMORY = re.compile(r"exceeded memory limit \((\d+) > (\d+)\)", re.IGNORECASE)
_OOM = re.compile(r"oom[-_ ]?kill|out of memory|Exceeded job memory limit", re.IGNORECASE)
_FIELD = re.compile(r"(\w+)=(\S*)")


@dataclass(frozen=True)
class QueueEnd:
    """How a queue job ended.

    Attributes
    ----------
    state : str
        The scheduler's word: TIMEOUT, CANCELLED, OUT_OF_MEMORY, NODE_FAIL, PREEMPTED, FAILED.
    message : str
        For a person.
    """

    state: str
    message: str


def explain_end(scheduler: str, queue_id: str | None, run_dir: Path, asked: str) -> QueueEnd:
    """Return why a queue job is gone.

    Parameters
    ----------
    scheduler : str
        qtoolkit's name.
    queue_id : str or None
        Id of the job.
    run_dir : Path
        Folder with queue.err.
    asked : str
        What it asked for, quoted in the message.
    """
    output = _read(run_dir / "queue.err") + _read(run_dir / "queue.out")
    facts = _ask_slurm(queue_id) if scheduler == "slurm" and queue_id else {}
    state = facts.get("JobState", "")
    ran = facts.get("RunTime") or "unknown time"
    job = f"Queue job {queue_id}" if queue_id else "The queue job"
    asked = f"asked: {asked}" if asked else "nothing in particular was asked for"
    memory = _MEMORY.search(output)
    if memory is not None or state == "OUT_OF_MEMORY" or _OOM.search(output):
        used = f"{int(memory[1]) / 2**20:.0f} MB used" if memory else "more used than granted"
        limit = f", {int(memory[2]) / 2**20:.0f} MB granted" if memory else ""
        return QueueEnd(
            "OUT_OF_MEMORY",
            f"{job} ran out of memory: {used}{limit} ({asked}). The checkpoint is kept; go on "
            "with `pomdft retry KEY --memory MB`, or more ranks.",
        )
    if "DUE TO TIME LIMIT" in output or state == "TIMEOUT":
        return QueueEnd(
            "TIMEOUT",
            f"{job} reached its time limit after {ran} ({asked}). The checkpoint is kept; go on "
            "with `pomdft retry KEY --time H:MM:SS`.",
        )
    if state.startswith("CANCELLED") or re.search(r"CANCELLED AT", output):
        return QueueEnd(
            "CANCELLED",
            f"{job} was cancelled after {ran}. The checkpoint is kept; go on with "
            "`pomdft retry KEY`.",
        )
    if state in {"NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE"}:
        return QueueEnd(
            state, f"{job} ended as {state} after {ran}; go on with `pomdft retry KEY`."
        )
    words = [line for line in output.splitlines() if line.strip()]
    last = f" Last words: {words[-1].strip()[:200]}" if words else ""
    code = facts.get("ExitCode", "")
    status = f" (exit {code})" if code else ""
    return QueueEnd(
        "FAILED",
        f"{job} ended without a result{status}; its output is in {run_dir}.{last} "
        "Go on with `pomdft retry KEY`.",
    )


def _ask_slurm(queue_id: str) -> dict[str, str]:
    """Return what scontrol, or where that has forgotten the job sacct, knows of it."""
    if not re.fullmatch(r"[0-9]+(_[0-9]+)?", queue_id):
        return {}
    shown = _run("scontrol", "show", "job", "-o", queue_id)
    if shown:
        return dict(_FIELD.findall(shown))
    lines = _run("sacct", "-j", queue_id, "-n", "-P", "-X", "-o", "State,Elapsed").splitlines()
    if not lines or "|" not in lines[0]:
        return {}
    state, elapsed = lines[0].split("|")[:2]
    return {"JobState": state.split()[0] if state else "", "RunTime": elapsed}


def _run(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")[-20_000:]
    except OSError:
        return ""


def last_line(text: str) -> str:
    """Return the last line of a traceback, without the name of its exception."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    last = lines[-1].strip() if lines else ""
    head, _, rest = last.partition(": ")
    # "pomdft.errors.ConvergenceError: ..." of a traceback; the class says nothing to a user.
    return rest if rest and head.replace(".", "").isidentifier() else last


def submission_error(message: str) -> str:
    """Return what a scheduler said when it refused a job."""
    found = [part for part in message.replace("\\n", "\n").split("stderr=") if "rror" in part]
    text = (found[-1] if found else message).strip("'\" ")
    return f"the queue refused it: {text.splitlines()[0][:300]}"
