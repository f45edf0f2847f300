"""The SQLite index of the store: fast queries, droppable, rebuilt from the documents."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Engine, Float, Integer, String, create_engine, event, select, text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from pomdft.errors import StoreError
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.calculation import CalculationInput, CalculationResult
from pomdft.store.files import (
    free_bytes,
    is_full,
    lacks_locks,
    locked,
    lockless_error,
    storage_error,
)
from pomdft.store.migration import can_migrate, migrate

#: Version of the tables; an index of an older version is migrated, of a newer one refused.
INDEX_VERSION = 2
#: Seconds to wait for another process that is writing to the index.
BUSY_TIMEOUT_S = 30.0


class _Base(DeclarativeBase):
    pass


class CalculationRow(_Base):
    """A finished calculation."""

    __tablename__ = "calculation"
    key: Mapped[str] = mapped_column(String, primary_key=True)
    label: Mapped[str]
    task: Mapped[str]
    formula: Mapped[str] = mapped_column(String, index=True)
    n_atoms: Mapped[int]
    charge: Mapped[int]
    level: Mapped[str] = mapped_column(String, index=True)
    level_fingerprint: Mapped[str]
    energy_ev: Mapped[float]
    wall_time_s: Mapped[float]
    finished: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class AffinityRow(_Base):
    """A binding energy."""

    __tablename__ = "affinity"
    key: Mapped[str] = mapped_column(String, primary_key=True)
    ligand: Mapped[str] = mapped_column(String, index=True)
    metal: Mapped[str] = mapped_column(String, index=True)
    cluster: Mapped[str]
    site: Mapped[str]
    charge_model: Mapped[str]
    orientation: Mapped[str]
    level: Mapped[str] = mapped_column(String, index=True)
    level_fingerprint: Mapped[str]
    energy_ev: Mapped[float] = mapped_column(Float)
    std_ev: Mapped[float | None]
    contacts: Mapped[int] = mapped_column(Integer)
    per_contact_ev: Mapped[float | None]
    finished: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


class Index:
    """The index of one store.

    Parameters
    ----------
    path : Path
        The SQLite file; made if missing, brought up to date if of an older version (the old one
        is kept beside it).

    Raises
    ------
    StoreError
        The file is not a usable index; `pomdft store rebuild` makes a new one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _open_engine(path)

    def add_calculation(self, request: CalculationInput, result: CalculationResult) -> None:
        """Add or replace a finished calculation."""
        self._merge([_calculation_row(request, result)])

    def add_affinity(self, affinity: Affinity) -> None:
        """Add or replace an affinity."""
        self._merge([_affinity_row(affinity)])

    def add_all(
        self,
        calculations: Iterable[tuple[CalculationInput, CalculationResult]],
        affinities: Iterable[Affinity],
    ) -> None:
        """Add many documents in one transaction."""
        rows: list[_Base] = [_calculation_row(*pair) for pair in calculations]
        rows += [_affinity_row(affinity) for affinity in affinities]
        self._merge(rows)

    def has_calculation(self, key: str) -> bool:
        """Return whether a finished calculation is in the index."""
        with self._session() as session:
            return session.get(CalculationRow, key) is not None

    def find_affinities(self, **equal: str | None) -> list[str]:
        """Return keys of affinities whose columns equal the given values (None: any), newest last.

        Parameters
        ----------
        **equal : str, optional
            Columns: ligand, metal, cluster, site, charge_model, level.
        """
        query = select(AffinityRow.key).order_by(AffinityRow.finished, AffinityRow.key)
        for column, value in equal.items():
            if value is not None:
                query = query.where(getattr(AffinityRow, column) == value)
        with self._session() as session:
            return list(session.scalars(query))

    def find_keys(self, prefix: str) -> list[tuple[str, str]]:
        """Return (kind, key) of documents whose key starts with `prefix`."""
        found = []
        with self._session() as session:
            for kind, row in (("calculation", CalculationRow), ("affinity", AffinityRow)):
                column = row.__table__.c.key
                keys = session.scalars(select(column).where(column.startswith(prefix)))
                found += [(kind, key) for key in keys]
        return found

    def count(self) -> dict[str, int]:
        """Return the number of calculations and affinities."""
        with self._session() as session:
            return {
                name: session.scalar(text(f"SELECT count(*) FROM {name}")) or 0  # noqa: S608
                for name in ("calculation", "affinity")
            }

    def wall_times(self) -> list[tuple[str, str, int, float]]:
        """Return (task, level fingerprint, n_atoms, wall time in s) of every calculation."""
        columns = (
            CalculationRow.task,
            CalculationRow.level_fingerprint,
            CalculationRow.n_atoms,
            CalculationRow.wall_time_s,
        )
        with self._session() as session:
            return [(t, f, n, w) for t, f, n, w in session.execute(select(*columns))]

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def _merge(self, rows: Iterable[_Base]) -> None:
        """Add or replace rows, each in one statement: another process may add the same now."""
        by_table: dict[Any, list[dict[str, Any]]] = {}
        for row in rows:
            columns = row.__table__.columns
            named = {column.name: getattr(row, column.name) for column in columns}
            by_table.setdefault(type(row), []).append(named)
        with self._session() as session:
            for kind, values in by_table.items():
                statement = insert(kind)
                changes = {name: statement.excluded[name] for name in values[0] if name != "key"}
                upsert = statement.on_conflict_do_update(index_elements=["key"], set_=changes)
                session.execute(upsert, values)
            session.commit()

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with Session(self._engine) as session:
                yield session
        except OperationalError as error:
            raise _index_error(self.path, str(error.orig)) from error
        except DatabaseError as error:
            raise _corrupt_index(self.path, str(error.orig)) from error


def set_aside(path: Path) -> Path:
    """Rename a file that cannot be used to a free name beside it and return that name."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"{path.name}.aside-{stamp}")
    count = 0
    while target.exists():
        count += 1
        target = path.with_name(f"{path.name}.aside-{stamp}-{count}")
    try:
        # A journal belongs to its database: beside a new one it would be rolled back into that.
        journal = path.with_name(f"{path.name}-journal")
        if journal.exists():
            journal.rename(target.with_name(f"{target.name}-journal"))
        path.rename(target)
    except OSError as error:
        raise storage_error(path, error) from error
    return target


def _open_engine(path: Path) -> Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(path, error) from error
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        # A rollback journal works on every file system, WAL does not on network ones; the index
        # is small and rebuilt from the documents, so its speed does not matter.
        connection.execute("PRAGMA journal_mode=TRUNCATE")
        connection.execute("PRAGMA synchronous=NORMAL")

    if lacks_locks(path.parent):
        # SQLite would take that for a lock that somebody else holds, and wait for it.
        raise lockless_error(path)
    try:
        with engine.begin() as connection:
            version = connection.execute(text("PRAGMA user_version")).scalar() or 0
            tables = connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar() or 0
        if tables == 0:
            version = _create_tables(engine, path)
        elif version == 0:
            # Another process may be making the tables just now; the version comes last.
            with locked(path.with_name("tables.lock"), wait=True), engine.begin() as connection:
                version = connection.execute(text("PRAGMA user_version")).scalar() or 0
    except OperationalError as error:
        raise _index_error(path, str(error.orig)) from error
    except DatabaseError as error:
        raise _corrupt_index(path, str(error.orig)) from error
    if can_migrate(version, INDEX_VERSION):
        version = _migrate(engine, path)
    if version != INDEX_VERSION:
        engine.dispose()
        age = "newer" if version > INDEX_VERSION else "older"
        raise StoreError(
            f"The index {path} is of a{'n' if age == 'older' else ''} {age} version ({version}; "
            f"this pomdft uses {INDEX_VERSION}).",
            "Update pomdft, or run `pomdft store rebuild` (the old index is kept beside it).",
        )
    return engine


def _migrate(engine: Engine, path: Path) -> int:
    engine.dispose()
    try:
        migrate(path, INDEX_VERSION, BUSY_TIMEOUT_S)
    except sqlite3.OperationalError as error:
        raise _index_error(path, str(error)) from error
    except sqlite3.DatabaseError as error:
        raise _corrupt_index(path, str(error)) from error
    return INDEX_VERSION


def _create_tables(engine: Engine, path: Path) -> int:
    # Two processes may begin with the same empty store: the second waits, then finds the tables.
    with locked(path.with_name("tables.lock"), wait=True), engine.begin() as connection:
        _Base.metadata.create_all(connection)
        connection.execute(text(f"PRAGMA user_version={INDEX_VERSION}"))
    return INDEX_VERSION


def _index_error(path: Path, reason: str) -> StoreError:
    if lacks_locks(path.parent):
        return lockless_error(path)
    if "locked" in reason or "busy" in reason:
        return StoreError(
            f"The index {path} is locked by another process for over {BUSY_TIMEOUT_S:.0f} s.",
            "Wait for it, or end it, then run again.",
        )
    full = "full" in reason or "disk I/O" in reason or is_full(path.parent)
    if "readonly" in reason or ("unable to open" in reason and not full):
        return StoreError(
            f"The index {path} cannot be written ({reason}).",
            "Make the store writable or set POMDFT_STORE to a folder that is.",
        )
    if full and "malformed" not in reason:
        free = free_bytes(path) / 1e6
        return StoreError(
            f"The disk takes no more data for the index {path} ({reason}, {free:.1f} MB free).",
            "Free some space, then run again: finished results are intact.",
        )
    return _corrupt_index(path, reason)


def _corrupt_index(path: Path, reason: str) -> StoreError:
    return StoreError(
        f"The index {path} cannot be used ({reason}).",
        "Run `pomdft store rebuild`: it is made anew from the results, nothing is lost.",
    )


def _calculation_row(request: CalculationInput, result: CalculationResult) -> CalculationRow:
    return CalculationRow(
        key=result.key,
        label=request.model.label,
        task=request.task,
        formula=request.model.formula,
        n_atoms=len(request.model.symbols),
        charge=request.model.charge,
        level=request.level.name,
        level_fingerprint=request.level.fingerprint,
        energy_ev=result.energy_ev,
        wall_time_s=result.wall_time_s,
        finished=result.finished,
    )


def _affinity_row(affinity: Affinity) -> AffinityRow:
    model = affinity.model
    return AffinityRow(
        key=affinity.key,
        ligand=model.ligand,
        metal=model.metal,
        cluster=model.cluster,
        site=model.site,
        charge_model=model.charge_model,
        orientation=model.orientation,
        level=affinity.level.name,
        level_fingerprint=affinity.level.fingerprint,
        energy_ev=affinity.energy_ev,
        std_ev=affinity.std_ev,
        contacts=affinity.contacts,
        per_contact_ev=affinity.per_contact_ev,
        finished=affinity.finished,
    )
