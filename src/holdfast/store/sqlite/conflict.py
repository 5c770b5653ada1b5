"""Conflicts: what a constraint of the database means for the caller, found after the statement has failed.

Writes ask nothing beforehand: the database keeps references, unique values and checks by itself. Only a refused statement pays for
finding out every reason at once.
"""

from collections.abc import Iterator, Mapping

import apsw

from holdfast.base.errors import Broken, Detail, HoldfastError, Refused, detail
from holdfast.core.condition import All, Condition, Not, Operator, Path, Stored, Test
from holdfast.model.catalog import Catalog, ResourceSpec
from holdfast.store.sqlite.transaction import Transaction


class Conflicts:
    """Explains refused statements for the resources of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def explain_create(
        self, tx: Transaction, resource: ResourceSpec, record_id: str, values: Mapping[str, Stored], error: apsw.ConstraintError | None
    ) -> HoldfastError:
        """Why a record could not be made. Without an error the id was found to be that of a deleted record."""
        invalid = [*self.missing_references(tx, resource, values), *_failed_check(resource, error)]
        if invalid:
            return Refused("validation_failed", details=invalid)
        taken = [*self._taken_id(tx, resource, record_id), *self._taken_values(tx, resource, record_id, values)]
        return Refused("unique_conflict", details=taken) if taken else Broken(f"unexplained: {error}")

    def explain_update(
        self,
        tx: Transaction,
        resource: ResourceSpec,
        record_id: str,
        values: Mapping[str, Stored],
        changed: Mapping[str, Stored],
        error: apsw.ConstraintError,
    ) -> HoldfastError:
        """Why a record could not be changed: `values` as the record would be, `changed` what of it is new."""
        invalid = [*self.missing_references(tx, resource, changed), *_failed_check(resource, error)]
        if invalid:
            return Refused("validation_failed", details=invalid)
        taken = list(self._taken_values(tx, resource, record_id, values))
        return Refused("unique_conflict", details=taken) if taken else Broken(f"unexplained: {error}")

    def check_references(self, tx: Transaction, resource: ResourceSpec, values: Mapping[str, Stored]) -> None:
        """Refuse values that refer to records that do not exist. Raises Refused validation_failed (reference_missing)."""
        missing = list(self.missing_references(tx, resource, values))
        if missing:
            raise Refused("validation_failed", details=missing)

    def missing_references(self, tx: Transaction, resource: ResourceSpec, values: Mapping[str, Stored]) -> Iterator[Detail]:
        """A detail for each value that refers to a record that does not exist."""
        for spec in resource.fields:
            value = values.get(spec.member)
            if spec.reference is None or value is None:
                continue
            if not tx.fetch(tx.renderer.exists(self._catalog.target(spec), str(value))):
                yield detail(spec.member, "reference_missing")

    def _taken_id(self, tx: Transaction, resource: ResourceSpec, record_id: str) -> Iterator[Detail]:
        living = tx.fetch(tx.renderer.exists(resource, record_id))
        if living or tx.fetch(tx.renderer.gone_version(resource, record_id)):
            yield detail("id", "unique_conflict")

    def _taken_values(self, tx: Transaction, resource: ResourceSpec, record_id: str, values: Mapping[str, Stored]) -> Iterator[Detail]:
        named: set[str] = set()
        for members in resource.unique:
            held = [values.get(member) for member in members]
            if None in held or not self._is_taken(tx, resource, record_id, dict(zip(members, held, strict=True))):
                continue
            for member in members:
                if member not in named:
                    named.add(member)
                    yield detail(member, "unique_conflict", _taken_message(members))

    def _is_taken(self, tx: Transaction, resource: ResourceSpec, record_id: str, held: Mapping[str, Stored]) -> bool:
        def equals(member: str, value: Stored) -> Condition:
            return Test(Path(resource.by_member[member]), Operator.EQUALS, value)

        others = All((*(equals(member, value) for member, value in held.items()), Not(equals("id", record_id))))
        ((count,),) = tx.fetch(tx.renderer.count(resource, others))
        return bool(count)


def _taken_message(members: tuple[str, ...]) -> str | None:
    return None if len(members) == 1 else f"A record with these values exists already: {', '.join(members)}."


def _failed_check(resource: ResourceSpec, error: apsw.ConstraintError | None) -> Iterator[Detail]:
    """The members of the check that failed; SQLite names the first one that does."""
    for check in resource.checks:
        if str(error) == f"CHECK constraint failed: {check.name}":
            message = f"These values do not go together: {', '.join(check.members)}."
            yield from (detail(member, "check_failed", message) for member in check.members)
