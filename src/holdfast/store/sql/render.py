"""The face of this room: plans and steps in, statements out.

One Renderer serves one catalog on one database. Compiled texts are kept by shape, never by value; of the reads by id that came last the
values are kept too. Threads may share a Renderer.
"""

from collections.abc import Callable, Container, Mapping
from functools import lru_cache, partial
from operator import itemgetter

from holdfast.core.condition import ALWAYS, All, Condition, Matches, Path, Stored, walk
from holdfast.core.journal import hash_payload
from holdfast.core.plan import Create, Order, ReadMany, ReadOne, Update
from holdfast.core.readings import ReadAsOf, ReadHistory, Watched
from holdfast.core.view import View
from holdfast.model.catalog import SYSTEM_MEMBERS, Catalog, ResourceSpec
from holdfast.store.sql.accounts import AccountStatements
from holdfast.store.sql.claims import ClaimStatements
from holdfast.store.sql.condition import RANK
from holdfast.store.sql.cursor import after_condition
from holdfast.store.sql.dialect import Dialect
from holdfast.store.sql.gone import GoneStatements
from holdfast.store.sql.journal import JournalStatements
from holdfast.store.sql.marks import FIRST, IDENTITY, Marks
from holdfast.store.sql.meta import MetaStatements
from holdfast.store.sql.read import ListShape, Reads
from holdfast.store.sql.reading import Readings
from holdfast.store.sql.retention import RetentionStatements
from holdfast.store.sql.schema import render_schema
from holdfast.store.sql.shape import Shaper
from holdfast.store.sql.sqlite import Sqlite
from holdfast.store.sql.statement import Prepared, Statement
from holdfast.store.sql.tables import Tables
from holdfast.store.sql.write import FREE, Bounds, Target, Writes, declared_members

SHAPES_KEPT = 512  # of each kind of read; a text is some kilobytes, and building one takes about a millisecond

_OF_SYSTEM = itemgetter(*SYSTEM_MEMBERS[1:])

OFFSET_DEEP = 1_000  # from here on it pays to skip in an index and to fetch rows only for the page (see Reads)


class Renderer:
    """Renders the plans of one catalog for one database (SQLite unless told otherwise)."""

    def __init__(self, catalog: Catalog, dialect: Dialect | None = None) -> None:
        self._catalog = catalog
        self._dialect = dialect or Sqlite()
        tables = Tables(catalog, self._dialect)
        reads, writes = Reads(tables, self._dialect), Writes(tables, self._dialect)
        self.journal = JournalStatements(tables, self._dialect)
        self.accounts = AccountStatements(catalog.users, tables, self._dialect)
        self.claims = ClaimStatements(tables, self._dialect)
        self.gone = GoneStatements(tables, self._dialect)
        self.meta = MetaStatements(tables, self._dialect)
        self.retention = RetentionStatements(tables, self._dialect)
        readings = Readings(tables, self._dialect)
        kept = lru_cache(SHAPES_KEPT)
        self._one, self._one_and_epoch = kept(reads.one), kept(partial(reads.one, with_epoch=True))
        self._one_bound = kept(self._bind_one)
        self._many = kept(reads.many)
        self._count, self._count_delta = kept(reads.count), kept(readings.count_delta)
        self._image, self._written, self._exists = kept(reads.image), kept(reads.written), kept(reads.exists)
        self._touched, self._referring = kept(readings.touched), kept(reads.referring_ids)
        self._as_of, self._last_image = kept(readings.as_of), kept(readings.last_image)
        self._entry = kept(readings.entry)
        self._history, self._changes = kept(readings.history), kept(readings.changes)
        self._journal_heads, self._journal_bounds = readings.heads(), readings.bounds()
        self._update, self._insert, self._delete = kept(writes.update), kept(writes.insert), kept(writes.delete)
        self._declared = {path: declared_members(each) for path, each in catalog.resources.items()}
        self._would_hold = kept(writes.would_hold)
        self._searched = writes.searched
        self._search_insert, self._search_delete = kept(writes.search_insert), kept(writes.search_delete)
        self._head = reads.head()
        self._journal_insert = writes.journal_insert()
        marks = Marks(tables, self._dialect)
        self._epoch, self._epoch_move, self._mark_insert = marks.find(IDENTITY), marks.move(IDENTITY), marks.insert()

    def schema(self) -> tuple[str, ...]:
        """Every CREATE statement for an empty database, in order."""
        return render_schema(self._catalog, self._dialect)

    # Reads

    def read_one(self, plan: ReadOne) -> Statement:
        """No row or one: (JSON text, version, versions of what is included), and the identity epoch where the plan names a caller."""
        prepared, values = self._one_bound(plan.view, plan.where, plan.caller is not None)
        return prepared.bind((plan.id, *values) if values else (plan.id,))

    def _bind_one(self, view: View, where: Condition, with_epoch: bool) -> tuple[Prepared, tuple[Stored, ...]]:  # noqa: FBT001  # a key
        """The text of a read by id, and the values that follow the id: what a caller is granted is the same from one read to the next."""
        shaper = self._shaper("")
        shape, condition = shaper.view(view), shaper.condition(where)
        prepared = self._one_and_epoch(shape, condition) if with_epoch else self._one(shape, condition)
        return prepared, tuple(shaper.values[1:])

    def written(self, view: View, first: int, last: int, shown: Condition = ALWAYS) -> Statement:
        """A row for each hf_row from first to last: (image, JSON text of the view, versions of what is included, 1 or 0: `shown`)."""
        if shown is ALWAYS and not view.includes and not view.masks:
            return self._written(view, ALWAYS).bind((first, last))
        shaper = self._shaper(first, last)
        shape, where = shaper.view(view), shaper.condition(shown)
        return self._written(shape, where).bind(shaper.values)

    def read_many(self, plan: ReadMany, *, dense: bool = False) -> Statement:
        """Rows of (JSON text, sort values..., id), the rank before the sort values where the plan is ranked.

        One row more than the limit is asked for: it tells that the list goes on. `dense`: many rows are known to pass.
        """
        shaper = self._shaper(*self._start(plan))
        order = _whole_order(plan)
        where = plan.where if plan.after is None else All((plan.where, after_condition(order, plan.after)))
        view, shape, keys = shaper.view(plan.view), shaper.condition(where), shaper.order(order)
        limit, offset = shaper.hold(plan.limit + 1), shaper.hold(plan.offset)
        return self._many(ListShape(view, shape, keys, limit, offset, plan.offset > OFFSET_DEEP, dense)).bind(shaper.values)

    def count(self, resource: ResourceSpec, where: Condition) -> Statement:
        """One row: how many records the condition holds for."""
        return self._bind_where(self._count, resource, where)

    def count_delta(self, resource: ResourceSpec, where: Condition, since: int, upto: int) -> Statement | None:
        """One row: by how much the journal entries with since < seq <= upto changed the count, null where they no longer tell it.

        None where they never could.

        What a condition finds in other resources (core.condition.depends_on) is taken as it is now.
        """
        if any(isinstance(each, Matches) for each in walk(where)):
            return None
        return self._bind_where(self._count_delta, resource, where, since, upto)

    def touched(self, resources: frozenset[str], since: int, upto: int) -> Statement:
        """One row: 1 if the journal has an entry of the resources with since < seq <= upto, else 0."""
        return self._touched(tuple(sorted(resources))).bind((since, upto))

    def exists(self, resource: ResourceSpec, id: str, where: Condition = ALWAYS) -> Statement:  # noqa: A002  # the member's name
        """One row if the record exists and the condition holds for it, else none."""
        return self._bind_where(self._exists, resource, where, id)

    def image(self, resource: ResourceSpec, id: str, *conditions: Condition) -> Statement:  # noqa: A002  # the member's name
        """No row or one: (hf_row, version, image as JSON text, then 1 or 0 for each condition: whether it holds)."""
        shaper = self._shaper(id)
        return self._image(resource, tuple(map(shaper.condition, conditions))).bind(shaper.values)

    def referring_ids(self, source: ResourceSpec, member: str, id: str, limit: int) -> Statement:  # noqa: A002  # the member's name
        """The ids of the records of `source` whose member refers to the id, in order."""
        return self._referring(source, member).bind((id, limit))

    def head(self) -> Statement:
        """One row: the sequence of the last journal entry, 0 if there is none."""
        return self._head.bind(())

    # Readings of the journal

    def as_of(self, plan: ReadAsOf) -> Statement:
        """No row or one: (JSON text, version, which masks held, 1 or 0 whether the condition held)."""
        shaper = self._shaper(plan.id, plan.at)
        view, where = shaper.view(plan.view), shaper.condition(plan.where)
        return self._as_of(view, where).bind(shaper.values)

    def entry(self, view: View, seq: int, where: Condition) -> Statement:
        """No row or one: id, version and JSON text of the record after an entry (null where it was erased), 1 or 0 whether `where` held."""
        shaper = self._shaper(seq)
        shape, held = shaper.view(view), shaper.condition(where)
        return self._entry(shape, held).bind(shaper.values)

    def last_image(self, resource: ResourceSpec, id: str, *conditions: Condition) -> Statement:  # noqa: A002  # the member's name
        """No row or one: operation, version, payload `before` of the last entry of a record, 1 or 0 for each condition: whether it held."""
        shaper = self._shaper(id)
        return self._last_image(resource, tuple(map(shaper.condition, conditions))).bind(shaper.values)

    def history(self, plan: ReadHistory, before: int, limit: int) -> Statement:
        """Rows of (sequence, JSON text) before a sequence, newest first."""
        shaper = self._shaper(plan.id, before, limit)
        view, where = shaper.view(plan.view), shaper.condition(plan.where)
        return self._history(view, where).bind(shaper.values)

    def changes(self, watched: Watched, first: int, last: int) -> Statement:
        """Rows of (sequence, JSON text) between two sequences, both included, in order."""
        shaper = self._shaper(first, last)
        view, where = shaper.view(watched.view), shaper.condition(watched.where)
        return self._changes(view, where).bind(shaper.values)

    def journal_heads(self, after: int, upto: int) -> Statement:
        """Rows of (sequence, resource path), in order."""
        return self._journal_heads.bind((after, upto))

    def journal_bounds(self) -> Statement:
        """One row: the first sequence from which on all are kept, and the last one; null if there is none."""
        return self._journal_bounds.bind(())

    # Writes

    def insert(self, step: Create, system: Mapping[str, Stored]) -> Statement:
        """Make a record; it fails where it would leave the bounds of the step, or its id was that of a record before.

        `system` holds what the store itself gives to a record.
        """
        resource = step.resource
        given = [step.id, *_OF_SYSTEM(system), *map(step.values.__getitem__, self._declared[resource.path])]
        if step.become is ALWAYS and not step.targets:
            return self._insert(resource, FREE, step.chosen_id).bind(given)
        shaper = self._shaper(*given)
        return self._insert(resource, self._bounds(shaper, step, step.values), step.chosen_id).bind(shaper.values)

    def change(self, step: Update, version: int, columns: Mapping[str, Stored]) -> Statement:
        """Change the record if it has that version still and stays within the bounds of the step; no row is changed otherwise."""
        if step.become is ALWAYS and not step.targets:
            return self.update(step.resource, step.id, version, columns)
        shaper = self._shaper(step.id, version, *columns.values())
        return self._update(step.resource, tuple(columns), self._bounds(shaper, step, columns)).bind(shaper.values)

    def would_hold(self, step: Create | Update, columns: Mapping[str, Stored], condition: Condition) -> Statement:
        """One row if the condition would hold for the record once it has the columns (all of them, where it is new), else none."""
        is_new = isinstance(step, Create)
        given = {**columns, "id": step.id} if is_new else columns
        shaper = self._shaper(step.id, *given.values())
        return self._would_hold(step.resource, tuple(given), shaper.condition(condition), is_new=is_new).bind(shaper.values)

    def update(self, resource: ResourceSpec, id: str, version: int, columns: Mapping[str, Stored]) -> Statement:  # noqa: A002  # the member's name
        """Change the record if it has that version still; no row is changed otherwise."""
        return self._update(resource, tuple(columns)).bind((id, version, *columns.values()))

    def delete(self, resource: ResourceSpec, id: str, version: int) -> Statement:  # noqa: A002  # the member's name
        """Delete the record if it has that version still; no row is changed otherwise."""
        return self._delete(resource).bind((id, version))

    def searched(self, resource: ResourceSpec) -> Statement:
        """A row for each record: its row number, then its searched members."""
        return self._searched(resource).bind(())

    def search_insert(self, resource: ResourceSpec, hf_row: int, text: str) -> Statement:
        """Put the index text of a record (core.search.fold_fields over its search fields) into the full-text index."""
        return self._search_insert(resource).bind((hf_row, text))

    def search_delete(self, resource: ResourceSpec, hf_row: int) -> Statement:
        """Take a record out of the full-text index."""
        return self._search_delete(resource).bind((hf_row,))

    def journal_insert(
        self,
        *,
        resource: ResourceSpec,
        record_id: str,
        version: int,
        operation: str,
        before: str | None,
        after: str | None,
        actor_id: str | None,
        request_id: str,
        at: str,
    ) -> Statement:
        """Add an entry to the journal, with the hashes of its payloads; the database gives it the next sequence."""
        hashes = (hash_payload(before), hash_payload(after))
        return self._journal_insert.bind((resource.path, record_id, version, operation, before, after, actor_id, request_id, at, *hashes))

    # Marks

    def epoch(self) -> Statement:
        """One row: the identity epoch."""
        return self._epoch.bind(())

    def identity(self, token_hash: bytes) -> Statement:
        """No row or one: (user id, user version, ...) of a token that is alive."""
        return self.accounts.find_identity.bind((token_hash,))

    def epoch_insert(self) -> Statement:
        """Start the identity epoch of a new database."""
        return self._mark_insert.bind((IDENTITY, FIRST))

    def epoch_move(self) -> Statement:
        """Move the identity epoch: what was made from an identity of before must be made anew."""
        return self._epoch_move.bind(())

    def _bounds(self, shaper: Shaper, step: Create | Update, members: Container[str]) -> Bounds:
        """The shape of what a step must stay within; the database itself sees that a record is there."""
        become = shaper.condition(step.become)
        seen = step.seen if isinstance(step, Update) else {}
        asked = [
            (step.resource.by_member[member], where) for member, where in step.targets.items() if member in members and where != ALWAYS
        ]
        return Bounds(
            become,
            tuple(
                Target(spec, self._catalog.target(spec), shaper.condition(where), shaper.condition(seen.get(spec.member, ALWAYS)))
                for spec, where in asked
            ),
        )

    def _start(self, plan: ReadMany) -> tuple[Stored, ...]:
        """What a ranked list holds at START."""
        if not plan.ranked:
            return ()
        words = next(each.words for each in walk(plan.where) if isinstance(each, Matches))
        return (self._dialect.start_expression(words),)

    def _shaper(self, *values: Stored) -> Shaper:
        return Shaper(self._dialect.match_expression, *values)

    def _bind_where(
        self, build: Callable[[ResourceSpec, Condition], Prepared], resource: ResourceSpec, where: Condition, *values: Stored
    ) -> Statement:
        shaper = self._shaper(*values)
        return build(resource, shaper.condition(where)).bind(shaper.values)


def _whole_order(plan: ReadMany) -> tuple[Order, ...]:
    """The order of a list, rank first where there is one, and total: `id` stands in it once, last."""
    rank = (Order(Path(RANK)),) if plan.ranked else ()
    by_id = Path(plan.view.resource.by_member["id"])
    last = () if plan.order and plan.order[-1].path == by_id else (Order(by_id),)
    return (*rank, *plan.order, *last)
