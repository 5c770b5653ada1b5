"""What is done to users as records, whoever does it by whichever route: an event for whatever matters to who may do what."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from holdfast.core.condition import Stored
from holdfast.core.plan import Create, Delete, Undelete, WriteStep
from holdfast.engine.auth.events import Event, Events
from holdfast.engine.request import Request
from holdfast.model.catalog import ResourceSpec


class UserWatch:
    """Tells of the writes of users."""

    def __init__(self, users: ResourceSpec, events: Events) -> None:
        self._users, self._events = users, events

    def tell(self, request: Request, steps: Sequence[WriteStep]) -> None:
        """Tell of those among the steps of a committed write that concern users."""
        for step in steps:
            if step.resource is self._users:
                for event, facts in _read(step):
                    self._events.tell(event, request, user_id=step.id, by=request.actor.id, **facts)


def _read(step: WriteStep) -> Iterator[tuple[Event, dict[str, Any]]]:
    match step:
        case Create():
            yield Event.USER_MADE, _roles(step.values)
        case Delete():
            yield Event.USER_DELETED, {}
        case Undelete():
            yield Event.USER_UNDELETED, {}
        case _:
            assigned = step.assign
            if "roles" in assigned:
                yield Event.ROLES_SET, _roles(assigned)
            if "active" in assigned:
                yield (Event.USER_RESTORED if assigned["active"] else Event.USER_REVOKED), {}
            if "password" in assigned:
                yield Event.PASSWORD_CHANGED, {}
            if "email" in assigned:
                yield Event.EMAIL_CHANGED, {}


def _roles(values: Mapping[str, Stored]) -> dict[str, Any]:
    return {"roles": msgspec.json.decode(str(values["roles"]))}
