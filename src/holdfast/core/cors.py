"""CORS: which origins' pages may read answers (Fetch Standard, 3.2). Exact match alone, and nothing is said to any other."""

import re
from collections.abc import Mapping, Sequence

from holdfast.base.limits import CORS_MAX_AGE_S

Headers = tuple[tuple[str, str], ...]

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([1-9][0-9]{0,4}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_EXPOSED = "ETag, Link, Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Idempotency-Replayed"
_ALLOWED = "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Prefer, Last-Event-ID, X-Request-Id, traceparent"


class Cors:
    """The origins that are listed, and what their pages are told.

    credentials  pages may send cookies: only where sessions are in cookies
    """

    def __init__(self, origins: Sequence[str] = (), *, credentials: bool = False) -> None:
        also = (("access-control-allow-credentials", "true"),) if credentials else ()
        self._told: Mapping[str, Headers] = {
            each: (("access-control-allow-origin", each), *also, ("access-control-expose-headers", _EXPOSED)) for each in origins
        }

    def headers_for(self, origin: str | None) -> Headers:
        """What every answer says to a page of this origin; nothing if it is not listed."""
        return () if origin is None else self._told.get(origin, ())


def preflight_headers(allow: str) -> Headers:
    """What a preflight of a listed origin is told beside that; `allow` is the methods of the path."""
    return (
        ("access-control-allow-methods", allow),
        ("access-control-allow-headers", _ALLOWED),
        ("access-control-max-age", str(CORS_MAX_AGE_S)),
    )


def is_origin(text: str) -> bool:
    """Whether a text is an origin as browsers send it: lower case, no path, no default port; never `*` or `null`."""
    found = _ORIGIN.fullmatch(text)
    return found is not None and (found[3] is None or (found[3] != _DEFAULT_PORTS.get(found[1]) and int(found[3]) < 65_536))
