"""Listeners who are granted the same share one reading of each commit; who is granted something else, or nothing more, never does."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streams_harness import PASSWORD, Listener, Served, body_of, working

from holdfast import Access, Backend, Ref, Resource, anyone, field, now, owner, role, signed_in, this
from holdfast.base.instant import Instant
from holdfast.core.readings import ChangesPage, ReadChanges, Touched
from holdfast.engine import follower
from holdfast.store.sqlite import readings as stored
from holdfast.store.sqlite.readings import SqliteJournal
from holdfast.world.clock import SystemClock


class Note(Resource):
    """What readers may read."""

    text: str

    access = Access(read=role("reader"), write=anyone)


class Diary(Resource):
    """What each reads alone."""

    text: str

    access = Access(read=owner, write=signed_in)


class Letter(Resource):
    """What readers may read but for a field."""

    text: str
    code: str | None = field(default=None, readable_by=owner)

    access = Access(read=role("reader"), write=signed_in)


class Flyer(Resource):
    """What everybody may read."""

    text: str

    access = Access(read=anyone, write=anyone)


class Poster(Resource):
    """What everybody may read for a time."""

    text: str
    until: datetime

    access = Access(read=this.until > now, write=anyone)


class Room(Resource):
    """Where books stand."""

    is_open: bool

    access = Access(read=anyone, write=anyone)


class Book(Resource):
    """What everybody may read while its room is open."""

    title: str
    room: Ref[Room]

    access = Access(read=this.room.is_open, write=anyone)


RULED = Backend(Note, Diary, Letter)
TIMELY = Backend(Flyer, Poster)
REFERRING = Backend(Room, Book)
OPEN = Backend(Room, Flyer)
BEGAN = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[ReadChanges]:
    """Every reading of changes that the store is asked for."""
    asked: list[ReadChanges] = []
    read = SqliteJournal.read_changes

    def count(journal: SqliteJournal, plan: ReadChanges) -> ChangesPage | Awaitable[ChangesPage]:
        asked.append(plan)
        return read(journal, plan)

    monkeypatch.setattr(SqliteJournal, "read_changes", count)
    return asked


async def hear_all(listeners: list[Listener], count: int) -> None:
    """Wait until each has heard so many events."""
    for each in listeners:
        await each.hear(count)


async def add_user(served: Served, name: str, *roles: str) -> str:
    """A user who can sign in: their address."""
    email = f"{name}@example.org"
    await served.worker.roster.add_user(email, PASSWORD, roles, {})
    return email


def test_sessions_of_a_user_share_one_reading_of_a_commit(tmp_path: Path, readings: list[ReadChanges]) -> None:
    """Whatever sessions its listeners came by, and although rules name the user, a commit is read once for all of them."""

    async def story() -> None:
        async with working(tmp_path, RULED) as served:
            email = await add_user(served, "ada", "reader")
            tokens = [await served.sign_in(email) for _ in range(2)]
            listeners = [await served.listen("", token) for token in tokens * 3]
            await served.make("/diaries", tokens[0], text="First")
            await hear_all(listeners, 1)
            readings.clear()
            await served.make("/diaries", tokens[1], text="Second")
            await hear_all(listeners, 2)
            assert len(readings) == 1

    asyncio.run(story())


def test_users_of_the_same_grants_share_one_reading_of_a_commit(tmp_path: Path, readings: list[ReadChanges]) -> None:
    """Where no rule that is asked tells two callers apart, neither does a reading."""

    async def story() -> None:
        async with working(tmp_path, RULED) as served:
            tokens = [await served.worker.roster.add_key(f"key{number}", ["reader"], None, {}) for number in range(3)]
            listeners = [await served.listen("?resource=notes", token) for token in tokens]
            await served.make("/notes", text="First")
            await hear_all(listeners, 1)
            readings.clear()
            await served.make("/notes", text="Second")
            await hear_all(listeners, 2)
            assert len(readings) == 1

    asyncio.run(story())


def test_listeners_of_other_grants_hear_only_what_is_theirs(tmp_path: Path, readings: list[ReadChanges]) -> None:
    """Two users whose rules name them read for themselves, and neither hears of the other's."""

    async def story() -> None:
        async with working(tmp_path, RULED) as served:
            tokens = [await served.worker.roster.add_key(name, ["reader"], None, {}) for name in ("ada", "bob")]
            ada, bob = [await served.listen("?resource=diaries", token) for token in tokens]
            await served.make("/diaries", tokens[0], text="Ada's")
            await served.make("/diaries", tokens[1], text="Bob's")
            assert [each["after"]["text"] for each in await ada.hear(1)] == ["Ada's"]
            assert [each["after"]["text"] for each in await bob.hear(1)] == ["Bob's"]
            readings.clear()
            await served.make("/diaries", tokens[0], text="Ada's second")
            await served.make("/diaries", tokens[1], text="Bob's second")
            assert [each["after"]["text"] for each in await ada.hear(2)] == ["Ada's", "Ada's second"]
            assert [each["after"]["text"] for each in await bob.hear(2)] == ["Bob's", "Bob's second"]
            assert len({plan.watched["diaries"].where for plan in readings}) == 2

    asyncio.run(story())


def test_users_share_a_reading_of_what_no_rule_tells_them_apart_for(tmp_path: Path, readings: list[ReadChanges]) -> None:
    """A commit asks the rules of the resources that it touched alone: those elsewhere that name the user make no reading of their own."""

    async def story() -> None:
        async with working(tmp_path, RULED) as served:
            tokens = [await served.worker.roster.add_key(f"key{number}", ["reader"], None, {}) for number in range(3)]
            listeners = [await served.listen("", token) for token in tokens]
            await served.make("/notes", text="First")
            await hear_all(listeners, 1)
            readings.clear()
            await served.make("/notes", text="Second")
            await hear_all(listeners, 2)
            assert [list(plan.watched) for plan in readings] == [["notes"]]

    asyncio.run(story())


@pytest.mark.parametrize(("query", "roles"), [("?resource=diaries", ["reader"]), ("", [])], ids=["not asked for", "not granted"])
def test_a_commit_that_holds_nothing_for_a_listener_is_not_read_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, readings: list[ReadChanges], query: str, roles: list[str]
) -> None:
    """They go on behind it without a reading, and are told what comes then."""
    looked = asyncio.Event()
    look = SqliteJournal.read_touched

    def note_look(journal: SqliteJournal, after: int, upto: int) -> Touched | Awaitable[Touched]:
        if after >= 3:
            looked.set()
        return look(journal, after, upto)

    monkeypatch.setattr(SqliteJournal, "read_touched", note_look)

    async def story() -> None:
        async with working(tmp_path, RULED) as served:
            tokens = [await served.worker.roster.add_key(name, roles, None, {}) for name in ("ada", "bob")]
            listeners = [await served.listen(query, token) for token in tokens]
            while not looked.is_set():
                await served.make("/notes", text="Not for them")
                await asyncio.sleep(0.05)
            assert not readings
            for token in tokens:
                await served.make("/diaries", token, text="Theirs")
            assert [[each["after"]["text"] for each in await listener.hear(1)] for listener in listeners] == [["Theirs"], ["Theirs"]]
            assert min(plan.after for plan in readings) >= 3

    asyncio.run(story())


def test_a_listener_far_behind_is_led_on_by_many_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each goes a bounded way, also where there is nothing on it for them."""
    monkeypatch.setattr(stored, "SCANNED_MAX", 2)

    async def story() -> None:
        async with working(tmp_path, OPEN) as served:
            for path in ("/flyers", "/flyers", "/flyers", "/flyers", "/flyers", "/rooms", "/flyers"):
                await served.make(path, **({"text": "Passed over"} if path == "/flyers" else {"is_open": True}))
            listener = await served.listen("?after=0&resource=rooms")
            assert [each["seq"] for each in await listener.hear(1)] == [6]
            await served.make("/rooms", is_open=False)
            assert [each["seq"] for each in await listener.hear(2)] == [6, 8]

    asyncio.run(story())


def test_what_is_committed_after_a_look_is_told_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading goes no further than the look that chose its resources: what touches another one meanwhile is not passed over."""
    look = SqliteJournal.read_touched

    async def story() -> None:
        async with working(tmp_path, OPEN) as served:

            async def write_meanwhile(touched: Touched) -> Touched:
                await served.make("/rooms", is_open=True)
                return touched

            def look_slowly(journal: SqliteJournal, after: int, upto: int) -> Touched | Awaitable[Touched]:
                found = look(journal, after, upto)
                return write_meanwhile(found) if isinstance(found, Touched) and found.paths == {"flyers"} else found

            monkeypatch.setattr(SqliteJournal, "read_touched", look_slowly)
            listener = await served.listen()
            await served.make("/flyers", text="First")
            assert [(each["seq"], each["resource"]) for each in await listener.hear(2)] == [(1, "flyers"), (2, "rooms")]

    asyncio.run(story())


def test_a_rule_that_asks_the_time_elsewhere_keeps_nobody_from_sharing(tmp_path: Path, readings: list[ReadChanges]) -> None:
    """Of a resource whose rules do not ask what time it is, a commit is read once for all, although others' rules do."""

    async def story() -> None:
        async with working(tmp_path, TIMELY) as served:
            listeners = [await served.listen("?resource=flyers") for _ in range(5)]
            await served.make("/flyers", text="First")
            await hear_all(listeners, 1)
            readings.clear()
            await served.make("/flyers", text="Second")
            await hear_all(listeners, 2)
            assert len(readings) == 1

    asyncio.run(story())


def test_what_a_later_instant_does_not_grant_is_not_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes when the time of a record is over is not told what was read of it while it lasted, at whatever place they stand."""
    at = BEGAN

    def tell(_clock: SystemClock) -> Instant:
        return Instant(int(at.timestamp() * 1_000_000))

    monkeypatch.setattr(SystemClock, "now", tell)

    async def story() -> None:
        nonlocal at
        async with working(tmp_path, TIMELY) as served:
            await served.make("/posters", text="Soon over", until=(BEGAN + timedelta(minutes=1)).isoformat())
            await served.make("/flyers", text="For ever")
            early = await served.listen("?after=0")
            assert [each["after"]["text"] for each in await early.hear(2)] == ["Soon over", "For ever"]
            at += timedelta(minutes=2)
            late = await served.listen("?after=0")
            assert [each["after"]["text"] for each in await late.hear(1)] == ["For ever"]

    asyncio.run(story())


def test_what_a_commit_has_hidden_is_not_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that looks at another record holds as that stands: who comes after a commit is told by it, although nobody looked since."""
    monkeypatch.setattr(follower, "LOOK_S", 3600.0)

    async def story() -> None:
        async with working(tmp_path, REFERRING) as served:
            room = body_of(await served.ask("POST", "/rooms", {"is_open": True}))["data"]["id"]
            await served.make("/books", title="Seen for a time", room_id=room)
            early = await served.listen("?after=0")
            assert [each["resource"] for each in await early.hear(2)] == ["rooms", "books"]
            closed = await served.ask("PATCH", f"/rooms/{room}?version=1", {"is_open": False})
            assert closed.status == 200, closed
            late = await served.listen("?after=0")
            assert [(each["resource"], each["operation"]) for each in await late.hear(2)] == [("rooms", "created"), ("rooms", "updated")]

    asyncio.run(story())


def test_a_session_that_ended_hears_nothing_more(tmp_path: Path) -> None:
    """The stream of a session that was ended ends without the next commit, although another session of the user reads it."""

    async def story() -> None:
        async with working(tmp_path, RULED) as served:
            email = await add_user(served, "ada", "reader")
            tokens = [await served.sign_in(email) for _ in range(2)]
            gone, left = [await served.listen("", token) for token in tokens]
            await served.make("/notes", text="For both")
            await hear_all([gone, left], 1)
            reply = await served.ask("POST", "/auth/logout", authorization=f"Bearer {tokens[0]}")
            assert reply.status == 200, body_of(reply)
            await served.make("/notes", text="For one")
            await gone.end()
            assert len(await left.hear(2)) == 2
            assert len(gone.events) == 1

    asyncio.run(story())


def test_a_session_that_ended_begins_no_stream(tmp_path: Path) -> None:
    """Although there is nothing to read for it, and others of the same grants listen at that place."""

    async def story() -> None:
        async with working(tmp_path, RULED) as served:
            email = await add_user(served, "ada", "reader")
            tokens = [await served.sign_in(email) for _ in range(2)]
            for token in tokens:
                await served.listen("", token)
            await served.ask("POST", "/auth/logout", authorization=f"Bearer {tokens[0]}")
            await served.listen("", tokens[1])
            assert (await served.open("", tokens[0])).status == 401

    asyncio.run(story())


def test_a_user_who_may_read_nothing_more_is_not_kept(tmp_path: Path) -> None:
    """Their stream ends at the next commit, also where that holds nothing for them."""

    async def story() -> None:
        async with working(tmp_path, RULED) as served:
            ada = await add_user(served, "ada", "reader")
            demoted = await served.listen("?resource=notes", await served.sign_in(ada))
            await served.worker.roster.change(ada, {"roles": []})
            await demoted.end()
            assert not demoted.events
            refused = await served.open("?resource=notes&after=900000", await served.sign_in(ada))
            assert (refused.status, body_of(refused)["error"]["code"]) == (403, "forbidden")

    asyncio.run(story())


def test_a_user_who_was_demoted_hears_nothing_more(tmp_path: Path) -> None:
    """All streams of a user whose role was taken are without the next commit, although others of that role read it at the same place."""

    async def story() -> None:
        async with working(tmp_path, RULED) as served:
            ada, bob = [await add_user(served, name, "reader") for name in ("ada", "bob")]
            demoted = [await served.listen("?resource=notes", token) for token in [await served.sign_in(ada) for _ in range(2)]]
            left = await served.listen("?resource=notes", await served.sign_in(bob))
            await served.make("/notes", text="For all")
            await hear_all([*demoted, left], 1)
            await served.worker.roster.change(ada, {"roles": []})
            await served.make("/notes", text="For one")
            for each in demoted:
                await each.end()
            assert len(await left.hear(2)) == 2
            assert [len(each.events) for each in demoted] == [1, 1]

    asyncio.run(story())
