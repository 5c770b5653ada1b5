"""The client: requests as a test writes them."""

import weakref
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack
from urllib.parse import quote, urlencode

import msgspec

from holdfast.http.wire import encode_headers
from holdfast.model.backend import Backend
from holdfast.testing.host import Host
from holdfast.testing.response import Response

_PATH_KEPT = "%/?:@!$&'()*+,;=~-._[]"

Pairs = Mapping[str, Any] | Sequence[tuple[str, Any]]
"""Names with their values, or pairs where a name may be given twice."""


class Parts(TypedDict, total=False):
    """What a request may have beside its method and path.

    json     the body as a value: what JSON has, and Decimal, date, datetime, UUID and the like; None: no body
    content  the body as it is, without a Content-Type of its own
    headers  further header fields
    params   the query, after what the path has of it; a bool is written as true or false
    """

    json: Any
    content: bytes | str | None
    headers: Pairs | None
    params: Pairs | None


class Client:
    """The whole API of a Backend, in this process, on a database that is deleted when the client is closed.

    backend   what is served
    settings  those of holdfast.settings.Settings, by name; with `data` the database is in that folder, and is kept

    A request is sent by nobody until `sign_in` says who sends those that follow.

    Raises Misconfigured if the settings do not allow a start, TypeError or msgspec.ValidationError for settings that are none.
    Any thread may use it. Use it in a `with` block, or call `close`.
    """

    def __init__(self, backend: Backend, **settings: Any) -> None:
        self._host = Host(backend.catalog, settings)
        self._token: str | None = None
        self._close = weakref.finalize(self, self._host.close)  # a client that was forgotten is closed when it is collected
        self._close.atexit = False  # by then threads can no longer be started; the host still deletes its folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the service and delete its database. Idempotent."""
        self._close()

    def add_key(self, *roles: str) -> str:
        """Make a key with these roles, which acts as a user of its own; the token, for an Authorization header.

        Raises Refused validation_failed for a role that no rule names.
        """
        return self._host.add_key(roles)

    def sign_in(self, *roles: str, token: str | None = None) -> Self:
        """Send what follows as a new user with these roles, or by a token that there is already; the client itself."""
        self._token = self.add_key(*roles) if token is None else token
        return self

    def sign_out(self) -> Self:
        """Send what follows as nobody; the client itself."""
        self._token = None
        return self

    def request(self, method: str, path: str, **parts: Unpack[Parts]) -> Response:
        """Send one request and wait for its answer.

        path   with or without a query; percent-escapes are left as they are, other characters that need one are escaped
        parts  what else the request has, see Parts
        """
        body = _encode_body(parts.get("json"), parts.get("content"))
        fields = _list_fields(parts.get("headers"), body, is_json=parts.get("json") is not None)
        if self._token is not None and not any(name.lower() == "authorization" for name, _ in fields):
            fields.append(("authorization", f"Bearer {self._token}"))
        line = f"{method} {_build_target(path, parts.get('params'))} HTTP/1.1\r\n"
        return self._host.answer(line.encode("latin-1") + encode_headers((("host", "localhost"), *fields)) + b"\r\n", body or b"")

    def get(self, path: str, **parts: Unpack[Parts]) -> Response:
        """GET."""
        return self.request("GET", path, **parts)

    def head(self, path: str, **parts: Unpack[Parts]) -> Response:
        """HEAD."""
        return self.request("HEAD", path, **parts)

    def options(self, path: str, **parts: Unpack[Parts]) -> Response:
        """OPTIONS."""
        return self.request("OPTIONS", path, **parts)

    def post(self, path: str, **parts: Unpack[Parts]) -> Response:
        """POST."""
        return self.request("POST", path, **parts)

    def put(self, path: str, **parts: Unpack[Parts]) -> Response:
        """PUT."""
        return self.request("PUT", path, **parts)

    def patch(self, path: str, **parts: Unpack[Parts]) -> Response:
        """PATCH."""
        return self.request("PATCH", path, **parts)

    def delete(self, path: str, **parts: Unpack[Parts]) -> Response:
        """DELETE."""
        return self.request("DELETE", path, **parts)


def _encode_body(json: Any, content: bytes | str | None) -> bytes | None:
    if json is not None and content is not None:
        raise TypeError("give the body as json or as content, not both")
    if json is not None:
        return msgspec.json.encode(json)
    return content.encode() if isinstance(content, str) else content


def _list_fields(given: Pairs | None, body: bytes | None, *, is_json: bool) -> list[tuple[str, str]]:
    fields = _list_pairs(given)
    names = {name.lower() for name, _ in fields}
    if is_json and "content-type" not in names:
        fields.append(("content-type", "application/json"))
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        fields.append(("content-length", str(len(body))))
    return fields


def _list_pairs(given: Pairs | None) -> list[tuple[str, Any]]:
    return list(given.items() if isinstance(given, Mapping) else given or ())


def _build_target(path: str, params: Pairs | None) -> str:
    target = quote(path, safe=_PATH_KEPT)
    query = urlencode([(name, str(value).lower() if isinstance(value, bool) else str(value)) for name, value in _list_pairs(params)])
    return f"{target}{'&' if '?' in target else '?'}{query}" if query else target
