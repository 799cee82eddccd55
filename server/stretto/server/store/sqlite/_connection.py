"""Opening connections, and telling the storage's errors from an operation's."""

import pathlib

import apsw

CACHE_KIB = 16 * 1024
"""Pages of the file that a connection keeps in memory."""

CHECKPOINT_PAGES = 2_000
"""Pages (8 MB) in the write-ahead log after which the writer moves them into the main file."""

LOG_BYTES_MAX = 64 * 1024 * 1024
"""A write-ahead log that grew larger, because of a long read, shrinks to this when it is used again."""

BUSY_MILLISECONDS = 5_000
"""How long to wait for a lock that a backup tool may hold."""

OPERATION_ERRORS = (apsw.ConstraintError, apsw.MismatchError, apsw.TooBigError, apsw.RangeError, apsw.SQLError)
"""What one operation can do wrong; any other error of SQLite's is the storage's."""


def is_storage_error(error: Exception) -> bool:
    """Whether the storage failed, and not an operation."""
    return isinstance(error, apsw.Error) and not isinstance(error, OPERATION_ERRORS)


def connect_writer(path: pathlib.Path, synchronous: str, *, create: bool = False) -> apsw.Connection:
    """The one connection that writes."""
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(BUSY_MILLISECONDS)
    connection.execute("PRAGMA journal_mode = WAL").get  # noqa: B018  # The property runs the statement to its end.
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES_MAX}")
    return connection


def connect_reader(path: pathlib.Path) -> apsw.Connection:
    """A connection that cannot write."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(BUSY_MILLISECONDS)
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection
