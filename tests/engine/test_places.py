"""Places of event streams: one caller has few, all together have some, and a place is free again however its stream ends."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
from streams_harness import PASSWORD, Listener, Served, bearing, body_of, working

from holdfast import Access, Backend, Resource, anyone
from holdfast.base.errors import HoldfastError, Unavailable
from holdfast.base.limits import STREAMS_PER_CALLER_MAX
from holdfast.core.exchange import Reply
from holdfast.core.readings import Touched
from holdfast.engine import places
from holdfast.store.sqlite.readings import SqliteJournal


class Note(Resource):
    """What everybody may read."""

    text: str

    access = Access(read=anyone, write=anyone)


BACKEND = Backend(Note)
EVENTS = {"accept": "text/event-stream"}

FAULT: list[Exception | None] = []
"""What the next looks into the journal come to; None: to nothing, ever."""


@pytest.fixture(autouse=True)
def breakable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that cannot be looked into while there is a fault."""
    FAULT.clear()
    read = SqliteJournal.read_touched

    def fail(journal: SqliteJournal, after: int, upto: int) -> Touched | Awaitable[Touched]:
        if not FAULT:
            return read(journal, after, upto)
        if FAULT[0] is None:
            return asyncio.Future()
        raise FAULT[0]

    monkeypatch.setattr(SqliteJournal, "read_touched", fail)


def assert_full(reply: Reply, status: int, code: str) -> None:
    """A stream was refused, and told when to come again and what to do."""
    assert reply.status == status
    error = body_of(reply)["error"]
    assert error["code"] == code
    assert error["hint"]
    assert dict(reply.headers)["retry-after"] == "2"


def test_a_caller_has_so_many_streams_and_no_more(tmp_path: Path) -> None:
    """The next one is 429 before anything else is looked at, by whichever session; another caller's, and a page, are answered."""

    async def story() -> None:
        async with working(tmp_path, BACKEND) as served:
            await served.worker.roster.add_user("ada@example.org", PASSWORD, [], {})
            tokens = [await served.sign_in("ada@example.org") for _ in range(2)]
            held = [await served.listen("", tokens[number % 2]) for number in range(STREAMS_PER_CALLER_MAX)]
            for token in tokens:
                refused = await served.open("?after=x", token, peer="10.0.0.9")
                assert_full(refused, 429, "rate_limited")
                assert str(STREAMS_PER_CALLER_MAX) in body_of(refused)["error"]["hint"]
            assert (await served.ask("GET", "/changes", **bearing(tokens[0]))).status == 200
            nobody = [await served.listen() for _ in range(STREAMS_PER_CALLER_MAX)]
            assert_full(await served.open(), 429, "rate_limited")
            assert (await served.open("", peer="10.0.0.9")).status == 200
            await held[0].leave()
            again = await served.listen("", tokens[1])
            assert_full(await served.open("", tokens[0]), 429, "rate_limited")
            for each in (*held, *nobody, again):
                await each.leave()

    asyncio.run(story())


def test_a_worker_has_so_many_streams_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes then is told 503, until somebody leaves."""
    monkeypatch.setattr(places, "STREAMS_MAX", 3)

    async def story() -> None:
        async with working(tmp_path, BACKEND) as served:
            held = [Listener(await served.open("", peer=f"10.0.0.{number}")) for number in range(3)]
            assert_full(await served.open("", peer="10.0.0.3"), 503, "overloaded")
            await held[0].leave()
            assert (await served.open("", peer="10.0.0.3")).status == 200

    asyncio.run(story())


# However a stream ends: each of these begins one and sees its end


async def _leave(served: Served) -> None:
    listener = await served.listen()
    await listener.leave()


async def _leave_a_stream_that_tells(served: Served) -> None:
    listener = await served.listen("?after=0")
    await listener.hear(1)
    await listener.leave()


async def _ask_for_the_head(served: Served) -> None:
    reply = await served.ask("HEAD", "/changes", **EVENTS)
    assert isinstance(reply.body, AsyncGenerator)
    assert reply.bare
    await reply.body.aclose()


async def _leave_before_the_first_byte(served: Served) -> None:
    await served.open()  # its door has nobody left to send it to
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def _leave_while_it_is_opened(served: Served) -> None:
    FAULT.append(None)
    opening = asyncio.ensure_future(served.start("GET", "/changes", **EVENTS))
    await asyncio.sleep(0)
    assert not opening.done()
    opening.cancel()
    await asyncio.wait([opening])
    FAULT.clear()


async def _ask_for_what_is_refused(served: Served) -> None:
    assert (await served.open("?after=x")).status == 400
    assert (await served.open("?after=900000")).status == 400


async def _fail_to_open(served: Served) -> None:
    for fault, status in ((Unavailable("unavailable"), 503), (RuntimeError("broken"), 500)):
        FAULT.append(fault)
        assert (await served.open()).status == status
        FAULT.clear()


async def _fail(served: Served) -> None:
    listener = await served.listen()
    FAULT.append(Unavailable("unavailable"))
    await served.make("/notes", text="Unread")
    await listener.end()
    FAULT.clear()


async def _break(served: Served) -> None:
    listener = await served.listen("?after=0")
    await listener.hear(1)
    FAULT.append(RuntimeError("broken"))
    await served.make("/notes", text="Unread")
    with pytest.raises(RuntimeError, match="broken"):
        await listener.end()
    FAULT.clear()


async def _stop(served: Served) -> None:
    listener = await served.listen()
    served.worker.draining()
    await listener.end()


@pytest.mark.parametrize(
    "end",
    [
        _leave,
        _leave_a_stream_that_tells,
        _ask_for_the_head,
        _leave_before_the_first_byte,
        _leave_while_it_is_opened,
        _ask_for_what_is_refused,
        _fail_to_open,
        _fail,
        _break,
        _stop,
    ],
)
def test_a_place_is_free_again_however_its_stream_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Callable[[Served], Awaitable[None]]
) -> None:
    """A caller of one place has it again as soon as the stream has ended: by itself, by its client, its server, or a failure."""
    monkeypatch.setattr(places, "STREAMS_PER_CALLER_MAX", 1)

    async def story() -> None:
        async with working(tmp_path, BACKEND) as served:
            await served.make("/notes", text="First")
            await end(served)
            reply = await served.open()
            assert reply.status == 200, reply
            assert_full(await served.open(), 429, "rate_limited")

    asyncio.run(story())


def test_a_place_is_free_again_when_a_session_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream of a session that ended makes room for one of the user's next session."""
    monkeypatch.setattr(places, "STREAMS_PER_CALLER_MAX", 1)

    async def story() -> None:
        async with working(tmp_path, BACKEND) as served:
            await served.worker.roster.add_user("ada@example.org", PASSWORD, [], {})
            token = await served.sign_in("ada@example.org")
            listener = await served.listen("", token)
            await served.ask("POST", "/auth/logout", **bearing(token))
            await served.make("/notes", text="Unread")
            await listener.end()
            assert (await served.open("", await served.sign_in("ada@example.org"))).status == 200

    asyncio.run(story())


def test_a_place_that_was_refused_costs_nothing() -> None:
    """Refusals are not counted, and nothing is kept of callers without a stream."""
    held = places.Places()
    with contextlib.ExitStack() as stack:
        for _ in range(STREAMS_PER_CALLER_MAX):
            stack.enter_context(held.hold(b"ada"))
        for _ in range(3):
            with pytest.raises(HoldfastError), held.hold(b"ada"):
                pass
    with held.hold(b"ada"):
        pass
