"""Once, and only once: idempotency keys on every kind of write, over the whole API."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw
import pytest
from story_case import ABSENT_ID, Story, telling
from story_library import backend

from holdfast.testing import Response

HOUR_US = 3_600 * 1_000_000


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """One database for all of this module."""
    with telling(backend) as story:
        yield story


def keyed(story: Story, key: str, method: str, path: str, json: Any = None, **headers: str) -> Response:
    """Send a request under a key."""
    return story.ask(
        method, path, json=json, headers={"Idempotency-Key": key, **{name.replace("_", "-"): headers[name] for name in headers}}
    )


def check_replay(first: Response, again: Response) -> None:
    """See that the second answer is the first, byte for byte, and says so."""
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status, again.content) == (first.status, first.content)
    kept = [
        {name: value for name, value in each.headers.items() if name not in ("x-request-id", "idempotency-replayed")}
        for each in (first, again)
    ]
    assert kept[0] == kept[1]


def head(story: Story, path: str) -> int:
    """How many records there are."""
    total: int = story.get(path).meta["total"]
    return total


Ask = tuple[str, str, Any]


def _create(story: Story) -> Ask:
    return "POST", "/houses", {"name": story.unique("Once ")}


def _bulk(story: Story) -> Ask:
    return "POST", "/houses/bulk", [{"name": story.unique("Once ")}, {"name": story.unique("Once ")}]


def _replace(story: Story) -> Ask:
    return "PUT", f"/houses/{story.house()['id']}?version=1", {"name": story.unique("Put ")}


def _patch(story: Story) -> Ask:
    return "PATCH", f"/houses/{story.house()['id']}?version=1", {"city": "Bath"}


def _delete(story: Story) -> Ask:
    return "DELETE", f"/houses/{story.house()['id']}?version=1", None


ASKS = [_create, _bulk, _replace, _patch, _delete]


@pytest.mark.parametrize("make", ASKS)
@pytest.mark.parametrize("prefer", ["return=representation", "return=minimal"])
def test_a_repeat_gets_the_first_answer(story: Story, make: Callable[[Story], Ask], prefer: str) -> None:
    """Every kind of write is made once; each repeat has the same status, body, ETag and Location, and an id of its own."""
    method, path, body = make(story)
    key = story.unique("repeat")

    first = keyed(story, key, method, path, body, Prefer=prefer)
    before = head(story, "/houses")
    again = [keyed(story, key, method, path, body, Prefer=prefer) for _ in range(3)]
    assert first.status in (200, 201, 204)
    for each in again:
        check_replay(first, each)
    assert len({each.headers["x-request-id"] for each in (first, *again)}) == 4
    assert head(story, "/houses") == before


@pytest.mark.parametrize("make", ASKS)
def test_without_a_key_nothing_is_replayed(story: Story, make: Callable[[Story], Ask]) -> None:
    """The same request without a key is another request: it conflicts or is missed, and never says that it was replayed."""
    method, path, body = make(story)

    assert story.ask(method, path, json=body).status < 300
    again = story.ask(method, path, json=body)
    assert again.status in (404, 409)
    assert "idempotency-replayed" not in again.headers


def test_a_repeat_is_told_after_the_record_has_changed(story: Story) -> None:
    """The first answer is replayed even though the record was changed, and then deleted, since."""
    key, name = story.unique("old"), story.unique("Old ")
    first = keyed(story, key, "POST", "/houses", {"name": name})
    story.ask("PATCH", f"/houses/{first.data['id']}?version=1", json={"city": "Bath"})
    check_replay(first, keyed(story, key, "POST", "/houses", {"name": name}))
    assert story.ask("DELETE", f"/houses/{first.data['id']}?version=2").status == 200
    check_replay(first, keyed(story, key, "POST", "/houses", {"name": name}))


def test_a_refusal_leaves_the_key_free(story: Story) -> None:
    """What was refused is not kept: under the same key the mended request is made."""
    key, name = story.unique("free"), story.unique("Free ")
    house = story.house(name=name)

    assert keyed(story, key, "POST", "/houses", {"name": 1}).status == 422
    assert keyed(story, key, "POST", "/houses", {"name": name}).error["code"] == "unique_conflict"
    assert keyed(story, key, "PATCH", f"/houses/{house['id']}", {"city": "B"}).error["code"] == "precondition_required"
    made = keyed(story, key, "POST", "/houses", {"name": story.unique("Free ")})
    assert made.status == 201
    assert "idempotency-replayed" not in made.headers


@pytest.mark.parametrize(
    ("query", "body", "headers"),
    [
        ("", {"name": "Another", "city": "A"}, {}),
        ("?fields=name", {"name": "First", "city": "A"}, {}),
        ("", {"name": "First", "city": "A"}, {"Prefer": "return=minimal"}),
        ("", {"name": "First", "city": "A"}, {"If_Match": "*"}),
        ("", {"name": "First"}, {}),
    ],
)
def test_another_request_under_a_key_is_refused(story: Story, query: str, body: Any, headers: dict[str, str]) -> None:
    """Body, query, Prefer and If-Match are part of what was asked: another of them is 422 idempotency_mismatch, and nothing is done."""
    key, name = story.unique("mismatch"), story.unique("First ")
    assert keyed(story, key, "POST", "/houses", {"name": name, "city": "A"}).status == 201
    before = head(story, "/houses")

    other = {**body, "name": name if body["name"] == "First" else story.unique("Other ")}
    answer = keyed(story, key, "POST", f"/houses{query}", other, **headers)
    assert (answer.status, answer.error["code"]) == (422, "idempotency_mismatch")
    assert head(story, "/houses") == before


def test_members_in_another_order_are_the_same_request(story: Story) -> None:
    """The parsed body counts, not its bytes: order of members and white space are no difference."""
    key, name = story.unique("order"), story.unique("Order ")
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    first = story.ask("POST", "/houses", content=f'{{"name":"{name}","city":"B"}}', headers=headers)
    assert first.status == 201
    check_replay(first, story.ask("POST", "/houses", content=f'{{ "city": "B",\n "name": "{name}" }}', headers=headers))


def test_a_key_belongs_to_its_method_and_path(story: Story) -> None:
    """The same key on another path or with another method is another key."""
    key, memo, other = story.unique("scope"), story.make("/memos", text="a"), story.make("/memos", text="b")
    body = {"text": "same"}

    answers = [
        keyed(story, key, "POST", "/memos", body),
        keyed(story, key, "PUT", f"/memos/{memo['id']}", body),
        keyed(story, key, "PATCH", f"/memos/{memo['id']}", body),
        keyed(story, key, "PATCH", f"/memos/{other['id']}", body),
    ]
    assert [each.status for each in answers] == [201, 200, 200, 200]
    assert all("idempotency-replayed" not in each.headers for each in answers)


@pytest.mark.parametrize(("sent", "same"), [('"{}"', "{}"), ("{}", '"{}"')])
def test_surrounding_quotes_are_no_part_of_a_key(story: Story, sent: str, same: str) -> None:
    """A key with one pair of quotes around it is the key without them."""
    key, body = story.unique("quoted"), {"name": story.unique("Quoted ")}
    check_replay(keyed(story, sent.format(key), "POST", "/houses", body), keyed(story, same.format(key), "POST", "/houses", body))


@pytest.mark.parametrize("key", ["x" * 255, '"' + "y" * 255 + '"', '"', "!#~", '"a""'])
def test_every_visible_text_is_a_key(story: Story, key: str) -> None:
    """1 to 255 visible ASCII characters, quotes among them, are a key."""
    body = {"name": story.unique("Key ")}
    check_replay(keyed(story, key, "POST", "/houses", body), keyed(story, key, "POST", "/houses", body))


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "with space", "ü", '"' + "x" * 256 + '"', "tab\tin"])
def test_a_malformed_key_is_refused(story: Story, key: str) -> None:
    """An empty, long or invisible key is 400, before the body is judged."""
    for method, path in (("POST", "/houses"), ("PATCH", f"/houses/{ABSENT_ID}"), ("DELETE", f"/houses/{ABSENT_ID}")):
        answer = keyed(story, key, method, path, {"wrong": 1})
        assert (answer.status, answer.error["code"]) == (400, "malformed_request"), answer


def test_two_keys_are_refused(story: Story) -> None:
    """A request has one key."""
    answer = story.ask("POST", "/houses", json={"name": "x"}, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    assert (answer.status, answer.error["code"]) == (400, "malformed_request")


def test_reads_know_no_keys(story: Story) -> None:
    """A key on a read is passed over: what is read is always new."""
    key = story.unique("read")
    before = keyed(story, key, "GET", "/houses").meta["total"]
    story.house()
    assert keyed(story, key, "GET", "/houses").meta["total"] == before + 1
    assert keyed(story, key, "POST", "/houses/query", {}).meta["total"] == before + 1


def test_racing_repeats_make_one_record(story: Story) -> None:
    """Many requests with one key at the same moment: one is made, all others wait for it and replay it."""
    key, body = story.unique("race"), {"text": story.unique("Race ")}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: keyed(story, key, "POST", "/memos", body), range(32)))
    first = [each for each in answers if "idempotency-replayed" not in each.headers]
    assert len(first) == 1
    for each in answers:
        assert (each.status, each.content, each.headers["location"]) == (201, first[0].content, first[0].headers["location"])
    assert story.get(f"/memos?text={body['text']}").meta["total"] == 1


def test_keys_outlive_a_restart(tmp_path: Path) -> None:
    """After a stop and a new start the first answer is replayed, byte for byte."""
    with telling(backend, data=tmp_path) as story:
        first = keyed(story, "k", "POST", "/houses", {"name": "Faber"})
    with telling(backend, data=tmp_path) as story:
        check_replay(first, keyed(story, "k", "POST", "/houses", {"name": "Faber"}))


def test_a_key_is_free_after_a_day(tmp_path: Path) -> None:
    """24 hours after the first answer the key may be used for another request; a little before it may not."""
    with telling(backend, data=tmp_path) as story:
        first = keyed(story, "k", "POST", "/houses", {"name": "Faber"})
        _age(tmp_path, 24 * HOUR_US - 60_000_000)
        assert keyed(story, "k", "POST", "/houses", {"name": "Penguin"}).status == 422
        check_replay(first, keyed(story, "k", "POST", "/houses", {"name": "Faber"}))
        _age(tmp_path, 60_000_000)
        made = keyed(story, "k", "POST", "/houses", {"name": "Penguin"})
        assert made.status == 201
        check_replay(made, keyed(story, "k", "POST", "/houses", {"name": "Penguin"}))


def test_expired_keys_are_cleaned_up_in_small_steps(tmp_path: Path) -> None:
    """Writes with keys take away what has expired, at most 50 at a time, and nothing that has not."""
    with telling(backend, data=tmp_path) as story:
        for number in range(120):
            assert keyed(story, f"old{number}", "POST", "/memos", {"text": "x"}).status == 201
        _age(tmp_path, 24 * HOUR_US)
        left = []
        for number in range(100):
            assert keyed(story, f"new{number}", "POST", "/memos", {"text": "x"}).status == 201
            left.append(_count(tmp_path))
    steps = [before + 1 - after for before, after in zip([120, *left], left, strict=False)]
    assert max(steps) <= 50
    assert sorted(steps)[-3:] == [20, 50, 50]
    assert left[-1] == 100


def test_neither_keys_nor_addresses_are_in_the_database(tmp_path: Path) -> None:
    """Only a keyed hash of key and caller is kept."""
    with telling(backend, data=tmp_path) as story:
        assert keyed(story, "a-key-to-look-for", "POST", "/memos", {"text": "x"}).status == 201
    held = b"".join(each.read_bytes() for each in tmp_path.glob("holdfast.db*"))
    assert b"a-key-to-look-for" not in held
    assert b"127.0.0.1" not in held


def _age(data: Path, by_us: int) -> None:
    """Make every kept answer older."""
    connection = apsw.Connection(str(data / "holdfast.db"))
    connection.set_busy_timeout(5_000)
    connection.execute("UPDATE hf_idempotency SET created_at = created_at - ?", (by_us,))
    connection.close()


def _count(data: Path) -> int:
    connection = apsw.Connection(str(data / "holdfast.db"))
    ((count,),) = connection.execute("SELECT count(*) FROM hf_idempotency").fetchall()
    connection.close()
    return int(str(count))
