"""What arrives in one turn of the loop is answered together (docs/decisions/015-reads-of-one-turn.md)."""

import asyncio
import time
from collections import deque
from typing import Protocol

from holdfast.core.exchange import Exchange, Reply, Service

_MADE_MAX = 64  # replies that wait to be sent: as many, as large and as long as this
_MADE_BYTES = 1024 * 1024
_MADE_WITHIN_S = 0.002
_TURN_BYTES = 8 * 1024 * 1024  # what one turn sends, and takes, before the loop does anything else
_TURN_S = 0.02


class Asker(Protocol):
    """One whose request has arrived whole."""

    def answer(self) -> Reply | None:
        """The reply; None if it comes later. Never raises."""

    def send(self, reply: Reply) -> None:
        """Send this reply. Never raises."""


class Arrivals:
    """Gathers the requests of one turn of the loop."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._arrived: dict[Asker, Exchange] = {}

    def answer_soon(self, asker: Asker, exchange: Exchange) -> None:
        """Answer a request that has arrived whole, together with all others of this turn.

        They are read from one state of what is stored. It is opened after the last of them has arrived, so each sees all that was
        acknowledged before it was sent.
        """
        self._wake()
        self._arrived[asker] = exchange

    def _answer_arrived(self) -> None:
        arrived, self._arrived = self._arrived, {}
        askers = deque(arrived)
        if len(askers) == 1:  # a moment of its own is what every read has anyway
            _answer_some(askers)
            return
        until_s, left = time.monotonic() + _TURN_S, _TURN_BYTES
        with self.service.moment(arrived.values()):
            while True:
                left -= _answer_some(askers)
                if not askers or left <= 0 or time.monotonic() >= until_s:
                    break
        if askers:
            self._put_off({each: arrived[each] for each in askers})

    def _put_off(self, late: dict[Asker, Exchange]) -> None:
        """Leave the others to the next turn, ahead of whoever has come since."""
        self._wake()
        self._arrived = late | self._arrived

    def _wake(self) -> None:
        """See that the next turn answers; whoever was first in it has seen to that already."""
        if not self._arrived:
            asyncio.get_running_loop().call_soon(self._answer_arrived)


def _answer_some(askers: deque[Asker]) -> int:
    """Make some replies, one at least, then send them; how many bytes they had.

    Whoever is sent something runs at once, and would leave cold caches to the next reply. But nobody waits long for their neighbours.
    """
    made: list[tuple[Asker, Reply]] = []
    size, until_s = 0, time.monotonic() + _MADE_WITHIN_S
    while True:
        asker = askers.popleft()
        reply = asker.answer()
        if reply is not None:
            made.append((asker, reply))
            size += len(reply.body) if isinstance(reply.body, bytes) else 0
        if not askers or len(made) == _MADE_MAX or size >= _MADE_BYTES or time.monotonic() >= until_s:
            break
    for asker, reply in made:
        asker.send(reply)
    return size
