"""Conflicts: what a constraint of the database means for the caller, found after the statement has failed.

Writes ask nothing beforehand: the database keeps references, unique values and checks by itself. Only a refused statement pays for
finding out every reason at once.
"""

from collections.abc import Iterator, Mapping

import apsw
import msgspec

from holdfast.base.errors import Broken, Detail, HoldfastError, Refused, detail
from holdfast.core.check import check_condition, describe_broken
from holdfast.core.condition import ALWAYS, All, Condition, Not, Operator, Path, Stored, Test
from holdfast.core.known import tell
from holdfast.core.plan import Create, Update
from holdfast.model.catalog import Catalog, ResourceSpec
from holdfast.store.sqlite.transaction import Stand, Transaction


class Conflicts:
    """Explains refused statements for the resources of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def explain_create(
        self, tx: Transaction, step: Create, system: Mapping[str, Stored], error: apsw.ConstraintError | None = None
    ) -> HoldfastError:
        """Why a record could not be made. Without an error its id was found to be that of a deleted record."""
        columns = {**step.values, **system}
        invalid = [*self._missing_references(tx, step, columns, {}), *_failed_checks(tx, step, columns, error)]
        if invalid:
            return Refused("validation_failed", details=invalid)
        if not _may_become(tx, step, columns):
            locked = [detail(member, "read_only") for member, where in step.locked.items() if not _would_hold(tx, step, columns, where)]
            return Refused("validation_failed", details=locked) if locked else Refused("forbidden")
        taken = [*self._taken_id(tx, step.resource, step.id), *self._taken_values(tx, step, columns)]
        return Refused("unique_conflict", details=taken) if taken else Broken(f"unexplained: {error}")

    def explain_update(
        self, tx: Transaction, step: Update, stand: Stand, columns: Mapping[str, Stored], error: apsw.ConstraintError | None = None
    ) -> HoldfastError:
        """Why a record could not be given new values: `columns`. Without an error it would not stay within its bounds."""
        invalid = [*self._missing_references(tx, step, columns, _known(stand)), *_failed_checks(tx, step, columns, error)]
        if invalid:
            return Refused("validation_failed", details=invalid)
        if not _may_become(tx, step, columns):
            return Refused("forbidden")
        taken = list(self._taken_values(tx, step, {**msgspec.json.decode(stand.image), **columns}))
        return Refused("unique_conflict", details=taken) if taken else Broken(f"unexplained: {error}")

    def check_references(self, tx: Transaction, step: Create | Update, stand: Stand | None = None) -> None:
        """Refuse values that refer to records that do not exist for the caller; `stand` where the caller may know the record as it is.

        Raises Refused validation_failed (reference_missing).
        """
        values = step.values if isinstance(step, Create) else step.assign
        missing = list(self._missing_references(tx, step, values, {} if stand is None else _known(stand)))
        if missing:
            raise Refused("validation_failed", details=missing)

    def check_bounds(self, tx: Transaction, step: Update, stand: Stand) -> None:
        """Refuse what could not be done whatever the version was. Raises Refused: validation_failed (reference_missing), forbidden."""
        self.check_references(tx, step, stand)
        if not _may_become(tx, step, step.assign):
            raise Refused("forbidden")

    def _missing_references(
        self, tx: Transaction, step: Create | Update, values: Mapping[str, Stored], before: Mapping[str, Stored]
    ) -> Iterator[Detail]:
        """A detail for each value that refers to a record that does not exist for the caller. What `before` refers to already may stay."""
        for spec in step.resource.fields:
            value = values.get(spec.member)
            if spec.reference is None or value is None:
                continue
            target = self._catalog.target(spec)
            where = ALWAYS if before.get(spec.member) == value else step.targets.get(spec.member, ALWAYS)
            if (target is step.resource and value in tx.coming) or tx.fetch(tx.renderer.exists(target, str(value), where)):
                continue
            refers_to_itself = isinstance(step, Create) and target is step.resource and value == step.id
            if not refers_to_itself or not tx.fetch(tx.renderer.would_hold(step, values, where)):
                yield from tell(step.known, step.resource, (spec.member,), "reference_missing")

    def _taken_id(self, tx: Transaction, resource: ResourceSpec, record_id: str) -> Iterator[Detail]:
        living = tx.fetch(tx.renderer.exists(resource, record_id))
        if living or tx.fetch(tx.renderer.gone.find(resource, record_id)):
            yield detail("id", "unique_conflict")

    def _taken_values(self, tx: Transaction, step: Create | Update, values: Mapping[str, Stored]) -> Iterator[Detail]:
        named: set[str] = set()
        for members in step.resource.unique:
            held = [values.get(member) for member in members]
            if None in held or not self._is_taken(tx, step.resource, step.id, dict(zip(members, held, strict=True))):
                continue
            for each in tell(step.known, step.resource, members, "unique_conflict", "A record with these values exists already: {}."):
                if each.field not in named:
                    named.add(each.field)
                    yield each

    def _is_taken(self, tx: Transaction, resource: ResourceSpec, record_id: str, held: Mapping[str, Stored]) -> bool:
        def equals(member: str, value: Stored) -> Condition:
            return Test(Path(resource.by_member[member]), Operator.EQUALS, value)

        others = All((*(equals(member, value) for member, value in held.items()), Not(equals("id", record_id))))
        ((count,),) = tx.fetch(tx.renderer.count(resource, others))
        return bool(count)


def _known(stand: Stand) -> dict[str, Stored]:
    """The record as it stands, without what the caller may not know of it."""
    return {member: value for member, value in msgspec.json.decode(stand.image).items() if member not in stand.unseen}


def _may_become(tx: Transaction, step: Create | Update, columns: Mapping[str, Stored]) -> bool:
    return step.become is ALWAYS or _would_hold(tx, step, columns, step.become)


def _would_hold(tx: Transaction, step: Create | Update, columns: Mapping[str, Stored], where: Condition) -> bool:
    return bool(tx.fetch(tx.renderer.would_hold(step, columns, where)))


def _failed_checks(
    tx: Transaction, step: Create | Update, columns: Mapping[str, Stored], error: apsw.ConstraintError | None
) -> Iterator[Detail]:
    """The members of every check that the columns do not pass; SQLite itself names the first one alone."""
    for check in step.resource.checks:
        named = str(error) == f"CHECK constraint failed: {check.name}"
        if named or not _would_hold(tx, step, columns, check_condition(step.resource, check.rule)):
            yield from describe_broken(step.resource, check, step.known)
