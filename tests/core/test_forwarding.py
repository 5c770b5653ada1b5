"""Forwarding headers: who is the client, read from the right, and what a client can write that changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.limits import FORWARDED_HOPS_MAX
from holdfast.core.exchange import Head
from holdfast.core.forwarding import Proxies, came_by_tls, parse_network

TRUSTED = ("10.0.0.0/8", "192.0.2.7", "2001:db8:5::/48")


def head(peer: str, **headers: str) -> Head:
    """A head with these headers; underscores are hyphens."""
    return Head("GET", "/", {name.replace("_", "-"): value for name, value in headers.items()}, peer, has_body=False, received_s=0.0)


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9,192.0.2.7,10.3.4.5", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8:9::1]:4711", "2001:db8:9::1"),
        ("10.0.0.1", "2001:db8:9::1", "2001:db8:9::1"),
        ("10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:5::1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, ", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.999", "10.0.0.1"),
        ("203.0.113.1", "198.51.100.1", "203.0.113.1"),
        ("192.0.2.8", "198.51.100.1", "192.0.2.8"),
        ("", "198.51.100.1", ""),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_proxy(peer: str, header: str, client: str) -> None:
    """What stands left of it the client wrote himself; what cannot be read ends the walk; who is not trusted is believed nothing."""
    assert Proxies(TRUSTED).find_client(head(peer, x_forwarded_for=header)) == client


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ("for=203.0.113.9", "203.0.113.9"),
        ('For="[2001:db8:9::1]:4711";proto=https;by=10.0.0.1', "2001:db8:9::1"),
        ("for=1.1.1.1, proto=http; for=203.0.113.9", "203.0.113.9"),
        ("for=203.0.113.9, for=10.0.0.2;proto=https", "203.0.113.9"),
        ("for=_hidden", "10.0.0.1"),
        ("for=unknown", "10.0.0.1"),
        ("proto=https", "10.0.0.1"),
        ('for="1.1.1.1, for=203.0.113.9', "203.0.113.9"),
    ],
)
def test_the_standard_header_is_read_too(header: str, client: str) -> None:
    """RFC 7239, with its quotes, ports and brackets; hidden names end the walk, and a quote that a client left open hides nothing."""
    assert Proxies(TRUSTED).find_client(head("10.0.0.1", forwarded=header)) == client


def test_headers_that_disagree_do_not_count() -> None:
    """A proxy writes one of them and passes the other on: which is which, nobody can say. Where they agree they count."""
    proxies = Proxies(TRUSTED)

    assert proxies.find_client(head("10.0.0.1", x_forwarded_for="203.0.113.9", forwarded="for=1.1.1.1")) == "10.0.0.1"
    assert proxies.find_client(head("10.0.0.1", x_forwarded_for="203.0.113.9", forwarded="for=unknown")) == "10.0.0.1"
    assert proxies.find_client(head("10.0.0.1", x_forwarded_for="203.0.113.9", forwarded="for=203.0.113.9")) == "203.0.113.9"


@given(st.text(alphabet="0123456789abf.:[], \"';=unkow", max_size=80))
def test_whatever_a_client_writes_to_the_left_changes_nothing(written: str) -> None:
    """The proxy adds the address that it saw, and that one counts."""
    assert Proxies(TRUSTED).find_client(head("10.0.0.1", x_forwarded_for=f"{written}, 203.0.113.9")) == "203.0.113.9"


def test_a_long_chain_is_read_to_a_bound() -> None:
    """Thousands of hops that are all trusted do not cost thousands of readings."""
    hops = ", ".join(["203.0.113.9"] + ["10.0.0.2"] * FORWARDED_HOPS_MAX)

    assert Proxies(TRUSTED).find_client(head("10.0.0.1", x_forwarded_for=hops)) == "10.0.0.2"


def test_without_proxies_nobody_is_trusted() -> None:
    """Not even loopback."""
    assert not Proxies().trust("127.0.0.1")


@pytest.mark.parametrize(
    ("headers", "tls"),
    [
        ({"x_forwarded_proto": "https"}, True),
        ({"x_forwarded_proto": "http"}, False),
        ({"x_forwarded_proto": "https, http"}, False),
        ({"forwarded": "for=203.0.113.9;proto=HTTPS"}, True),
        ({"forwarded": "for=203.0.113.9;proto=http"}, False),
        ({"x_forwarded_for": "203.0.113.9"}, False),
        ({}, False),
    ],
)
def test_tls_is_what_the_nearest_proxy_saw(headers: dict[str, str], *, tls: bool) -> None:
    """By X-Forwarded-Proto, else by Forwarded."""
    assert came_by_tls(head("10.0.0.1", **headers)) is tls


@pytest.mark.parametrize("text", ["", "example.org", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "*"])
def test_what_is_no_network_is_refused(text: str) -> None:
    """A network with bits of a host too: it may have been meant as either."""
    with pytest.raises(ValueError, match=r"\S"):
        parse_network(text)
