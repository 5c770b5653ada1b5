"""The front of the engine: letting in, refusing, and seeing that every answer leaves through one place and is told of."""

import asyncio
import contextlib
import json

import pytest
from engine_harness import Desk, body_of, head, now, run

from holdfast.base.errors import Broken, Refused, Unavailable, detail
from holdfast.base.limits import BODY_BYTES_MAX, IN_FLIGHT_REQUESTS_MAX
from holdfast.core.exchange import Reply
from holdfast.core.routes import Action, Route
from holdfast.engine.request import CLIENT_GONE, Request

HEALTH = Route("GET", "/healthz", Action.HEALTH)
BOOKS = Route("GET", "/api/v1/books", Action.LIST)
MAKE = Route("POST", "/api/v1/books", Action.CREATE)
BOOK = Route("GET", "/api/v1/books/{id}", Action.READ)
BREAK = Route("GET", "/break", Action.LIST)


def answer(request: Request, body: bytes) -> Reply:
    """The parameter and the body, back at once."""
    return Reply(200, request.parameter.encode() + body, (("x-request-id", request.request_id),))


async def answer_later(request: Request, body: bytes) -> Reply:
    """The same, after a turn of the loop."""
    await asyncio.sleep(0.01 if body != b"never" else 3_600)
    return answer(request, body)


def break_down(request: Request, body: bytes) -> Reply:
    """What the query says is raised."""
    raise {
        "bug": KeyError("secret detail"),
        "broken": Broken("secret detail"),
        "refused": Refused("forbidden"),
        "unavailable": Unavailable("deadline_exceeded", retry_after_s=3),
    }[request.query]


@pytest.fixture
def desk() -> Desk:
    """An engine with one handler of each kind."""
    return Desk({HEALTH: answer, BOOKS: answer, MAKE: answer_later, BOOK: answer, BREAK: break_down})


def test_a_request_is_answered_and_told_of_once(desk: Desk) -> None:
    """One Observation with the template, the concrete path, the sizes and the request id of the answer."""
    reply = now(desk.ask("GET", "/api/v1/books/7?x=y", x_request_id="mine", peer="10.0.0.9"))

    assert (reply.status, reply.body) == (200, b"7")
    (told,) = desk.told
    assert (told.request_id, told.method, told.route, told.path) == ("mine", "GET", "/api/v1/books/{id}", "/api/v1/books/7")
    assert (told.status, told.code, told.bytes_in, told.bytes_out, told.peer, told.cause) == (200, None, 0, 1, "10.0.0.9", None)
    assert 0 <= told.elapsed_s < 1


def test_an_answer_that_waits_is_told_of_when_it_is_made(desk: Desk) -> None:
    """Meanwhile it counts as in flight."""

    async def story() -> Reply:
        waiting = desk.ask("POST", "/api/v1/books", b"abc", content_length="3")
        assert not isinstance(waiting, Reply)
        running = asyncio.ensure_future(waiting)
        await asyncio.sleep(0)
        assert desk.engine.in_flight == 1
        assert desk.told == []
        return await running

    assert run(story()).body == b"abc"
    assert desk.engine.in_flight == 0
    assert [(each.status, each.bytes_in) for each in desk.told] == [(200, 3)]


def test_a_client_that_left_is_told_of_as_gone(desk: Desk) -> None:
    """A cancelled answer is counted out, and told with a status that is never sent."""

    async def story() -> None:
        waiting = desk.ask("POST", "/api/v1/books", b"never", content_length="5")
        assert not isinstance(waiting, Reply)
        running = asyncio.ensure_future(waiting)
        await asyncio.sleep(0)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    run(story())
    assert desk.engine.in_flight == 0
    assert [each.status for each in desk.told] == [CLIENT_GONE]


@pytest.mark.parametrize(
    ("raised", "status", "code", "has_cause"),
    [
        ("bug", 500, "internal_error", True),
        ("broken", 500, "internal_error", True),
        ("refused", 403, "forbidden", False),
        ("unavailable", 503, "deadline_exceeded", True),
    ],
)
def test_whatever_is_raised_becomes_an_answer(desk: Desk, raised: str, status: int, code: str, *, has_cause: bool) -> None:
    """Nothing internal leaves; what time or we must mend is told with its traceback."""
    reply = now(desk.ask("GET", f"/break?{raised}"))

    assert (reply.status, body_of(reply)["error"]["code"]) == (status, code)
    assert "secret" not in json.dumps(body_of(reply))
    (told,) = desk.told
    assert (told.status, told.code, told.cause is not None) == (status, code, has_cause)
    assert raised not in ("bug", "broken") or "secret detail" in str(told.cause)


def test_at_the_limit_only_the_service_itself_is_answered(desk: Desk) -> None:
    """As many requests as may wait do: the next is 503 overloaded, health is answered all the same."""
    desk.engine.in_flight = IN_FLIGHT_REQUESTS_MAX
    refused = now(desk.ask("GET", "/api/v1/books"))

    assert (refused.status, body_of(refused)["error"]["code"]) == (503, "overloaded")
    assert ("retry-after", "1") in refused.headers
    assert now(desk.ask("GET", "/healthz")).status == 200
    desk.engine.in_flight -= 1
    assert now(desk.ask("GET", "/api/v1/books")).status == 200


@pytest.mark.parametrize(
    ("length", "status"),
    [(str(BODY_BYTES_MAX), 404), (str(BODY_BYTES_MAX + 1), 413), ("9" * 30_000, 413), ("-1", 404), ("x", 404), (None, 404)],
)
def test_the_size_is_judged_before_the_path(desk: Desk, length: str | None, status: int) -> None:
    """A body that no route takes is 413, also where there is no route; a length that is none is left to the door."""
    headers = {} if length is None else {"content_length": length}
    reply = desk.engine.open(head("POST", "/nowhere", has_body=True, **headers))

    assert isinstance(reply, Reply)
    assert reply.status == status


def test_head_is_bare_however_it_ends(desk: Desk) -> None:
    """An answer, a refusal by the engine, one from the head alone: none shows its body."""
    for target in ("/api/v1/books/7", "/break?refused", "/break?bug", "/nowhere"):
        assert now(desk.ask("HEAD", target)).bare


def test_a_compressed_body_is_refused(desk: Desk) -> None:
    """What is in another coding is never read as if it were plain; without a body the header means nothing."""
    coded = desk.open("POST", "/api/v1/books", has_body=True, content_encoding="gzip").answer(b"\x1f\x8b")
    empty = now(desk.ask("GET", "/api/v1/books/7", content_encoding="gzip"))

    assert isinstance(coded, Reply)
    assert (coded.status, dict(coded.headers)["accept-encoding"], empty.status) == (415, "identity", 200)


def test_what_is_no_request_is_refused_and_closed(desk: Desk) -> None:
    """The door's refusals have the form of all others, a request id, and close the connection."""
    for code, status in (("malformed_request", 400), ("headers_too_large", 431), ("overloaded", 503), ("internal_error", 500)):
        reply = desk.engine.refuse(code, peer="10.0.0.9")
        assert (reply.status, body_of(reply)["error"]["code"], reply.close) == (status, code, True)
        assert body_of(reply)["error"]["request_id"] == dict(reply.headers)["x-request-id"]
    assert [each.peer for each in desk.told] == ["10.0.0.9"] * 4


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/", "/docs shows what is here."),
        ("/api/v1", "/docs shows what is here."),
        ("/api/v1/", "/docs shows what is here."),
        ("/api/v1/bookz", "Did you mean /api/v1/books?"),
        ("/books", "Did you mean /api/v1/books?"),
        ("/api/v1/bookz/query", "Did you mean /api/v1/books/query?"),
        ("/api/v1/auth/login", None),
        ("/api/v1/nothing/batches", None),
    ],
)
def test_an_unknown_path_is_hinted_at_by_its_last_step(path: str, hint: str | None) -> None:
    """What is near in its last step is named; what only begins alike is not; the roots point at the documentation."""
    paths = ("/api/v1/books", "/api/v1/batch", "/api/v1/books/query", "/api/v1/cities/query", "/docs")
    desk = Desk({Route("GET", each, Action.LIST): answer for each in paths})

    error = body_of(now(desk.ask("GET", path)))["error"]

    assert error["code"] == "not_found"
    assert error.get("hint") == hint


def test_without_documentation_no_hint_points_at_it(desk: Desk) -> None:
    """Where the page is off, the root has no hint."""
    assert "hint" not in body_of(now(desk.ask("GET", "/")))["error"]


def test_the_door_says_what_is_wrong(desk: Desk) -> None:
    """The message and hint of a door reach the answer, and the message is told for the log."""
    reply = desk.engine.refuse("malformed_request", "The request has no Host.", hint="Send it.", peer="10.0.0.9")
    exchange = desk.open("POST", "/api/v1/books", has_body=True)
    later = exchange.refuse("malformed_request", "The size of a chunk cannot be read.")

    assert (body_of(reply)["error"]["message"], body_of(reply)["error"]["hint"]) == ("The request has no Host.", "Send it.")
    assert body_of(later)["error"]["message"] == "The size of a chunk cannot be read."
    assert [each.faults for each in desk.told] == [("The request has no Host.",), ("The size of a chunk cannot be read.",)]


def test_a_refusal_is_told_with_its_fields_and_parameters() -> None:
    """The log learns which fields and parameters were refused: 20 at most, shortened, and no value; of a success nothing."""

    def refuse(_request: Request, _body: bytes) -> Reply:
        raise Refused("validation_failed", details=[detail(f"f{number}", "too_long", "secret") for number in range(30)])

    desk = Desk({Route("GET", "/refused", Action.READY): refuse})
    now(desk.ask("GET", "/refused?q=secret&&" + "x" * 100 + "&c=1" * 30))

    (seen,) = desk.told
    assert seen.faults == tuple(f"f{number}: too_long" for number in range(20))
    assert seen.parameters == ("q", "x" * 64, *["c"] * 17)


def test_a_fault_in_a_body_is_refused_and_closed(desk: Desk) -> None:
    """What the door finds while it receives a body is told under the id of the request."""
    exchange = desk.open("POST", "/api/v1/books", has_body=True, x_request_id="mine")
    reply = exchange.refuse("request_timeout")

    assert (reply.status, reply.close, body_of(reply)["error"]["request_id"]) == (408, True, "mine")
    assert [(each.request_id, each.route, each.code) for each in desk.told] == [("mine", "/api/v1/books", "request_timeout")]


def test_request_ids_differ_between_engines(desk: Desk) -> None:
    """Two workers never make the same id, nor does one twice."""
    other = Desk(desk.routes)
    made = [dict(now(each.ask("GET", "/healthz")).headers)["x-request-id"] for each in (desk, desk, other, other)]

    assert len(set(made)) == 4
    assert made[0][:16] == made[1][:16] != made[2][:16]


def test_a_long_path_is_told_of_shortened(desk: Desk) -> None:
    """256 characters are enough for the log, whether a route was found or not."""
    now(desk.ask("GET", f"/api/v1/books/{'x' * 1_000}"))
    now(desk.ask("GET", f"/{'x' * 1_000}"))

    assert [len(each.path) for each in desk.told] == [256, 256]
    assert [each.route for each in desk.told] == ["/api/v1/books/{id}", ""]


def test_options_is_told_of_by_its_template(desk: Desk) -> None:
    """Also where no GET is."""
    reply = now(desk.ask("OPTIONS", "/api/v1/books/7"))

    assert (reply.status, dict(reply.headers)["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert [each.route for each in desk.told] == ["/api/v1/books/{id}"]
