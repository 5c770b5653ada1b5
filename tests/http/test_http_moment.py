"""Requests that arrive in one turn of the loop are answered within one moment, which is opened after the last of them has arrived."""

import asyncio
from dataclasses import dataclass, field

import pytest
from http_harness import EchoService, parse_answers
from http_wire import Wire

from holdfast.http import arrivals
from holdfast.http.door import Door
from holdfast.http.protocol import Connection


def ask(target: str) -> bytes:
    """A request without a body."""
    return f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def connect(door: Door) -> tuple[Connection, Wire]:
    """A new connection and what is written to it."""
    connection, wire = Connection(door), Wire()
    connection.connection_made(wire)
    return connection, wire


def test_what_arrives_together_is_answered_in_one_moment() -> None:
    """No answer is made before all have arrived; a body counts as a request without one does."""

    async def story() -> EchoService:
        service = EchoService()
        door = Door(service)
        first, second, third = (connect(door)[0] for _ in range(3))
        first.data_received(ask("/echo?1"))
        second.data_received(b"POST /echo?2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{")
        second.data_received(b"}")
        third.data_received(ask("/echo?3"))
        assert service.answered == []
        await asyncio.sleep(0)
        return service

    service = asyncio.run(story())
    assert service.counted == ["/echo?1", "/echo?2", "/echo?3"]
    assert service.moments == [(["/echo?1", "/echo?2", "/echo?3"], ["/echo?1", "/echo?2", "/echo?3"])]


@dataclass
class Crowd:
    """Many who ask in one turn, and how many answers had been made when each was sent theirs."""

    targets: list[str]
    service: EchoService = field(default_factory=EchoService)
    made: list[int] = field(default_factory=list)

    async def ask(self, turns: int = 1) -> None:
        """Ask, and let so many turns of the loop pass."""
        crowd = self

        class NotingWire(Wire):
            """Notes what had been made when it was written to."""

            def write(self, data: bytes | bytearray | memoryview) -> None:
                crowd.made.append(len(crowd.service.answered))
                super().write(data)

        door = Door(self.service)
        for target in self.targets:
            connection = Connection(door)
            connection.connection_made(NotingWire())
            connection.data_received(ask(target))
        for _ in range(turns):
            await asyncio.sleep(0)


def give_time(monkeypatch: pytest.MonkeyPatch, *, made_s: float, turn_s: float) -> None:
    """Set how long replies wait to be sent, and how long a turn takes."""
    monkeypatch.setattr(arrivals, "_MADE_WITHIN_S", made_s)
    monkeypatch.setattr(arrivals, "_TURN_S", turn_s)


def test_replies_are_sent_after_all_of_them_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """But no more of them wait than are made at a time, however many have arrived."""
    give_time(monkeypatch, made_s=60, turn_s=60)
    crowd = Crowd([f"/echo?{number}" for number in range(100)])
    asyncio.run(crowd.ask())
    assert crowd.made == [64] * 64 + [100] * 36


def test_nobody_waits_long_for_their_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is made is sent when its time is up, or when it is large."""
    large = 1024 * 1024
    give_time(monkeypatch, made_s=60, turn_s=60)
    crowd = Crowd(["/echo", f"/big?bytes={large}", "/echo", "/echo"])
    asyncio.run(crowd.ask())
    assert crowd.made == [2, 2, 4, 4]

    give_time(monkeypatch, made_s=0, turn_s=60)
    crowd = Crowd(["/echo"] * 3)
    asyncio.run(crowd.ask())
    assert crowd.made == [1, 2, 3]


@pytest.mark.parametrize(("first", "turn_s"), [(f"/big?bytes={9 * 1024 * 1024}", 60), ("/echo?0", 0)])
def test_a_long_turn_is_parted(first: str, turn_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop does other things between; who was put off comes first then, from a newer state."""
    give_time(monkeypatch, made_s=0 if turn_s == 0 else 60, turn_s=turn_s)
    crowd = Crowd([first, "/echo?1", "/echo?2"])
    asyncio.run(crowd.ask(turns=3))
    assert (crowd.service.moments[0][1], crowd.service.answered) == ([first], crowd.targets)


def test_a_request_that_comes_alone_has_no_moment() -> None:
    """Its read has a moment of its own anyway. What follows it on its connection comes later, though it arrived with it."""

    async def story() -> tuple[EchoService, Wire]:
        service = EchoService()
        connection, wire = connect(Door(service))
        connection.data_received(ask("/echo?1") + ask("/echo?2"))
        await asyncio.sleep(0)
        assert service.answered == ["/echo?1"]
        await asyncio.sleep(0)
        return service, wire

    service, wire = asyncio.run(story())
    assert (service.moments, service.answered) == ([], ["/echo?1", "/echo?2"])
    assert [answer.status for answer in parse_answers(wire.written)] == [200, 200]


def test_one_that_breaks_leaves_the_others_their_answers() -> None:
    """A defect in one answer of a moment is a 500 there and nowhere else; who is gone by then gets nothing done."""

    async def story() -> tuple[EchoService, list[Wire]]:
        service = EchoService()
        door = Door(service)
        pairs = [connect(door) for _ in range(3)]
        for (connection, _), target in zip(pairs, ("/echo?1", "/break", "/echo?3"), strict=True):
            connection.data_received(ask(target))
        pairs[2][0].connection_lost(None)
        await asyncio.sleep(0)
        return service, [wire for _, wire in pairs]

    service, wires = asyncio.run(story())
    assert service.answered == ["/echo?1", "/break"]
    assert [[answer.status for answer in parse_answers(wire.written)] for wire in wires] == [[200], [500], []]
