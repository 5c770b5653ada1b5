"""Replies: the one place where data and errors become bytes.

Every JSON body is the envelope, joined around JSON texts that came from the store, which are never decoded. What never varies
stands in a block of header lines, built once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from holdfast.base.errors import CATALOGUE, Answerable
from holdfast.core.exchange import Reply
from holdfast.core.idempotency import build_headers
from holdfast.core.negotiate import PATCH_TYPES, PROBLEM_TYPE
from holdfast.core.plan import Kept

JSON_TYPE = "application/json; charset=utf-8"
NO_STORE = "no-store"
NO_CONTENT = "default-src 'none'; frame-ancestors 'none'"
"""The content security policy of everything that is not a page."""

Headers = tuple[tuple[str, str], ...]
"""(lower-case name, value) in order."""

MINIMAL = ("preference-applied", "return=minimal")
"""The header of an answer without a body, because the caller prefers one."""

HSTS = ("strict-transport-security", "max-age=63072000; includeSubDomains")  # two years, as browsers' preload lists ask
"""Said behind TLS: browsers shall never try without."""

# What a status must carry by RFC 9110 and 6585 even if whoever raised the error did not say.
_NEEDED = {
    401: ("www-authenticate", 'Bearer realm="api"'),
    429: ("retry-after", "1"),
    503: ("retry-after", "1"),
}


@dataclass(frozen=True, slots=True)
class HeaderPolicy:
    """What every answer says about its surroundings.

    cors     some origin is allowed, so answers vary by Origin
    cookies  browsers may sign in by cookie, so answers vary by it
    """

    cors: bool = False
    cookies: bool = False

    def block(self, *, content_type: str | None = JSON_TYPE, cache: str = NO_STORE, content_policy: str = NO_CONTENT) -> bytes:
        """The header lines that never vary for one kind of answer. Answers that may be kept vary by who asks."""
        vary = ["accept"]
        if cache != NO_STORE:
            vary += ["authorization", "cookie"] if self.cookies else ["authorization"]
        if self.cors:
            vary.append("origin")
        lines = [("content-type", content_type)] if content_type else []
        lines += [
            ("cache-control", cache),
            ("vary", ", ".join(vary)),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", content_policy),
            ("x-frame-options", "DENY"),  # frame-ancestors says it already, but not to old browsers, nor to scanners
        ]
        return "".join(f"{name}: {value}\r\n" for name, value in lines).encode("latin-1")


class Replies:
    """The answers of the service that belong to no resource, and every error."""

    def __init__(self, policy: HeaderPolicy | None = None) -> None:
        self.policy = policy or HeaderPolicy()
        self._json = self.policy.block()
        self._problem = self.policy.block(content_type=PROBLEM_TYPE)
        self._empty = self.policy.block(content_type=None)

    def data(self, text: str, request_id: str, *, status: int = 200) -> Reply:
        """The envelope around a JSON text."""
        return Reply(status, wrap(text), (("x-request-id", request_id),), self._json)

    def plain(self, body: bytes, block: bytes, request_id: str, *, status: int = 200) -> Reply:
        """A body without the envelope (/metrics, /openapi.json, /docs), below a block of `policy.block`."""
        return Reply(status, body, (("x-request-id", request_id),), block)

    def minimal(self, request_id: str) -> Reply:
        """204 for a write whose caller prefers `return=minimal`."""
        return Reply(204, b"", (("x-request-id", request_id), MINIMAL), self._empty)

    def kept(self, kept: Kept, request_id: str) -> Reply:
        """The answer that is kept with an idempotency key."""
        return Reply(kept.status, kept.body, build_headers(kept, request_id), self._json if kept.body else self._empty)

    def options(self, allow: str, request_id: str, more: tuple[tuple[str, str], ...] = ()) -> Reply:
        """204 for OPTIONS: which methods a path takes."""
        headers = [("x-request-id", request_id), ("allow", allow)]
        if "PATCH" in allow:
            headers.append(("accept-patch", PATCH_TYPES))
        return Reply(204, b"", (*headers, *more), self._empty)

    def error(self, error: Answerable, request_id: str, *, problem: bool = False) -> Reply:
        """The answer to an error: the envelope, or RFC 9457 where `problem`. Of a 500 nothing but the catalogue's words is told."""
        headers = {"x-request-id": request_id, **error.headers}
        if error.status in _NEEDED:
            headers.setdefault(*_NEEDED[error.status])
        facts = _build_facts(error, request_id)
        body = _build_problem(error, facts) if problem else {"success": False, "error": facts}
        return Reply(error.status, msgspec.json.encode(body), tuple(headers.items()), self._problem if problem else self._json)

    def broken(self, request_id: str, *, problem: bool = False) -> Reply:
        """The answer where something of ours broke: internal_error and the request id, nothing else."""
        return self.error(Answerable("internal_error"), request_id, problem=problem)


def _build_facts(error: Answerable, request_id: str) -> dict[str, Any]:
    entry = CATALOGUE[error.code]
    if entry.status == 500:
        return {"code": error.code, "message": entry.message, "request_id": request_id}
    facts: dict[str, Any] = {"code": error.code, "message": error.message, "request_id": request_id}
    if error.details:
        facts["details"] = error.details
    if error.hint:
        facts["hint"] = error.hint
    return facts


def _build_problem(error: Answerable, facts: dict[str, Any]) -> dict[str, Any]:
    """RFC 9457: `type` is the URI of the stable code, `title` its one sentence, `instance` the request id; our members follow."""
    return {
        "type": f"urn:holdfast:error:{error.code}",
        "title": CATALOGUE[error.code].message,
        "status": error.status,
        "detail": facts["message"],
        "instance": facts["request_id"],
        **{name: value for name, value in facts.items() if name != "message"},
    }


def wrap(text: str) -> bytes:
    """The envelope of a success around one JSON text."""
    return f'{{"success":true,"data":{text}}}'.encode()


def wrap_rows(rows: Iterable[str], meta: str) -> bytes:
    """The envelope of a list around the JSON texts of its rows; `meta` is a JSON text or ""."""
    tail = f'],"meta":{meta}}}' if meta else "]}"
    return f'{{"success":true,"data":[{",".join(rows)}{tail}'.encode()
