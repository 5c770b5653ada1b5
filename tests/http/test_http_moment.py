"""Requests that arrive in one turn of the loop are answered within one moment, which is opened after the last of them has arrived."""

import asyncio

from http_harness import EchoService, parse_answers
from http_wire import Wire

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


def test_replies_are_sent_after_all_of_them_are_made() -> None:
    """But no more of them wait than are made at a time, however many have arrived."""

    class NotingWire(Wire):
        """Notes how many answers had been made when it was written to."""

        def write(self, data: bytes | bytearray | memoryview) -> None:
            made.append(len(service.answered))
            super().write(data)

    async def story() -> None:
        door = Door(service)
        for number in range(100):
            connection = Connection(door)
            connection.connection_made(NotingWire())
            connection.data_received(ask(f"/echo?{number}"))
        await asyncio.sleep(0)

    service, made = EchoService(), list[int]()
    asyncio.run(story())
    assert made == [64] * 64 + [100] * 36


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
