"""Connections: how the database is opened, and what a file must be to be opened at all."""

import os
from pathlib import Path
from typing import Any

import apsw

from holdfast.base.errors import Broken, HoldfastError, Misconfigured
from holdfast.core.journal import digest_secrets
from holdfast.core.search import fold_case
from holdfast.store.sql.sqlite import DIGEST_FUNCTION, FOLD_FUNCTION

BUSY_TIMEOUT_MS = 5_000  # for outsiders alone: our own processes wait for the turn
CHECKPOINT_PAGES = 16_000  # p99/p50 of writes is 1.8 with it, 8.5 with SQLite's own 1,000 (measured)
WAL_BYTES_KEPT = 64 * 1024 * 1024  # about CHECKPOINT_PAGES; what a burst left beyond is cut off
STATEMENTS_CACHED = 512
CACHE_KIB = 8_192
BULK_CACHE_KIB = 65_536  # a load touches every page of every index; a server must stay below 80 MiB a worker
SQLITE_SAFE_SINCE = (3, 51, 3)  # before, two connections could corrupt a WAL database

_NETWORK_FILE_SYSTEMS = frozenset(
    ("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ncpfs", "afs", "ceph", "lustre", "gfs2", "ocfs2", "fuse.sshfs", "fuse.glusterfs")
)


def open_reader(path: Path) -> apsw.Connection:
    """Open a connection that only reads. Raises apsw.Error."""
    connection = _open(path)
    connection.pragma("query_only", value=True)
    return connection


def open_writer(path: Path) -> apsw.Connection:
    """Open the connection that writes and, in its turn, checkpoints. Raises apsw.Error."""
    connection = _open(path)
    connection.wal_autocheckpoint(CHECKPOINT_PAGES)
    connection.pragma("journal_size_limit", WAL_BYTES_KEPT)
    connection.pragma("secure_delete", "fast")  # what is deleted is overwritten within the pages that are written anyway
    return connection


def open_bulk_writer(path: Path) -> apsw.Connection:
    """Open the writing connection of a process that does nothing but load, with a larger cache. Raises apsw.Error."""
    connection = open_writer(path)
    connection.pragma("cache_size", -BULK_CACHE_KIB)
    return connection


def _open(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=STATEMENTS_CACHED)
    try:
        _guard(connection)
        connection.pragma("schema_version")  # the first read: says here whether this is a database
    except BaseException:
        connection.close()
        raise
    return connection


def _guard(connection: apsw.Connection) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
    connection.pragma("foreign_keys", value=True)
    connection.pragma("synchronous", "FULL")
    connection.pragma("mmap_size", 0)
    connection.pragma("cell_size_check", value=True)
    connection.pragma("cache_size", -CACHE_KIB)
    connection.create_scalar_function(FOLD_FUNCTION, _fold, 1, deterministic=True, flags=apsw.SQLITE_INNOCUOUS)
    connection.create_scalar_function(DIGEST_FUNCTION, _digest, deterministic=True, flags=apsw.SQLITE_DIRECTONLY)


def _fold(*values: Any) -> str | None:
    (text,) = values
    return fold_case(text) if isinstance(text, str) else None


def _digest(*named: Any) -> str | None:
    return digest_secrets(*named)


def create_file(path: Path) -> None:
    """Make an empty database in WAL mode, or turn an existing one to WAL. Hold the turn. Raises apsw.Error."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        if connection.pragma("journal_mode") != "wal":
            connection.pragma("journal_mode", "wal")
    finally:
        connection.close()


def engine_version() -> str:
    """The version of the SQLite in use."""
    return apsw.sqlite_lib_version()


def check_engine(version: str) -> None:
    """Refuse a SQLite that can corrupt a WAL database. Raises Misconfigured."""
    if tuple(map(int, version.split("."))) < SQLITE_SAFE_SINCE:
        raise Misconfigured(f"SQLite {version}", "This version can corrupt a database in WAL mode.", "Install apsw 3.53 or newer.")


def check_folder(data_dir: Path, mounts: Path = Path("/proc/self/mounts")) -> None:
    """Refuse a data folder that cannot hold a database: missing, not writable, or on a network file system. Raises Misconfigured."""
    if not data_dir.is_dir():
        raise Misconfigured(str(data_dir), "There is no such folder.", "Create it, or name another with --data.")
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise Misconfigured(
            str(data_dir), "This folder may not be written to.", "Make it writable for this user, or name another with --data."
        )
    kind = _file_system(data_dir.resolve(), mounts)
    if kind in _NETWORK_FILE_SYSTEMS:
        raise Misconfigured(
            str(data_dir),
            f"This folder is on a network file system ({kind}), which cannot hold a SQLite database safely.",
            "Use a local disk.",
        )


def _file_system(folder: Path, mounts: Path) -> str:
    """The type of the file system of a folder, as far as the kernel tells it; "" where it does not."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    points = [(place.replace("\\040", " "), kind) for _, place, kind, *_ in map(str.split, lines)]
    holding = [(len(place), kind) for place, kind in points if folder.is_relative_to(place)]
    return max(holding, key=lambda each: each[0])[1] if holding else ""


def check_file(path: Path, *, create: bool) -> None:
    """Refuse a database file that may not be written to, or that is not there unless it is to be made. Raises Misconfigured.

    None is made beside the log of another: SQLite would delete that, with what was acknowledged and is in no other place.
    """
    log = path.with_name(f"{path.name}-wal")
    has_log = log.exists()  # looked at first: one that others make just now comes after its database
    if not path.exists():
        if has_log:
            problem = f"This is the log of {path.name}, which is not here. It may hold what nothing else does."
            raise Misconfigured(str(log), problem, f"Put {path.name} back beside it, or move this file to another folder.")
        if not create:
            raise Misconfigured(str(path), "There is no database yet.", "`holdfast serve` makes one.")
    elif not os.access(path, os.R_OK | os.W_OK):
        raise Misconfigured(str(path), "This file may not be written to.", "Make it readable and writable for this user.")


def build_refusal(path: Path, error: apsw.Error) -> HoldfastError:
    """Say at start, for people, why the database could not be opened."""
    match error:
        case apsw.NotADBError():
            return Misconfigured(str(path), "This file is not a SQLite database.", "Name another folder with --data, or restore a backup.")
        case apsw.CorruptError():
            return Misconfigured(str(path), "This database is damaged.", "Restore a backup; keep this file for a look at it.")
        case apsw.BusyError() | apsw.LockedError():
            return Misconfigured(str(path), "Another program holds this database locked.", "End that program and start again.")
        case apsw.ReadOnlyError():
            return Misconfigured(str(path), "This database may not be written to.", "Make file and folder writable for this user.")
        case apsw.FullError():
            return Misconfigured(str(path), "The disk is full.", "Free some space and start again.")
        case apsw.SQLError():
            return Broken(f"the schema cannot be made: {error}")
        case _:
            return Misconfigured(
                str(path), f"This database cannot be opened: {error}.", "See that the file and its folder are whole and writable."
            )
