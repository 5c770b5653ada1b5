"""One write at work: its connection, who asked and when, and the journal entry that every change leaves."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import apsw

from holdfast.base.errors import Broken
from holdfast.base.ids import RecordId
from holdfast.base.limits import ANSWER_BYTES_MAX
from holdfast.core.condition import Condition, Stored
from holdfast.core.entity_tag import refuse_stale
from holdfast.core.journal import Operation
from holdfast.core.plan import Delete, Row, Undelete, Update
from holdfast.core.size import count_bytes
from holdfast.core.view import View
from holdfast.model.catalog import ResourceSpec
from holdfast.store.sql.render import Renderer
from holdfast.store.sql.statement import Statement


class Stand(NamedTuple):
    """A record as it stands: its row, its version, its image as JSON text, and for each condition of a step whether it holds.

    locked, unseen  the members of an update for which `locked` or `seen` does not hold
    """

    row: int
    version: int
    image: str
    holds: tuple[bool, ...] = ()
    locked: Sequence[str] = ()
    unseen: Sequence[str] = ()


class Written(NamedTuple):
    """A record as it was just written: its image, and how it is shown to the writer."""

    image: str
    shown: Row


class Told:
    """What the writer is told: a Row for each step, None for a delete."""

    __slots__ = ("_left", "rows")

    def __init__(self) -> None:
        self.rows: list[Row | None] = []
        self._left = ANSWER_BYTES_MAX

    @property
    def is_too_large(self) -> bool:
        """Whether this is more than an answer may hold. One step never is: it is not guarded by a savepoint."""
        return self._left < 0 and len(self.rows) > 1

    def add(self, row: Row | None) -> None:
        """Tell the next step."""
        self.rows.append(row)
        if row is not None:
            self._left -= count_bytes(row.text)


@dataclass(slots=True)
class Transaction:
    """What every step of one write needs.

    at      written as a record holds it
    coming  ids of the records that this write makes, where they may be referred to before they are made
    """

    connection: apsw.Connection
    renderer: Renderer
    actor_id: str | None
    request_id: str
    at: str
    users: ResourceSpec | None = None
    coming: Collection[str] = ()
    moved: bool = False
    """Whether this write has moved the identity epoch."""
    _cursor: apsw.Cursor = field(init=False)

    def __post_init__(self) -> None:
        self._cursor = self.connection.cursor()  # one for all: to make one for each statement costs as much as a small statement

    def fetch(self, statement: Statement) -> list[tuple[Any, ...]]:
        """Run a statement and fetch its rows to the end."""
        return self._cursor.execute(statement.text, statement.values).fetchall()

    def change(self, statement: Statement) -> int:
        """Run a statement that changes rows; how many it changed."""
        self._cursor.execute(statement.text, statement.values)
        return self.connection.changes()

    def change_each(self, statements: Sequence[Statement]) -> None:
        """Run statements of one text (at least one), each of which changes a row."""
        self._cursor.executemany(statements[0].text, [each.values for each in statements])

    def insert_each(self, statements: Sequence[Statement]) -> range:
        """Run statements of one text (at least one), each of which makes a row; their hf_row: they follow one another."""
        self.change_each(statements)
        last = self.connection.last_insert_rowid()
        return range(last - len(statements) + 1, last + 1)

    def written(self, view: View, rows: range, ids: Sequence[RecordId], version: int, shown: Condition) -> Iterator[Written]:
        """Records as they were just written, read as they are asked for. Where `shown` does not hold, id and version alone are told."""
        statement = self.renderer.written(view, rows[0], rows[-1], shown)
        found = self.connection.execute(statement.text, statement.values)
        try:
            for record_id, (image, text, included, is_shown) in zip(ids, found, strict=True):
                yield Written(image, Row(text, record_id, version, included) if is_shown else build_bare_row(record_id, version))
        finally:
            found.close(force=True)  # whoever stops half-way leaves nothing open

    def stand(self, resource: ResourceSpec, record_id: str, *conditions: Condition) -> Stand | None:
        """How a record stands now; None if there is none."""
        found = self.fetch(self.renderer.image(resource, record_id, *conditions))
        if not found:
            return None
        ((row, version, image, *holds),) = found
        return Stand(row, version, image, tuple(map(bool, holds)))

    def assign(self, resource: ResourceSpec, record_id: str, stand: Stand, values: Mapping[str, Stored]) -> None:
        """Give a record, as it stands, values that no rule and no search looks at: its next version, with its journal entry.

        Raises apsw.ConstraintError where it cannot have them.
        """
        version = stand.version + 1
        columns = {**values, "version": version, "updated_at": self.at}
        self.change(self.renderer.update(resource, record_id, stand.version, columns))
        after = self.stand(resource, record_id)
        if after is None or after.version != version:
            raise Broken("a change did not find the row that was just read")
        self.note(resource, record_id, version, "update", stand.image, after.image)

    def note(
        self, resource: ResourceSpec, record_id: str, version: int, operation: Operation, before: str | None, after: str | None
    ) -> None:
        """Leave the journal entry of a change, in the transaction of the change. A change of a user moves the identity epoch with it."""
        self.change(self.entry(resource, record_id, version, operation, before, after))
        if resource is self.users and operation != "create" and not self.moved:
            self.moved = True
            self.change(self.renderer.epoch_move())

    def entry(
        self, resource: ResourceSpec, record_id: str, version: int, operation: Operation, before: str | None, after: str | None
    ) -> Statement:
        """The journal entry of a change that this write makes."""
        return self.renderer.journal_insert(
            resource=resource,
            record_id=record_id,
            version=version,
            operation=operation,
            before=before,
            after=after,
            actor_id=self.actor_id,
            request_id=self.request_id,
            at=self.at,
        )


def build_bare_row(record_id: RecordId, version: int) -> Row:
    """A record as it is shown to a writer who may not read it."""
    return Row(f'{{"id":"{record_id}","version":{version}}}', record_id, version)


def check_version(step: Update | Delete | Undelete, version: int) -> None:
    """Refuse a step whose caller has read another version, or had to say one and did not.

    Raises Refused: version_conflict with the current ETag, precondition_required.
    """
    if step.version is not None and step.version != version:
        raise refuse_stale(step.stale, version, step.view.etag_salt)
