"""Cursors: every place comes back as it was, and nothing else is taken for one."""

import base64
from typing import Any

import pytest
from ask_library import AUTHORS, BOOKS, CURSORS, refusal_of, sign
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.ask.cursor import Cursor, Cursors
from holdfast.core.ask.fingerprint import fingerprint
from holdfast.core.condition import ALWAYS, NEVER, All, Condition, IsNull, Matches, Not, OneOf, Operator, Path, Step, Test
from holdfast.core.condition import Any as AnyOf
from holdfast.core.plan import Order

STORED = st.none() | st.text() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
PLACES = st.builds(Cursor, st.integers(2, 2**40), st.lists(STORED, min_size=1, max_size=9).map(tuple))
MARK = b"mark"


@given(PLACES, st.binary(max_size=40))
def test_a_cursor_comes_back_as_it_was(cursor: Cursor, mark: bytes) -> None:
    """Every stored value survives exactly, in text that fits a URL as it is."""
    text = CURSORS.encode(cursor, mark)
    read = CURSORS.decode(text, mark)

    assert cursor == read
    assert [type(each) for each in cursor.values] == [type(each) for each in read.values]
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_cursor_holds_across_restarts() -> None:
    """Another Cursors with the same key reads it; one with another key does not."""
    text = CURSORS.encode(Cursor(2, ("a",)), MARK)

    assert Cursor(2, ("a",)) == Cursors(sign).decode(text, MARK)
    assert refusal_of(Cursors(lambda message: sign(b"other" + message)).decode, text, MARK).code == "invalid_cursor"


@given(PLACES, st.data())
def test_a_cursor_that_was_touched_is_refused(cursor: Cursor, data: st.DataObject) -> None:
    """Any other text than the one that was given out is 400, be it changed, cut, padded or longer by one character."""
    text = CURSORS.encode(cursor, MARK)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("Aa0-_=+/ é\n"))
    changed = {text[:place] + other + text[place + 1 :], text[:place], text + other, other + text} - {text}

    for each in changed:
        assert refusal_of(CURSORS.decode, each, MARK).code == "invalid_cursor"


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Any text at all is refused with 400, never with another exception."""
    error = refusal_of(CURSORS.decode, text, MARK)

    assert (error.status, error.code) == (400, "invalid_cursor")


def test_a_payload_cannot_pass_for_a_fingerprint() -> None:
    """Bytes moved from the payload to the fingerprint do not keep the signature."""
    text = CURSORS.encode(Cursor(2, ("a",)), MARK)
    sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    shorter = base64.urlsafe_b64encode(sealed[:-1]).decode().rstrip("=")

    assert refusal_of(CURSORS.decode, shorter, sealed[-1:] + MARK).code == "invalid_cursor"


TITLE, PAGES = Path(BOOKS.by_member["title"]), Path(BOOKS.by_member["pages"])
GUARDED = Step(BOOKS.by_member["author_id"], AUTHORS, IsNull(Path(AUTHORS.by_member["email"])))
NAME = Path(AUTHORS.by_member["name"], (Step(BOOKS.by_member["author_id"], AUTHORS),))


def mark(where: Condition = ALWAYS, *keys: Order, **more: Any) -> bytes:
    """The fingerprint of a list of books."""
    return fingerprint(BOOKS, where, keys, **{"ranked": False, "caller": "", "scope": "", **more})


def test_other_lists_have_other_fingerprints() -> None:
    """Every part of a condition, sort, caller and place counts; equal lists have equal ones."""
    marks = [
        mark(),
        mark(NEVER),
        mark(Test(PAGES, Operator.EQUALS, 1)),
        mark(Test(PAGES, Operator.EQUALS, 1.0)),
        mark(Test(PAGES, Operator.EQUALS, "1")),
        mark(Test(PAGES, Operator.LESS, 1)),
        mark(Test(TITLE, Operator.EQUALS, "title")),
        mark(Test(TITLE, Operator.EQUALS, TITLE)),
        mark(OneOf(PAGES, (1, 2))),
        mark(OneOf(PAGES, (2, 1))),
        mark(IsNull(PAGES)),
        mark(Not(IsNull(PAGES))),
        mark(Matches(BOOKS, ("a", "b"))),
        mark(Matches(BOOKS, ("ab",))),
        mark(All((IsNull(PAGES), IsNull(TITLE)))),
        mark(AnyOf((IsNull(PAGES), IsNull(TITLE)))),
        mark(All((AnyOf((IsNull(PAGES),)), IsNull(TITLE)))),
        mark(ALWAYS, Order(PAGES)),
        mark(ALWAYS, Order(PAGES, descending=True)),
        mark(ALWAYS, Order(PAGES), Order(TITLE)),
        mark(ALWAYS, Order(NAME)),
        mark(ranked=True),
        mark(caller="a"),
        mark(scope="a"),
        mark(caller="a", scope="a"),
    ]

    assert len(marks) == len(set(marks))
    assert mark(Test(PAGES, Operator.EQUALS, 1)) == mark(Test(PAGES, Operator.EQUALS, 1))


def test_guards_do_not_count() -> None:
    """A guard may change with time; the caller stands for it."""
    assert mark(IsNull(NAME)) == mark(IsNull(Path(NAME.field, (GUARDED,))))


@pytest.mark.parametrize("length", [0, 1, 15, 16])
def test_a_cursor_too_short_for_its_signature_is_refused(length: int) -> None:
    """Fewer bytes than a signature and a payload are no cursor."""
    text = base64.urlsafe_b64encode(b"\0" * length).decode().rstrip("=")

    assert refusal_of(CURSORS.decode, text, MARK).code == "invalid_cursor"
