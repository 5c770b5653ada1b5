"""The counter: tells the exact total of a list within the snapshot of its page, as cheaply as that can be done."""

from typing import Any

from holdfast.core.condition import ALWAYS, All, Condition, depends_on
from holdfast.core.plan import ReadMany
from holdfast.model.catalog import ResourceSpec
from holdfast.ports.world import Clock
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite.lane import Lane, TooSlow
from holdfast.store.sqlite.totals import Total, Totals, build_key

SLICE_S = 0.010  # how long one read may hold the loop; a tenth of it is long for a read by id


DENSE_MIN = 5_000  # of 1,000,000 rows, so a page of 20 is full after some 4,000


class CountElsewhere(Exception):
    """The total cannot be told on the loop: it must be counted in a thread first."""


class Counter:
    """Tells totals, from memory where the journal allows it. Threads share one."""

    def __init__(self, renderer: Renderer, totals: Totals, clock: Clock) -> None:
        self._renderer = renderer
        self._totals = totals
        self._now_s = clock.monotonic_s

    def tell(self, lane: Lane, resource: ResourceSpec, where: Condition, *, on_loop: bool) -> int:
        """The total at the snapshot that is open on the lane.

        on_loop  raise CountElsewhere instead of counting for long: a count of everything cannot be stopped, because SQLite does not
                 look at the clock within it; another can, but then its time was spent for nothing
        """
        try:
            return self._tell(lane, resource, where, on_loop=on_loop)
        except TooSlow:
            if on_loop:
                raise CountElsewhere from None
            raise

    def is_dense(self, plan: ReadMany) -> bool:
        """Whether so many rows pass that a page in the order of an index is full soon. Who never counts is taken to list much."""
        if plan.where is ALWAYS:
            return False
        known = self._totals.find(build_key(plan.view.resource, plan.where))
        return not plan.count if known is None else known.records >= DENSE_MIN

    def recount(self, lane: Lane, resource: ResourceSpec, where: Condition) -> None:
        """Count in a snapshot of its own and remember the total."""
        lane.begin()
        try:
            self._count(lane, resource, where, self._head(lane))
        finally:
            lane.end()

    def _tell(self, lane: Lane, resource: ResourceSpec, where: Condition, *, on_loop: bool) -> int:
        head = self._head(lane)
        known = self._totals.find(build_key(resource, where))
        if known is not None and known.seq == head:
            return known.records
        if known is not None and known.seq < head and known.is_worth_adjusting(head):
            delta = self._delta(lane, resource, where, since=known.seq, upto=head)
            if delta is not None:
                total = Total(known.records + delta, head, known.cost_s)
                self._totals.keep(build_key(resource, where), total)
                return total.records
        if on_loop and (where == All(()) or (known is not None and known.cost_s > SLICE_S)):
            raise CountElsewhere
        return self._count(lane, resource, where, head)

    def _delta(self, lane: Lane, resource: ResourceSpec, where: Condition, *, since: int, upto: int) -> int | None:
        """By how much the entries changed the total; None where the journal of this resource cannot tell it."""
        statement = self._renderer.count_delta(resource, where, since, upto)
        if statement is None:
            return None
        others = depends_on(where)
        if others and _one(lane.fetch(self._renderer.touched(others, since, upto))):
            return None
        ((delta,),) = lane.fetch(statement)
        return None if delta is None else int(delta)

    def _count(self, lane: Lane, resource: ResourceSpec, where: Condition, head: int) -> int:
        began_s = self._now_s()
        records = _one(lane.fetch(self._renderer.count(resource, where)))
        self._totals.keep(build_key(resource, where), Total(records, head, self._now_s() - began_s))
        return records

    def _head(self, lane: Lane) -> int:
        return _one(lane.fetch(self._renderer.head()))


def _one(rows: list[tuple[Any, ...]]) -> int:
    ((number,),) = rows
    return int(number)
