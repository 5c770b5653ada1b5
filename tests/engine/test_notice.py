"""What stands around a request: origins, preflights, proxies and traces, on every answer and in what is told."""

import re

import pytest
from engine_harness import Desk, now

from holdfast.base.errors import Refused
from holdfast.base.observe import Trace
from holdfast.core.cors import Cors
from holdfast.core.exchange import Reply
from holdfast.core.rate import limit_key
from holdfast.core.routes import Action, Route
from holdfast.engine.request import Request

LISTED = "https://app.example.org"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def answer(request: Request, body: bytes) -> Reply:
    """The address of the client; or what the query says is raised."""
    if request.query == "bug":
        raise KeyError
    if request.query:
        raise Refused(request.query)
    return Reply(200, request.head.peer.encode() + body)


ROUTES = {
    Route("GET", "/books", Action.LIST): answer,
    Route("POST", "/books", Action.CREATE): answer,
    Route("PATCH", "/books/{id}", Action.PATCH): answer,
}


@pytest.fixture
def desk() -> Desk:
    """An engine behind a proxy, with one origin."""
    return Desk(ROUTES, trusted_proxies=("10.0.0.0/8",), cors=Cors([LISTED]))


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/books", 200),
        ("GET", "/books?forbidden", 403),
        ("GET", "/books?bug", 500),
        ("GET", "/nowhere", 404),
        ("DELETE", "/books", 405),
        ("OPTIONS", "/books", 204),
    ],
)
def test_every_answer_can_be_read_by_a_listed_page(desk: Desk, method: str, target: str, status: int) -> None:
    """Refusals too, however early; a page of another origin is told nothing by any of them."""
    reply = now(desk.ask(method, target, origin=LISTED))
    assert (reply.status, dict(reply.headers).get("access-control-allow-origin")) == (status, LISTED)

    other = now(desk.ask(method, target, origin=f"{LISTED}.evil.test"))
    assert other.status == status
    assert not [name for name, _ in other.headers if name.startswith("access-control")]


def test_a_refusal_of_the_door_can_be_read_too(desk: Desk) -> None:
    """A body that is too large, or comes too slowly."""
    refused = desk.open("POST", "/books", origin=LISTED, has_body=True).refuse("payload_too_large")

    assert dict(refused.headers)["access-control-allow-origin"] == LISTED


def test_a_preflight_is_told_what_the_path_takes(desk: Desk) -> None:
    """Its methods, its headers, and for how long."""
    reply = now(desk.ask("OPTIONS", "/books/7", origin=LISTED, access_control_request_method="PATCH"))
    found = dict(reply.headers)

    assert (reply.status, found["allow"]) == (204, "PATCH, OPTIONS")
    assert found["access-control-allow-origin"] == LISTED
    assert found["access-control-allow-methods"] == "PATCH, OPTIONS"
    assert found["access-control-max-age"] == "600"
    assert found["access-control-allow-headers"] == (
        "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Prefer, Last-Event-ID, X-Request-Id, traceparent"
    )


@pytest.mark.parametrize("origin", ["null", "https://evil.test", "http://app.example.org"])
def test_a_preflight_of_another_origin_is_told_the_methods_alone(desk: Desk, origin: str) -> None:
    """As any OPTIONS is."""
    reply = now(desk.ask("OPTIONS", "/books", origin=origin, access_control_request_method="POST"))

    assert {name for name, _ in reply.headers} == {"x-request-id", "allow"}


def test_the_client_of_a_trusted_proxy_is_the_caller(desk: Desk) -> None:
    """In the answer, in what is told, and where requests are counted."""
    opened = desk.open("GET", "/books", peer="10.0.0.1", x_forwarded_for="6.6.6.6, 203.0.113.9")
    assert isinstance(opened, Request)

    assert now(opened.answer(b"")).body == b"203.0.113.9"
    assert desk.told[-1].peer == "203.0.113.9"
    assert opened.quota_key == limit_key(None, "203.0.113.9")
    assert desk.forwarded == []


def test_nobody_else_is_believed(desk: Desk) -> None:
    """Who sends such headers and is no trusted proxy stays who he is, and it is noted."""
    for header in ("x_forwarded_for", "forwarded", "x_real_ip", "x_forwarded_proto", "x_forwarded_host"):
        assert now(desk.ask("GET", "/books", b"", peer="192.0.2.1", **{header: "203.0.113.9"})).body == b"192.0.2.1"
    assert desk.forwarded == ["192.0.2.1"] * 5


def test_behind_tls_browsers_are_told_to_stay_with_it(desk: Desk) -> None:
    """With every answer, if the proxy is trusted and says so."""
    for target in ("/books", "/nowhere"):
        for peer, proto, told in (("10.0.0.1", "https", True), ("10.0.0.1", "http", False), ("192.0.2.1", "https", False)):
            reply = now(desk.ask("GET", target, peer=peer, x_forwarded_proto=proto))
            assert ("strict-transport-security" in dict(reply.headers)) is told


def test_a_trace_goes_on(desk: Desk) -> None:
    """Its id and the caller's span are told, with a new span for the request; also of a request that has no route."""
    for target in ("/books", "/books", "/nowhere"):
        desk.ask("GET", target, traceparent=f"00-{TRACE}-{SPAN}-01")
    traces = [each.trace for each in desk.told]

    assert [(each.trace_id, each.parent_id) for each in traces if each is not None] == [(TRACE, SPAN)] * 3
    spans = {each.span_id for each in traces if each is not None}
    assert len(spans) == 3
    assert all(re.fullmatch("(?!0{16})[0-9a-f]{16}", each) for each in spans)
    assert isinstance(traces[0], Trace)


@pytest.mark.parametrize("header", ["", "00", f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01, x"])
def test_what_is_no_trace_is_passed_over(desk: Desk, header: str) -> None:
    """The request is answered, and nothing of it is told."""
    assert now(desk.ask("GET", "/books", traceparent=header)).status == 200
    assert desk.told[-1].trace is None
