"""CORS: exact match, whole headers for whom it matches, nothing for anyone else."""

import pytest

from holdfast.core.cors import Cors, is_origin, preflight_headers

LISTED = "https://app.example.org"


def test_a_listed_origin_is_told_what_it_may_read() -> None:
    """Its own name, never `*`, and the headers beside it."""
    found = dict(Cors([LISTED]).headers_for(LISTED))

    assert found == {
        "access-control-allow-origin": LISTED,
        "access-control-expose-headers": (
            "ETag, Link, Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Idempotency-Replayed"
        ),
    }


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "*",
        "http://app.example.org",
        "https://app.example.org:8443",
        "https://app.example.org/",
        "https://APP.example.org",
        "https://app.example.org.evil.test",
        "https://evil-app.example.org",
        "https://sub.app.example.org",
        "https://example.org",
        "https://app.example.org, https://evil.test",
        " https://app.example.org",
    ],
)
def test_any_other_origin_is_told_nothing(origin: str | None) -> None:
    """A suffix, a prefix, a subdomain, another scheme or port: none is the one that is listed."""
    assert Cors([LISTED]).headers_for(origin) == ()


def test_cookies_are_allowed_where_sessions_are_in_them() -> None:
    """And only there."""
    assert ("access-control-allow-credentials", "true") in Cors([LISTED], credentials=True).headers_for(LISTED)
    assert Cors([LISTED], credentials=True).headers_for("https://evil.test") == ()


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("https://app.example.org", True),
        ("http://localhost:5173", True),
        ("https://[2001:db8::1]:8443", True),
        ("app+native://main", True),
        ("*", False),
        ("null", False),
        ("https://*.example.org", False),
        ("https://app.example.org/", False),
        ("https://app.example.org/path", False),
        ("https://App.example.org", False),
        ("https://app.example.org:443", False),
        ("http://app.example.org:80", False),
        ("http://app.example.org:99999", False),
        ("app.example.org", False),
        ("https://user@app.example.org", False),
        ("https://app.example.org\n", False),
    ],
)
def test_only_what_a_browser_can_send_is_an_origin(text: str, *, sound: bool) -> None:
    """Any other text in the settings would never match, or match too much."""
    assert is_origin(text) is sound


def test_a_preflight_is_told_what_the_path_takes() -> None:
    """Its methods, its headers, and for how long that holds."""
    told = dict(preflight_headers("GET, HEAD"))

    assert told["access-control-allow-methods"] == "GET, HEAD"
    assert "Idempotency-Key" in told["access-control-allow-headers"]
    assert told["access-control-max-age"] == "600"
    assert dict(Cors([LISTED], credentials=True).headers_for(LISTED))["access-control-allow-credentials"] == "true"
