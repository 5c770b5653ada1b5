"""How one connection behaves: order, keep-alive, framing of answers, streams, clients that leave."""

import asyncio
import json
import logging
import socket
import time

import pytest
from http_harness import Serving, parse_answers, read_answer, read_to_end, serve, wait_until

from holdfast.http.bounds import Bounds

HOST = b"Host: example.org\r\n"


def get(target: str, *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    """A request without a body."""
    head = [f"{method} {target} HTTP/{version}", "Host: example.org", *lines]
    return "\r\n".join([*head, "", ""]).encode()


def post(target: str, body: str, *lines: str) -> bytes:
    """A request with a body."""
    return get(target, f"Content-Length: {len(body)}", *lines, method="POST") + body.encode()


LAST = get("/echo", "Connection: close")


@pytest.mark.usefixtures("silent")
class TestOrder:
    def test_a_connection_serves_many_requests(self, serving: Serving) -> None:
        """A connection stays open after an answer and serves the next request."""
        with serving.connect() as sock:
            for number in range(5):
                sock.sendall(get(f"/echo?{number}"))
                answer = read_answer(sock)
                assert (answer.status, answer.headers.get("connection")) == (200, None)

    def test_pipelined_requests_are_answered_in_order(self, serving: Serving) -> None:
        """Requests sent in one go are answered in the order sent, quick ones behind slow ones too, bodies included."""
        raw = get("/echo?1") + get("/slow?s=0.05&2") + post("/echo?3", "three") + get("/stream?parts=3&4") + get("/echo?5") + LAST
        answers = serving.ask(raw)
        bodies = [answer.body.decode() for answer in answers]
        assert [answer.status for answer in answers] == [200] * 6
        assert [json.loads(body)["data"]["target"] for body in bodies[:3]] == ["/echo?1", "/slow?s=0.05&2", "/echo?3"]
        assert (json.loads(bodies[2])["data"]["body"], bodies[3]) == ("three", "0;1;2;")

    def test_a_long_pipeline_is_answered_whole(self, serving: Serving) -> None:
        """More requests in one go than fit in a turn or in the buffer are all answered, in order."""
        count = 3_000
        raw = b"".join(get(f"/echo?n{number}") for number in range(count)) + LAST
        answers = serving.ask(raw)
        assert [f"/echo?n{number}" for number in range(count)] == [json.loads(answer.body)["data"]["target"] for answer in answers[:-1]]

    def test_reading_pauses_behind_a_slow_answer(self, serving: Serving) -> None:
        """While an answer is being made no more than a bound of what follows is taken in; afterwards all of it is answered."""
        raw = get("/slow?s=0.3") + get("/echo?behind") * 5_000 + LAST
        assert len(serving.ask(raw)) == 5_002

    def test_nothing_after_connection_close_is_answered(self, serving: Serving) -> None:
        """What a client sends after its last request is dropped without a reset that would overtake the answer."""
        (answer,) = serving.ask(LAST + get("/echo?never") * 100)
        assert answer.headers["connection"] == "close"

    @pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
    def test_both_loops_serve(self, loop: str) -> None:
        """The protocol holds on the loop of the standard library as on uvloop."""
        make = asyncio.new_event_loop if loop == "asyncio" else None
        with serve(make_loop=make) if make else serve() as serving:
            assert [answer.status for answer in serving.ask(get("/slow?s=0.01") + b"garbage\r\n\r\n")] == [200, 400]


@pytest.mark.usefixtures("silent")
class TestAnswers:
    def test_every_answer_has_a_date_and_no_banner(self, serving: Serving) -> None:
        """Date is there and right to the second, the server says nothing of itself, refusals of the door included."""
        for answer in serving.ask(get("/echo") + b"garbage\r\n\r\n"):
            sent = time.mktime(time.strptime(answer.headers["date"], "%a, %d %b %Y %H:%M:%S GMT")) - time.timezone
            assert abs(time.time() - sent) < 2.5
            assert "server" not in answer.headers

    def test_the_date_turns(self, serving: Serving) -> None:
        """The Date that is built once a second is built anew the next second."""
        with serving.connect() as sock:
            dates: set[str] = set()
            until = time.monotonic() + 3
            while len(dates) < 2 and time.monotonic() < until:
                sock.sendall(get("/echo"))
                dates.add(read_answer(sock).headers["date"])
                time.sleep(0.05)
        assert len(dates) == 2

    def test_head_has_the_headers_and_no_body(self, serving: Serving) -> None:
        """HEAD gets the length of the body that GET would get, and no byte of it."""
        with serving.connect() as sock:
            sock.sendall(get("/echo?x", method="HEAD"))
            answer = read_answer(sock, head=True)
            sock.sendall(get("/echo?x"))
            assert len(read_answer(sock).body) + 1 == int(answer.headers["content-length"])

    def test_head_of_a_stream_ends_at_once(self, serving: Serving) -> None:
        """HEAD of a stream gets its head; the stream is closed without being read."""
        with serving.connect() as sock:
            sock.sendall(get("/stream?parts=2&head", method="HEAD"))
            answer = read_answer(sock, head=True)
            assert "content-length" not in answer.headers
            sock.sendall(get("/echo"))
            assert read_answer(sock).status == 200

    @pytest.mark.parametrize("code", [204, 304])
    def test_bodiless_answers_have_no_length(self, serving: Serving, code: int) -> None:
        """204 and 304 have neither body nor Content-Length, and the connection goes on."""
        bodiless, last = serving.ask(get(f"/status?code={code}") + LAST)
        assert (code, '"1-a"', None) == (bodiless.status, bodiless.headers["etag"], bodiless.headers.get("content-length"))
        assert last.status == 200

    def test_an_empty_body_has_length_0(self, serving: Serving) -> None:
        """An empty body of another status says so, or the client would wait for the end of the connection."""
        answer, _ = serving.ask(get("/status?code=200") + LAST)
        assert answer.headers["content-length"] == "0"

    def test_http_1_0_closes_unless_asked(self, serving: Serving) -> None:
        """HTTP/1.0 closes after the answer; with `Connection: keep-alive` it is kept, and told so."""
        (answer,) = serving.ask(get("/echo", version="1.0"))
        assert answer.headers["connection"] == "close"
        kept, _ = serving.ask(get("/echo", "Connection: Keep-Alive", version="1.0") + LAST)
        assert kept.headers["connection"] == "keep-alive"

    def test_streams_come_in_chunks(self, serving: Serving) -> None:
        """A stream is chunked on HTTP/1.1 and keeps the connection; on HTTP/1.0 its end is the end of the connection."""
        stream, last = serving.ask(get("/stream?parts=3") + LAST)
        assert (stream.headers["transfer-encoding"], stream.body, last.status) == ("chunked", b"0;1;2;", 200)
        (stream,) = serving.ask(get("/stream?parts=3", version="1.0"))
        assert (stream.headers.get("transfer-encoding"), stream.body) == (None, b"0;1;2;")

    def test_a_stream_waits_for_its_reader(self) -> None:
        """A stream larger than all buffers arrives whole although its reader begins late: the writer waits."""
        with serve(send_buffer=16_384) as serving, serving.connect(receive_buffer=32_768) as sock:
            sock.sendall(get("/stream?parts=100&times=5000", "Connection: close"))
            time.sleep(0.3)
            assert not serving.service.closed_streams
            (answer,) = parse_answers(read_to_end(sock))
        assert sum(len(b"%d;" % number) for number in range(100)) * 5_000 == len(answer.body)

    def test_a_large_answer_waits_for_its_reader_too(self) -> None:
        """Answers that a client does not read hold up its next requests, and arrive whole and in order when it does."""
        with serve(send_buffer=16_384) as serving, serving.connect(receive_buffer=32_768) as sock:
            sock.sendall(get("/big?bytes=300000") * 4 + LAST)
            time.sleep(0.3)
            assert len(serving.service.answered) < 4
            answers = parse_answers(read_to_end(sock))
        assert [len(answer.body) for answer in answers[:4]] == [300_000] * 4


@pytest.mark.usefixtures("silent")
class TestBodies:
    def test_continue_is_sent_when_it_is_waited_for(self, serving: Serving) -> None:
        """A client that expects 100 (Continue) gets it, then sends its body, then gets its answer."""
        with serving.connect() as sock:
            sock.sendall(get("/echo", "Content-Length: 5", "Expect: 100-continue", method="POST"))
            assert sock.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            sock.sendall(b"hello")
            assert json.loads(read_answer(sock).body)["data"]["body"] == "hello"

    def test_continue_is_not_sent_for_nothing(self, serving: Serving) -> None:
        """With the body already there, or refused, or on HTTP/1.0, no 100 is sent."""
        assert len(serving.ask(post("/echo", "hello", "Expect: 100-continue", "Connection: close"))) == 1
        (refused,) = serving.ask(get("/refuse", "Content-Length: 5", "Expect: 100-continue", method="POST"))
        assert refused.status == 401
        (answer,) = serving.ask(get("/echo", "Content-Length: 5", "Expect: 100-continue", method="POST", version="1.0") + b"hello")
        assert answer.status == 200

    def test_a_refusal_from_the_head_closes_where_a_body_follows(self, serving: Serving) -> None:
        """Refused from its head: with a body on its way the connection ends after the answer, without one it goes on."""
        (answer,) = serving.ask(post("/refuse", "hello") + get("/echo?smuggled"))
        assert (answer.status, answer.headers["connection"]) == (401, "close")
        assert [answer.status for answer in serving.ask(get("/refuse") + LAST)] == [401, 200]

    def test_a_refused_client_that_goes_on_sending_gets_its_answer(self, serving: Serving) -> None:
        """A client that sends 1 MB of a refused body before it reads still reads the refusal: the rest is drained, not reset."""
        raw = get("/echo", "Content-Length: 1000000", method="POST")
        with serving.connect() as sock:
            for _ in range(10):
                sock.sendall(raw + b"x" * 100_000)
                raw = b""
                time.sleep(0.01)
            (answer,) = parse_answers(read_to_end(sock))
        assert (answer.status, answer.code) == (413, "payload_too_large")

    def test_a_refused_client_may_not_send_for_ever(self) -> None:
        """What is drained after a refusal is bounded in bytes and in time."""
        with serve(Bounds(linger_bytes_max=100_000, linger_s=0.4, sweep_s=0.1)) as serving:
            with serving.connect() as flood, pytest.raises(OSError, match=r"reset|Broken"):
                flood.sendall(b"@" * 100_000_000)
            with serving.connect() as mute:
                mute.sendall(b"@\r\n\r\n")
                assert wait_until(lambda: serving.door.connections == 0)


class TestLeaving:
    @pytest.mark.usefixtures("silent")
    def test_a_half_closed_client_gets_its_answer(self, serving: Serving) -> None:
        """A client that ends its side after its request still gets the answer."""
        with serving.connect() as sock:
            sock.sendall(get("/slow?s=0.1"))
            sock.shutdown(socket.SHUT_WR)
            (answer,) = parse_answers(read_to_end(sock))
        assert (answer.status, answer.headers["connection"]) == (200, "close")

    @pytest.mark.usefixtures("silent")
    @pytest.mark.parametrize("request_", [get("/echo"), post("/echo", "abc"), get("/refuse"), get("/slow?s=0.01"), get("/stream?parts=2")])
    @pytest.mark.parametrize("count", [2, 5, 60])
    def test_a_half_closed_client_gets_every_answer(self, serving: Serving, request_: bytes, count: int) -> None:
        """All that was sent whole before the end is answered, in order, whatever stands behind it; the last answer ends the connection."""
        for rest, statuses in ((b"", []), (b"\r\n", []), (b"GET /echo HT", [400]), (post("/echo", "abc")[:-1], [400])):
            with serving.connect() as sock:
                sock.sendall(request_ * count + rest)
                sock.shutdown(socket.SHUT_WR)
                answers = parse_answers(read_to_end(sock))
            whole = 401 if b"/refuse" in request_ else 200
            assert [answer.status for answer in answers] == [whole] * count + statuses

    @pytest.mark.usefixtures("silent")
    def test_what_runs_for_a_client_that_left_is_cancelled(self) -> None:
        """A client that is gone has its answer cancelled after a short while, one that resets at once."""
        with serve(Bounds(half_close_s=0.2, sweep_s=0.05)) as serving:
            with serving.connect() as sock:
                sock.sendall(get("/slow?s=30&closed"))
                assert wait_until(lambda: bool(serving.service.answered))
            assert wait_until(lambda: serving.service.cancelled == ["/slow?s=30&closed"])
            with serving.connect() as sock:
                sock.sendall(get("/slow?s=30&reset"))
                assert wait_until(lambda: len(serving.service.answered) == 2)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            assert wait_until(lambda: len(serving.service.cancelled) == 2)
            assert serving.door.connections == 0

    @pytest.mark.usefixtures("silent")
    def test_a_reset_in_a_pipeline_is_nothing_to_speak_of(self, serving: Serving) -> None:
        """Clients that ask much at once and reset leave neither a connection nor a word in the log behind."""
        for _ in range(30):
            with serving.connect() as sock:
                sock.sendall(get("/echo?reset") * 400)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert wait_until(lambda: serving.door.connections == 0)
        assert serving.ask(LAST)[0].status == 200

    @pytest.mark.usefixtures("silent")
    def test_a_stream_ends_with_its_client(self) -> None:
        """An endless stream is closed when its client leaves, whether or not it waits for a slow reader."""
        with serve(Bounds(half_close_s=0.2, sweep_s=0.05)) as serving:
            for target in ("/stream?parts=1000000&pause=0.01", "/stream?parts=1000000&times=100000"):
                with serving.connect() as sock:
                    sock.sendall(get(target))
                    sock.recv(100)
                assert wait_until(lambda target=target: target in serving.service.closed_streams)  # type: ignore[misc]

    def test_a_broken_stream_is_cut_so_that_the_client_sees_it(self, serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
        """A stream that fails ends without its last chunk and is our defect in the log."""
        with serving.connect() as sock:
            sock.sendall(get("/stream?parts=3&fail=1&pause=0.01"))
            data = b""
            while part := sock.recv(65536):
                data += part
        assert data.endswith(b"2\r\n0;\r\n")
        assert [record.getMessage() for record in caplog.records] == ["a stream failed"]

    def test_a_header_with_a_line_break_is_never_sent(self, serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
        """A reply that would split is a defect of ours: logged, answered with 500, and the split header does not leave the house."""
        with caplog.at_level(logging.ERROR):
            (answer,) = serving.ask(get("/break"))
        assert (answer.status, answer.code) == (500, "internal_error")
        assert "set-cookie" not in answer.headers
        assert [record.getMessage() for record in caplog.records] == ["a connection failed"]

    def test_a_defect_in_a_late_answer_is_answered_too(self, serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
        """An awaited answer that raises, against its promise, is a 500 and not a hanging client."""
        with caplog.at_level(logging.ERROR):
            (answer,) = serving.ask(get("/fail"))
        assert (answer.status, answer.code) == (500, "internal_error")
        assert [record.getMessage() for record in caplog.records] == ["a connection failed"]


@pytest.mark.usefixtures("silent")
class TestCrowds:
    def test_connections_beyond_the_bound_are_told_so(self) -> None:
        """Beyond the bound a client gets 503 and the end; when others leave there is room again."""
        with serve(Bounds(connections_max=3)) as serving:
            crowd = [serving.connect() for _ in range(3)]
            assert wait_until(lambda: serving.door.connections == 3)
            with serving.connect() as sock:
                (answer,) = parse_answers(read_to_end(sock))
            assert (answer.status, answer.code, answer.headers["connection"]) == (503, "overloaded", "close")
            for sock in crowd:
                sock.sendall(LAST)
                assert read_answer(sock).status == 200
                sock.close()
            assert wait_until(lambda: serving.door.connections == 0)
            assert serving.ask(LAST)[0].status == 200

    def test_one_address_may_not_take_all_connections(self) -> None:
        """The bound for one address holds below the bound for all."""
        with serve(Bounds(connections_per_peer_max=2)) as serving:
            crowd = [serving.connect() for _ in range(2)]
            assert wait_until(lambda: serving.door.connections == 2)
            with serving.connect() as sock:
                assert parse_answers(read_to_end(sock))[0].status == 503
            for sock in crowd:
                sock.close()

    def test_a_drain_ends_what_is_idle_and_waits_for_what_is_not(self) -> None:
        """While a door drains idle connections end, a new one has a moment to ask, a busy one its answer; what is left is cut off."""
        with serve(Bounds(drain_quiet_s=0.3)) as serving:
            idle, busy, stuck = serving.connect(), serving.connect(), serving.connect()
            idle.sendall(get("/echo"))
            assert read_answer(idle).status == 200
            busy.sendall(get("/slow?s=0.3"))
            stuck.sendall(get("/slow?s=60"))
            assert wait_until(lambda: len(serving.service.answered) == 3)
            draining = asyncio.run_coroutine_threadsafe(serving.door.drain(time.monotonic() + 1.5), serving.loop)
            assert read_to_end(idle) == b""
            with serving.connect() as new:
                new.sendall(get("/echo"))
                assert parse_answers(read_to_end(new))[0].headers["connection"] == "close"
            assert [answer.status for answer in parse_answers(read_to_end(busy))] == [200]
            assert not draining.result(10)
            assert read_to_end(stuck) == b""
            for sock in (idle, busy, stuck):
                sock.close()
            assert wait_until(lambda: serving.service.cancelled == ["/slow?s=60"])
