"""Credentials beside the Authorization header: none in a URL, and a cookie only from where it belongs."""

import pytest

from holdfast import Access, Backend, Resource, field
from holdfast.base.errors import Refused
from holdfast.core.credentials import COOKIE, Cookies, refuse_in_query
from holdfast.core.exchange import Head
from holdfast.model.catalog import ResourceSpec

TOKEN = "hfa_" + "x" * 43
COOKIES = Cookies(["https://app.example.org"])


class Lock(Resource):
    """What has a field that is named like a credential, and one that is a secret."""

    key: str
    pwd: str = field(secret="hashed")  # noqa: S106  # how it is kept

    access = Access()


LOCKS = Backend(Lock).catalog.resources["locks"]


@pytest.mark.parametrize(
    ("query", "resource"),
    [
        ("access_token=x", None),
        ("limit=2&API-Key=x", LOCKS),
        ("apikey", None),
        ("access%5Ftoken=x", None),
        ("pwd=x", LOCKS),
        ("key=x", None),
        (f"q={TOKEN}", LOCKS),
        (f"key={TOKEN}", LOCKS),
        (f"q=hf_{'-' * 43}", None),
    ],
)
def test_a_credential_in_a_url_is_refused(query: str, resource: ResourceSpec | None) -> None:
    """By its name or its form, and never repeated."""
    with pytest.raises(Refused) as caught:
        refuse_in_query(query, resource)
    assert caught.value.code == "unknown_parameter"
    assert TOKEN not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize("query", ["key=x", "key=x&sort=-key", "q=hfa_short", "limit=2", ""])
def test_a_field_may_be_named_like_one(query: str) -> None:
    """What the resource declares is a filter."""
    refuse_in_query(query, LOCKS)


def head(method: str = "GET", **headers: str) -> Head:
    """A request with these headers."""
    return Head(
        method, "/", {name.replace("_", "-"): value for name, value in headers.items()}, "127.0.0.1", has_body=False, received_s=0.0
    )


@pytest.mark.parametrize(
    ("sent", "token"),
    [
        (None, None),
        ("other=1", None),
        (f"{COOKIE}=a", "a"),
        (f"other=1; {COOKIE}=a; more=2", "a"),
        (f"{COOKIE}=a; {COOKIE}=b", None),
        (f"x{COOKIE}=a", None),
        (f"{COOKIE}", ""),
    ],
)
def test_the_cookie_is_found_where_there_is_one(sent: str | None, token: str | None) -> None:
    """Two are none."""
    assert COOKIES.read(head() if sent is None else head(cookie=sent)) == token


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({}, False),
        ({"origin": "https://app.example.org"}, True),
        ({"origin": "https://api.example.org", "host": "API.example.org", "x_csrf": "1"}, True),
        ({"origin": "https://api.example.org", "host": "api.example.org"}, False),
        ({"origin": "https://evil.example", "host": "api.example.org", "x_csrf": "1"}, False),
        ({"origin": "null", "x_csrf": "1", "host": "api.example.org"}, False),
        ({"origin": "https://[api.example.org", "x_csrf": "1", "host": "api.example.org"}, False),
        ({"x_csrf": "1", "host": "api.example.org"}, False),
        ({"origin": "https://app.example.org.evil.example"}, False),
    ],
)
def test_a_change_comes_from_a_page_that_may(headers: dict[str, str], taken: bool) -> None:  # noqa: FBT001  # a table
    """A listed origin, or the service's own with a header that no form sends; reading needs neither."""
    sent = {**headers, "cookie": f"{COOKIE}=a"}
    assert COOKIES.read(head("GET", **sent)) == "a"
    if taken:
        assert COOKIES.read(head("POST", **sent)) == "a"
        return
    with pytest.raises(Refused) as caught:
        COOKIES.read(head("POST", **sent))
    assert caught.value.code == "forbidden"


def test_the_cookie_is_kept_from_scripts_and_other_hosts() -> None:
    """When it is set, and when it is taken away."""
    for (name, value), lasts in ((Cookies.set("a", 60), "Max-Age=60"), (Cookies.clear(), "Max-Age=0")):
        assert name == "set-cookie"
        assert set(value.split("; ")[1:]) == {"Path=/", lasts, "Secure", "HttpOnly", "SameSite=Strict"}
