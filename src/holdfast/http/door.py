"""What all connections of one worker share: the service, the bounds, the date, and one sweep a second that keeps every deadline.

One sweep instead of a timer for each request: a timer costs more than the parsing of a head, and no deadline here is finer than a second.
"""

import asyncio
import time
from typing import Protocol

from holdfast.core.exchange import Service
from holdfast.http.arrivals import Arrivals
from holdfast.http.bounds import Bounds
from holdfast.http.wire import Openings


class Guest(Protocol):
    """A connection, as the door sees it."""

    def sweep(self, now_s: float) -> None:
        """Keep the deadlines; `now_s` is monotonic."""

    def leave_if_idle(self, now_s: float) -> None:
        """Close unless a request is under way, or may be: the connection is quite new."""

    def abort(self) -> None:
        """Close at once."""


class Door:
    """The shared state of the connections of one worker.

    draining  set at the graceful stop: every answer from then on closes its connection
    """

    def __init__(self, service: Service, bounds: Bounds | None = None) -> None:
        self.service, self.arrivals = service, Arrivals(service)
        self.bounds = bounds or Bounds()
        self.openings = Openings(time.time())
        self.draining = False
        self._guests: dict[Guest, str] = {}
        self._per_peer: dict[str, int] = {}
        self._unread: dict[Guest, int] = {}
        self._unread_bytes = 0
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._date_timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to sweep, in the running loop."""
        self._sweep_later(asyncio.get_running_loop())
        self._turn_date(asyncio.get_running_loop())

    def stop(self) -> None:
        """End the sweep and close what is left. Idempotent."""
        for timer in (self._sweep_timer, self._date_timer):
            if timer is not None:
                timer.cancel()
        self._abort_all()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._guests)

    def enter(self, guest: Guest, peer: str) -> bool:
        """Count a connection in; False if there are too many: it is counted all the same until it leaves."""
        self._guests[guest] = peer
        of_peer = self._per_peer.get(peer, 0) + 1
        self._per_peer[peer] = of_peer
        return len(self._guests) <= self.bounds.connections_max and of_peer <= self.bounds.connections_per_peer_max

    def leave(self, guest: Guest) -> None:
        """Count a connection out."""
        peer = self._guests.pop(guest, None)
        if peer is None:
            return
        left = self._per_peer[peer] - 1
        if left:
            self._per_peer[peer] = left
        else:
            del self._per_peer[peer]

    def hold_unread(self, guest: Guest, count: int) -> None:
        """Count what a client does not read. Where all of them have too much, those go first who have not read for longest."""
        self._unread[guest] = count
        self._unread_bytes += count
        while self._unread_bytes > self.bounds.unread_bytes_max:
            slowest = next(iter(self._unread))
            self.forget_unread(slowest)
            slowest.abort()

    def forget_unread(self, guest: Guest) -> None:
        """The client has caught up, or is gone. Idempotent."""
        self._unread_bytes -= self._unread.pop(guest, 0)

    async def drain(self, until_s: float) -> bool:
        """Let what is under way end; True if all of it did before `until_s` (monotonic). What is left then is aborted."""
        self.draining = True
        await asyncio.sleep(0.02)  # the loop may have accepted connections that it has not yet shown to us
        while self._guests and time.monotonic() < until_s:
            for guest in list(self._guests):
                guest.leave_if_idle(time.monotonic())
            await asyncio.sleep(0.02)
        drained = not self._guests
        self._abort_all()
        return drained

    def _abort_all(self) -> None:
        for guest in list(self._guests):
            guest.abort()

    def _sweep_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweep_timer = loop.call_later(self.bounds.sweep_s, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now_s = time.monotonic()
        for guest in list(self._guests):
            guest.sweep(now_s)
        self._sweep_later(loop)

    def _turn_date(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.time()
        self.openings.turn(now)
        self._date_timer = loop.call_later(1.001 - now % 1, self._turn_date, loop)
