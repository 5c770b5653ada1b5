"""What a request's headers say about form: Accept, Content-Type, Prefer, X-Request-Id, traceparent."""

import re
from functools import lru_cache
from typing import NamedTuple

from holdfast.base.errors import Refused

PROBLEM_TYPE = "application/problem+json"
PATCH_TYPES = "application/json, application/merge-patch+json"

_CACHED_LENGTH_MAX = 256  # what browsers and clients send is far shorter; longer ones are read anew, so that no caller fills the cache
_READ_LENGTH_MAX = 2_048  # what follows is passed over: to read 32 KiB of ranges would hold up others for milliseconds
_QUALITY = re.compile(r"(?:0?\.[0-9]{1,3}|0\.?|1(?:\.0{0,3})?)\Z")  # `.2` too, as the client of Java's standard library sends
_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})\Z")


class Accepted(NamedTuple):
    """Which forms of an answer a caller takes: `data` as JSON at all, `problem` errors as RFC 9457."""

    data: bool
    problem: bool


_JSON = Accepted(data=True, problem=False)

TAKES_JSON = frozenset(("", "*/*", "application/json"))
"""The Accept headers of nearly every client: JSON, known without reading them."""


def read_accept(header: str | None) -> Accepted:
    """Read an Accept header (RFC 9110, 12.5.1). None, empty or without any sound part: JSON.

    problem+json must be named, with q at least that of JSON; naming it accepts JSON data too, because a caller who only says how
    errors should look still wants the record.
    """
    if header is None or header in TAKES_JSON:
        return _JSON
    return _read_known_accept(header) if len(header) <= _CACHED_LENGTH_MAX else _read_accept(header[:_READ_LENGTH_MAX])


def prefers_events(header: str | None) -> bool:
    """Whether Accept asks for server-sent events: it names them, with q at least that of JSON."""
    if header is None or "text/event-stream" not in header.lower():
        return False
    qualities = dict(filter(None, map(_read_range, header.split(","))))
    json = next((qualities[each] for each in ("application/json", "application/*") if each in qualities), 0.0)
    events = qualities.get("text/event-stream", 0.0)
    return events > 0 and events >= json


def _read_accept(header: str) -> Accepted:
    qualities = dict(filter(None, map(_read_range, header.split(","))))
    if not qualities:
        return _JSON
    json = next((qualities[each] for each in ("application/json", "application/*", "*/*") if each in qualities), 0.0)
    problem = qualities.get(PROBLEM_TYPE, 0.0)
    return Accepted(data=json > 0 or problem > 0, problem=problem > 0 and problem >= json)


_read_known_accept = lru_cache(maxsize=256)(_read_accept)


def _read_range(text: str) -> tuple[str, float] | None:
    """One media range and its quality; None if it is malformed. Parameters other than q are passed over."""
    kind, *parameters = (part.strip() for part in text.split(";"))
    if not _MEDIA_TYPE.match(kind):
        return None
    quality = next((part[2:] for part in parameters if part[:2].lower() == "q="), "1")
    return (kind.lower(), float(quality)) if _QUALITY.match(quality) else None


def check_content_type(header: str | None, *, patch: bool = False) -> None:
    """Refuse a body that is not JSON in UTF-8: 415 unsupported_media_type.

    patch  application/merge-patch+json is taken too, and the refusal carries Accept-Patch (RFC 5789)
    """
    if header == "application/json":
        return
    kind, *parameters = (part.strip() for part in (header or "").lower().split(";"))
    if kind == "application/json" or (patch and kind == "application/merge-patch+json"):
        charsets = [part[8:].strip('"') for part in parameters if part.startswith("charset=")]
        if all(charset == "utf-8" for charset in charsets):
            return
    raise Refused("unsupported_media_type", headers={"accept-patch": PATCH_TYPES} if patch else {"accept": "application/json"})


def check_content_encoding(header: str | None) -> None:
    """Refuse a body that is compressed, or coded otherwise (RFC 9110, 8.4): 415 unsupported_media_type with Accept-Encoding."""
    if header is not None and any(each.strip(" \t").lower() not in ("", "identity") for each in header.split(",")):
        message, hint = "The body is compressed or coded otherwise.", "Send the body uncompressed, without Content-Encoding."
        raise Refused("unsupported_media_type", message, hint=hint, headers={"accept-encoding": "identity"})


def prefers_minimal(header: str | None) -> bool:
    """Whether Prefer asks for `return=minimal` (RFC 7240); other preferences are passed over, the first `return` counts."""
    if header is None:
        return False
    for preference in header.split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "return":
            return value.strip().strip('"').lower() == "minimal"
    return False


def keep_request_id(header: str | None) -> str | None:
    """An inbound X-Request-Id if it may be kept (`[A-Za-z0-9._-]{1,64}`), else None: the engine makes its own."""
    return header if header is not None and _REQUEST_ID.match(header) else None


class Traceparent(NamedTuple):
    """A W3C trace context: 32, 16 and 2 lower-case hex digits."""

    trace_id: str
    parent_id: str
    flags: str


def parse_traceparent(header: str | None) -> Traceparent | None:
    """Read a traceparent of version 00 with non-zero ids (55 characters); anything else is None and a new trace begins."""
    match = _TRACEPARENT.match(header) if header else None
    return Traceparent(match[1], match[2], match[3]) if match else None
