"""The answers of errors, by status: their envelopes, their headers, their error codes. One component each, used by every operation."""

from collections.abc import Iterator

from holdfast.base.errors import CATALOGUE, DETAIL_CODES
from holdfast.base.limits import DETAILS_MAX
from holdfast.core.openapi import patterns
from holdfast.core.openapi.headers import headers_of
from holdfast.core.openapi.schema import Schema, build_object, refer

JSON, PROBLEM = "application/json", "application/problem+json"

PAGE: Schema = {"type": "string", "maxLength": 2**31 - 1}
"""The body of an answer that is not JSON. The bound is that of texts in most languages: nothing here is made to be as long."""

FRAMING = (400, 408, 413, 414, 431, 500, 503)
"""The statuses with which any request can be refused, whatever it asks for."""

ANY = (*FRAMING, 406, 429)
"""Those of what is answered in JSON, and counted."""

BODY = (415, 422)
"""Those of a body beside them."""

_TWICE = {"version_conflict": (409, 412)}
"""Codes with more than the status of their entry: a stale version is 412 from If-Match, 409 from body or query."""

_HEADERS_OF: dict[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    409: ("ETag",),
    412: ("ETag",),
    415: ("Accept", "Accept-Encoding", "Accept-Patch"),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


def codes_of(status: int) -> list[str]:
    """The error codes that come with a status, in the order of the catalogue."""
    return [code for code, problem in CATALOGUE.items() if status in _TWICE.get(code, (problem.status,))]


def statuses() -> list[int]:
    """Every status that an error can have."""
    return sorted({*(problem.status for problem in CATALOGUE.values()), 409})


def error_name(status: int) -> str:
    """The component of an error answer."""
    return f"error.{status}"


def refer_errors(*statuses: int) -> Schema:
    """The error answers of an operation, by status."""
    return {str(each): refer(error_name(each), "responses") for each in sorted(statuses)}


def build_error_responses(*, cookies: bool) -> Iterator[tuple[str, Schema]]:
    """(component name, response) of every error status. `cookies`: a session cookie that is good no more is taken away by 401."""
    for status in statuses():
        own = (*_HEADERS_OF.get(status, ()), *(("Set-Cookie",) if cookies and status == 401 else ()))
        yield (
            error_name(status),
            {
                "description": "\n".join(f"- `{code}`: {CATALOGUE[code].message}" for code in codes_of(status)),
                "headers": headers_of(*own),
                "content": {
                    JSON: {"schema": refer(error_name(status))},
                    PROBLEM: {"schema": refer("error.problem")},
                },
            },
        )


def build_error_schemas() -> Iterator[tuple[str, Schema]]:
    """(component name, schema) of the error envelope of every status, of its parts, and of RFC 9457."""
    yield "error.detail", _DETAIL
    for status in statuses():
        yield error_name(status), _build_envelope(codes_of(status))
    yield "error.problem", _build_problem()


_DETAIL = build_object(
    {
        "field": {"type": "string", "description": "The path of the member: `address.city`, `tags[2]`; empty for the whole body."},
        "code": {"type": "string", "enum": list(DETAIL_CODES)},
        "message": {"type": "string"},
    }
)
_DETAILS: Schema = {"type": "array", "items": refer("error.detail"), "maxItems": DETAILS_MAX}
_REQUEST_ID: Schema = {"type": "string", "pattern": patterns.REQUEST_ID}


def _build_envelope(codes: list[str]) -> Schema:
    members = {
        "code": {"type": "string", "enum": codes},
        "message": {"type": "string"},
        "request_id": _REQUEST_ID,
        "details": _DETAILS,
        "hint": {"type": "string"},
    }
    error = build_object(members, ("code", "message", "request_id"))
    return build_object({"success": {"type": "boolean", "const": False}, "error": error})


def _build_problem() -> Schema:
    """An error as RFC 9457, for callers who name application/problem+json."""
    members = {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "enum": statuses()},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "enum": list(CATALOGUE)},
        "request_id": _REQUEST_ID,
        "details": _DETAILS,
        "hint": {"type": "string"},
    }
    return build_object(members, (each for each in members if each not in ("details", "hint")))
