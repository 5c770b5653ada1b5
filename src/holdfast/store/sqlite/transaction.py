"""One write at work: its connection, who asked and when, and the journal entry that every change leaves."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import apsw

from holdfast.core.condition import ALWAYS, Condition
from holdfast.core.entity_tag import refuse_stale
from holdfast.core.journal import Operation
from holdfast.core.plan import Delete, Update
from holdfast.core.view import View
from holdfast.model.catalog import ResourceSpec
from holdfast.store.sql.render import Renderer
from holdfast.store.sql.statement import Statement


class Stand(NamedTuple):
    """A record as it stands: its row, its version, whether the condition of the step holds for it, its image as JSON text."""

    row: int
    version: int
    visible: bool
    image: str


class Written(NamedTuple):
    """A record as it was just written: its image, its JSON as a view shows it, the versions of what is included."""

    image: str
    text: str
    included: str


@dataclass(slots=True)
class Transaction:
    """What every step of one write needs. `at` is written as a record holds it."""

    connection: apsw.Connection
    renderer: Renderer
    actor_id: str | None
    request_id: str
    at: str

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

    def written(self, view: View, row: int) -> Written:
        """A record as it was just written."""
        ((image, text, included),) = self.fetch(self.renderer.written(view, row))
        return Written(image, text, included)

    def stand(self, resource: ResourceSpec, record_id: str, where: Condition = ALWAYS) -> Stand | None:
        """How a record stands now; None if there is none."""
        found = self.fetch(self.renderer.image(resource, record_id, where))
        if not found:
            return None
        ((row, version, visible, image),) = found
        return Stand(row, version, bool(visible), image)

    def note(
        self,
        resource: ResourceSpec,
        record_id: str,
        version: int,
        operation: Operation,
        before: str | None,
        after: str | None,
    ) -> None:
        """Leave the journal entry of a change, in the transaction of the change."""
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


def check_version(step: Update | Delete, version: int) -> None:
    """Refuse a step whose caller has read another version, or had to say one and did not.

    Raises Refused: version_conflict with the current ETag, precondition_required.
    """
    if step.version is not None and step.version != version:
        raise refuse_stale(step.stale, version, step.view.etag_salt)
