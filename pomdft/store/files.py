"""Files that are either old or new, never half-written; and locks that die with their process."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pomdft.errors import BusyError, StoreError

#: With less than this a disk counts as full.
LEAST_FREE_BYTES = 64 * 1024
_LOCK_ATTEMPTS = 4
#: A temporary file that nobody writes to for so long (s) belongs to no living process.
_STALE_S = 3600.0
#: A file system (NFS, say) or a kernel that has no files without a name.
_NO_UNNAMED_FILES = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)
_STORAGE_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def write_atomically(path: Path, data: str | bytes) -> None:
    """Write a file so that it is seen either whole or not at all, even after a power cut.

    Parameters
    ----------
    path : Path
        Target; replaced if it exists.
    data : str or bytes
        Content; text is written as UTF-8.

    Raises
    ------
    StoreError
        The disk is full, or the folder is read-only; the old file is untouched.
    """
    content = data.encode() if isinstance(data, str) else data
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = _open_temporary(path)
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, 0o644)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
            if temporary is None:
                temporary = _name_file(descriptor, path)
        temporary.replace(path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise storage_error(path, error, len(content)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _open_temporary(path: Path) -> tuple[int, Path | None]:
    """Open a file beside `path`; without a name where that can be, so that a kill leaves none."""
    try:
        return os.open(path.parent, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600), None
    except OSError as error:
        if error.errno not in _NO_UNNAMED_FILES:
            raise
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    return descriptor, Path(name)


def _name_file(descriptor: int, path: Path) -> Path:
    """Give an unnamed file a name beside `path`; replacing it by that name is the next step."""
    name = path.with_name(f".{path.name}.{os.getpid()}-{time.monotonic_ns()}.tmp")
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # With a folder given, the call behind it follows the link in /proc.
        os.link(f"/proc/self/fd/{descriptor}", name, src_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)
    return name


def drop_stale(folder: Path) -> None:
    """Remove what writers that were killed on a network file system left in a folder."""
    for path in folder.glob(".*.tmp"):
        # Somebody may have finished or removed it meanwhile.
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE_S:
                path.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a folder; the rename is still atomic.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def storage_error(path: Path, error: OSError, needed_bytes: int | None = None) -> StoreError:
    """Return the error to raise for a failed write: says the path, the space, the remedy."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = free_bytes(path)
        need = "" if needed_bytes is None else f", {needed_bytes / 1e6:.2f} MB needed"
        what = "No space left" if error.errno == errno.ENOSPC else "Disk quota exceeded"
        return StoreError(
            f"{what} while writing {path} ({free / 1e6:.1f} MB free{need}).",
            "Free some space or set POMDFT_STORE to another disk, then run again: "
            "finished results are intact.",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreError(
            f"Cannot write {path}: {error.strerror}.",
            "Make the store writable or set POMDFT_STORE to a folder that is.",
        )
    return StoreError(f"Cannot write {path}: {error.strerror or error}.", "Check the disk.")


def is_storage_failure(error: BaseException) -> bool:
    """Return whether an error, or one that it came from, is a disk that takes no more data."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, StoreError):
            return True
        if isinstance(seen, OSError) and seen.errno in _STORAGE_ERRNOS:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def is_full(folder: Path) -> bool:
    """Return whether the disk of `folder` takes no more data, or no more files."""
    status = os.statvfs(_existing(folder))
    no_files = status.f_files > 0 and status.f_favail == 0
    return no_files or status.f_bavail * status.f_frsize < LEAST_FREE_BYTES


def free_bytes(path: Path) -> int:
    """Return the free space on the disk of a path."""
    status = os.statvfs(_existing(path))
    return status.f_bavail * status.f_frsize


def _existing(path: Path) -> Path:
    folder = path if path.is_dir() else path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


@contextmanager
def locked(
    path: Path, *, wait: bool = False, advice: str = "Wait for it to finish."
) -> Iterator[None]:
    """Hold an exclusive advisory lock that the kernel drops when this process ends, however.

    Parameters
    ----------
    path : Path
        Lock file; created if missing, never removed (removing would race).
    wait : bool
        Wait for the lock instead of raising.
    advice : str
        What to do where it is held, for the error.

    Raises
    ------
    BusyError
        Another process holds it and `wait` is False.
    StoreError
        The lock file cannot be made, or the file system has no locks.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise storage_error(path, error) from error
    try:
        try:
            _acquire(descriptor, wait=wait)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise BusyError(
                    f"{path.parent} is being worked on by another process.",
                    advice,
                ) from None
            raise lockless_error(path) from error
        yield
    finally:
        os.close(descriptor)


def lockless_error(path: Path) -> StoreError:
    """Return the error to raise where a file system has no locks."""
    return StoreError(
        f"{path}: the file system has no file locks.",
        "Set POMDFT_STORE to a folder on a file system that has; `pomdft doctor` checks it.",
    )


def lacks_locks(folder: Path) -> bool:
    """Return whether the file system of a folder refuses locks (of files or of ranges in them).

    A folder that nothing can be written to is not asked.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".locks.", suffix=".tmp")
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
    finally:
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)
    return False


def _acquire(descriptor: int, *, wait: bool) -> None:
    if wait:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return
    for attempt in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Someone may only be looking whether the lock is held (is_locked).
            if attempt == _LOCK_ATTEMPTS - 1:
                raise
            time.sleep(0.05)
        else:
            return


def is_locked(path: Path) -> bool:
    """Return whether some process holds the lock at `path`."""
    if not path.exists():
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
