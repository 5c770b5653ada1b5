"""Bytes that nobody thought of: never two answers to one request, never a word in the log, never a hanging connection.

The protocol is driven over a transport that keeps what is written; the sockets are proven elsewhere. Seeds are derandomized.
"""

import asyncio
import logging
from collections.abc import Iterator

import pytest
from http_harness import Answer, EchoService, parse_answers
from http_wire import Wire
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.http.door import Door
from holdfast.http.protocol import Connection

_TURNS = 64  # of the loop: each answers one of the requests that came together


def talk(parts: list[bytes]) -> tuple[list[Answer], EchoService, Wire]:
    """Give parts to a new connection one by one."""
    service, wire = EchoService(), Wire()
    asyncio.run(_give(parts, Connection(Door(service)), wire))
    return parse_answers(wire.written), service, wire


async def _give(parts: list[bytes], connection: Connection, wire: Wire) -> None:
    connection.connection_made(wire)
    for part in parts:
        connection.data_received(part)
        await asyncio.sleep(0)
    for _ in range(_TURNS):
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def silent_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing reaches the log."""
    with caplog.at_level(logging.WARNING):
        yield
    assert caplog.records == []


WHOLE = st.sampled_from(
    [
        b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /refuse HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        b"POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nY: z\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"\r\n",
    ]
)
LINES = st.sampled_from(
    [
        *(b"GET /echo HTTP/1.1", b"POST /echo HTTP/1.1", b"POST /refuse HTTP/1.1", b"GET /echo HTTP/1.0", b"Host: a", b"Host: b"),
        *(b"Content-Length: 3", b"Content-Length: 0", b"Content-Length: 2001", b"Transfer-Encoding: chunked", b"Connection: close"),
        *(b"Transfer-Encoding: gzip", b"Connection: keep-alive", b"Expect: 100-continue", b"X: \xe9", b" folded", b"X : a", b"abc"),
        *(b"3", b"0", b"5;x", b"ffffffff", b"", b"", b""),
    ]
)
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""])
MESSAGES = st.lists(WHOLE | WHOLE | st.tuples(LINES, ENDS).map(b"".join), max_size=20).map(b"".join)
CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=20)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut into parts of these sizes, over and over."""
    parts, turn = [], 0
    while data:
        size = sizes[turn % len(sizes)]
        parts.append(data[:size])
        data, turn = data[size:], turn + 1
    return parts


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=300))
def test_random_bytes_get_at_most_one_refusal(data: bytes) -> None:
    """Bytes that are no request are refused at most once, and reach no exchange."""
    answers, service, wire = talk([data])
    assert len(answers) <= 1
    assert service.opened == []
    assert wire.ended == bool(answers)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(MESSAGES)
def test_each_request_has_one_answer(data: bytes) -> None:
    """In any mixture of good and bad lines no request gets two answers, at most one refusal ends the row, and then nothing follows."""
    answers, service, wire = talk([data])
    final = [answer for answer in answers if answer.status != 100]
    assert len(final) <= len(service.opened) + 1
    assert len(service.refused) <= 1
    refusals = [answer for answer in final if answer.status >= 400]
    assert all(answer is final[-1] or (answer.status, answer.headers.get("connection")) == (401, None) for answer in refusals)
    assert wire.ended == bool(final and final[-1].headers.get("connection") == "close")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(MESSAGES, CUTS)
def test_cuts_change_nothing(data: bytes, sizes: list[int]) -> None:
    """However the bytes are cut, the same requests are seen and the same statuses sent."""
    whole, service, _ = talk([data])
    parts, service_of_parts, _ = talk(cut(data, sizes))
    assert [head.target for head in service.opened] == [head.target for head in service_of_parts.opened]
    assert [answer.status for answer in whole if answer.status != 100] == [answer.status for answer in parts if answer.status != 100]
