"""Totals: exact counts that are kept true by the journal instead of being counted again.

A total is remembered with the sequence of the journal at which it was true. While the journal has not moved it costs nothing; when it
has, the entries since then are asked, in SQL, by how much they changed it.
"""

from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

from holdfast.core.condition import Condition
from holdfast.model.catalog import ResourceSpec

TOTALS_KEPT = 1_024  # of filters with their values; some hundred bytes each
ENTRY_COST_S = 2e-6  # reading one journal entry into a delta, measured at about one microsecond
DELTA_ENTRIES_MIN = 256  # never count again for fewer

Key = tuple[str, Condition]
"""What a total counts: the path of the resource, and the filter and rule with their values."""


class Total(NamedTuple):
    """A count, the journal sequence at which it was true, and the seconds that counting took."""

    records: int
    seq: int
    cost_s: float

    def is_worth_adjusting(self, head: int) -> bool:
        """Whether asking the entries since then is cheaper than counting again."""
        return head - self.seq <= max(DELTA_ENTRIES_MIN, self.cost_s / ENTRY_COST_S)


def build_key(resource: ResourceSpec, where: Condition) -> Key:
    """The key of a total."""
    return resource.path, where


class Totals:
    """The totals that a process remembers; the least recently used are forgotten."""

    def __init__(self, kept: int = TOTALS_KEPT) -> None:
        self._kept = kept
        self._totals: OrderedDict[Key, Total] = OrderedDict()
        self._lock = Lock()  # readers in threads share it with the loop

    def find(self, key: Key) -> Total | None:
        """What is remembered."""
        with self._lock:
            total = self._totals.get(key)
            if total is not None:
                self._totals.move_to_end(key)
            return total

    def keep(self, key: Key, total: Total) -> None:
        """Remember a total, unless a later one is known: an older snapshot may end after a newer one."""
        with self._lock:
            known = self._totals.get(key)
            if known is not None and known.seq > total.seq:
                return
            self._totals[key] = total
            self._totals.move_to_end(key)
            if len(self._totals) > self._kept:
                self._totals.popitem(last=False)
