"""Stories of limits: a quota over all workers, whoever the caller says he is; batches; what is off by default and what is on."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from story_case import Story, telling
from story_library import backend
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
