"""What arrives in one turn of the loop is answered together (docs/decisions/015-reads-of-one-turn.md)."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from holdfast.core.exchange import Exchange, Reply, Service

_ANSWERED_TOGETHER_MAX = 64  # replies that wait to be sent


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
        self._arrived[asker] = exchange
        if len(self._arrived) == 1:
            asyncio.get_running_loop().call_soon(self._answer_arrived)

    def _answer_arrived(self) -> None:
        arrived, self._arrived = self._arrived, {}
        askers = tuple(arrived)
        if len(askers) == 1:  # a moment of its own is what every read has anyway
            _answer(askers)
            return
        with self.service.moment(arrived.values()):
            for first in range(0, len(askers), _ANSWERED_TOGETHER_MAX):
                _answer(askers[first : first + _ANSWERED_TOGETHER_MAX])


def _answer(askers: Sequence[Asker]) -> None:
    """Make the replies, then send them: whoever is sent something runs at once, and would leave cold caches to the next reply."""
    replies = [each.answer() for each in askers]
    for asker, reply in zip(askers, replies, strict=True):
        if reply is not None:
            asker.send(reply)
