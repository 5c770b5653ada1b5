"""Bulk import: rows of a file through the validation of HTTP, into the store in batches, each row exactly once.

Every row has an id before it is written (engine.prepare). A second run therefore meets its own rows and passes them by, however the
first one ended: interrupted between two batches, or killed between a commit and its answer. A row that was rejected and then corrected
is loaded by the next run, alone.

Rows may refer to rows of the same file. One that refers to what is not there yet waits until the file has been read to its end; then
each is written after those that it refers to, and those of a circle in one write. Since batches are written ahead, one that was split may
be overtaken by one that refers to it; that one waits too, and what still waits after a second round is written one batch after another.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from holdfast.base.errors import Misconfigured, Refused, Unavailable, detail
from holdfast.base.ids import RecordId
from holdfast.base.limits import CIRCLE_ROWS_MAX
from holdfast.core.condition import OneOf, Path, Stored
from holdfast.core.plan import Create, Order, ReadMany, Write
from holdfast.core.view import View
from holdfast.engine.circles import order_groups
from holdfast.engine.prepare import BATCH_ROWS, PreparedRow, PreparedRows, refusal_details
from holdfast.engine.reads import read_many
from holdfast.engine.rows import Rejected
from holdfast.engine.sealing import Sealing
from holdfast.model.catalog import FieldSpec, ResourceSpec
from holdfast.model.types import Choice, Date, Integer, Text, Timestamp, Uuid
from holdfast.ports.store import Store
from holdfast.ports.world import Clock

WAIT_FOR_STORE_S = 60.0
AHEAD = 8
"""Batches that the store has at a time: those of the transaction that it commits, and those of the next one."""

_RETRIES = 6
_PLACE = "[{}]"
_SAID_PLACE = re.compile(r"\[(\d+)\]\.?")
_TOO_LONG = f"leads in a circle of {{:,}} rows, of at most {CIRCLE_ROWS_MAX:,}: leave it out, and set it once they are loaded"

_KEY_TYPES = (Text, Integer, Uuid, Date, Timestamp, Choice)
"""Types whose JSON form and stored form are one and the same."""


@dataclass(slots=True)
class Loaded:
    """What became of the rows so far. `existing` were there already; `bytes_read` of the file have been."""

    bytes_read: int = 0
    created: int = 0
    existing: int = 0
    rejected: int = 0

    @property
    def rows(self) -> int:
        """Every row that was dealt with."""
        return self.created + self.existing + self.rejected


@dataclass(frozen=True, slots=True)
class _Ready:
    """A valid row, on its way into the store."""

    line: int
    step: Create


_Group = Sequence[_Ready]
"""Rows that are written together or not at all: one, or those of a circle."""


@dataclass(slots=True)
class Loader:
    """Loads rows into one resource.

    sealing      hashes and encrypts the secrets of rows, and judges them first
    key          the field by which the rows were prepared: one whose value of it exists already is passed by
    on_rejected  called for each row that is not loaded
    on_progress  called after each batch
    """

    resource: ResourceSpec
    store: Store
    sealing: Sealing
    clock: Clock
    request_id: str
    key: FieldSpec | None = None
    on_rejected: Callable[[Rejected], None] = lambda _rejected: None
    on_progress: Callable[[Loaded], None] = lambda _loaded: None
    loaded: Loaded = field(default_factory=Loaded)
    _view: View = field(init=False)
    _own: tuple[str, ...] = field(init=False)  # members that refer to records of this very resource
    _sent: set[RecordId] = field(init=False, default_factory=set)  # records that the store has, and may not have written yet
    _waiting: list[_Ready] = field(init=False, default_factory=list)
    _at_end: bool = field(init=False, default=False)  # nothing else is being written that a row could wait for

    def __post_init__(self) -> None:
        self._view = View(self.resource, ())  # nobody looks at what was made
        self._own = tuple(each.member for each in self.resource.fields if each.reference and each.reference.target == self.resource.path)

    async def load(self, batches: Iterable[PreparedRows]) -> Loaded:
        """Load every row. A store that cannot take any now is waited for; Unavailable if that takes too long: run it again then."""
        await self._write_each((await self._open_batch(each), each.bytes_read) for each in batches)
        await self._write_each(self._group_waiting())
        self._at_end = True
        while self._waiting:
            await self._write_each(self._group_waiting())
        return self.loaded

    async def _write_each(self, batches: AsyncIterator[tuple[Sequence[_Group], int]]) -> None:
        """Write batches ahead: while the store writes some, the next ones are received and looked up. They are handed over in order.

        At the end one after another, so that what is refused then is refused for good.
        """
        writing: deque[asyncio.Task[None]] = deque()
        try:
            async for batch, bytes_read in batches:
                if len(writing) == (1 if self._at_end else AHEAD):
                    await writing.popleft()
                writing.append(asyncio.create_task(self._write_batch(batch, bytes_read)))
                await asyncio.sleep(0)  # until the store has it: what comes next may take its time
            while writing:
                await writing.popleft()
        finally:
            for each in writing:
                each.cancel()

    async def _open_batch(self, batch: PreparedRows) -> list[_Group]:
        """The rows of a batch that are neither wrong nor there already."""
        rows = [each for each in batch.rows if isinstance(each, PreparedRow)]
        for each in batch.rows:
            if isinstance(each, Rejected):
                self._reject(each)
        there = await self._find(self.resource.by_member["id"], {each.id for each in rows})
        keys = await self._find(self.key, {each.key for each in rows} - {None}) if self.key else frozenset()
        fresh = [each for each in rows if each.id not in there and each.key not in keys]
        self.loaded.existing += len(rows) - len(fresh)
        ready = [ready for each in fresh if (ready := await self._ready(each)) is not None]
        return [(each,) for each in (await self._hold_back(ready) if self._own else ready)]

    async def _hold_back(self, batch: list[_Ready]) -> list[_Ready]:
        """The rows of a batch that refer to what is there or is being written; the others wait."""
        there: set[Stored] = set(self._sent)  # before it is looked: what is written meanwhile is in one of the two
        there |= await self._find(self.resource.by_member["id"], {each for row in batch for each in self._targets(row)})
        going: list[_Ready] = []
        for row in batch:
            if self._targets(row) <= there:
                there.add(row.step.id)
                going.append(row)
            else:
                self._waiting.append(row)
        self._sent.update(each.step.id for each in going)
        return going

    def _targets(self, row: _Ready) -> set[Stored]:
        """The other records of this resource that a row refers to."""
        return {row.step.values[each] for each in self._own} - {None, row.step.id}

    async def _write_batch(self, batch: Sequence[_Group], bytes_read: int) -> None:
        await self._write(batch)
        self._sent.difference_update(each.step.id for group in batch for each in group)
        self.loaded.bytes_read = max(self.loaded.bytes_read, bytes_read)
        self.on_progress(self.loaded)

    async def _ready(self, row: PreparedRow) -> _Ready | None:
        if row.values is None:
            self._reject(Rejected(row.line, row.details))
            return None
        try:
            values = await self.sealing.seal(row.values)
        except Refused as refused:
            self._reject(Rejected(row.line, refusal_details(refused)))
            return None
        return _Ready(row.line, Create(row.id, self._view, values, chosen_id=True, index_text=row.index_text))

    async def _write(self, batch: Sequence[_Group]) -> None:
        """Write a batch at once; if a group of it is refused, what stands before it, that group by itself, and what stands behind it.

        Where it refers to what may still come it waits whole: to try each of its rows would be in vain for most of them.
        """
        parts = [batch]
        while parts:
            part = parts.pop()
            if not part:
                continue
            rows = [(place, each) for place, group in enumerate(part) for each in group]
            try:
                await self._run(tuple(each.step for _, each in rows), circular=len(rows) > len(part))
                self.loaded.created += len(rows)
            except Refused as refused:
                place, row = rows[_take_place(refused)]
                if self._may_come(refused):
                    self._waiting += (each for _, each in rows)
                elif len(part) == 1:
                    self._settle(part[0], row, refused)
                else:
                    parts += [part[place + 1 :], part[place : place + 1], part[:place]]

    def _settle(self, group: _Group, row: _Ready, refused: Refused) -> None:
        """Say what becomes of a group that is refused for one of its rows."""
        others = [each for each in group if each is not row]
        if self._is_there(refused):
            self.loaded.existing += 1
            self._waiting += others
        else:
            self._reject(Rejected(row.line, refusal_details(refused)))
            self._reject_circle(group, others, f"leads in a circle to row {row.line}, which is rejected")

    def _is_there(self, refused: Refused) -> bool:
        known = {"id"} if self.key is None else {"id", self.key.member}
        return refused.code == "unique_conflict" and bool(refused.details) and {each.field for each in refused.details} <= known

    def _may_come(self, refused: Refused) -> bool:
        """Whether all that is missing are records of the same resource: a batch before may have been split, and still be written."""
        missing = bool(refused.details) and all(each.code == "reference_missing" and each.field in self._own for each in refused.details)
        return missing and not self._at_end

    async def _group_waiting(self) -> AsyncIterator[tuple[Sequence[_Group], int]]:
        """The rows that wait in batches, each after those that it refers to. Of rows with one id the first is in them."""
        rows: dict[Stored, _Ready] = {}
        self._waiting = [each for each in self._waiting if rows.setdefault(each.step.id, each) is not each]
        for batch in _batches(self._group(rows)):
            yield batch, 0

    def _group(self, rows: Mapping[Stored, _Ready]) -> Iterator[_Group]:
        """Rows in groups, each group after those that it refers to. Circles that are too long are rejected."""
        for keys in order_groups({key: self._targets(row) & rows.keys() for key, row in rows.items()}):
            group = [rows[each] for each in keys]
            if len(group) <= CIRCLE_ROWS_MAX:
                yield group
            else:
                self._reject_circle(group, group, _TOO_LONG.format(len(group)))

    def _reject_circle(self, circle: _Group, rows: _Group, predicate: str) -> None:
        """Reject rows of a circle at the members that lead into it."""
        ids = {each.step.id for each in circle}
        for row in rows:
            members = [each for each in self._own if row.step.values[each] in ids and row.step.values[each] != row.step.id]
            self._reject(Rejected(row.line, tuple(detail(each, "reference_missing", f"This {predicate}.") for each in members)))

    async def _run(self, steps: tuple[Create, ...], *, circular: bool = False) -> None:
        """Write, and wait for a store that cannot now. Sent twice after an unknown outcome it does no harm: the ids are the rows' own."""
        for attempt in range(_RETRIES):
            deadline_s = self.clock.monotonic_s() + WAIT_FOR_STORE_S
            try:
                prefix = _PLACE if len(steps) > 1 else ""
                plan = Write(steps, None, self.request_id, self.clock.now(), deadline_s, prefix, circular=circular)
                await self.store.write(plan)
            except Unavailable as unavailable:
                if attempt == _RETRIES - 1:
                    raise
                await asyncio.sleep(max(0.1, unavailable.retry_after_s) * (attempt + 1) / 2)
            else:
                return

    async def _find(self, spec: FieldSpec, values: Collection[Stored]) -> frozenset[Stored]:
        """Which of the values of a unique field exist."""
        if not values:
            return frozenset()
        view = View(self.resource, (self.resource.by_member["id"], spec) if spec.member != "id" else (spec,))
        by_id = (Order(Path(self.resource.by_member["id"])),)
        plan = ReadMany(view, OneOf(Path(spec), tuple(values)), by_id, limit=len(values), count=False)
        page = await read_many(self.store, plan)
        return frozenset(msgspec.json.decode(text)[spec.member] for text in page.rows)

    def _reject(self, rejected: Rejected) -> None:
        self.loaded.rejected += 1
        self.on_rejected(rejected)


def _take_place(refused: Refused) -> int:
    """Which step of a write was refused, taken out of the details; the first, where it is not said."""
    said = _SAID_PLACE.match(refused.details[0].field) if refused.details else None
    if said is None:
        return 0
    refused.details = tuple(replace(each, field=each.field.removeprefix(said[0])) for each in refused.details)
    return int(said[1])


def _batches(groups: Iterable[_Group]) -> Iterator[list[_Group]]:
    """Groups in batches of BATCH_ROWS rows, of more only where the last group is a circle."""
    batch: list[_Group] = []
    rows = 0
    for group in groups:
        batch.append(group)
        rows += len(group)
        if rows >= BATCH_ROWS:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def find_key(resource: ResourceSpec, name: str) -> FieldSpec:
    """The field that `--key` names. Raises Misconfigured where it cannot tell records apart."""
    spec = resource.by_member.get(name) or resource.by_name.get(name)
    able = [each.member for each in resource.fields if _is_key(resource, each)]
    if spec is None or not _is_key(resource, spec):
        problem = "There is no such field." if spec is None else "It is not a unique text, integer, date, datetime, UUID or choice."
        mend = f"These are: {', '.join(able)}." if able else "Leave --key out: rows are told apart by their content then."
        raise Misconfigured(f"{resource.path}: --key {name}", problem, mend)
    return spec


def _is_key(resource: ResourceSpec, spec: FieldSpec) -> bool:
    return (spec.unique or (spec.member,) in resource.unique) and isinstance(spec.type, _KEY_TYPES) and spec.secret is None
