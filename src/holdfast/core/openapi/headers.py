"""The headers of answers: one component each. What every answer carries is added to all of them in one place, so none can be forgotten.

Not told is what frames a message and is HTTP's own: Content-Type, which stands with the body, Content-Length, Transfer-Encoding,
Connection and Date.
"""

from collections.abc import Mapping
from typing import Any

from holdfast.core.openapi import patterns
from holdfast.core.openapi.schema import Schema

_EVERYWHERE = (
    *("X-Request-Id", "Cache-Control", "Vary", "X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy", "X-Frame-Options"),
    *("Strict-Transport-Security", "RateLimit-Policy", "RateLimit"),
    "Access-Control-Allow-Origin",  # told where no origin is listed too: that says so, and OWASP's rules ask for it
)


def _text(description: str, *, required: bool = False, **schema: Any) -> Schema:
    return {"description": description, **({"required": True} if required else {}), "schema": {"type": "string", **schema}}


HEADERS: Mapping[str, Schema] = {
    "X-Request-Id": _text(
        "The id of this request: the one that was sent if it could be kept, else a new one.", required=True, pattern=patterns.REQUEST_ID
    ),
    "Cache-Control": _text(
        "Whether the answer may be kept; `no-store` unless its resource says otherwise.", required=True, examples=["no-store"]
    ),
    "Vary": _text("The request headers that the answer depends on.", required=True, examples=["accept"]),
    "X-Content-Type-Options": _text("The body is of its Content-Type and of no other.", required=True, enum=["nosniff"]),
    "Referrer-Policy": _text("No page tells others where it is.", required=True, enum=["no-referrer"]),
    "Content-Security-Policy": _text("What a browser may load, if it shows the answer, and who may frame it: nobody.", required=True),
    "X-Frame-Options": _text("As `frame-ancestors`, for old browsers.", required=True, enum=["DENY"]),
    "Strict-Transport-Security": _text("Sent behind TLS: browsers never try without it."),
    "RateLimit-Policy": _text(
        "The quota of a caller: `q` requests in `w` seconds. Not sent where there is none, and by health and metrics.",
        examples=['"default";q=600;w=60'],
    ),
    "RateLimit": _text(
        "What is left of it: `r` requests; in `t` seconds it is whole again, or the refused request would pass.",
        examples=['"default";r=599;t=1'],
    ),
    "Access-Control-Allow-Origin": _text(
        "The origin of the page that asks, where it is one of `cors_origins`; else there is no such header.",
        examples=["https://app.example.org"],
    ),
    "Access-Control-Allow-Credentials": _text("Pages of that origin may send the session cookie.", enum=["true"]),
    "Access-Control-Expose-Headers": _text("What pages of that origin may read beside the body."),
    "ETag": _text("The version and the form of the record; its version part is what If-Match compares.", pattern=patterns.ETAG),
    "Location": _text("Where the new record is.", required=True, format="uri-reference"),
    "Link": _text("`first`, `prev` and `next` (RFC 8288), as fits."),
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 0}},
    "Allow": _text("The methods that are available here.", required=True),
    "WWW-Authenticate": _text("How to sign in.", required=True),
    "Accept": _text("The type that a body must have."),
    "Accept-Encoding": _text("`identity`: a body must not be compressed.", enum=["identity"]),
    "Accept-Patch": _text("The types of a PATCH body."),
    "Idempotency-Replayed": _text("`true` where this is the first answer to an earlier request."),
    "Preference-Applied": _text("`return=minimal`."),
    "Set-Cookie": _text("The session cookie, or that of a sign-in on its way; set, or taken away."),
    "X-Accel-Buffering": _text("`no`, with events: a proxy passes each on at once."),
}


def headers_of(*names: str) -> Schema:
    """References to headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def carry_headers(document: Schema, *, cookies: bool, cors: bool) -> Schema:
    """The document with the headers that every answer carries, and a component for each header that is told.

    cookies  sessions can be in cookies
    cors     some origin is listed
    """
    with_cookies = ("Access-Control-Allow-Credentials",) if cookies else ()
    common = headers_of(*_EVERYWHERE, *((*with_cookies, "Access-Control-Expose-Headers") if cors else ()))
    paths = {
        path: {method: each | {"responses": _carry(each["responses"], common)} for method, each in item.items()}
        for path, item in document["paths"].items()
    }
    responses = _carry(document["components"]["responses"], common)
    answers = [*responses.values(), *(each for item in paths.values() for told in item.values() for each in told["responses"].values())]
    told = {name for each in answers for name in each.get("headers", ())}
    headers = {name: each for name, each in HEADERS.items() if name in told}
    return document | {"paths": paths, "components": document["components"] | {"responses": responses, "headers": headers}}


def _carry(responses: Schema, common: Schema) -> Schema:
    return {name: each if "$ref" in each else each | {"headers": common | each.get("headers", {})} for name, each in responses.items()}
