"""Bringing an index of an older version up to date, with the old one kept beside it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from pomdft.store.files import locked, storage_error

#: Version -> what makes an index of it one of the next version.
STEPS: Mapping[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE affinity ADD COLUMN per_contact_ev DOUBLE",
        "UPDATE affinity SET per_contact_ev = energy_ev / contacts WHERE contacts > 0",
        "CREATE INDEX ix_affinity_finished ON affinity (finished)",
    ),
}


def can_migrate(version: int, target: int) -> bool:
    """Return whether there is a way from one version of the index to a newer one."""
    return version < target and all(step in STEPS for step in range(version, target))


def migrate(path: Path, target: int, busy_timeout_s: float) -> Path | None:
    """Bring an index up to date in one transaction, after copying it.

    Parameters
    ----------
    path : Path
        The SQLite file.
    target : int
        Version wanted.
    busy_timeout_s : float
        How long to wait for another process that is writing.

    Returns
    -------
    Path or None
        The copy of the old index; None if another process was faster.

    Raises
    ------
    StoreError
        The copy cannot be written.
    sqlite3.Error
        The index cannot be changed; it is as before.
    """
    with (
        locked(path.with_name("tables.lock"), wait=True),
        contextlib.closing(sqlite3.connect(path, timeout=busy_timeout_s)) as connection,
    ):
        connection.isolation_level = None
        connection.execute("BEGIN IMMEDIATE")
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version >= target:
                connection.execute("ROLLBACK")
                return None
            backup = keep_copy(path, version)
            for step in range(version, target):
                for statement in STEPS[step]:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={target}")
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
    return backup


def keep_copy(path: Path, version: int) -> Path:
    """Copy an index to a free name beside it; return that name."""
    target = path.with_name(f"{path.name}.version-{version}")
    count = 0
    while target.exists():
        count += 1
        target = path.with_name(f"{path.name}.version-{version}-{count}")
    temporary = target.with_name(f"{target.name}.new")
    try:
        with (
            contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as old,
            contextlib.closing(sqlite3.connect(temporary)) as new,
        ):
            old.backup(new)
        temporary.rename(target)
    except OSError as error:
        raise storage_error(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    return target
