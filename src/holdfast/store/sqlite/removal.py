"""Removal: deleting a record and doing what its references say, every change a journaled step of its own.

The database itself only ever restricts (ON DELETE RESTRICT), so nothing disappears that the journal does not have.
"""

from collections import deque
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

import apsw
import msgspec

from holdfast.base.errors import Broken, Refused, detail
from holdfast.base.limits import CASCADE_ROWS_MAX
from holdfast.core.known import Known
from holdfast.core.plan import Delete
from holdfast.model.catalog import Catalog, FieldSpec, OnDelete, ResourceSpec
from holdfast.store.sqlite.deferral import dangles, defer_references
from holdfast.store.sqlite.transaction import Stand, Transaction, check_version

Key = tuple[str, str]
"""A record: the path of its resource, its id."""


@dataclass(slots=True)
class Scope:
    """What one deletion reaches: the records that go, and those that only lose a reference (with the members they lose)."""

    doomed: dict[Key, Stand] = field(default_factory=dict)
    emptied: dict[Key, list[str]] = field(default_factory=dict)

    def check_size(self, rows_max: int) -> None:
        """Refuse a deletion that would hold up every other write. Raises Refused reference_conflict."""
        if len(self.doomed) + len(self.emptied) > rows_max:
            message = f"More than {rows_max:,} records would change with it."
            raise Refused("reference_conflict", message, hint="Delete or change what refers to it first, a part at a time.")


class Removal:
    """Deletes records of one catalog."""

    def __init__(self, catalog: Catalog, rows_max: int = CASCADE_ROWS_MAX) -> None:
        self._catalog = catalog
        self._rows_max = rows_max
        self._referring = {path: catalog.referring(path) for path in catalog.resources}

    def run(self, tx: Transaction, step: Delete) -> None:
        """Delete a record. Raises Refused: not_found, forbidden, version_conflict, reference_conflict."""
        stand = tx.stand(step.resource, step.id, step.where, step.allow)
        if stand is None or not stand.holds[0]:
            raise Refused("not_found")
        if not stand.holds[1]:
            raise Refused("forbidden")
        check_version(step, stand.version)
        if not self._referring[step.resource.path]:
            self._delete(tx, (step.resource.path, step.id), stand)
            return
        scope = self._reach(tx, (step.resource.path, step.id), stand)
        self._check_restricted(tx, scope, step.known)
        self._find_emptied(tx, scope)
        for key, members in scope.emptied.items():
            self._empty(tx, key, members, step.known)
        self._delete_all(tx, scope.doomed)

    def _reach(self, tx: Transaction, first: Key, stand: Stand) -> Scope:
        """The record and everything that goes with it; a cycle ends where it began."""
        scope = Scope({first: stand})
        waiting = deque([first])
        while waiting:
            key = waiting.popleft()
            for source, spec in self._referring_by(key, OnDelete.CASCADE):
                for found in self._sources(tx, source, spec, key, self._rows_max + 1):
                    if found not in scope.doomed:
                        scope.doomed[found] = self._stand(tx, found)
                        waiting.append(found)
                scope.check_size(self._rows_max)
        return scope

    def _check_restricted(self, tx: Transaction, scope: Scope, known: Known) -> None:
        """Refuse where a record that stays refers by `restrict`; one that goes too is no obstacle."""
        refusals: dict[str, str | None] = {}
        for key in scope.doomed:
            for source, spec in self._referring_by(key, OnDelete.RESTRICT):
                found = self._sources(tx, source, spec, key, len(scope.doomed) + 1)
                if any(each not in scope.doomed for each in found):
                    if known(source, spec.member):
                        refusals[f"{source.path}.{spec.member}"] = f"Records of {source.path} refer to this one by {spec.member}."
                    else:
                        refusals[""] = None
            if refusals:
                raise Refused("reference_conflict", details=[detail(at, "reference_conflict", text) for at, text in refusals.items()])

    def _find_emptied(self, tx: Transaction, scope: Scope) -> None:
        for key in scope.doomed:
            for source, spec in self._referring_by(key, OnDelete.SET_NULL):
                for found in self._sources(tx, source, spec, key, self._rows_max + 1):
                    if found not in scope.doomed:
                        scope.emptied.setdefault(found, []).append(spec.member)
                scope.check_size(self._rows_max)

    def _referring_by(self, key: Key, on_delete: OnDelete) -> list[tuple[ResourceSpec, FieldSpec]]:
        return [(source, spec) for source, spec in self._referring[key[0]] if spec.on_delete is on_delete]

    def _sources(self, tx: Transaction, source: ResourceSpec, spec: FieldSpec, key: Key, limit: int) -> list[Key]:
        return [(source.path, record_id) for (record_id,) in tx.fetch(tx.renderer.referring_ids(source, spec.member, key[1], limit))]

    def _stand(self, tx: Transaction, key: Key) -> Stand:
        stand = tx.stand(self._catalog.resources[key[0]], key[1])
        if stand is None:
            raise Broken("a record that refers was not there")
        return stand

    def _empty(self, tx: Transaction, key: Key, members: list[str], known: Known) -> None:
        """Take references out of a record: a change like any other, with its version and its journal entry."""
        resource, record_id = self._catalog.resources[key[0]], key[1]
        try:
            tx.assign(resource, record_id, self._stand(tx, key), dict.fromkeys(members))
        except apsw.ConstraintError as error:
            names = [each for each in members if known(resource, each)]
            text = f"A record of {key[0]} cannot be without {', '.join(names)}." if names else None
            at = f"{key[0]}.{names[0]}" if names else ""
            raise Refused("reference_conflict", details=[detail(at, "reference_conflict", text)]) from error

    def _delete_all(self, tx: Transaction, doomed: dict[Key, Stand]) -> None:
        """Delete what refers before what is referred to; only a cycle makes the database look at the references at the end."""
        try:
            order = tuple(TopologicalSorter(self._edges(doomed)).static_order())
        except CycleError:
            self._delete_cycle(tx, doomed)
            return
        for key in order:
            self._delete(tx, key, doomed[key])

    def _edges(self, doomed: dict[Key, Stand]) -> dict[Key, set[Key]]:
        """For each record, the others among them that refer to it and so go first."""
        edges: dict[Key, set[Key]] = {key: set() for key in doomed}
        for key, stand in doomed.items():
            references = [each for each in self._catalog.resources[key[0]].fields if each.reference is not None]
            image: dict[str, Any] = msgspec.json.decode(stand.image) if references else {}
            for spec in references:
                target = (self._catalog.target(spec).path, image[spec.member])
                if target in edges and target != key:
                    edges[target].add(key)
        return edges

    def _delete_cycle(self, tx: Transaction, doomed: dict[Key, Stand]) -> None:
        with defer_references(tx.connection):
            for key, stand in doomed.items():
                self._delete(tx, key, stand)
            if dangles(tx.connection):
                raise Broken("a cascade left a reference to what it deleted")

    def _delete(self, tx: Transaction, key: Key, stand: Stand) -> None:
        resource, record_id = self._catalog.resources[key[0]], key[1]
        if tx.change(tx.renderer.delete(resource, record_id, stand.version)) != 1:
            raise Broken("a deletion did not find the row that was just read")
        if resource.search_fields:
            tx.change(tx.renderer.search_delete(resource, stand.row))
        tx.change(tx.renderer.gone.insert(resource, record_id, stand.version))
        tx.note(resource, record_id, stand.version, "delete", stand.image, None)
