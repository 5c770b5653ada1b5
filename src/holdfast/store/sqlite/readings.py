"""Readings of the journal (ports.Journal), each in one snapshot, at once on the loop unless it outlives its slice."""

from collections.abc import Awaitable, Mapping

from holdfast.base.errors import Refused
from holdfast.base.limits import ANSWER_BYTES_MAX
from holdfast.core.condition import ALWAYS
from holdfast.core.plan import Row
from holdfast.core.readings import ChangesPage, HistoryPage, ReadAsOf, ReadChanges, ReadHistory, Touched, Watched
from holdfast.core.size import count_bytes
from holdfast.store.sql.render import Renderer
from holdfast.store.sql.retention import HORIZON_AT
from holdfast.store.sqlite.lane import Lane
from holdfast.store.sqlite.reader import Reader
from holdfast.store.sqlite.sight import check_epoch, is_seen

SCANNED_MAX = 2_000  # entries that one reading of changes looks at, whosever they are: some milliseconds
NO_SEQ = 2**63 - 1


class SqliteJournal:
    """Reads the journal on the connections of a Reader."""

    def __init__(self, reader: Reader, renderer: Renderer) -> None:
        self._reader = reader
        self._renderer = renderer

    def read_as_of(self, plan: ReadAsOf) -> Row | None | Awaitable[Row | None]:
        """Read a record as it was."""
        return self._reader.run(lambda lane: self._fetch_as_of(lane, plan))

    def read_history(self, plan: ReadHistory) -> HistoryPage | None | Awaitable[HistoryPage | None]:
        """Read what happened to a record."""
        return self._reader.run(lambda lane: self._fetch_history(lane, plan))

    def read_changes(self, plan: ReadChanges) -> ChangesPage | Awaitable[ChangesPage]:
        """Read changes in order."""
        return self._reader.run(lambda lane: self._fetch_changes(lane, plan))

    def read_touched(self, after: int, upto: int) -> Touched | Awaitable[Touched]:
        """Read which resources entries are about."""
        return self._reader.run(lambda lane: self._fetch_touched(lane, after, upto))

    def head(self) -> int:
        """The last sequence."""
        return self._reader.head()

    def _fetch_as_of(self, lane: Lane, plan: ReadAsOf) -> Row | None:
        lane.begin()
        try:
            horizon = lane.fetch(self._renderer.meta.find(HORIZON_AT))
            rows = lane.fetch(self._renderer.as_of(plan))
            is_seen = self._is_seen_now(lane, plan) and bool(rows) and bool(rows[0][3])
            check_epoch(lane.fetch, self._renderer, plan.caller)
        finally:
            lane.end()
        if horizon and plan.at < horizon[0][0]:
            raise Refused("not_found", f"The journal tells nothing of before {horizon[0][0]}.")
        if not is_seen:
            return None
        ((text, version, sight, _),) = rows
        return Row(text, plan.id, version, sight)

    def _is_seen_now(self, lane: Lane, plan: ReadAsOf) -> bool:
        """Whether who may have seen the record then may see it still."""
        return plan.where is ALWAYS or is_seen(lane.fetch, self._renderer, plan.view.resource, plan.id, plan.where)

    def _fetch_history(self, lane: Lane, plan: ReadHistory) -> HistoryPage | None:
        lane.begin()
        try:
            check_epoch(lane.fetch, self._renderer, plan.caller)
            if not is_seen(lane.fetch, self._renderer, plan.view.resource, plan.id, plan.where):
                return None
            before = NO_SEQ if plan.before is None else plan.before
            rows, whole = lane.fetch_within(self._renderer.history(plan, before, plan.limit + 1), 1)
        finally:
            lane.end()
        shown = rows[: plan.limit]
        return HistoryPage(tuple(text for _, text in shown), shown[-1][0] if len(rows) > plan.limit or not whole else None)

    def _fetch_changes(self, lane: Lane, plan: ReadChanges) -> ChangesPage:
        lane.begin()
        try:
            check_epoch(lane.fetch, self._renderer, plan.caller)
            heads, upto, head = self._fetch_heads(lane, plan.after, plan.upto)
            heads = [each for each in heads if each[1] in plan.watched]
            if len(heads) > plan.limit:
                heads = heads[: plan.limit]
                upto = heads[-1][0]
            changes, upto = self._fetch_entries(lane, heads, plan.watched, upto) if heads else ((), upto)
        finally:
            lane.end()
        return ChangesPage(changes, upto, head)

    def _fetch_touched(self, lane: Lane, after: int, upto: int) -> Touched:
        lane.begin()
        try:
            heads, upto, _ = self._fetch_heads(lane, after, upto)
        finally:
            lane.end()
        return Touched(frozenset(path for _, path in heads), upto)

    def _fetch_heads(self, lane: Lane, after: int, upto: int | None) -> tuple[list[tuple[int, str]], int, int]:
        """The sequence and resource of each entry that one reading looks at, up to where it does, and the last sequence there is."""
        first, head = lane.fetch(self._renderer.journal_bounds())[0]
        head = head or 0
        end = head if upto is None else upto
        _check_reachable(after, first or 1, end)
        upto = min(after + SCANNED_MAX, end)
        return lane.fetch(self._renderer.journal_heads(after, upto)), upto, head

    def _fetch_entries(
        self, lane: Lane, heads: list[tuple[int, str]], watched: Mapping[str, Watched], upto: int
    ) -> tuple[tuple[tuple[int, str], ...], int]:
        """The entries of each resource by one statement, put in order again; fewer where an answer cannot hold all, and up to where."""
        first, last = heads[0][0], heads[-1][0]
        found: list[tuple[int, str]] = []
        for path in dict.fromkeys(path for _, path in heads):
            rows, whole = lane.fetch_within(self._renderer.changes(watched[path], first, last), 1)
            found += rows
            if not whole:
                upto = last = rows[-1][0]
        return _cut(sorted(each for each in found if each[0] <= last), upto)


def _cut(changes: list[tuple[int, str]], upto: int) -> tuple[tuple[tuple[int, str], ...], int]:
    """As many changes as an answer may hold, the first always, and the sequence up to which they are all."""
    left = ANSWER_BYTES_MAX
    for index, (_, text) in enumerate(changes):
        left -= count_bytes(text)
        if left < 0 and index:
            return tuple(changes[:index]), changes[index - 1][0]
    return tuple(changes), upto


def _check_reachable(after: int, first: int, head: int) -> None:
    """Refuse a place in the journal from which changes would be missed. Raises Refused invalid_cursor."""
    if after > head:
        message = f"The journal ends at {head}."
    elif after + 1 < first and after > 0:
        message = f"The journal begins at {first}; what came before it is no longer kept."
    else:
        return
    raise Refused("invalid_cursor", message, hint="Read the lists again, then follow the changes from the `meta.head` of before.")
