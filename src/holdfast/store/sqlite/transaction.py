"""One write at work: its connection, who asked and when, and the journal entry that every change leaves."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import apsw

from holdfast.base.ids import RecordId
from holdfast.core.condition import Condition
from holdfast.core.entity_tag import refuse_stale
from holdfast.core.journal import Operation
from holdfast.core.plan import Delete, Row, Update
from holdfast.core.view import View
from holdfast.model.catalog import ResourceSpec
from holdfast.store.sql.render import Renderer
from holdfast.store.sql.statement import Statement


class Stand(NamedTuple):
    """A record as it stands: its row, its version, its image as JSON text, and for each condition of a step whether it holds."""

    row: int
    version: int
    image: str
    holds: tuple[bool, ...] = ()


class Written(NamedTuple):
    """A record as it was just written: its image, and how it is shown to the writer."""

    image: str
    shown: Row


@dataclass(slots=True)
class Transaction:
    """What every step of one write needs. `at` is written as a record holds it."""

    connection: apsw.Connection
    renderer: Renderer
    actor_id: str | None
    request_id: str
    at: str
    users: ResourceSpec | None = None
    moved: bool = False
    """Whether this write has moved the identity epoch."""

    def fetch(self, statement: Statement) -> list[tuple[Any, ...]]:
        """Run a statement and fetch its rows to the end."""
        return self.connection.execute(statement.text, statement.values).fetchall()

    def change(self, statement: Statement) -> int:
        """Run a statement that changes rows; how many it changed."""
        self.connection.execute(statement.text, statement.values)
        return self.connection.changes()

    def insert(self, statement: Statement) -> int:
        """Run a statement that makes one row of a resource; its hf_row."""
        self.connection.execute(statement.text, statement.values)
        return self.connection.last_insert_rowid()

    def written(self, view: View, row: int, record_id: RecordId, version: int, shown: Condition) -> Written:
        """A record as it was just written. Where `shown` does not hold for it, its writer is told its id and version alone."""
        ((image, text, included, is_shown),) = self.fetch(self.renderer.written(view, row, shown))
        if is_shown:
            return Written(image, Row(text, record_id, version, included))
        return Written(image, build_bare_row(record_id, version))

    def stand(self, resource: ResourceSpec, record_id: str, *conditions: Condition) -> Stand | None:
        """How a record stands now; None if there is none."""
        found = self.fetch(self.renderer.image(resource, record_id, *conditions))
        if not found:
            return None
        ((row, version, image, *holds),) = found
        return Stand(row, version, image, tuple(map(bool, holds)))

    def note(
        self,
        resource: ResourceSpec,
        record_id: str,
        version: int,
        operation: Operation,
        before: str | None,
        after: str | None,
    ) -> None:
        """Leave the journal entry of a change, in the transaction of the change. A change of a user moves the identity epoch with it."""
        entry = self.renderer.journal_insert(
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
        self.connection.execute(entry.text, entry.values)
        if resource is self.users and operation != "create" and not self.moved:
            self.moved = True
            self.change(self.renderer.epoch_move())


def build_bare_row(record_id: RecordId, version: int) -> Row:
    """A record as it is shown to a writer who may not read it."""
    return Row(f'{{"id":"{record_id}","version":{version}}}', record_id, version)


def check_version(step: Update | Delete, version: int) -> None:
    """Refuse a step whose caller has read another version, or had to say one and did not.

    Raises Refused: version_conflict with the current ETag, precondition_required.
    """
    if step.version is not None and step.version != version:
        raise refuse_stale(step.stale, version, step.view.etag_salt)
