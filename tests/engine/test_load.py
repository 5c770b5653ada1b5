"""Loading where the store cannot, or where others write at the same time."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from holdfast import Access, Backend, Ref, Resource, anyone
from holdfast import field as declare
from holdfast.base.errors import Unavailable
from holdfast.core.plan import Claim, Done, Page, ReadMany, ReadOne, Row, Write
from holdfast.engine.dump import dump_lines
from holdfast.engine.load import Loaded, Loader
from holdfast.engine.prepare import PreparedRows, prepare_file
from holdfast.engine.rows import Rejected
from holdfast.engine.sealing import Sealing
from holdfast.ports.store import Health, Store
from holdfast.store.sqlite.store import SqliteStore
from holdfast.world.clock import SystemClock
from holdfast.world.vault import Vault


class Plant(Resource):
    name: str = declare(max_length=10, unique=True)

    access = Access(read=anyone, write=anyone)


class Person(Resource, path="people"):
    boss: "Ref[Person] | None" = declare(default=None, on_delete="set_null")
    badge: int | None = declare(default=None, unique=True)

    access = Access(read=anyone, write=anyone)


BACKEND = Backend(Plant, Person)
PLANTS = BACKEND.catalog.resources["plants"]
PEOPLE = BACKEND.catalog.resources["people"]


@dataclass(slots=True)
class Weak:
    """A real store whose first writes fail: before they are made, or with their fate unknown after they were."""

    inner: Store
    failures: int
    code: str = "unavailable"
    writes: list[Write] = field(default_factory=list)

    def read_one(self, plan: ReadOne) -> Row | None | Awaitable[Row | None]:
        """As the real one."""
        return self.inner.read_one(plan)

    def read_many(self, plan: ReadMany) -> Page | Awaitable[Page]:
        """As the real one."""
        return self.inner.read_many(plan)

    async def write(self, plan: Write) -> tuple[Row | None, ...]:
        """As the real one, once the failures are used up."""
        self.writes.append(plan)
        self.failures -= 1
        if self.failures >= 0:
            if self.code == "outcome_unknown":
                await self.inner.write(plan)
            raise Unavailable(self.code, retry_after_s=0)
        return await self.inner.write(plan)

    def write_once(self, plan: Write, claim: Claim) -> Awaitable[Done]:
        """As the real one; a load claims no keys."""
        return self.inner.write_once(plan, claim)

    def health(self) -> Health:
        """As the real one."""
        return self.inner.health()

    async def close(self) -> None:
        """As the real one."""
        await self.inner.close()

    def moment(self) -> AbstractContextManager[None]:
        """As the store within."""
        return self.inner.moment()


def _load(folder: Path, lines: list[bytes], *, failures: int = 0, code: str = "unavailable") -> tuple[Loaded, list[Rejected], list[Write]]:
    path = folder / "plants.jsonl"
    path.write_bytes(b"".join(lines))
    rejected: list[Rejected] = []

    async def run() -> tuple[Loaded, list[Write]]:
        store = Weak(SqliteStore(BACKEND.catalog, folder, SystemClock(), create=True), failures, code)
        try:
            loader = Loader(PLANTS, store, Sealing(PLANTS, Vault(bytes(32))), SystemClock(), "load-plants", None, rejected.append)
            return await loader.load(prepare_file(path, "jsonl", PLANTS, None)), store.writes
        finally:
            await store.close()

    loaded, writes = asyncio.run(run())
    return loaded, rejected, writes


def _lines(count: int) -> list[bytes]:
    return [b'{"name": "P%d"}\n' % number for number in range(count)]


def test_a_store_that_cannot_now_is_waited_for(tmp_path: Path) -> None:
    """A write that is refused for a while is sent again, and every row is loaded once."""
    loaded, rejected, _ = _load(tmp_path, _lines(450), failures=2)

    assert (loaded.created, loaded.existing, rejected) == (450, 0, [])


def test_an_unknown_outcome_does_no_harm(tmp_path: Path) -> None:
    """A batch whose fate was unknown and that is sent again is found there, not doubled."""
    loaded, rejected, _ = _load(tmp_path, _lines(10), failures=1, code="outcome_unknown")
    again, _, _ = _load(tmp_path, _lines(10))

    assert (loaded.rows, loaded.existing, rejected) == (10, 10, [])
    assert (again.created, again.existing) == (0, 10)


def test_a_store_that_stays_away_ends_the_load(tmp_path: Path) -> None:
    """When the store takes nothing for long the load ends with its error; a later run loads everything."""
    with pytest.raises(Unavailable):
        _load(tmp_path, _lines(3), failures=100)

    assert _load(tmp_path, _lines(3))[0].created == 3


def test_rows_go_in_bounded_batches(tmp_path: Path) -> None:
    """Many rows share a write, and no write grows over its bound."""
    _, _, writes = _load(tmp_path, _lines(1_001))

    assert [len(each.steps) for each in writes] == [1_000, 1]
    assert {each.request_id for each in writes} == {"load-plants"}


def test_one_wrong_row_costs_its_batch_no_row(tmp_path: Path) -> None:
    """A row that only the store can refuse is rejected with its line; all beside it are loaded."""
    loaded, rejected, _ = _load(tmp_path, [*_lines(300), b'{"id": "018bcfe5-6800-7000-8000-000000000001", "name": "P7"}\n'])

    assert (loaded.created, loaded.rejected) == (300, 1)
    assert [(each.line, each.details[0].field, each.details[0].code) for each in rejected] == [(301, "name", "unique_conflict")]


def test_a_wrong_row_costs_few_writes(tmp_path: Path) -> None:
    """What stands before it and behind it goes in at once; it alone is judged by itself, whatever was written before it."""
    lines = _lines(900)
    wrong = [b'{"id": "018bcfe5-6800-7000-8000-%012d", "name": "P%d"}\n' % (number, number) for number in (7, 8, 500)]
    loaded, rejected, writes = _load(tmp_path, [*lines[:600], wrong[0], wrong[1], *lines[600:800], wrong[2], *lines[800:]])

    assert (loaded.created, loaded.rejected) == (900, 3)
    assert [each.line for each in rejected] == [601, 602, 803]
    assert {each.details[0].field for each in rejected} == {"name"}
    assert len(writes) == 9


def test_what_is_no_object_is_rejected(tmp_path: Path) -> None:
    """A row that is valid JSON but no record is rejected, and its id is not asked for."""
    loaded, rejected, _ = _load(tmp_path, [b"[1]\n", b"null\n", b'{"id": 7, "name": "x"}\n'])

    assert loaded.rejected == 3
    assert [each.details[0].code for each in rejected] == ["wrong_type", "wrong_type", "wrong_type"]


def test_batches_are_read_while_others_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many ahead and no more: what is handed over is bounded, and in order."""
    monkeypatch.setattr("holdfast.engine.load.AHEAD", 1)
    path = tmp_path / "plants.jsonl"
    path.write_bytes(b"".join(_lines(4_000)))
    events: list[str] = []

    async def run() -> Loaded:
        inner = SqliteStore(BACKEND.catalog, tmp_path, SystemClock(), create=True)

        class Watched(Weak):
            async def write(self, plan: Write) -> tuple[Row | None, ...]:
                events.append("write")
                rows = await Weak.write(self, plan)
                events.append("written")
                return rows

        def follow(batches: Iterable[PreparedRows]) -> Iterator[PreparedRows]:
            for batch in batches:
                events.append("read")
                yield batch

        store = Watched(inner, 0)
        try:
            loader = Loader(PLANTS, store, Sealing(PLANTS, Vault(bytes(32))), SystemClock(), "load-plants")
            return await loader.load(follow(prepare_file(path, "jsonl", PLANTS, None)))
        finally:
            await store.close()

    assert asyncio.run(run()).created == 4_000
    assert events == ["read", "write", *["read", "written", "write"] * 3, "written"]


def test_a_row_twice_in_neighbouring_batches_is_loaded_once(tmp_path: Path) -> None:
    """The second batch is looked up before the first is there: the database itself refuses the second row then."""
    lines = [b'{"id": "019a0000-0000-7000-8000-%012d", "name": "P%d"}\n' % (number, number) for number in range(1_000)]
    loaded, rejected, _ = _load(tmp_path, [*lines, lines[0], b'{"name": "Q"}\n'])
    assert (loaded.created, loaded.existing, rejected) == (1_001, 1, [])


class Gone(Exception):
    """The process is no more."""


class Doomed(Weak):
    """A store that is gone after as many writes as it was to fail at."""

    async def write(self, plan: Write) -> tuple[Row | None, ...]:
        """As the real one, until then."""
        if len(self.writes) == self.failures:
            raise Gone
        self.writes.append(plan)
        return await self.inner.write(plan)


@pytest.mark.parametrize("writes", range(4))
def test_a_load_that_ends_among_rows_that_wait_goes_on(tmp_path: Path, writes: int) -> None:
    """Whichever write of a chain and two circles is the last, a second run loads the rest, and each row refers to what it says."""
    ids = [f"019a0000-0000-7000-8000-{number:012d}" for number in range(3_300)]
    bosses = dict(zip(ids, [*ids[1:], ids[3_000]], strict=True)) | {ids[1_000]: None, ids[2_999]: ids[2_997]}
    path = tmp_path / "people.jsonl"
    path.write_bytes(b"".join(b'{"id":"%s","boss_id":%s}\n' % (each.encode(), msgspec.json.encode(boss)) for each, boss in bosses.items()))

    async def run(writes_max: int) -> tuple[Loaded, dict[str, str | None]]:
        store = SqliteStore(BACKEND.catalog, tmp_path, SystemClock(), create=True)
        try:
            loader = Loader(PEOPLE, Doomed(store, writes_max), Sealing(PEOPLE, Vault(bytes(32))), SystemClock(), "load-people")
            loaded = await loader.load(prepare_file(path, "jsonl", PEOPLE, None))
            lines = b"".join([part async for part in dump_lines(store, PEOPLE)]).splitlines()
            return loaded, {row["id"]: row["boss_id"] for row in map(msgspec.json.decode, lines)}
        finally:
            await store.close()

    with pytest.raises(Gone):
        asyncio.run(run(writes))
    loaded, found = asyncio.run(run(99))
    assert (loaded.created + loaded.existing, loaded.rejected) == (3_300, 0)
    assert found == bosses


@pytest.mark.parametrize("backwards", [False, True])
def test_a_wrong_row_costs_few_writes_among_rows_that_refer_to_each_other(tmp_path: Path, backwards: bool) -> None:  # noqa: FBT001  # a case
    """The batches behind it that refer to its neighbours are not tried row by row, and none of them is rejected."""
    ids = [f"019a0000-0000-7000-8000-{number:012d}" for number in range(3_500)]
    rows = [{"id": each, "boss_id": boss, "badge": number} for number, (each, boss) in enumerate(zip(ids, [None, *ids[:-1]], strict=True))]
    rows[500]["badge"] = 1
    rows[501]["boss_id"] = ids[499]
    path = tmp_path / "people.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in (reversed(rows) if backwards else rows)))
    rejected: list[int] = []

    async def run() -> tuple[Loaded, int]:
        store = Weak(SqliteStore(BACKEND.catalog, tmp_path, SystemClock(), create=True), 0)
        try:
            report = lambda each: rejected.append(each.line)  # noqa: E731
            loader = Loader(PEOPLE, store, Sealing(PEOPLE, Vault(bytes(32))), SystemClock(), "load-people", None, report)
            return await loader.load(prepare_file(path, "jsonl", PEOPLE, None)), len(store.writes)
        finally:
            await store.close()

    loaded, writes = asyncio.run(run())
    assert (loaded.created, rejected) == (3_499, [3_000 if backwards else 501])
    assert writes < 15
