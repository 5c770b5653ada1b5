"""The store: ports.Store on embedded SQLite."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import apsw

from holdfast.base.limits import DRAIN_S
from holdfast.core.journal import Seal
from holdfast.core.plan import Claim, Delete, Done, Erase, Page, ReadMany, ReadOne, Row, Undelete, Write
from holdfast.model.catalog import Catalog
from holdfast.ports.store import Health
from holdfast.ports.world import Clock
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite.account_steps import AccountSteps
from holdfast.store.sqlite.accounts import SqliteAccounts
from holdfast.store.sqlite.connection import open_bulk_writer, open_writer
from holdfast.store.sqlite.erasure import erase
from holdfast.store.sqlite.file import DatabaseFile
from holdfast.store.sqlite.fingerprint import Keys, bind_key, unkeyed
from holdfast.store.sqlite.health import HealthProbe
from holdfast.store.sqlite.lane import Lane
from holdfast.store.sqlite.once import Once
from holdfast.store.sqlite.queue import Work
from holdfast.store.sqlite.reader import Reader
from holdfast.store.sqlite.readings import SqliteJournal
from holdfast.store.sqlite.retention import Retention
from holdfast.store.sqlite.schema import prepare
from holdfast.store.sqlite.sealer import Sealer
from holdfast.store.sqlite.steps import Steps
from holdfast.store.sqlite.transaction import Transaction
from holdfast.store.sqlite.turn import Turn
from holdfast.store.sqlite.writer import Writer


class SqliteStore:
    """Runs plans on `holdfast.db` in a data folder.

    One for each process, made after a fork and used on one loop. Any number of processes may have one on the same folder.

    create     make folder, database and schema where there are none; else a missing database is refused
    keys       gives what signs the seals of the journal; asked once the folder is known to be good, because the key may be made in it
               (fingerprint.Keys)
    bulk       this process loads, and does nothing else: it writes in larger groups (Writer), with a larger cache, and without savepoints,
               so that a write that is refused costs its whole group to be run again
    writes_by  opens the connection that writes; the fault campaigns give one that checkpoints after every few pages
    journal_days  how long entries of the journal are kept that say nothing of today; None: always

    Raises Misconfigured where the database is missing, not ours, not writable, does not fit the catalog, or has another key.
    """

    def __init__(
        self,
        catalog: Catalog,
        data_dir: Path,
        clock: Clock,
        *,
        create: bool = False,
        keys: Keys = unkeyed,
        bulk: bool = False,
        writes_by: Callable[[Path], apsw.Connection] = open_writer,
        journal_days: int | None = None,
    ) -> None:
        renderer = Renderer(catalog)
        path = prepare(data_dir, catalog, renderer, clock, create=create)
        file = DatabaseFile(path)
        self._renderer = renderer
        self._wal = path.with_name(f"{path.name}-wal")
        self._steps = Steps(catalog, renderer)
        self._once = Once(renderer, self._steps.open, self._run)
        self._reader = Reader(file, renderer, clock)
        self.journal = SqliteJournal(self._reader, renderer)
        self._clock = clock
        sign = bind_key(path, renderer, keys)
        self._seal = Sealer(renderer.journal, sign)
        self._retention = None if journal_days is None else Retention(renderer, sign, journal_days)
        self._turn = Turn(data_dir)
        self._bulk = bulk
        self._writer = Writer(file, open_bulk_writer if bulk else writes_by, self._turn, clock, self._finish, bulk=bulk)
        self._account_steps = AccountSteps(catalog.users, renderer)
        self.accounts = SqliteAccounts(self._account_steps, self._reader, self._writer, renderer, clock)
        self._health = HealthProbe(file, Lane(file, clock), self._writer.tell_fault, clock)
        self._closed = False

    def read_one(self, plan: ReadOne) -> Row | None | Awaitable[Row | None]:
        """Read one record, at once unless it outlives its slice."""
        return self._reader.read_one(plan)

    def read_many(self, plan: ReadMany) -> Page | Awaitable[Page]:
        """Read one page with its total, at once unless they outlive their slice."""
        return self._reader.read_many(plan)

    def moment(self) -> AbstractContextManager[None]:
        """Read from one snapshot what is read at once."""
        return self._reader.moment()

    def write(self, plan: Write) -> Awaitable[tuple[Row | None, ...]]:
        """Queue a write for the next group; its rows come once they are durable."""
        return self._submit(lambda connection: self._run(self._steps.open(connection, plan), plan), plan)

    def write_once(self, plan: Write, claim: Claim) -> Awaitable[Done]:
        """Queue a write with an idempotency key; its rows, or the answer that is kept, come once it is durable."""
        return self._submit(lambda connection: self._once.run(connection, plan, claim), plan)

    def erase(self, plan: Erase) -> Awaitable[int]:
        """Queue the erasure of a record's payloads; how many entries lost theirs comes once it is durable."""
        return self._writer.submit(lambda connection: erase(connection, self._renderer, plan), plan.deadline_s)

    def health(self) -> Health:
        """The last known state, at most a second old."""
        return self._health.tell()

    def last_seal(self) -> Seal | None:
        """The newest seal of the journal; None if nothing was written yet, or it cannot be read now."""
        return self._reader.last_seal()

    @property
    def queued(self) -> int:
        """How many writes wait."""
        return self._writer.queued

    @property
    def wal_bytes(self) -> int:
        """The size of the write-ahead log; 0 where there is none."""
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0

    def _run(self, tx: Transaction, plan: Write) -> tuple[Row | None, ...]:
        """Use up the ticket of a write, run its steps, and end the sessions that end with them."""
        self._account_steps.use_ticket(tx.connection, plan)
        rows = self._steps.run(tx, plan)
        self._account_steps.follow(tx.connection, plan)
        return rows

    def _finish(self, connection: apsw.Connection) -> None:
        """End a group, inside its transaction."""
        self._seal(connection)
        now = self._clock.now()
        self._once.tidy(connection, now)
        self._account_steps.tidy(connection, now)
        if self._retention is not None:
            self._retention.step(connection, now)

    def _submit(self, work: Work, plan: Write) -> Awaitable[Any]:
        guarded = not self._bulk and (len(plan.steps) > 1 or any(isinstance(each, Delete | Undelete) for each in plan.steps))
        return self._writer.submit(work, plan.deadline_s, weight=len(plan.steps), guarded=guarded)

    async def close(self) -> None:
        """Finish what is queued, then release every connection, lock and thread. Idempotent."""
        if not self._closed:
            self._closed = True
            self.accounts.close()
            await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _close(self) -> None:
        if self._writer.close(DRAIN_S):
            self._turn.close()
        self._health.close()
        self._reader.close()
