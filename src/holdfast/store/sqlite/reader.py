"""The reader: short reads at once on the loop, each with a slice of time; what outlives it is run again in the pool."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from holdfast.base.errors import HoldfastError, Unavailable
from holdfast.base.limits import REQUEST_DEADLINE_S
from holdfast.core.journal import Seal
from holdfast.core.plan import CallerChanged, Page, ReadMany, ReadOne, Row
from holdfast.core.size import page_too_large
from holdfast.ports.world import Clock
from holdfast.store.sql.render import Renderer
from holdfast.store.sql.statement import Statement
from holdfast.store.sqlite.counter import SLICE_S, CountElsewhere, Counter
from holdfast.store.sqlite.file import DatabaseFile
from holdfast.store.sqlite.lane import Lane, TooSlow
from holdfast.store.sqlite.pool import ReadPool
from holdfast.store.sqlite.sight import check_epoch
from holdfast.store.sqlite.totals import Key, Totals, build_key

Value = TypeVar("Value")

SLOW_KEPT = 256  # texts of lists that outlived their slice
SLOW_FOR_S = 30.0  # so long they go to the pool directly; then one may try again


class Reader:
    """Reads for one loop. Its methods are called on the loop."""

    def __init__(self, file: DatabaseFile, renderer: Renderer, clock: Clock) -> None:
        self._renderer = renderer
        self._now_s = clock.monotonic_s
        self._lane = Lane(file, clock)
        self._pool = ReadPool(file, clock)
        self._counter = Counter(renderer, Totals(), clock)
        self._slow: OrderedDict[str, float] = OrderedDict()
        self._flights: dict[Key, asyncio.Future[None]] = {}

    def read_one(self, plan: ReadOne) -> Row | None | Awaitable[Row | None]:
        """Read one record."""
        self._lane.limit.stop_at_s = self._now_s() + SLICE_S
        try:
            return self._fetch_one(self._lane, plan)
        except TooSlow:
            return self._pool.run(lambda lane: self._fetch_one(lane, plan), REQUEST_DEADLINE_S)

    def read_many(self, plan: ReadMany) -> Page | Awaitable[Page]:
        """Read one page and, where it is asked for, its total, both of one moment."""
        if self._flights and plan.count and _key(plan) in self._flights:
            return self._count_first(plan)
        text = self._render(plan).text
        if self._slow and self._slow.get(text, 0.0) > self._now_s():
            return self._fetch_later(plan)
        try:
            return self._fetch_now(plan)
        except TooSlow:
            self._remember_slow(text)
            return self._fetch_later(plan)
        except CountElsewhere:
            return self._count_first(plan)

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Read from one snapshot what is read on the loop meanwhile. Where none can be begun, each read says so itself."""
        self._lane.limit.stop_at_s = self._now_s() + SLICE_S
        try:
            self._lane.begin()
        except (TooSlow, HoldfastError):
            yield
            return
        try:
            yield
        finally:
            self._lane.end()

    def run(self, read: Callable[[Lane], Value]) -> Value | Awaitable[Value]:
        """Run a short read at once; in the pool if it outlives its slice."""
        self._lane.limit.stop_at_s = self._now_s() + SLICE_S
        try:
            return read(self._lane)
        except TooSlow:
            return self._pool.run(read, REQUEST_DEADLINE_S)

    def head(self) -> int:
        """The last sequence of the journal; one step into its index."""
        return int(self.fetch(self._renderer.head())[0][0])

    def fetch(self, statement: Statement) -> list[tuple[Any, ...]]:
        """Run a statement of a few steps into an index, at once. Raises Unavailable if even that outlives its slice, twice.

        It takes microseconds, so that when it is late the machine had something else to do just then.
        """
        for _ in range(2):
            self._lane.limit.stop_at_s = self._now_s() + SLICE_S
            try:
                return self._lane.fetch(statement)
            except TooSlow:
                continue
        raise Unavailable("deadline_exceeded")

    def last_seal(self) -> Seal | None:
        """The newest seal; None if there is none, or it cannot be read now."""
        self._lane.limit.stop_at_s = self._now_s() + SLICE_S
        try:
            found = self._lane.fetch(self._renderer.journal.last_seal())
        except (TooSlow, HoldfastError):
            return None
        return Seal(*found[0]) if found else None

    def close(self) -> None:
        """Release every connection and thread; blocks."""
        self._pool.close()
        self._lane.close()

    def _fetch_one(self, lane: Lane, plan: ReadOne) -> Row | None:
        rows = lane.fetch(self._renderer.read_one(plan))
        if not rows:
            check_epoch(lane.fetch, self._renderer, plan.caller)
            return None
        if plan.caller is None:
            ((text, version, included),) = rows
            return Row(text, plan.id, version, included)
        ((text, version, included, epoch),) = rows
        if epoch != plan.caller.epoch:
            raise CallerChanged("the identity epoch has moved")
        return Row(text, plan.id, version, included)

    def _fetch_now(self, plan: ReadMany) -> Page:
        self._lane.limit.stop_at_s = self._now_s() + SLICE_S
        return self._fetch_page(self._lane, plan, on_loop=True)

    def _fetch_later(self, plan: ReadMany) -> Awaitable[Page]:
        return self._pool.run(lambda lane: self._fetch_page(lane, plan, on_loop=False), REQUEST_DEADLINE_S)

    def _fetch_page(self, lane: Lane, plan: ReadMany, *, on_loop: bool) -> Page:
        if not plan.count:
            rows = self._fetch_rows(lane, plan)
            check_epoch(lane.fetch, self._renderer, plan.caller)
            return _build_page(plan, rows, None)
        lane.begin()
        try:
            rows = self._fetch_rows(lane, plan)
            total = self._counter.tell(lane, plan.view.resource, plan.where, on_loop=on_loop)
            check_epoch(lane.fetch, self._renderer, plan.caller)
        finally:
            lane.end()
        return _build_page(plan, rows, total)

    def _fetch_rows(self, lane: Lane, plan: ReadMany) -> list[tuple[Any, ...]]:
        rows, whole = lane.fetch_within(self._render(plan), 0)
        if not whole:
            raise page_too_large()
        return rows

    def _render(self, plan: ReadMany) -> Statement:
        return self._renderer.read_many(plan, dense=self._counter.is_dense(plan))

    async def _count_first(self, plan: ReadMany) -> Page:
        """Count in a thread, once for all who ask at the same time, then read page and total from one snapshot all the same."""
        await asyncio.shield(self._flights.get(_key(plan)) or self._recount(plan))
        try:
            return self._fetch_now(plan)
        except (TooSlow, CountElsewhere):
            return await self._fetch_later(plan)

    def _recount(self, plan: ReadMany) -> "asyncio.Future[None]":
        key = _key(plan)
        flight = asyncio.ensure_future(
            self._pool.run(lambda lane: self._counter.recount(lane, plan.view.resource, plan.where), REQUEST_DEADLINE_S)
        )
        self._flights[key] = flight
        flight.add_done_callback(lambda done: self._land(key, done))
        return flight

    def _land(self, key: Key, flight: "asyncio.Future[None]") -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # told to whoever still waits; if nobody does, it is nobody's

    def _remember_slow(self, text: str) -> None:
        self._slow[text] = self._now_s() + SLOW_FOR_S
        self._slow.move_to_end(text)
        if len(self._slow) > SLOW_KEPT:
            self._slow.popitem(last=False)


def _key(plan: ReadMany) -> Key:
    return build_key(plan.view.resource, plan.where)


def _build_page(plan: ReadMany, rows: list[tuple[Any, ...]], total: int | None) -> Page:
    """The page of a plan; one row more than asked for tells that the list goes on."""
    shown = rows[: plan.limit]
    following = tuple(shown[-1][1:]) if len(rows) > plan.limit else None
    return Page(tuple(row[0] for row in shown), following, total)
