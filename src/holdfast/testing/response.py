"""An answer as a test sees it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

_SHOWN_BYTES_MAX = 1_000


class Headers(Mapping[str, str]):
    """Header fields by name, upper and lower case alike; a field that is given twice reads as one, joined by commas."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            known = self._values.get(name.lower())
            self._values[name.lower()] = value if known is None else f"{known}, {value}"

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({self._values!r})"


class Response:
    """One answer.

    status   the HTTP status; `status_code` is the same
    headers  the header fields by name, upper and lower case alike
    content  the body as bytes; empty where none may be sent (HEAD, 204, 304)
    cause    the traceback of a failure on our side, which never leaves the house in an answer; else None
    """

    def __init__(self, status: int, headers: Headers, content: bytes, cause: str | None = None) -> None:
        self.status, self.headers, self.content, self.cause = status, headers, content, cause

    @property
    def status_code(self) -> int:
        """The status, by the name that other clients give it."""
        return self.status

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode()

    def json(self) -> Any:
        """The body as JSON; numbers with a fraction are floats."""
        return msgspec.json.decode(self.content)

    @property
    def data(self) -> Any:
        """`data` of the envelope; None where it has none."""
        return self._member("data")

    @property
    def error(self) -> Any:
        """`error` of the envelope; None where it has none."""
        return self._member("error")

    @property
    def meta(self) -> Any:
        """`meta` of the envelope; None where it has none."""
        return self._member("meta")

    def _member(self, name: str) -> Any:
        body = self.json() if self.content else {}
        return body.get(name) if isinstance(body, dict) else None

    def __repr__(self) -> str:
        shown = self.content[:_SHOWN_BYTES_MAX].decode("utf-8", "replace")
        return f"Response({self.status}, {shown}{'...' if len(self.content) > _SHOWN_BYTES_MAX else ''})" + (
            f"\n{self.cause}" if self.cause else ""
        )
