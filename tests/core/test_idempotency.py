"""Idempotency keys: how they are read, whose they are, and what makes two requests the same."""

from dataclasses import replace
from hashlib import blake2b
from typing import Any

import msgspec
import pytest
from ask_library import AUTHORS, BOOKS, ID

from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.core.condition import NEVER, Condition, Operator, Path, Test
from holdfast.core.exchange import Head, Reply, join_headers
from holdfast.core.idempotency import build_claim, build_headers, is_in_journal, list_shown, mark_replayed, read_key
from holdfast.core.plan import Claim, Create, Delete, Kept, Row, Undelete, Update
from holdfast.core.reply import Replies
from holdfast.core.view import Include, Mask, View

RECORD = RecordId(ID)
VIEW = View(BOOKS, (BOOKS.by_member["id"],))


def head(method: str = "POST", peer: str = "127.0.0.1", **headers: str) -> Head:
    """A request head; underscores in names of headers are hyphens."""
    return Head(method, "/", {name.replace("_", "-"): value for name, value in headers.items()}, peer, has_body=True, received_s=0.0)


def sign(message: bytes) -> bytes:
    """A digest as a vault makes it."""
    return blake2b(message, digest_size=16, key=b"test").digest()


def _answer(_rows: tuple[Row | None, ...]) -> Reply:
    return Reply(200, b"")


def claim(key: str = "k", given: Head | None = None, **more: Any) -> Claim:
    """A claim; by default POST /books of an empty body by a caller who is not signed in."""
    parts: dict[str, Any] = {"path": "/books", "query": "", "body": {}, "actor_id": None, "steps": (), "answer": _answer, **more}
    return build_claim(key, given or head(), sign=sign, **parts)


@pytest.mark.parametrize(("sent", "key"), [("a", "a"), ('"a"', "a"), ('"', '"'), ('""a""', '"a"'), ('"a', '"a'), ("~" * 255, "~" * 255)])
def test_a_key_is_read_without_its_quotes(sent: str, key: str) -> None:
    """One pair of surrounding quotes is no part of it."""
    assert read_key(head(idempotency_key=sent)) == key


def test_a_request_may_have_no_key() -> None:
    """None then."""
    assert read_key(head(if_match="*")) is None


@pytest.mark.parametrize("sent", ["", '""', "a b", "é", "\x7f", "a\tb", "~" * 256, '"' + "~" * 256 + '"'])
def test_a_malformed_key_is_refused(sent: str) -> None:
    """1 to 255 visible ASCII characters, else malformed_request."""
    with pytest.raises(Refused) as caught:
        read_key(head(idempotency_key=sent))
    assert caught.value.code == "malformed_request"


def test_two_keys_are_refused() -> None:
    """Which one would be meant?"""
    given = head()
    given.headers = join_headers([("idempotency-key", "a"), ("idempotency-key", "a")])
    with pytest.raises(Refused):
        read_key(given)


def test_a_key_belongs_to_caller_method_and_path() -> None:
    """With another of them it is another key; what is asked does not matter to it."""
    hashes = [
        claim().key_hash,
        claim("other").key_hash,
        claim(given=head("PUT")).key_hash,
        claim(given=head(peer="127.0.0.2")).key_hash,
        claim(path="/authors").key_hash,
        claim(actor_id="127.0.0.1").key_hash,
        claim(actor_id="somebody").key_hash,
    ]
    assert len(set(hashes)) == len(hashes)
    assert {len(each) for each in hashes} == {16}
    assert claim(query="a=b", body=[1]).key_hash == claim().key_hash
    assert claim(actor_id="somebody", given=head(peer="127.0.0.2")).key_hash == claim(actor_id="somebody").key_hash


def test_a_fingerprint_is_what_is_asked() -> None:
    """Method, path, query, If-Match, Prefer and body count; key, caller and other headers do not."""
    prints = [
        claim().fingerprint,
        claim(given=head("PUT")).fingerprint,
        claim(path="/authors").fingerprint,
        claim(query="fields=title").fingerprint,
        claim(given=head(if_match="*")).fingerprint,
        claim(given=head(prefer="*")).fingerprint,
        claim(body=None).fingerprint,
        claim(body=[]).fingerprint,
        claim(body={"a": 1}).fingerprint,
        claim(body={"a": "1"}).fingerprint,
    ]
    assert len(set(prints)) == len(prints)
    assert claim("other", given=head(peer="::1", accept="*/*"), actor_id="x").fingerprint == claim().fingerprint
    assert claim(body={"a": {"c": 1, "b": 2}, "d": 3}).fingerprint == claim(body={"d": 3, "a": {"b": 2, "c": 1}}).fingerprint


def test_what_is_kept_is_the_answer_without_the_request() -> None:
    """Status, body and headers are kept, but for the id of the request that made them; the next one gets its own."""
    keep = claim(
        steps=(Delete(RECORD, VIEW), Delete(RECORD, VIEW)),
        answer=lambda rows: Reply(201, b"body%d" % len(rows), (("x-request-id", "one"), ("etag", '"1"'))),
    ).keep
    assert keep is not None
    kept = keep((None, None))
    assert kept == Kept(201, (("etag", '"1"'),), b"body2")
    assert build_headers(kept, "two") == (("x-request-id", "two"), ("etag", '"1"'))
    reply = Replies().kept(kept, "two")
    assert (reply.status, reply.body) == (201, b"body2")
    assert reply.fixed.startswith(b"content-type: ")


def test_nothing_is_kept_of_what_the_journal_tells() -> None:
    """A record as it was written is in its entry. Not so what is included beside it, nor how many entries a deletion has left."""
    include = Include(BOOKS.by_name["author"], View(AUTHORS, (AUTHORS.by_member["id"],)))
    shows_more = msgspec.structs.replace(VIEW, includes=(include,))
    made, changed = Create(RECORD, VIEW, {}), Update(RECORD, VIEW, {})
    assert is_in_journal((made,))
    assert is_in_journal((made, changed, Undelete(RECORD, VIEW)))
    assert is_in_journal((Delete(RECORD, VIEW),))
    assert not is_in_journal((made, Delete(RECORD, VIEW)))
    assert not is_in_journal((replace(changed, view=shows_more),))
    assert claim(steps=(made,)).keep is None


def test_a_repeat_says_that_it_is_one() -> None:
    """`Idempotency-Replayed: true`, on the same answer."""
    reply = Reply(201, b"body", (("x-request-id", "two"), ("etag", '"1"')))
    mark_replayed(reply)
    assert reply == Reply(201, b"body", (("x-request-id", "two"), ("etag", '"1"'), ("idempotency-replayed", "true")))


def test_a_kept_answer_without_a_body_has_no_type() -> None:
    """204 is sent as any other 204."""
    assert not Replies().kept(Kept(204, (), b""), "two").fixed.startswith(b"content-type: ")


def test_an_answer_that_nobody_wants_has_no_body() -> None:
    """204, and the preference that was applied."""
    reply = Replies().minimal("two")
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers == (("x-request-id", "two"), ("preference-applied", "return=minimal"))


READ: Condition = Test(Path(BOOKS.by_member["title"]), Operator.EQUALS, "mine")
PRICED = View(BOOKS, tuple(BOOKS.by_member[name] for name in ("id", "version", "price")))
MASKED = View(
    BOOKS,
    PRICED.fields,
    (Include(BOOKS.by_name["author"], View(AUTHORS, AUTHORS.fields), READ),),
    masks=(Mask(BOOKS.by_member["title"], NEVER),),
)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"", []),
        (b'{"data":null}', []),
        (b'{"data":{"id":"b","version":1}}', []),
        (b'{"data":{"id":"b","version":1,"price":2,"author":null}}', [("books", "b", READ)]),
        (b'{"data":{"id":"b","version":1,"title":"T","author":null}}', [("books", "b", NEVER)]),
        (b'{"data":{"id":"b","version":1,"cost":"2","author":null}}', [("books", "b", NEVER)]),
        (b'{"data":{"id":"b","author":{"id":"a","version":1}}}', [("books", "b", READ)]),
        (b'{"data":{"id":"b","author":{"id":"a","name":"A"}}}', [("books", "b", READ), ("authors", "a", READ)]),
    ],
)
def test_a_kept_answer_shows_records(body: bytes, shown: list[tuple[str, str, Condition]]) -> None:
    """Each with what its caller must be able to see still: the record, the members it has, what is included."""
    step = Create(RECORD, MASKED, {}, shown=READ)
    found = [(each.resource.path, each.id, each.where) for each in list_shown((step,), Kept(201, (), body))]
    assert found == shown


def test_kept_answers_of_many_steps_show_the_records_of_each() -> None:
    """A bulk answer is a list of records, a batch tells the status of each beside it; a deletion and what is free show nothing."""
    steps = (Create(RECORD, PRICED, {}), Delete(RECORD, PRICED), Update(RECORD, PRICED, {}, where=READ))
    bulk = b'{"data":[{"id":"a","price":1},null,{"id":"b","price":1}]}'
    batch = b'{"data":[{"status":201,"data":{"id":"a","price":1}},{"status":200,"data":null},{"status":200,"data":{"id":"b","price":1}}]}'
    for body in (bulk, batch):
        assert [(each.id, each.where) for each in list_shown(steps, Kept(200, (), body))] == [("b", READ)]
