"""Stories of limits: a quota over all workers, whoever the caller says he is; batches; what is off by default and what is on."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from story_case import Story, telling
from story_library import backend
from story_people import BACKEND, add_person, change
from story_server import serving

from holdfast.testing import Client

QUOTA = 40


def test_workers_share_a_quota_and_a_spoofed_address_changes_nothing(tmp_path: Path) -> None:
    """Of 80 requests over ten connections to two workers exactly 40 pass, each with another address in every forwarding header."""
    with serving(tmp_path / "data", "--workers", "2", environ={"HOLDFAST_RATE_LIMIT": f"{QUOTA}/hour"}) as server:

        def ask(connection: int) -> list[int]:
            client = server.client()
            spoofed = f"10.9.{connection}."
            return [
                client.request(
                    "GET",
                    "/api/v1/books",
                    headers={"x-forwarded-for": f"{spoofed}{each}", "forwarded": f"for={spoofed}{each}", "x-real-ip": f"{spoofed}{each}"},
                ).status
                for each in range(8)
            ]

        with ThreadPoolExecutor(10) as pool:
            statuses = [status for answered in pool.map(ask, range(10)) for status in answered]
        refused = server.client().request("GET", "/api/v1/books")
        alive = server.client().request("GET", "/healthz")

    assert {status: statuses.count(status) for status in set(statuses)} == {200: QUOTA, 429: QUOTA}
    assert refused.headers["ratelimit-policy"] == f'"default";q={QUOTA};w=3600'
    assert refused.headers["ratelimit"] == f'"default";r=0;t={refused.headers["retry-after"]}'
    assert (alive.status, alive.headers.get("ratelimit")) == (200, None)


def test_a_restart_gives_no_new_quota(tmp_path: Path) -> None:
    """What was taken before it is still taken."""
    left = []
    for _ in range(2):
        with serving(tmp_path / "data", environ={"HOLDFAST_RATE_LIMIT": "40/hour"}) as server:
            left.append(server.client().request("GET", "/api/v1/books").headers["ratelimit"].split(";")[1])
            server.stop()

    assert left == ["r=39", "r=38"]


def test_serve_limits_by_default(tmp_path: Path) -> None:
    """600 a minute, told with every answer, whatever it is."""
    with serving(tmp_path / "data", environ={"HOLDFAST_RATE_LIMIT": ""}) as server:
        story = Story(server.client())
        answers = [
            story.get("/books"),
            story.ask("POST", "/houses", json={"name": "Faber"}),
            story.ask("POST", "/houses", json={"wrong": 1}),
            story.ask("GET", "/books/00000000-0000-7000-8000-000000000000"),
            story.ask("GET", "/books?limit=0"),
        ]

    assert [each.status for each in answers] == [200, 201, 422, 404, 400]
    assert {each.headers["ratelimit-policy"] for each in answers} == {'"default";q=600;w=60'}


def test_bad_credentials_count_on_the_address_and_say_so(tmp_path: Path) -> None:
    """A refusal of who asks is an answer like any other: it tells the quota, a listed page may read it, and it is used up."""
    environ = {"HOLDFAST_RATE_LIMIT": "2/hour", "HOLDFAST_CORS_ORIGINS": "https://app.example.org"}
    with serving(tmp_path / "data", environ=environ) as server:
        story = Story(server.client())
        sent = {"authorization": "Bearer hf_wrong", "origin": "https://app.example.org"}
        answers = [story.ask("GET", "/books", headers=sent) for _ in range(3)]

    assert [each.status for each in answers] == [401, 401, 429]
    assert [each.headers["ratelimit"].split(";")[1] for each in answers] == ["r=1", "r=0", "r=0"]
    assert {each.headers["access-control-allow-origin"] for each in answers} == {"https://app.example.org"}


def test_a_batch_counts_as_its_operations() -> None:
    """Of a quota of ten, three are left after a batch of seven; four more at once are too much, and nothing of them is done."""
    with telling(backend, rate_limit="10/hour") as story:
        operations = [{"method": "POST", "path": "/houses", "body": {"name": f"House {number}"}} for number in range(7)]
        done = story.ask("POST", "/batch", json={"operations": operations})
        assert (done.status, done.headers["ratelimit"].split(";")[1]) == (200, "r=3")

        refused = story.ask("POST", "/batch", json={"operations": operations[:4]})
        assert (refused.status, refused.error["code"]) == (429, "rate_limited")
        assert int(refused.headers["retry-after"]) > 0
        assert story.get("/houses").meta["total"] == 7


def test_a_batch_counts_once_whatever_becomes_of_who_asks(tmp_path: Path) -> None:
    """Before each of them somebody is changed or signs out, so that it is answered again from who asks now."""
    left = []
    with telling(BACKEND, data=str(tmp_path), rate_limit="100/hour") as story:
        asking, other = add_person(story, tmp_path, "editor"), add_person(story, tmp_path)
        held = asking.sign_in()
        body = {"operations": [{"method": "POST", "path": "/notes", "body": {"text": "x"}}] * 10}
        for _ in range(2):
            change(tmp_path, asking.email, active=True)
            left.append(held.ask("POST", "/batch", json=body).headers["ratelimit"].split(";")[1])
            other.sign_in().ask("POST", "/auth/logout")
            left.append(held.ask("POST", "/batch", json=body).headers["ratelimit"].split(";")[1])

    assert left == ["r=90", "r=80", "r=70", "r=60"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nowhere"])
def test_some_paths_are_never_counted(path: str) -> None:
    """Those of the service, and none at all."""
    with telling(backend, rate_limit="1/hour") as story:
        for _ in range(3):
            assert "ratelimit" not in story.ask("GET", path).headers
        assert story.get("/books").headers["ratelimit"].split(";")[1] == "r=0"


def test_limits_are_off_in_tests_unless_set() -> None:
    """The client of the tests says nothing of quotas."""
    with Client(backend) as client:
        assert "ratelimit" not in client.get("/api/v1/books").headers


def test_a_trusted_proxy_names_the_caller(tmp_path: Path) -> None:
    """Each client has its own quota, and the log its address; a warning is given of nobody."""
    environ = {"HOLDFAST_RATE_LIMIT": "1/hour", "HOLDFAST_TRUSTED_PROXIES": "127.0.0.1"}
    with serving(tmp_path / "data", environ=environ) as server:
        client = server.client()
        statuses = [
            client.request("GET", "/api/v1/books", headers={"x-forwarded-for": f"6.6.6.{turn}, {address}", "x-forwarded-proto": "https"})
            for turn, address in enumerate(["203.0.113.1", "203.0.113.1", "203.0.113.2"])
        ]
        line = server.line_of(statuses[2].headers["x-request-id"])
        lines = server.lines()

    assert [each.status for each in statuses] == [200, 429, 200]
    assert all("strict-transport-security" in each.headers for each in statuses)
    assert line["peer"] == "203.0.113.2"
    assert not [each for each in lines if "forwarding" in each.get("message", "")]


def test_headers_of_a_proxy_that_is_not_trusted_are_warned_of_once(tmp_path: Path) -> None:
    """By all workers together."""
    with serving(tmp_path / "data", "--workers", "2") as server:
        for _ in range(20):
            server.client().request("GET", "/healthz", headers={"x-forwarded-for": "203.0.113.1"})
        server.stop()
        warnings = [each["message"] for each in server.lines() if "forwarding" in each.get("message", "")]

    (warning,) = warnings
    assert "127.0.0.1, which trusted_proxies does not list" in warning


def test_metrics_open_to_loopback_by_its_own_name_alone(tmp_path: Path) -> None:
    """Not through a proxy, be it trusted, and not to a page whose name was bound to loopback."""
    with serving(tmp_path / "data", environ={"HOLDFAST_TRUSTED_PROXIES": "127.0.0.1"}) as server:
        client = server.client()

        def ask(**headers: str) -> int:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return client.request("GET", "/metrics", headers=named).status

        assert [ask(), ask(host="localhost:8000"), ask(host="[::1]:8000"), ask(host="127.9.9.9")] == [200] * 4
        assert [ask(host="evil.test"), ask(host="localhost.evil.test"), ask(host="127.0.0.1.evil.test"), ask(host="192.0.2.1")] == [404] * 4
        assert [ask(x_forwarded_for="127.0.0.1"), ask(x_forwarded_for="203.0.113.1"), ask(forwarded="for=127.0.0.1")] == [404] * 3


def test_a_listed_page_may_call(tmp_path: Path) -> None:
    """A preflight, then the call, then a refusal, over the wire; every answer varies by Origin, whoever asks."""
    with serving(tmp_path / "data", environ={"HOLDFAST_CORS_ORIGINS": "https://app.example.org"}) as server:
        story = Story(server.client())
        page = {"origin": "https://app.example.org"}
        preflight = story.ask("OPTIONS", "/books", headers={**page, "access-control-request-method": "POST"})
        answers = [
            preflight,
            story.get("/books", headers=page),
            story.ask("GET", "/books?limit=0", headers=page),
            story.ask("GET", "/nowhere", headers=page),
            story.ask("DELETE", "/books", headers=page),
            story.ask("POST", "/houses", content=b"{", headers={**page, "content-type": "application/json"}),
        ]
        other = story.get("/books", headers={"origin": "https://evil.test"})

    assert [each.status for each in answers] == [204, 200, 400, 404, 405, 400]
    assert {each.headers["access-control-allow-origin"] for each in answers} == {"https://app.example.org"}
    assert preflight.headers["access-control-allow-methods"] == preflight.headers["allow"]
    assert all("origin" in each.headers["vary"] for each in (*answers, other))
    assert "access-control-allow-origin" not in other.headers


def test_the_log_tells_the_trace(tmp_path: Path) -> None:
    """So that a line can be found by the trace of the caller."""
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with serving(tmp_path / "data") as server:
        answer = server.client().request("GET", "/api/v1/books", headers={"traceparent": f"00-{trace}-{span}-01"})
        line = server.line_of(answer.headers["x-request-id"])

    assert (line["trace_id"], line["parent_span_id"]) == (trace, span)
    assert line["span_id"] not in (span, "0" * 16)
