"""Replies: the envelope, RFC 9457, headers, and what a 500 does not tell."""

import json
from dataclasses import replace
from typing import Any

import pytest
from ask_library import BOOKS, CATALOG, CURSORS, ID, READER, row

from holdfast.base.errors import CATALOGUE, Answerable, Refused, Unavailable, detail
from holdfast.core.ask.view import ViewReader
from holdfast.core.exchange import Reply
from holdfast.core.plan import Page
from holdfast.core.readings import HistoryPage
from holdfast.core.record_reply import RecordReplies
from holdfast.core.reply import HeaderPolicy, Replies
from holdfast.model.catalog import ResourceSpec

REPLIES = Replies()
RECORDS = RecordReplies(BOOKS)
VIEW = ViewReader(CATALOG, BOOKS).default
TAG = f'"3-{VIEW.etag_salt}"'


def body(reply: Reply) -> Any:
    """The JSON of a reply's body."""
    assert isinstance(reply.body, bytes)
    return json.loads(reply.body)


def headers(reply: Reply) -> dict[str, str]:
    """Every header of a reply; none stands twice, none holds a line break."""
    fixed = [line.split(": ", 1) for line in reply.fixed.decode("latin-1").split("\r\n")[:-1]]
    every = [(name, value) for name, value in (*fixed, *reply.headers)]
    assert len(every) == len({name for name, _ in every})
    assert all(name == name.lower() and "\r" not in value and "\n" not in value for name, value in every)
    return dict(every)


def test_every_answer_has_the_security_headers() -> None:
    """Nosniff, no-store, no referrer, no framing, JSON in UTF-8, and no banner."""
    assert headers(REPLIES.data('{"ok":true}', "r-1")) == {
        "content-type": "application/json; charset=utf-8",
        "cache-control": "no-store",
        "vary": "accept",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "x-frame-options": "DENY",
        "x-request-id": "r-1",
    }


def test_surroundings_add_their_headers() -> None:
    """With allowed origins answers vary by Origin."""
    policy = HeaderPolicy(cors=True)
    found = headers(Replies(policy).data("{}", "r-1"))

    assert found["vary"] == "accept, origin"
    kept = RecordReplies(_cached("private, no-cache"), policy)
    assert headers(kept.read(row(), VIEW, "r-1"))["vary"] == "accept, authorization, origin"


def test_data_stands_in_the_envelope() -> None:
    """The JSON text is joined in, not decoded."""
    reply = REPLIES.data('{"a":1.50}', "r-1", status=202)

    assert (reply.status, reply.body) == (202, b'{"success":true,"data":{"a":1.50}}')


def test_a_plain_body_has_its_own_block() -> None:
    """Documents without the envelope keep the security headers and say their type."""
    block = HeaderPolicy().block(content_type="text/html; charset=utf-8", cache="no-cache", content_policy="default-src 'self'")
    reply = REPLIES.plain(b"<!doctype html>", block, "r-1", status=404)

    assert (reply.status, reply.body) == (404, b"<!doctype html>")
    assert headers(reply)["content-type"] == "text/html; charset=utf-8"
    assert (headers(reply)["cache-control"], headers(reply)["content-security-policy"]) == ("no-cache", "default-src 'self'")


def test_options_says_what_a_path_takes() -> None:
    """204 without a body or a type; Accept-Patch where PATCH is taken."""
    one, many = REPLIES.options("GET, HEAD, PATCH, OPTIONS", "r-1"), REPLIES.options("GET, HEAD, OPTIONS", "r-1")

    assert (one.status, one.body) == (204, b"")
    assert headers(one)["allow"] == "GET, HEAD, PATCH, OPTIONS"
    assert headers(one)["accept-patch"] == "application/json, application/merge-patch+json"
    assert "accept-patch" not in headers(many)
    assert "content-type" not in headers(many)


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_code_becomes_an_answer_in_both_forms(code: str) -> None:
    """Each code of the catalogue has its status, message, hint and request id, in the envelope and as RFC 9457."""
    entry = CATALOGUE[code]
    plain, problem = REPLIES.error(Answerable(code), "r-1"), REPLIES.error(Answerable(code), "r-1", problem=True)
    facts = body(plain)["error"]

    assert (entry.status, entry.status) == (plain.status, problem.status)
    assert {"success", "error"} == set(body(plain))
    assert body(plain)["success"] is False
    assert (code, entry.message, "r-1") == (facts["code"], facts["message"], facts["request_id"])
    assert headers(problem)["content-type"] == "application/problem+json"
    told = body(problem)
    assert (f"urn:holdfast:error:{code}", entry.status, entry.message, "r-1") == tuple(
        told[each] for each in ("type", "status", "detail", "instance")
    )
    assert entry.message == told["title"]
    assert {**{name: value for name, value in facts.items() if name != "message"}}.items() <= told.items()


def test_details_and_hint_are_told() -> None:
    """Every invalid field stands in details; own words win over the catalogue's."""
    error = Refused(
        "validation_failed", "Two are wrong.", details=[detail("a.b", "required"), detail("c", "too_long", "No.")], hint="Look below."
    )

    assert body(REPLIES.error(error, "r-1"))["error"] == {
        "code": "validation_failed",
        "message": "Two are wrong.",
        "request_id": "r-1",
        "details": [
            {"field": "a.b", "code": "required", "message": "This member is required."},
            {"field": "c", "code": "too_long", "message": "No."},
        ],
        "hint": "Look below.",
    }
    assert body(REPLIES.error(error, "r-1"))["error"]["details"] == body(REPLIES.error(error, "r-1", problem=True))["details"]
    assert "hint" not in body(REPLIES.error(Refused("forbidden"), "r-1"))["error"]


@pytest.mark.parametrize("problem", [False, True])
def test_a_500_tells_nothing_of_the_inside(*, problem: bool) -> None:
    """Whatever words an internal error carries, the answer holds the catalogue's alone."""
    error = Answerable("internal_error", "SELECT secret FROM books", details=[detail("x", "required")], hint="/srv/app.py:12")
    reply = REPLIES.error(error, "r-1", problem=problem)

    assert reply.body == REPLIES.broken("r-1", problem=problem).body
    assert isinstance(reply.body, bytes)
    for word in (b"SELECT", b"app.py", b"details", b"hint"):
        assert word not in reply.body
    assert b"r-1" in reply.body


@pytest.mark.parametrize(
    ("error", "name", "value"),
    [
        (Refused("unauthenticated"), "www-authenticate", 'Bearer realm="api"'),
        (Refused("invalid_credentials"), "www-authenticate", 'Bearer realm="api"'),
        (Refused("rate_limited"), "retry-after", "1"),
        (Refused("rate_limited", headers={"retry-after": "7"}), "retry-after", "7"),
        (Unavailable("overloaded", retry_after_s=3), "retry-after", "3"),
        (Answerable("unavailable"), "retry-after", "1"),
        (Refused("method_not_allowed", headers={"allow": "GET"}), "allow", "GET"),
        (Refused("version_conflict", headers={"etag": '"4-x"'}), "etag", '"4-x"'),
        (Refused("unsupported_media_type", headers={"accept-patch": "x"}), "accept-patch", "x"),
    ],
)
def test_errors_carry_the_headers_that_their_status_needs(error: Answerable, name: str, value: str) -> None:
    """What whoever raised it said, or else what the status must have."""
    assert value == headers(REPLIES.error(error, "r-1"))[name]


def test_a_status_may_be_set_beside_the_code() -> None:
    """A stale version is 412 by If-Match and 409 by the body, with one code."""
    reply = REPLIES.error(Refused("version_conflict", status=409), "r-1", problem=True)

    assert (reply.status, body(reply)["status"]) == (409, 409)


def test_a_record_is_shown_with_its_tag() -> None:
    """200, the envelope around the text of the row, ETag."""
    reply = RECORDS.read(row(text='{"id":"x","title":"Zürich"}'), VIEW, "r-1")

    assert (200, '{"success":true,"data":{"id":"x","title":"Zürich"}}'.encode()) == (reply.status, reply.body)
    assert headers(reply)["etag"] == TAG
    assert headers(reply)["cache-control"] == "no-store"


def test_a_record_that_the_caller_has_is_304() -> None:
    """No body, no type; the tag and the caching rules stay."""
    kept = RecordReplies(_cached("private, no-cache"))
    reply = kept.read(row(), VIEW, "r-1", f"W/{TAG}")

    assert (reply.status, reply.body) == (304, b"")
    assert tuple(headers(reply)[each] for each in ("etag", "cache-control", "vary")) == (TAG, "private, no-cache", "accept, authorization")
    assert "content-type" not in headers(reply)
    assert kept.read(row(), VIEW, "r-1", '"2-x"').status == 200


def test_a_creation_says_where_the_record_is() -> None:
    """201 with Location and ETag; writes are never kept by caches."""
    reply = RecordReplies(_cached("public, max-age=60")).created(row(), VIEW, "r-1")

    assert (reply.status, reply.body) == (201, b'{"success":true,"data":{"id":"x"}}')
    assert (f"/api/v1/books/{ID}", TAG, "no-store") == tuple(headers(reply)[each] for each in ("location", "etag", "cache-control"))


def test_a_change_and_a_deletion_are_200() -> None:
    """A change shows the record with its new tag; a deletion shows null."""
    assert ((reply := RECORDS.changed(row(), VIEW, "r-1")).status, headers(reply)["etag"]) == (200, TAG)
    assert ((reply := RECORDS.deleted("r-1")).status, body(reply)) == (200, {"success": True, "data": None})
    assert "etag" not in headers(reply)


def test_many_creations_are_an_array() -> None:
    """201 in order, without Location and ETag."""
    reply = RECORDS.created_many([row(text="1"), row(text="2")], "r-1")

    assert (reply.status, body(reply)) == (201, {"success": True, "data": [1, 2]})
    assert not {"location", "etag"} & set(headers(reply))


def test_a_caller_may_prefer_no_body() -> None:
    """return=minimal is 204 with Preference-Applied, and what a caller needs to go on stays in the headers."""
    replies = [
        RECORDS.created(row(), VIEW, "r-1", minimal=True),
        RECORDS.changed(row(), VIEW, "r-1", minimal=True),
        RECORDS.deleted("r-1", minimal=True),
        RECORDS.created_many([row()], "r-1", minimal=True),
    ]

    assert [(each.status, each.body, headers(each)["preference-applied"]) for each in replies] == [(204, b"", "return=minimal")] * 4
    assert ["etag" in headers(each) for each in replies] == [True, True, False, False]
    assert f"/api/v1/books/{ID}" == headers(replies[0])["location"]
    assert not any("content-type" in headers(each) for each in replies)


def test_a_page_has_its_meta() -> None:
    """Rows are joined; meta has total, page, limit and next; Link is a header."""
    ask = READER.read_query("page=2&limit=3")
    page = Page(('{"a":1}', '{"a":2}'), ("id-1",), 5)
    cursor = ask.next_cursor(page, CURSORS)
    reply = RECORDS.page(page, ask, "r-1", next_cursor=cursor, links="<x>")

    assert {"success": True, "data": [{"a": 1}, {"a": 2}], "meta": {"total": 5, "page": 2, "limit": 3, "next": cursor}} == body(reply)
    assert (reply.status, headers(reply)["link"]) == (200, "<x>")


def test_an_empty_page_without_a_total() -> None:
    """count=none leaves the total out; the end of a list has next null, and no Link where there is none."""
    reply = RECORDS.page(Page((), None, None), READER.read_query("count=none"), "r-1", next_cursor=None)

    assert body(reply) == {"success": True, "data": [], "meta": {"page": 1, "limit": 20, "next": None}}
    assert "link" not in headers(reply)


def _cached(cache: str) -> ResourceSpec:
    return replace(BOOKS, cache=cache)


def test_a_history_has_its_meta() -> None:
    """Where it goes on, or null."""
    for following, shown in ((7, 7), (None, None)):
        reply = RecordReplies(BOOKS).history(HistoryPage(('{"seq":8}',), following), 20, ID)
        assert body(reply) == {"success": True, "data": [{"seq": 8}], "meta": {"limit": 20, "next": shown}}
