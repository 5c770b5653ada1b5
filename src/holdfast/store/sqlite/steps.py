"""Steps: creating, changing and deleting records inside the transaction of a write, each change with its journal entry."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NoReturn, cast

import apsw
import msgspec

from holdfast.base.errors import Broken, HoldfastError, Refused, detail
from holdfast.base.instant import format_instant
from holdfast.core.change import doubt_address, settle
from holdfast.core.plan import Create, Delete, Row, Undelete, Update, Write, WriteStep
from holdfast.core.search import fold_stored
from holdfast.core.size import result_too_large
from holdfast.model.catalog import Catalog
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite.conflict import Conflicts
from holdfast.store.sqlite.creation import Creation, NotCreated, is_alike
from holdfast.store.sqlite.deferral import dangles, defer_references
from holdfast.store.sqlite.removal import Removal
from holdfast.store.sqlite.revival import Revival
from holdfast.store.sqlite.sight import check_identity
from holdfast.store.sqlite.transaction import Stand, Told, Transaction, check_version


class Steps:
    """Runs writes for one catalog. It neither begins nor ends a transaction."""

    def __init__(self, catalog: Catalog, renderer: Renderer) -> None:
        self._renderer = renderer
        self._users = catalog.users
        self._conflicts = Conflicts(catalog)
        self._creation = Creation(catalog, self._conflicts)
        self._removal = Removal(catalog)
        self._revival = Revival(self._conflicts)
        self._searched = {path: [each.member for each in resource.search_fields] for path, resource in catalog.resources.items()}

    def open(self, connection: apsw.Connection, plan: Write) -> Transaction:
        """The transaction of a write, for who asked. Raises CallerChanged where they are no longer who they were."""
        coming = frozenset(each.id for each in plan.steps) if plan.circular else ()
        tx = Transaction(connection, self._renderer, plan.actor_id, plan.request_id, format_instant(plan.at), self._users, coming)
        check_identity(tx.fetch, self._renderer, plan.caller)
        return tx

    def run(self, tx: Transaction, plan: Write) -> tuple[Row | None, ...]:
        """Run every step in order; one Row for each, None for a delete.

        Raises Refused with the code and details of the first step that fails, their fields prefixed as the plan says.
        """
        if not plan.circular:
            return self._run_all(tx, plan)
        with defer_references(tx.connection):
            rows = self._run_all(tx, plan)
            if dangles(tx.connection):
                self._refuse_dangling(tx, plan)
        return rows

    def _run_all(self, tx: Transaction, plan: Write) -> tuple[Row | None, ...]:
        told = Told()
        for steps in split(plan.steps):
            start = len(told.rows)
            try:
                self._run(tx, steps, told)
            except NotCreated as failed:
                _prefix(failed.reason, plan.step_prefix.format(start + failed.place))
                raise failed.reason from failed.__cause__
            except Refused as refused:
                _prefix(refused, plan.step_prefix.format(start))
                raise
            if told.is_too_large:
                raise result_too_large()
        return tuple(told.rows)

    def _refuse_dangling(self, tx: Transaction, plan: Write) -> NoReturn:
        """Refuse a write for the first of its new records that refers to nothing, now that all of them are made."""
        for place, step in enumerate(plan.steps):
            try:
                if isinstance(step, Create):
                    self._conflicts.check_references(tx, step)
            except Refused as refused:
                _prefix(refused, plan.step_prefix.format(place))
                raise
        raise Broken("a reference leads nowhere, and no new record holds it")

    def _run(self, tx: Transaction, steps: Sequence[WriteStep], told: Told) -> None:
        match steps[0]:
            case Create():
                self._creation.run(tx, cast("Sequence[Create]", steps), told)
            case Update() as step:
                told.add(self._update(tx, step))
            case Delete() as step:
                self._removal.run(tx, step)
                told.add(None)
            case Undelete() as step:
                told.add(self._undelete(tx, step))

    def _update(self, tx: Transaction, step: Update) -> Row:
        resource = step.resource
        stand = self._stand(tx, step)
        is_user = resource is self._users
        before = msgspec.json.decode(stand.image) if step.equal or step.merge or stand.locked or is_user else {}
        changed = settle(step, before, stand.locked, stand.unseen)
        if is_user:
            changed = doubt_address(changed, before)
        version = stand.version + 1
        columns = {**changed, "version": version, "updated_at": tx.at}
        try:
            done = tx.change(tx.renderer.change(step, stand.version, columns))
        except apsw.ConstraintError as error:
            raise self._conflicts.explain_update(tx, step, stand, columns, error) from error
        if not done:
            raise self._conflicts.explain_update(tx, step, stand, columns)
        (written,) = tx.written(step.view, range(stand.row, stand.row + 1), (step.id,), version, step.where)
        tx.note(resource, step.id, version, "update", stand.image, written.image)
        searched = self._searched[resource.path]
        if any(member in changed for member in searched):
            image = msgspec.json.decode(written.image)
            tx.change(tx.renderer.search_delete(resource, stand.row))
            tx.change(tx.renderer.search_insert(resource, stand.row, fold_stored(image, searched)))
        return written.shown

    def _undelete(self, tx: Transaction, step: Undelete) -> Row:
        resource = step.resource
        row, version, values = self._revival.run(tx, step)
        (written,) = tx.written(step.view, range(row, row + 1), (step.id,), version, step.where)
        tx.note(resource, step.id, version, "undelete", None, written.image)
        if searched := self._searched[resource.path]:
            tx.change(tx.renderer.search_insert(resource, row, fold_stored(values, searched)))
        return written.shown

    def _stand(self, tx: Transaction, step: Update) -> Stand:
        """The record to be changed, as it stands, with what holds of the step's conditions.

        Refuses in the order of docs/api.md: a missing reference (422), a missing or hidden record (404), what may not be done (403), a
        stale version.
        """
        stand = tx.stand(step.resource, step.id, step.where, step.allow, *step.locked.values(), *step.seen.values())
        if stand is None or not stand.holds[0]:
            self._conflicts.check_references(tx, step)
            raise Refused("not_found")
        held = iter(stand.holds[2:])
        stand = stand._replace(
            locked=[member for member in step.locked if not next(held)], unseen=[member for member in step.seen if not next(held)]
        )
        if not stand.holds[1]:
            self._conflicts.check_references(tx, step, stand)
            raise Refused("forbidden")
        try:
            check_version(step, stand.version)
        except Refused:
            self._conflicts.check_bounds(tx, step, stand)
            raise
        return stand


def split(steps: Sequence[WriteStep]) -> Iterable[Sequence[WriteStep]]:
    """The steps in order, creates that can be made together in one part, every other step in a part of its own."""
    if len(steps) == 1:
        return (steps,)
    starts = [place for place, step in enumerate(steps) if place == 0 or not _goes_with(steps[place - 1], step)]
    return [steps[start:stop] for start, stop in pairwise([*starts, len(steps)])]


def _goes_with(before: WriteStep, step: WriteStep) -> bool:
    return isinstance(before, Create) and isinstance(step, Create) and is_alike(before, step)


def _prefix(refused: HoldfastError, prefix: str) -> None:
    """Say which step of several it was, also where a refusal has no details of its own."""
    if prefix and isinstance(refused, Refused):
        details = refused.details or (detail("", refused.code),)
        refused.details = tuple(replace(each, field=f"{prefix}.{each.field}" if each.field else prefix) for each in details)
