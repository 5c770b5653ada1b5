"""Bulk import: rows of a file through the validation of HTTP, into the store in batches, each row exactly once.

A row without an id gets one that follows from the import's name and the row itself. A second run therefore meets its own rows and
passes them by, however the first one ended: interrupted between two batches, or killed between a commit and its answer. A row that
was rejected and then corrected is loaded by the next run, alone.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import msgspec

from holdfast.base.errors import Detail, Misconfigured, Refused, Unavailable
from holdfast.base.ids import RecordId, parse_client_id
from holdfast.core.condition import OneOf, Path, Stored
from holdfast.core.plan import Create, Order, Page, ReadMany, Write
from holdfast.core.validate import BodyReader
from holdfast.core.view import View
from holdfast.engine.rows import Rejected, Row
from holdfast.model.catalog import FieldSpec, ResourceSpec
from holdfast.model.types import Choice, Date, Integer, Text, Timestamp, Uuid
from holdfast.ports.store import Store
from holdfast.ports.world import Clock

BATCH_ROWS = 500
"""Rows of one write, one after another: reading ahead while the store writes gains nothing (both want the interpreter: measured), and a
larger write would hold the turn longer than a server beside it likes."""

WAIT_FOR_STORE_S = 60.0
_RETRIES = 6

_SET_ANEW = frozenset({"version", "created_at", "updated_at", "created_by_id"})
"""What a dump holds and a new record gets anew."""

_KEY_TYPES = (Text, Integer, Uuid, Date, Timestamp, Choice)
"""Types whose JSON form and stored form are one and the same."""


@dataclass(slots=True)
class Loaded:
    """What became of the rows so far. `existing` were there already."""

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


@dataclass(slots=True)
class Loader:
    """Loads rows into one resource.

    name         names the import; rows of the same name and content are the same rows
    key          a unique field: a row whose value of it exists already is passed by
    on_rejected  called for each row that is not loaded
    on_progress  called after each batch
    """

    resource: ResourceSpec
    store: Store
    clock: Clock
    name: str
    request_id: str
    key: FieldSpec | None = None
    on_rejected: Callable[[Rejected], None] = lambda _rejected: None
    on_progress: Callable[[Loaded], None] = lambda _loaded: None
    loaded: Loaded = field(default_factory=Loaded)
    _reader: BodyReader = field(init=False)
    _view: View = field(init=False)
    _seen: Counter[bytes] = field(init=False, default_factory=Counter)
    _waiting: list[_Ready] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._reader = BodyReader(self.resource)
        self._view = View(self.resource, ())  # nobody looks at what was made

    async def load(self, rows: Iterable[Row | Rejected]) -> Loaded:
        """Load every row. A store that cannot take any now is waited for; Unavailable if that takes too long: run it again then."""
        for batch in _batches(rows):
            await self._load_batch(batch)
        await self._load_waiting()
        return self.loaded

    async def _load_batch(self, batch: list[Row | Rejected]) -> None:
        rows = [each for each in batch if isinstance(each, Row)]
        for each in batch:
            if isinstance(each, Rejected):
                self._reject(each)
        ids = {row.line: self._id_of(row) for row in rows}
        there = await self._find(self.resource.by_member["id"], set(ids.values()))
        keys = await self._find_keys(rows)
        fresh = [row for row in rows if ids[row.line] not in there and _key_of(row, self.key) not in keys]
        self.loaded.existing += len(rows) - len(fresh)
        await self._write([ready for row in fresh if (ready := self._validate(row, ids[row.line])) is not None])
        self.on_progress(self.loaded)

    def _id_of(self, row: Row) -> RecordId:
        given = row.value.get("id") if isinstance(row.value, dict) else None
        chosen = parse_client_id(given) if isinstance(given, str) else None
        return self._derive_id(row) if chosen is None else chosen

    def _derive_id(self, row: Row) -> RecordId:
        """The id of a row without one: the same for the n-th row of this content in imports of this name."""
        content = hashlib.blake2b(b"\0".join((self.resource.path.encode(), self.name.encode(), row.raw)), digest_size=16).digest()
        self._seen[content] += 1
        digest = hashlib.blake2b(content + self._seen[content].to_bytes(8, "big"), digest_size=16).hexdigest()
        return RecordId(f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}")

    def _validate(self, row: Row, record_id: RecordId) -> _Ready | None:
        value = row.value
        if isinstance(value, dict) and not _SET_ANEW.isdisjoint(value):
            value = {name: each for name, each in value.items() if name not in _SET_ANEW}
        try:
            created = self._reader.read_create(value)
        except Refused as refused:
            self._reject(_rejected(row.line, refused))
            return None
        return _Ready(row.line, Create(created.id or record_id, self._view, created.values, chosen_id=True))

    async def _write(self, batch: list[_Ready]) -> None:
        """Write a batch at once; if one row of it is refused, each by itself."""
        if not batch:
            return
        try:
            await self._run(tuple(each.step for each in batch))
            self.loaded.created += len(batch)
        except Refused:
            for refused, each in zip(await asyncio.gather(*map(self._write_one, batch)), batch, strict=True):
                self._settle(each, refused)

    async def _write_one(self, ready: _Ready) -> Refused | None:
        try:
            await self._run((ready.step,))
        except Refused as refused:
            return refused
        return None

    def _settle(self, ready: _Ready, refused: Refused | None) -> None:
        if refused is None:
            self.loaded.created += 1
        elif self._is_there(refused):
            self.loaded.existing += 1
        elif self._may_come(refused):
            self._waiting.append(ready)
        else:
            self._reject(_rejected(ready.line, refused))

    def _is_there(self, refused: Refused) -> bool:
        known = {"id"} if self.key is None else {"id", self.key.member}
        return refused.code == "unique_conflict" and bool(refused.details) and {each.field for each in refused.details} <= known

    def _may_come(self, refused: Refused) -> bool:
        """Whether all that is missing are records of the same resource, which may stand further down in the file."""
        return bool(refused.details) and all(
            each.code == "reference_missing" and _refers_to_itself(self.resource, each.field) for each in refused.details
        )

    async def _load_waiting(self) -> None:
        """Try the rows that wait for others again, as long as that brings any of them in."""
        while self._waiting:
            tried, self._waiting = self._waiting, []
            outcomes = await asyncio.gather(*map(self._write_one, tried))
            progress = any(refused is None for refused in outcomes)
            for refused, each in zip(outcomes, tried, strict=True):
                if progress or refused is None or not self._may_come(refused):
                    self._settle(each, refused)
                else:
                    self._reject(_rejected(each.line, refused))
            self.on_progress(self.loaded)

    async def _run(self, steps: tuple[Create, ...]) -> None:
        """Write, and wait for a store that cannot now. Sent twice after an unknown outcome it does no harm: the ids are the rows' own."""
        for attempt in range(_RETRIES):
            deadline_s = self.clock.monotonic_s() + WAIT_FOR_STORE_S
            try:
                await self.store.write(Write(steps, None, self.request_id, self.clock.now(), deadline_s))
            except Unavailable as unavailable:
                if attempt == _RETRIES - 1:
                    raise
                await asyncio.sleep(max(0.1, unavailable.retry_after_s) * (attempt + 1) / 2)
            else:
                return

    async def _find_keys(self, rows: list[Row]) -> frozenset[Stored]:
        if self.key is None:
            return frozenset()
        values = {_key_of(row, self.key) for row in rows} - {None}
        return await self._find(self.key, values)

    async def _find(self, spec: FieldSpec, values: Collection[Stored]) -> frozenset[Stored]:
        """Which of the values of a unique field exist."""
        if not values:
            return frozenset()
        view = View(self.resource, (self.resource.by_member["id"], spec) if spec.member != "id" else (spec,))
        by_id = (Order(Path(self.resource.by_member["id"])),)
        found = self.store.read_many(ReadMany(view, OneOf(Path(spec), tuple(values)), by_id, limit=len(values), count=False))
        page = found if isinstance(found, Page) else await found
        return frozenset(msgspec.json.decode(text)[spec.member] for text in page.rows)

    def _reject(self, rejected: Rejected) -> None:
        self.loaded.rejected += 1
        self.on_rejected(rejected)


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


def _key_of(row: Row, key: FieldSpec | None) -> Stored:
    value = row.value.get(key.member) if key is not None and isinstance(row.value, dict) else None
    return value if isinstance(value, (str, int)) and not isinstance(value, bool) else None


def _refers_to_itself(resource: ResourceSpec, member: str) -> bool:
    spec = resource.by_member.get(member)
    return spec is not None and spec.reference is not None and spec.reference.target == resource.path


def _rejected(line: int, refused: Refused) -> Rejected:
    return Rejected(line, refused.details or (Detail("", refused.code, refused.message),))


def _batches(rows: Iterable[Row | Rejected]) -> Iterator[list[Row | Rejected]]:
    source = iter(rows)
    while batch := list(islice(source, BATCH_ROWS)):
        yield batch
