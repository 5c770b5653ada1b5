"""The file: which one a store was opened on, and whether its name still leads there.

A connection goes on with the file that it opened, whatever becomes of its name. What is written to a file without a name is lost with the
last connection, so that nobody may be told that it was written.
"""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import apsw

Identity = tuple[int, int] | None
"""The device and number of a file; None: there is none, or it cannot be looked at."""


class FileMoved(apsw.CantOpenError):
    """The name of the database, or of what belongs to it, leads to another file than was opened, or to none."""


class DatabaseFile:
    """The database of a store. All its connections are opened and closed here, by any thread.

    Its log and the index of that are the same files for as long as one connection is open: a new one beside the old would be read and
    written by some connections, and not by others.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)
        real = os.path.realpath(path)  # SQLite makes them beside the file itself, not beside a link to it
        self._beside = (f"{real}-wal", f"{real}-shm")
        self._database = _identify(self._name)
        self._known: tuple[tuple[str, Identity], ...] = ((self._name, self._database),)
        self._connections = 0
        self._changing = Lock()

    def open(self, connect: Callable[[Path], apsw.Connection]) -> apsw.Connection:
        """Open a connection to this file and no other. Raises FileMoved, apsw.Error."""
        with self._changing:
            self.check()
            connection = connect(self.path)
            self._connections += 1
            try:
                if self._connections == 1:
                    self._known += tuple((name, _identify(name)) for name in self._beside)
                self.check()
            except FileMoved:
                self._close(connection)
                raise
            return connection

    def close(self, connection: apsw.Connection) -> None:
        """Close a connection. Raises apsw.Error."""
        with self._changing:
            self._close(connection)

    def check(self) -> None:
        """See that every name still leads to the file that was opened. Raises FileMoved, with what to do."""
        for name, known in self._known:
            if _identify(name) != known:
                raise FileMoved(self._describe(name))

    def _close(self, connection: apsw.Connection) -> None:
        """The last connection to a file writes its log back and removes it by name, which may be that of another database by now."""
        self._connections -= 1
        if not self._connections:
            self._known = self._known[:1]
        try:
            if _identify(self._name) != self._database:
                connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        finally:
            connection.close(force=True)

    def _describe(self, name: str) -> str:
        is_gone = _identify(name) is None
        what = f"{name} {'is gone' if is_gone else 'is not the file that was opened'}"
        if name != self._name:
            return f"{what}: stop the server, which writes back what it held, and start it again"
        if is_gone:
            return f"{what}: put it back and writing goes on; to restore another, stop the server first"
        return f"{what}: put that one back and writing goes on; to serve this one, stop the server and start it again"


def _identify(name: str) -> Identity:
    try:
        found = os.stat(name)  # twice for every group of writes: a Path costs as much again
    except OSError:
        return None
    return found.st_dev, found.st_ino
