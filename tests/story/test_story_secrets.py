"""Stories of records with secrets: however they are written, `verify` holds, and no answer shows a trace of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from story_case import Story, telling
from story_people import verify

from holdfast import Access, Backend, Resource, anyone, field
from holdfast.engine import request


class Safe(Resource):
    """Something with two secrets, one of which has a default."""

    name: str = field(search=True)
    pin: str = field(default="pin-of-everyone", secret="hashed")  # noqa: S106  # a kind
    seed: str | None = field(default=None, secret="encrypted")  # noqa: S106

    access = Access(read=anyone, write=anyone)


class Box(Resource):
    """Something that can be without its secret."""

    name: str
    seed: str | None = field(default=None, secret="encrypted")  # noqa: S106

    access = Access(read=anyone, write=anyone)


BACKEND = Backend(Safe, Box)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Story, Path]]:
    """A story and its data folder."""
    with telling(BACKEND, data=str(tmp_path), rate_limit="off") as story:
        yield story, tmp_path


def _ask(story: Story, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
    headers = {"if-match": "*"} if key is None else {"idempotency-key": key}
    answer = story.ask(method, path, json=body, headers=headers)
    assert answer.status in (200, 201), answer
    return answer


def test_every_way_to_write_a_secret_holds(place: tuple[Story, Path]) -> None:
    """After each of them the last entry says what is stored, and what the journal shows names neither a secret nor its digest."""
    story, data = place
    made = story.make("/safes", name="a", pin="1234", seed="s")
    path = f"/safes/{made['id']}"
    writes: list[tuple[str, str, Any]] = [
        ("PATCH", path, {"pin": "5678"}),
        ("PATCH", path, {"seed": None}),
        ("PATCH", path, {"name": "b"}),
        ("PUT", path, {"name": "c", "seed": "t"}),
        ("PUT", path, {"name": "d"}),
        ("POST", "/safes/bulk", [{"name": "e", "pin": "9"}, {"name": "f", "seed": ""}]),
        ("POST", "/batch", {"operations": [{"method": "PATCH", "path": path, "body": {"seed": "u", "version": 6}}]}),
        ("POST", "/boxes", {"name": "g"}),
    ]
    for method, where, body in writes:
        _ask(story, method, where, body)
        assert verify(data, BACKEND.catalog) == [], (method, where, body)
    told = [_ask(story, "GET", each) for each in (f"{path}/history", "/changes", f"{path}?as_of=2999-01-01T00:00:00Z", "/safes")]
    for answer in told:
        assert not any(word in answer.text for word in ("hf_", "secrets", '"pin"', '"seed"')), answer
    for entry in told[0].data:
        assert all(set(image) == set(made) for image in (entry["before"], entry["after"]) if image is not None)


def test_what_is_undeleted_is_without_secrets(place: tuple[Story, Path]) -> None:
    """A secret that can be left out comes back empty, and a record that cannot be without one does not; `verify` holds."""
    story, data = place
    box, safe = story.make("/boxes", name="a", seed="s"), story.make("/safes", name="a")
    for path in (f"/boxes/{box['id']}", f"/safes/{safe['id']}"):
        _ask(story, "DELETE", path)
    _ask(story, "POST", f"/boxes/{box['id']}/undelete")
    refused = story.ask("POST", f"/safes/{safe['id']}/undelete")
    assert (refused.status, refused.error["details"][0]["field"]) == (422, "pin")
    assert not any(b"pin-of-everyone" in each.read_bytes() for each in data.glob("holdfast.db*"))
    assert verify(data, BACKEND.catalog) == []
    _ask(story, "PATCH", f"/boxes/{box['id']}", {"seed": "t"})
    assert verify(data, BACKEND.catalog) == []


def test_a_repeat_is_answered_without_a_trace(place: tuple[Story, Path]) -> None:
    """An answer that is read from the journal is the first one, byte for byte."""
    story, data = place
    body = {"name": "a", "pin": "1234"}
    first, again = (_ask(story, "POST", "/safes", body, "k1") for _ in range(2))
    assert first.text == again.text
    assert again.headers["idempotency-replayed"] == "true"
    assert verify(data, BACKEND.catalog) == []


def test_hashing_stops_at_the_deadline(place: tuple[Story, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that has more to hash than it has time for is 503 and leaves nothing; whoever asks then is served."""
    story, _ = place
    rows = [{"name": str(number)} for number in range(500)]
    operations = [{"method": "POST", "path": "/safes", "body": each} for each in rows[:200]]
    with monkeypatch.context() as hurried:
        hurried.setattr(request, "REQUEST_DEADLINE_S", 0.3)
        for path, body in (("/safes/bulk", rows), ("/batch", {"operations": operations})):
            answer = story.ask("POST", path, json=body)
            assert (answer.status, answer.error["code"]) == (503, "deadline_exceeded"), answer
    assert story.get("/safes").meta["total"] == 0
    story.make("/safes", name="a", pin="1234")


def test_each_further_hash_counts_on_the_quota(tmp_path: Path) -> None:
    """Beyond one for each request, or operation of a batch; what is too much is refused and leaves nothing. Encryption costs nothing."""
    rows = [{"name": str(number), "pin": "1234", "seed": "s"} for number in range(4)]
    operations = [{"method": "POST", "path": "/safes", "body": each} for each in rows[:3]]
    with telling(BACKEND, data=str(tmp_path), rate_limit="12/hour") as story:
        one = story.ask("POST", "/safes", json=rows[0])
        many = story.ask("POST", "/safes/bulk", json=rows)
        batch = story.ask("POST", "/batch", json={"operations": operations})
        boxes = story.ask("POST", "/boxes/bulk", json=[{"name": "a", "seed": "s"}, {"name": "b", "seed": "t"}])
        told = [(each.status, each.headers["ratelimit"].split(";")[1]) for each in (one, many, batch, boxes)]
        assert told == [(201, "r=11"), (201, "r=7"), (200, "r=4"), (201, "r=3")]
        refused = story.ask("POST", "/safes/bulk", json=rows)
        assert (refused.status, refused.error["code"]) == (429, "rate_limited")
        assert int(refused.headers["retry-after"]) > 0
        assert story.get("/safes").meta["total"] == 8
