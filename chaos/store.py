"""The registers in this process: a real store on a disk that can fail, asked by plans."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from inspect import isawaitable
from pathlib import Path

import apsw
import msgspec

from chaos.backend import backend
from chaos.history import Answer, Ask, Content
from holdfast.base.errors import Answerable
from holdfast.base.ids import RecordId, build_uuid7
from holdfast.core.journal import sign_unkeyed
from holdfast.core.plan import Create, Delete, ReadOne, Row, Update, Write, WriteStep
from holdfast.core.view import View
from holdfast.engine.verify import Verifier
from holdfast.store.sqlite.audit import SqliteAudit
from holdfast.store.sqlite.connection import open_reader, open_writer
from holdfast.store.sqlite.store import SqliteStore
from holdfast.store.sqlite.turn import Turn
from holdfast.world.clock import SystemClock

CATALOG = backend.catalog
CLOCK = SystemClock()
CHECKPOINT_PAGES = 200  # so few that every run has several checkpoints, so many that much stands in the log alone
DEADLINE_S = 20.0

_RESOURCE = CATALOG.resources["registers"]
_VIEW = View(_RESOURCE, _RESOURCE.fields, (), "")
_TOLD = {"not_found": "missing", "version_conflict": "stale", "unique_conflict": "taken", "outcome_unknown": "unknown"}


class Failed(AssertionError):
    """A promise was not kept."""


def connect_often(path: Path, pages: int = CHECKPOINT_PAGES) -> apsw.Connection:
    """The connection that writes, which checkpoints after so many pages of the log.

    SQLite does not tell when an automatic checkpoint fails: the commit before it stands. An error of a disk in Python would be told all
    the same, by the driver; hence a hook of our own, which does what SQLite's does and keeps it to itself.
    """
    connection = open_writer(path)

    def checkpoint(writer: apsw.Connection, name: str, logged: int) -> int:
        if logged >= pages:
            with suppress(apsw.Error):
                writer.wal_checkpoint(name, apsw.SQLITE_CHECKPOINT_PASSIVE)
        return apsw.SQLITE_OK

    connection.set_wal_hook(checkpoint)
    return connection


def connect_carelessly(path: Path) -> apsw.Connection:
    """The same with synchronous=NORMAL, as many others have it: the control, which must lose."""
    connection = connect_often(path)
    connection.pragma("synchronous", "NORMAL")
    return connection


def make_id(dice: random.Random) -> RecordId:
    """An id for a new register, from the dice alone."""
    return build_uuid7(1_700_000_000_000 + dice.getrandbits(30), dice.getrandbits(74))


def plan(*asks: Ask) -> Write:
    """One transaction of some asks."""
    return Write(tuple(map(_step, asks)), None, "chaos", CLOCK.now(), CLOCK.monotonic_s() + DEADLINE_S)


def _step(ask: Ask) -> WriteStep:
    record_id = RecordId(ask.register)
    match ask.kind:
        case "create":
            return Create(record_id, _VIEW, {"number": ask.number, "text": ask.text}, chosen_id=True)
        case "replace":
            return Update(record_id, _VIEW, {"number": ask.number, "text": ask.text}, version=ask.expected)
        case "patch":
            return Update(record_id, _VIEW, {"number": ask.number}, version=ask.expected)
        case "delete":
            return Delete(record_id, _VIEW, version=ask.expected)
        case "read":
            raise ValueError(ask)


class Registers:
    """Asks a store for registers."""

    def __init__(self, store: SqliteStore, folder: Path) -> None:
        self.store = store
        self._turn = Turn(folder)

    async def do(self, ask: Ask) -> Answer:
        """Perform one ask (history.Do). Raises Broken: that is never an answer."""
        try:
            if ask.kind == "read":
                found = self.store.read_one(ReadOne(RecordId(ask.register), _VIEW))
                row = await found if isawaitable(found) else found
                return Answer("ok", _content(row)) if row is not None else Answer("missing")
            rows = await self.store.write(plan(ask))
        except Answerable as error:
            return Answer(_TOLD.get(error.code, "refused"))  # type: ignore[arg-type]  # its values are Told
        return Answer("ok", None if rows[0] is None else _content(rows[0]))

    async def do_together(self, asks: Sequence[Callable[[], "asyncio.Task[Answer]"]]) -> list[Answer]:
        """Start asks while the turn is held, so that their writes are one group, whatever the threads do."""
        with self._turn:
            tasks = [start() for start in asks]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return list(await asyncio.gather(*tasks))

    def close(self) -> None:
        """Release the turn."""
        self._turn.close()


def _content(row: Row) -> Content:
    members = msgspec.json.decode(row.text)
    return Content(members["version"], members["number"], members["text"])


@asynccontextmanager
async def open_registers(folder: Path, writes_by: Callable[[Path], apsw.Connection] = connect_often) -> AsyncIterator[Registers]:
    """The registers of a folder, made where there are none."""
    store = SqliteStore(CATALOG, folder, CLOCK, create=True, writes_by=writes_by)
    registers = Registers(store, folder)
    try:
        yield registers
    finally:
        await store.close()
        registers.close()


def read_all(folder: Path) -> dict[str, Content]:
    """Every register of a folder that nobody uses."""
    connection = open_reader(folder / "holdfast.db")
    try:
        rows = connection.execute("SELECT id, version, number, text FROM registers").fetchall()
        return {str(row[0]): Content(int(str(row[1])), int(str(row[2])), str(row[3])) for row in rows}
    finally:
        connection.close()


def verify(folder: Path) -> None:
    """Check everything that `holdfast verify` checks, and SQLite's own check of the whole file. Raises Failed."""
    audit = SqliteAudit(CATALOG, folder)
    try:
        verifier = Verifier(audit, CATALOG, sign_unkeyed)
        if not verifier.run():
            raise Failed(f"{folder} does not verify: {verifier.findings[:5]}")
    finally:
        audit.close()
    connection = open_reader(folder / "holdfast.db")
    try:
        found = connection.execute("PRAGMA integrity_check").fetchall()
    finally:
        connection.close()
    if found != [("ok",)]:
        raise Failed(f"{folder} is damaged: {found[:5]}")
