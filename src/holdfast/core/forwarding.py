"""Forwarding headers: who the client of a proxy is, told by proxies that are trusted and by nobody else (RFC 7239)."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from holdfast.base.limits import FORWARDED_HOPS_MAX
from holdfast.core.exchange import Head

FORWARDING = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip"})
"""Headers that only a proxy has to send. From anyone who is not trusted they mean nothing."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_BRACKETED = re.compile(r"\[([^\[\]]*)\](?::[0-9]{1,5})?")
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")


class Proxies:
    """The proxies that are trusted, by address or network."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        self._networks = tuple(map(parse_network, trusted))
        self._is_trusted = lru_cache(maxsize=1_024)(self._look_up)

    def trust(self, peer: str) -> bool:
        """Whether this is the address of a trusted proxy."""
        return bool(self._networks) and self._is_trusted(peer)

    def find_client(self, head: Head) -> str:
        """The address of the client behind a trusted proxy.

        Read from the right, because each proxy adds to the right what it saw itself: the first address that is no trusted proxy's is the
        client's; what stands left of it anyone may have written. Where X-Forwarded-For and Forwarded name different clients the
        proxy passed one of them on unread, and nobody can say which: then neither counts.
        """
        told = (_split_list(head.header("x-forwarded-for")), _split_forwarded(head.header("forwarded")))
        clients = {self._walk(head.peer, hops) for hops in told if hops}
        return clients.pop() if len(clients) == 1 else head.peer

    def _walk(self, peer: str, hops: Iterable[str]) -> str:
        for hop in hops:
            if not self.trust(peer):
                break
            address = _parse_hop(hop)
            if address is None:
                break
            peer = str(address)
        return peer

    def _look_up(self, peer: str) -> bool:
        address = parse_address(peer)
        return address is not None and any(address in network for network in self._networks)


def came_by_tls(head: Head) -> bool:
    """Whether a trusted proxy says that its client came by TLS."""
    proto = head.header("x-forwarded-proto")
    if proto is not None:
        return proto.rpartition(",")[2].strip().lower() == "https"
    nearest = (head.header("forwarded") or "").rpartition(",")[2]
    return _parameter(nearest, "proto").lower() == "https"


def parse_network(text: str) -> Network:
    """An address or a network ("10.0.0.0/8"). Raises ValueError for anything else, and for a network with bits of a host."""
    return ipaddress.ip_network(text)


def _split_list(header: str | None) -> list[str]:
    """The last hops of X-Forwarded-For, the nearest first."""
    return [] if header is None else header.rsplit(",", FORWARDED_HOPS_MAX)[::-1][:FORWARDED_HOPS_MAX]


def _split_forwarded(header: str | None) -> list[str]:
    """The same of Forwarded: the `for` of each element, "" where it has none."""
    return [_parameter(element, "for") for element in _split_list(header)]


def _parameter(element: str, name: str) -> str:
    """A parameter of an element of Forwarded: `for="[2001:db8::1]:4711";proto=https`."""
    pairs = (pair.partition("=") for pair in element.split(";"))
    return next((value.strip().strip('"') for key, _, value in pairs if key.strip().lower() == name), "")


def _parse_hop(text: str) -> Address | None:
    """An address, with or without a port; None for `unknown`, names and anything else."""
    text = text.strip()
    found = _BRACKETED.fullmatch(text) or _WITH_PORT.fullmatch(text)
    return parse_address(found[1] if found else text)


def parse_address(text: str) -> Address | None:
    """An address; IPv4 within IPv6 as IPv4, without the zone. None for anything else."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
