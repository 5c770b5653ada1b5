"""Rates: how many requests a caller may make in how long, judged by the generic cell rate algorithm (GCRA).

One number is kept for each caller: when everything taken so far will have been earned. There is no window whose end lets twice the quota
through, nothing to count down, and a number in the past says the same as none, so that its place may be given to another caller.
"""

from dataclasses import dataclass
from functools import lru_cache

import msgspec

from holdfast.core.forwarding import parse_address

_WINDOWS_S = {"second": 1, "minute": 60, "hour": 3_600}
_SECOND_NS = 1_000_000_000
_NETWORK_BYTES = 8  # of an IPv6 address: a /64 is what one customer gets, and may take any address of


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What became of one taking.

    remaining  how many more requests the quota has now
    reset_s    seconds until it is whole again; of a refusal: until this taking would be allowed
    retry_s    seconds until this taking would be allowed; 0 where it was
    """

    allowed: bool
    remaining: int
    reset_s: int
    retry_s: int


@dataclass(frozen=True, slots=True)
class Rate:
    """A quota of requests in a window; all of it may be taken at once.

    step_ns   how long it takes to earn one request; rounded up, so that never more than the quota is given
    burst_ns  how long it takes to earn the quota
    """

    quota: int
    window_s: int
    step_ns: int
    burst_ns: int

    @staticmethod
    def of(quota: int, window_s: int) -> "Rate":
        """`quota` requests in `window_s` seconds."""
        step_ns = -(-window_s * _SECOND_NS // quota)
        return Rate(quota, window_s, step_ns, step_ns * quota)

    def take(self, due_ns: int, now_ns: int, cost: int) -> tuple[int, Verdict]:
        """Take `cost` requests at once, or none of them: when all will have been earned, to be kept, and the verdict.

        due_ns  what was kept; anything not after `now_ns` for a new caller. What no taking at this rate can have left (the rate was
                changed) counts as a quota that is used up.
        """
        full_ns = now_ns + self.burst_ns
        due_ns = now_ns if due_ns < now_ns else min(due_ns, full_ns)
        after_ns = due_ns + self.step_ns * cost
        room_ns = full_ns - after_ns
        if room_ns >= 0:
            return after_ns, Verdict(True, room_ns // self.step_ns, -((now_ns - after_ns) // _SECOND_NS), 0)  # noqa: FBT003
        retry_s = -(room_ns // _SECOND_NS)
        return due_ns, Verdict(False, (full_ns - due_ns) // self.step_ns, retry_s, retry_s)  # noqa: FBT003


def parse_rate(text: str) -> Rate | None:
    """Read the form of the settings: "600/minute"; None for "off"."""
    if text == "off":
        return None
    quota, _, window = text.partition("/")
    return Rate.of(int(quota), _WINDOWS_S[window])


def limit_key(actor_id: str | None, peer: str) -> bytes:
    """Who is counted: a caller who is signed in by his id, any other by his address."""
    return _address_key(peer) if actor_id is None else b"user:" + actor_id.encode()


@lru_cache(maxsize=4_096)
def _address_key(peer: str) -> bytes:
    """An address as it is counted: IPv6 by its /64, IPv4 within IPv6 as IPv4."""
    address = parse_address(peer)
    if address is None:
        return b"peer:" + peer.encode("utf-8", "replace")
    return b"ip6:" + address.packed[:_NETWORK_BYTES] if address.version == 6 else b"ip4:" + address.packed
