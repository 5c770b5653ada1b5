"""Planning: what was read of a request, and what its caller is granted, become the steps of a write."""

from typing import Any

from holdfast.base.ids import RecordId
from holdfast.core.condition import conjoin
from holdfast.core.entity_tag import Precondition
from holdfast.core.permit import Grants
from holdfast.core.plan import Create, Delete, Undelete, Update
from holdfast.core.slots import FREE, Bodies
from holdfast.core.validate import BodyReader, Changed, Created
from holdfast.core.view import View
from holdfast.model.catalog import Catalog, ResourceSpec

_KINDS_MAX = 256  # of callers for whom readers are kept; more only make some anew


class BodyReaders:
    """The readers of bodies, one for each resource and each kind of caller."""

    def __init__(self, catalog: Catalog) -> None:
        self._free = {path: BodyReader(resource) for path, resource in catalog.resources.items()}
        self._others: dict[tuple[str, Bodies], BodyReader] = {}

    def read_by(self, grants: Grants, resource: ResourceSpec) -> BodyReader:
        """The reader for what this caller sends."""
        bodies = grants.on(resource).bodies
        if bodies is FREE:
            return self._free[resource.path]
        key = (resource.path, bodies)
        reader = self._others.get(key)
        if reader is None:
            if len(self._others) >= _KINDS_MAX:
                del self._others[next(iter(self._others))]
            reader = self._others[key] = BodyReader(resource, bodies)
        return reader


def plan_create(grants: Grants, record_id: RecordId, view: View, created: Created, sent: Any) -> Create:
    """Make a record. `sent` is the body as it was sent: a field that is locked in some rows is judged where it stands there.

    record_id  its id, where the caller has chosen none
    """
    grant = grants.on(view.resource)
    locked = grant.locks(sent)
    return Create(
        created.id or record_id,
        view,
        created.values,
        chosen_id=created.id is not None,
        become=conjoin(grant.create, *locked.values()) if locked else grant.create,
        locked=locked,
        shown=grant.read,
        targets=grants.targets(view.resource, created.values),
        known=grants.names,
    )


def plan_update(grants: Grants, record_id: RecordId, view: View, changed: Changed, expected: Precondition) -> Update:
    """Change a record."""
    grant = grants.on(view.resource)
    written = (*changed.assign, *changed.merge)
    return Update(
        record_id,
        view,
        changed.assign,
        changed.merge,
        changed.equal,
        expected.version,
        expected.stale,
        where=grant.read,
        allow=grant.update,
        become=grant.update_to,
        locked=grant.locks(written),
        seen=grant.seeing((*written, *changed.equal)),
        targets=grants.targets(view.resource, changed.assign),
        known=grants.names,
    )


def plan_delete(grants: Grants, record_id: RecordId, view: View, expected: Precondition) -> Delete:
    """Delete a record."""
    grant = grants.on(view.resource)
    return Delete(record_id, view, expected.version, expected.stale, grant.read, grant.delete, known=grants.shows)


def plan_undelete(grants: Grants, record_id: RecordId, view: View, expected: Precondition) -> Undelete:
    """Make a deleted record again."""
    grant = grants.on(view.resource)
    return Undelete(record_id, view, expected.version, expected.stale, grant.read, grant.delete, known=grants.names)
