"""Negotiation: which Accept, Content-Type, Prefer, X-Request-Id and traceparent mean what."""

import pytest
from ask_library import refusal_of

from holdfast.core.negotiate import (
    Accepted,
    Traceparent,
    check_content_encoding,
    check_content_type,
    keep_request_id,
    parse_traceparent,
    prefers_minimal,
    read_accept,
)

JSON = Accepted(data=True, problem=False)
PROBLEM = Accepted(data=True, problem=True)
NEITHER = Accepted(data=False, problem=False)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/*", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/json;q=0.1", JSON),
        ("application/json;q=1.000", JSON),
        ("text/html, application/json;q=0.001", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", JSON),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON),
        ("application/json, text/plain, */*", JSON),
        ("garbage", JSON),
        (",,;", JSON),
        ("application/json;q=2", JSON),
        ("text/html", NEITHER),
        ("text/html, image/*", NEITHER),
        ("application/xml", NEITHER),
        ("application/vnd.api+json", NEITHER),
        ("application/json;q=0", NEITHER),
        ("application/json;q=0.0, */*", NEITHER),
        ("*/*;q=0", NEITHER),
        ("application/*;q=0, */*", NEITHER),
        ("application/problem+json", PROBLEM),
        ("application/problem+json, application/json", PROBLEM),
        ("application/json;q=0.5, application/problem+json;q=0.5", PROBLEM),
        ("application/problem+json, */*;q=0.1", PROBLEM),
        ("application/problem+json;q=0.4, application/json;q=0.5", JSON),
        ("application/problem+json;q=0.4, */*", JSON),
        ("application/problem+json;q=0", NEITHER),
        ("application/problem+json;q=0, application/json", JSON),
        ("text/html, " * 100 + "application/problem+json", PROBLEM),
        ("text/html, " * 3_000 + "application/problem+json", NEITHER),  # what stands so far behind is not read
    ],
)
def test_accept_says_which_forms_a_caller_takes(header: str | None, accepted: Accepted) -> None:
    """None, wildcards and browsers get JSON; problem+json must be named with q at least that of JSON; the rest is 406."""
    assert accepted == read_accept(header)
    assert accepted == read_accept(header)


@pytest.mark.parametrize(
    ("header", "patch"),
    [
        ("application/json", False),
        ("application/json", True),
        ("application/merge-patch+json", True),
        ("Application/JSON; Charset=UTF-8", False),
        ('application/json;charset="utf-8"', False),
        ("application/json; profile=x", False),
        ("application/json;", False),
    ],
)
def test_json_bodies_are_taken(header: str, *, patch: bool) -> None:
    """JSON in UTF-8 is taken everywhere, a merge patch where a record is patched."""
    check_content_type(header, patch=patch)


@pytest.mark.parametrize(
    ("header", "patch"),
    [
        (None, False),
        ("", False),
        (None, True),
        ("application/merge-patch+json", False),
        ("application/json-patch+json", True),
        ("text/plain", False),
        ("application/x-www-form-urlencoded", False),
        ("application/jsonp", False),
        ("application/json, text/plain", False),
        ("application/json; charset=latin-1", False),
        ("application/json; charset=utf-8; charset=utf-16", False),
    ],
)
def test_other_bodies_are_415(header: str | None, *, patch: bool) -> None:
    """Anything else is 415; a PATCH learns what it may send from Accept-Patch."""
    error = refusal_of(check_content_type, header, patch=patch)

    assert (error.status, error.code) == (415, "unsupported_media_type")
    assert ("accept-patch" in error.headers) is patch


@pytest.mark.parametrize(
    ("header", "minimal"),
    [
        (None, False),
        ("", False),
        ("return=minimal", True),
        ("Return=Minimal", True),
        ('return="minimal"', True),
        ("respond-async, return=minimal; foo=bar", True),
        ("return=representation", False),
        ("return=representation, return=minimal", False),
        ("returns=minimal", False),
        ("return", False),
        ("handling=strict; return=minimal", False),
    ],
)
def test_prefer_may_ask_for_no_body(header: str | None, *, minimal: bool) -> None:
    """Only return=minimal is known, the first `return` counts, the rest is passed over."""
    assert minimal == prefers_minimal(header)


@pytest.mark.parametrize("header", ["a", "A-z_0.9", "x" * 64, "01890000-0000-7000-8000-000000000001"])
def test_a_sound_request_id_is_kept(header: str) -> None:
    """1 to 64 of letters, digits, dot, dash and underscore."""
    assert header == keep_request_id(header)


@pytest.mark.parametrize("header", [None, "", "x" * 65, "a b", "a\n", "a\r\nset-cookie: x", "é", "a/b", "<x>"])
def test_any_other_request_id_is_replaced(header: str | None) -> None:
    """Nothing else goes into a header or a log line."""
    assert keep_request_id(header) is None


TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_traceparent_is_continued() -> None:
    """Version 00 with non-zero ids, 55 characters."""
    assert Traceparent(TRACE, SPAN, "01") == parse_traceparent(f"00-{TRACE}-{SPAN}-01")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        f"01-{TRACE}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-x",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
    ],
)
def test_any_other_traceparent_begins_a_new_trace(header: str | None) -> None:
    """What is not exactly of that form is as if it had not been sent."""
    assert parse_traceparent(header) is None


@pytest.mark.parametrize("header", [None, "", "identity", "Identity", "identity, identity"])
def test_plain_bodies_are_taken(header: str | None) -> None:
    """No coding, or the one that changes nothing, is taken."""
    check_content_encoding(header)


@pytest.mark.parametrize("header", ["gzip", "identity, br", "x"])
def test_coded_bodies_are_415(header: str) -> None:
    """A compressed body is 415, and Accept-Encoding says what is taken."""
    error = refusal_of(check_content_encoding, header)

    assert (error.status, error.code) == (415, "unsupported_media_type")
    assert error.headers == {"accept-encoding": "identity"}
    assert error.hint is not None
    assert "uncompressed" in error.hint
