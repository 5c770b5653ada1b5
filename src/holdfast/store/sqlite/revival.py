"""Revival: undeleting a record from its last journal entry, as one more change of it."""

from collections.abc import Mapping
from typing import Any

import apsw
import msgspec

from holdfast.base.errors import Refused, detail
from holdfast.core.condition import Stored
from holdfast.core.plan import Create, Undelete
from holdfast.model.catalog import FieldSpec
from holdfast.model.stored import to_stored
from holdfast.store.sqlite.conflict import Conflicts
from holdfast.store.sqlite.transaction import Transaction, check_version


class Revival:
    """Undeletes records of one catalog."""

    def __init__(self, conflicts: Conflicts) -> None:
        self._conflicts = conflicts

    def run(self, tx: Transaction, step: Undelete) -> tuple[int, int, Mapping[str, Stored]]:
        """Write the record again: its row, its version, its values.

        Raises Refused: not_found (it is not deleted, or was erased, or this caller may not know of it), forbidden, version_conflict,
        unique_conflict, validation_failed (reference_missing, check_failed; required, for a secret, which the journal does not hold).
        """
        resource = step.resource
        found = tx.fetch(tx.renderer.last_image(resource, step.id, step.where, step.allow))
        if not found or found[0][0] != "delete" or not found[0][3]:
            raise Refused("not_found")
        if not found[0][4]:
            raise Refused("forbidden")
        check_version(step, found[0][1])
        image = msgspec.json.decode(found[0][2])
        values = _revive(step, image)
        version = found[0][1] + 1
        system = {"version": version, "updated_at": tx.at, **{name: image[name] for name in ("created_at", "created_by_id")}}
        tx.change(tx.renderer.gone.delete(resource, step.id))
        again = Create(step.id, step.view, values, known=step.known)
        try:
            (row,) = tx.insert_each([tx.renderer.insert(again, system)])
        except apsw.ConstraintError as error:
            raise self._conflicts.explain_create(tx, again, system, error) from error
        return row, version, values


def _revive(step: Undelete, image: Mapping[str, Any]) -> dict[str, Stored]:
    """The stored values of the declared members. What the image does not have is a secret, or came into the class later."""
    declared = [each for each in step.resource.fields if not each.system]
    lost = [each for each in declared if each.member not in image and not each.nullable and (each.required or each.secret is not None)]
    if lost:
        message = "The journal does not hold this value, and the record cannot be without it."
        names = [each.member if step.known(step.resource, each.member) else "" for each in lost]
        raise Refused("validation_failed", details=[detail(each, "required", message) for each in names])
    return {each.member: image[each.member] if each.member in image else _default(each) for each in declared}


def _default(spec: FieldSpec) -> Stored:
    """What stands in for a value that the journal does not have. A secret is never made up."""
    if spec.nullable:
        return None
    return to_stored(spec.type, spec.default if spec.factory is None else spec.factory())
