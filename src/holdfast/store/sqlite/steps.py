"""Steps: creating, changing and deleting records inside the transaction of a write, each change with its journal entry."""

from collections.abc import Mapping
from dataclasses import replace

import apsw
import msgspec

from holdfast.base.errors import Broken, Refused, detail
from holdfast.base.instant import format_instant
from holdfast.core.change import settle
from holdfast.core.condition import Stored
from holdfast.core.plan import Create, Delete, Row, Undelete, Update, Write, WriteStep
from holdfast.core.search import fold_stored
from holdfast.model.catalog import Catalog
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite.conflict import Conflicts
from holdfast.store.sqlite.removal import Removal
from holdfast.store.sqlite.revival import Revival
from holdfast.store.sqlite.transaction import Stand, Transaction, check_version


class Steps:
    """Runs writes for one catalog. It neither begins nor ends a transaction."""

    def __init__(self, catalog: Catalog, renderer: Renderer) -> None:
        self._renderer = renderer
        self._conflicts = Conflicts(catalog)
        self._removal = Removal(catalog)
        self._revival = Revival(self._conflicts)
        self._searched = {path: [each.member for each in resource.search_fields] for path, resource in catalog.resources.items()}

    def run(self, connection: apsw.Connection, plan: Write) -> tuple[Row | None, ...]:
        """Run every step in order; one Row for each, None for a delete.

        Raises Refused with the code and details of the first step that fails, their fields prefixed as the plan says.
        """
        tx = Transaction(connection, self._renderer, plan.actor_id, plan.request_id, format_instant(plan.at))
        rows: list[Row | None] = []
        for index, step in enumerate(plan.steps):
            try:
                rows.append(self._run(tx, step))
            except Refused as refused:
                _prefix(refused, plan.step_prefix.format(index))
                raise
        return tuple(rows)

    def _run(self, tx: Transaction, step: WriteStep) -> Row | None:
        match step:
            case Create():
                return self._create(tx, step)
            case Update():
                return self._update(tx, step)
            case Delete():
                self._removal.run(tx, step)
                return None
            case Undelete():
                return self._undelete(tx, step)

    def _create(self, tx: Transaction, step: Create) -> Row:
        resource = step.resource
        if step.chosen_id and tx.fetch(tx.renderer.gone_version(resource, step.id)):
            raise self._conflicts.explain_create(tx, resource, step.id, step.values, None)
        system: Mapping[str, Stored] = {"version": 1, "created_at": tx.at, "updated_at": tx.at, "created_by_id": tx.actor_id}
        try:
            row = tx.insert(tx.renderer.insert(step, system))
        except apsw.ConstraintError as error:
            raise self._conflicts.explain_create(tx, resource, step.id, step.values, error) from error
        written = tx.written(step.view, row)
        tx.note(resource, step.id, 1, "create", None, written.image)
        if searched := self._searched[resource.path]:
            text = fold_stored(step.values, searched) if step.index_text is None else step.index_text
            tx.change(tx.renderer.search_insert(resource, row, text))
        return Row(written.text, step.id, 1, written.included)

    def _update(self, tx: Transaction, step: Update) -> Row:
        resource = step.resource
        stand = self._stand(tx, step)
        before = msgspec.json.decode(stand.image) if step.equal or step.merge else {}
        changed = settle(step, before)
        version = stand.version + 1
        statement = tx.renderer.update(resource, step.id, stand.version, {**changed, "version": version, "updated_at": tx.at})
        try:
            if tx.change(statement) != 1:
                raise Broken("an update did not find the row that was just read")
        except apsw.ConstraintError as error:
            values = {**msgspec.json.decode(stand.image), **changed}
            raise self._conflicts.explain_update(tx, resource, step.id, values, changed, error) from error
        written = tx.written(step.view, stand.row)
        tx.note(resource, step.id, version, "update", stand.image, written.image)
        searched = self._searched[resource.path]
        if any(member in changed for member in searched):
            image = msgspec.json.decode(written.image)
            tx.change(tx.renderer.search_delete(resource, stand.row))
            tx.change(tx.renderer.search_insert(resource, stand.row, fold_stored(image, searched)))
        return Row(written.text, step.id, version, written.included)

    def _undelete(self, tx: Transaction, step: Undelete) -> Row:
        resource = step.resource
        row, version, values = self._revival.run(tx, step)
        written = tx.written(step.view, row)
        tx.note(resource, step.id, version, "undelete", None, written.image)
        if searched := self._searched[resource.path]:
            tx.change(tx.renderer.search_insert(resource, row, fold_stored(values, searched)))
        return Row(written.text, step.id, version, written.included)

    def _stand(self, tx: Transaction, step: Update) -> Stand:
        """The record to be changed. In the order of CONTRACT 2.3: a missing reference (422), a missing record (404), a stale version."""
        stand = tx.stand(step.resource, step.id, step.where)
        if stand is None or not stand.visible:
            self._conflicts.check_references(tx, step.resource, step.assign)
            raise Refused("not_found")
        try:
            check_version(step, stand.version)
        except Refused:
            self._conflicts.check_references(tx, step.resource, step.assign)
            raise
        return stand


def _prefix(refused: Refused, prefix: str) -> None:
    """Say which step of several it was, also where a refusal has no details of its own."""
    if prefix:
        details = refused.details or (detail("", refused.code),)
        refused.details = tuple(replace(each, field=f"{prefix}.{each.field}" if each.field else prefix) for each in details)
