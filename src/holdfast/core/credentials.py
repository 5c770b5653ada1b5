"""Credentials of a request beside its Authorization header: refused in a URL, and in a cookie taken only from where it belongs."""

import re
from collections.abc import Iterable
from typing import Literal
from urllib.parse import unquote_plus, urlsplit

from holdfast.base.errors import Refused
from holdfast.core.exchange import Head
from holdfast.model.catalog import ResourceSpec

COOKIE = "__Host-hf"
"""The name of the session cookie: by its prefix browsers take it over TLS alone, for one host, from its root (RFC 6265bis, 4.1.3.2)."""

CSRF_HEADER = "x-csrf"
"""A header that no form and no link can send, and no foreign page without being asked for."""

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "QUERY"))
"""Methods that change nothing, so that a cookie alone is enough."""

_NAMES = frozenset(
    (
        *("accesstoken", "refreshtoken", "idtoken", "sessiontoken", "authtoken", "bearertoken", "token", "jwt", "bearer", "authorization"),
        *("apikey", "apitoken", "xapikey", "key", "secret", "clientsecret", "password", "passwd", "pwd", "passphrase", "sessionid", "totp"),
    )
)
_TOKEN = re.compile(r"hf[art]?_[\w-]{43}\Z")
_HINT = "Send it in the header Authorization: what stands in a URL ends up in logs and histories."


def refuse_in_query(query: str, resource: ResourceSpec | None) -> None:
    """Refuse a query string that holds a credential, by its name or its value; a field of the resource may be named like one.

    Raises Refused unknown_parameter, which does not repeat it.
    """
    for part in query.split("&"):
        name, _, value = part.partition("=")
        name = unquote_plus(name)
        declared = resource is not None and name in resource.by_member and resource.by_member[name].secret is None
        if (not declared and re.sub(r"[-_]", "", name).lower() in _NAMES) or _TOKEN.match(value):
            raise Refused("unknown_parameter", "Credentials are not accepted in a URL.", hint=_HINT)


def find_cookie(head: Head, name: str) -> str | None:
    """The value of a cookie; None where it is not there, or more than once."""
    sent = head.header("cookie")
    if sent is None or name not in sent:
        return None
    pairs = (each.strip().partition("=") for each in sent.split(";"))
    found = [value for each, _, value in pairs if each == name]
    return found[0] if len(found) == 1 else None


def set_cookie(name: str, value: str, lasts_s: int, same_site: Literal["Strict", "Lax"]) -> tuple[str, str]:
    """The header that sets a cookie that no script reads."""
    return "set-cookie", f"{name}={value}; Path=/; Max-Age={lasts_s}; Secure; HttpOnly; SameSite={same_site}"


class Cookies:
    """The session cookie: how it is read, set and cleared.

    origins  whose pages may send it with what changes something, beside those of the service itself
    """

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origins)

    def read(self, head: Head) -> str | None:
        """The token of the cookie. Raises Refused forbidden where a foreign page may have made a browser send it."""
        found = find_cookie(head, COOKIE)
        if found is not None and head.method not in SAFE_METHODS:
            self.check(head)
        return found

    def check(self, head: Head) -> None:
        """Refuse a change that a foreign page may ask for.

        A listed origin was asked for before (CORS), and is enough; a page of the service's own shows a header too that no form can send.
        """
        origin = head.header("origin")
        if origin is not None and origin in self._origins:
            return
        is_own = origin is not None and _place_of(origin) == (head.header("host") or "").lower()
        if not is_own or head.header(CSRF_HEADER) is None:
            hint = "Send the headers Origin and `X-CSRF: 1` with the cookie."
            raise Refused("forbidden", "This could come from a foreign page.", hint=hint)

    @staticmethod
    def set(token: str, lasts_s: int) -> tuple[str, str]:
        """The header that sets the cookie."""
        return set_cookie(COOKIE, token, lasts_s, "Strict")

    @staticmethod
    def clear() -> tuple[str, str]:
        """The header that takes the cookie away."""
        return set_cookie(COOKIE, "", 0, "Strict")


def _place_of(origin: str) -> str | None:
    """The host and port of an origin in lower case; None where it is no URL, which browsers never send."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None
