"""What counts callers, so that the engine need not know where, nor how many workers share it."""

from contextlib import AbstractContextManager
from typing import Protocol

from holdfast.core.rate import Rate, Verdict


class Limiter(Protocol):
    """Gives each key its quota. For the loop's thread only."""

    @property
    def rate(self) -> Rate | None:
        """The quota of every key; None: there is no limit."""
        ...

    def take(self, key: bytes, cost: int = 1) -> Verdict:
        """Take `cost` requests from the quota of a key: all of them, or none where they are more than it has.

        Raises Unavailable ("overloaded") where there is no room to count another key: who cannot be counted is not let in.
        """
        ...

    def together(self) -> AbstractContextManager[None]:
        """What is taken within it costs less than one by one; nobody else takes meanwhile, so it must be short."""
        ...
