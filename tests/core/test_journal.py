"""Seals, and what can be asked of the journal."""

from typing import Any

import pytest

from holdfast.base.errors import Refused
from holdfast.core.ask.journal import ChangesAsk, HistoryAsk, read_as_of, read_changes_query, read_history_query, read_sequence
from holdfast.core.journal import (
    NO_SEAL,
    EntryHead,
    Seal,
    digest_secrets,
    encode_heads,
    fingerprint_of,
    fold_seal,
    hash_payload,
    make_seal,
    sign_unkeyed,
    take_seals,
)
from holdfast.core.negotiate import prefers_events

HEAD = EntryHead(7, "books", "b", 1, "create", None, "r", "2026", None, b"h")


def _other(name: str) -> dict[str, Any]:
    return {name: "z"}


def test_a_payload_has_one_hash() -> None:
    """Equal texts have equal hashes of 16 bytes, others have others, and no text has none."""
    assert hash_payload("ä") == hash_payload("ä") != hash_payload("a")
    assert len(hash_payload("") or b"") == 16
    assert hash_payload(None) is None


def test_a_digest_tells_secrets_apart() -> None:
    """Names and values are told apart where they run together; an empty value is one, none at all has no digest."""
    named: list[tuple[str | None, ...]] = [
        ("a", "x"),
        ("a", ""),
        ("b", "x"),
        ("a", "x", "b", ""),
        ("a", "", "b", "x"),
        ("a", None, "b", "x", "c", ""),
        ("ab", "x"),
        ("a", "bx"),
    ]
    digests = [digest_secrets(*each) for each in named]
    assert len(set(digests)) == len(named)
    assert all(each is not None and len(each) == 32 for each in digests)
    assert digest_secrets() is digest_secrets("a", None) is digest_secrets("a", None, "b", None) is None


def test_a_secret_that_is_not_there_says_nothing() -> None:
    """A digest is the same with a field more that has no value: a class can be given one."""
    assert digest_secrets("a", "x") == digest_secrets("a", "x", "b", None) == digest_secrets("A", None, "a", "x")


def test_seals_are_taken_while_their_entries_fit() -> None:
    """The first is taken however much it is made over, so that a walk goes on; none are taken of none."""
    seals = [Seal(last, first, last - first + 1, b"", b"") for first, last in ((1, 3), (4, 5), (6, 6))]
    assert [len(take_seals(seals, entries)) for entries in (1, 4, 5, 6)] == [1, 1, 2, 3]
    assert not take_seals([], 1)


def test_a_seal_depends_on_everything_it_is_made_over() -> None:
    """Every member of a head, the order of the heads, the seal before and the key change the seal."""
    later = HEAD._replace(seq=8)
    seal = make_seal(NO_SEAL, [HEAD, later], sign_unkeyed)
    assert seal[:3] == (8, 7, 2)
    others = [
        make_seal(b"x", [HEAD, later], sign_unkeyed),
        make_seal(NO_SEAL, [later, HEAD], sign_unkeyed),
        make_seal(NO_SEAL, [HEAD, later], lambda message: sign_unkeyed(b"key" + message)),
        *(make_seal(NO_SEAL, [HEAD._replace(**_other(name)), later], sign_unkeyed) for name in EntryHead._fields),
    ]
    assert len({seal.seal, *(each.seal for each in others)}) == 1 + len(others)


def test_heads_are_told_apart_where_their_texts_run_together() -> None:
    """What ends one member and begins the next is part of what is signed."""
    first, second = HEAD._replace(resource="ab", record_id="c"), HEAD._replace(resource="a", record_id="bc")
    assert encode_heads(NO_SEAL, [first]) != encode_heads(NO_SEAL, [second])


def test_questions_are_read() -> None:
    """Every parameter arrives, and what is left out has its default."""
    assert read_history_query("") == HistoryAsk(20, None)
    assert read_history_query("limit=3&after=9") == HistoryAsk(3, 9)
    assert read_changes_query("", ["books"]) == ChangesAsk(20, None, None)
    assert read_changes_query("after=0&resource=books&limit=200", ["books"]) == ChangesAsk(200, 0, "books")
    assert read_sequence(str(2**63 - 1)) == 2**63 - 1
    assert read_as_of("2026-01-02T03:04:05+01:00") == "2026-01-02T02:04:05.000000Z"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_page"),
        ("limit=05", "invalid_page"),
        ("after=05", "invalid_cursor"),
        ("limit=201", "invalid_page"),
        ("after=-1", "invalid_cursor"),
        ("after=", "invalid_cursor"),
        ("after=9223372036854775808", "invalid_cursor"),
        ("after=1&after=2", "unknown_parameter"),
        ("before=1", "unknown_parameter"),
        ("resource=boks", "invalid_filter"),
    ],
)
def test_wrong_questions_are_refused(query: str, code: str) -> None:
    """Each mistake has its code."""
    with pytest.raises(Refused) as refused:
        read_changes_query(query, ["books"])
    assert refused.value.code == code


def test_a_time_that_is_none_is_refused() -> None:
    """A date alone, or a time without its zone, names no moment."""
    for text in ("2026-01-02", "2026-01-02T03:04:05", "now"):
        with pytest.raises(Refused) as refused:
            read_as_of(text)
        assert refused.value.code == "malformed_request"


@pytest.mark.parametrize(
    ("accept", "events"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("text/event-stream", True),
        ("Text/Event-Stream", True),
        ("text/event-stream, application/json;q=0.5", True),
        ("text/event-stream;q=0.5, application/json", False),
        ("text/event-stream;q=0", False),
        ("text/event-stream-x", False),
    ],
)
def test_events_are_for_who_names_them(accept: str | None, events: bool) -> None:  # noqa: FBT001  # a case
    """An Accept that names event streams at least as high as JSON asks for them."""
    assert prefers_events(accept) is events


def test_a_key_has_a_fingerprint() -> None:
    """Which tells it from others."""
    assert fingerprint_of(sign_unkeyed) == fingerprint_of(sign_unkeyed) != fingerprint_of(lambda message: sign_unkeyed(b"key" + message))


def test_a_folded_seal_stands_for_those_before() -> None:
    """It ends where the last one did, with its seal, and is signed over what is left."""
    first = make_seal(NO_SEAL, [HEAD], sign_unkeyed)
    last = make_seal(first.seal, [HEAD._replace(seq=8), HEAD._replace(seq=9)], sign_unkeyed)
    left = [HEAD._replace(seq=9)]
    folded, other = fold_seal(first, last, left, sign_unkeyed), fold_seal(first, last, [HEAD._replace(seq=8)], sign_unkeyed)
    assert folded[:4] == (9, 8, 1, last.seal)
    assert folded != other
