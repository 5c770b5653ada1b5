"""Creation: new records, each with its journal entry. Those that follow one another in a write are made together.

They go through statement by statement, not record by record: each text is looked up once for all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import apsw

from holdfast.base.errors import HoldfastError
from holdfast.core.condition import Stored
from holdfast.core.plan import Create
from holdfast.core.search import fold_stored
from holdfast.model.catalog import Catalog
from holdfast.store.sql.statement import Statement
from holdfast.store.sqlite.conflict import Conflicts
from holdfast.store.sqlite.transaction import Told, Transaction


class NotCreated(Exception):
    """One of the records cannot be made: which of them, and why."""

    def __init__(self, place: int, reason: HoldfastError) -> None:
        super().__init__(place)
        self.place, self.reason = place, reason


class Creation:
    """Makes records of one catalog."""

    def __init__(self, catalog: Catalog, conflicts: Conflicts) -> None:
        self._conflicts = conflicts
        self._searched = {path: [each.member for each in resource.search_fields] for path, resource in catalog.resources.items()}

    def run(self, tx: Transaction, steps: Sequence[Create], told: Told) -> None:
        """Make records that are alike (is_alike), and tell them until that is too large: then it is given up half-way.

        Raises NotCreated, for Refused: validation_failed, forbidden, unique_conflict.
        """
        first = steps[0]
        made = self._insert(tx, steps)
        entries = []
        for step, written in zip(steps, tx.written(first.view, made, [each.id for each in steps], 1, first.shown), strict=True):
            entries.append(tx.entry(first.resource, step.id, 1, "create", None, written.image))
            told.add(written.shown)
            if told.is_too_large:
                return
        tx.change_each(entries)
        if searched := self._searched[first.resource.path]:
            texts = [_index_text(each, searched) for each in steps]
            tx.change_each([tx.renderer.search_insert(first.resource, *each) for each in zip(made, texts, strict=True)])

    def _insert(self, tx: Transaction, steps: Sequence[Create]) -> range:
        """Insert the records; the hf_row of each."""
        system: Mapping[str, Stored] = {"version": 1, "created_at": tx.at, "updated_at": tx.at, "created_by_id": tx.actor_id}
        before = tx.connection.total_changes()
        try:
            made = [tx.insert_each(each) for each in _by_text([tx.renderer.insert(each, system) for each in steps])]
        except apsw.ConstraintError as error:
            place = tx.connection.total_changes() - before
            raise NotCreated(place, self._conflicts.explain_create(tx, steps[place], system, error)) from error
        return range(made[0].start, made[-1].stop)


def _by_text(statements: Sequence[Statement]) -> Iterable[Sequence[Statement]]:
    """Statements of one text that follow one another; texts differ where rows must stay within different bounds."""
    return [tuple(alike) for _, alike in groupby(statements, key=lambda each: each.text)]


def is_alike(step: Create, other: Create) -> bool:
    """Whether two records can be made together: what is shown of them is read by one statement."""
    return step.view is other.view and step.shown is other.shown


def _index_text(step: Create, searched: Iterable[str]) -> str:
    return fold_stored(step.values, searched) if step.index_text is None else step.index_text
