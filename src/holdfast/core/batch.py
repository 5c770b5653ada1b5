"""Batches: many operations, one transaction. From a parsed body to the steps of one plan, or every fault of form at once.

The id of a record that an operation makes is chosen before the transaction, so a later operation can name it (`$a.id`) and still
everything is known when the plan is made.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from holdfast.base.errors import Detail, Refused, detail
from holdfast.base.ids import ABSENT_ID, RecordId, parse_uuid
from holdfast.base.limits import BATCH_OPERATIONS_MAX, DETAILS_MAX
from holdfast.core.ask.view import ViewReader
from holdfast.core.entity_tag import read_precondition
from holdfast.core.invalid import Fault, Invalid, details_of, invalid, move, refusal, unknown, wrong_type
from holdfast.core.permit import Grants
from holdfast.core.plan import WriteStep
from holdfast.core.planning import BodyReaders, plan_create, plan_delete, plan_update
from holdfast.core.routes import API
from holdfast.core.structure import ABSENT, NULL_REFUSED, REQUIRED, Slot, field_reader, make_ready, read_members
from holdfast.model.catalog import Catalog, ResourceSpec
from holdfast.model.types import Choice, Integer, Text

METHODS = ("POST", "PUT", "PATCH", "DELETE")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,47}$"

_PLACE = "operations"
_HINTS_MAX = 10  # to look for the nearest of a thousand names takes as long as to read a hundred operations

_STAND_IN = "00000000-0000-4000-8000-000000000000"
"""Stands for what a faulty mention would have named, so that one fault is told once; a batch with a fault is never run."""

_match_mention = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]{0,47})\.([A-Za-z_][A-Za-z0-9_]*)").fullmatch

_OPERATION = make_ready(
    [
        Slot("method", field_reader(Choice(METHODS)), NULL_REFUSED, REQUIRED),
        Slot("path", field_reader(Text()), NULL_REFUSED, REQUIRED),
        Slot("body", lambda value: value, None, ABSENT),
        Slot("version", field_reader(Integer(ge=1)), None, None),
        Slot("as", field_reader(Text(pattern=NAME_PATTERN)), None, None),
    ]
)
_MEMBERS = tuple(slot[0] for slot in _OPERATION)


@dataclass(slots=True)
class _Reading:
    """One batch while it is read: the steps so far, every fault, and what each name stands for (member -> value).

    refusal  what the first operation with a fault would be told by itself
    """

    grants: Grants
    steps: list[WriteStep] = field(default_factory=list)
    details: list[Detail] = field(default_factory=list)
    refusal: Refused | None = None
    names: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def is_hinting(self) -> bool:
        """Whether the next fault may still look for the name that was meant."""
        return len(self.details) < _HINTS_MAX

    def tell(self, index: int, faults: Iterable[Fault], refusal: Refused | None = None) -> None:
        """Add the faults of an operation; `refusal` where it is not for what it says, but for where it goes."""
        if not self.details:
            self.refusal = refusal
        if not self.is_hinting:
            faults = (each._replace(meant=None) for each in faults)
        self.details.extend(details_of(move(f".{_PLACE}[{index}]", faults)))

    def tell_body(self, index: int, refused: Refused) -> None:
        """Add the faults of an operation's body."""
        self.details.extend(replace(each, field=join_body(f"{_PLACE}[{index}]", each.field)) for each in refused.details)


def join_body(place: str, member: str) -> str:
    """Where a member of an operation's body stands: `operations[3].body.title`."""
    return f"{place}.body.{member}" if member else f"{place}.body"


class BatchReader:
    """Reads the bodies of batches on one catalog.

    make_id  gives the id of a new record
    """

    def __init__(self, catalog: Catalog, make_id: Callable[[ResourceSpec], RecordId]) -> None:
        self._catalog = catalog
        self._make_id = make_id
        self._bodies = BodyReaders(catalog)
        self._views = {path: ViewReader(catalog, resource) for path, resource in catalog.resources.items()}
        self._mentionable = {
            path: ("id", *(each.member for each in resource.fields if each.reference is not None and not each.system))
            for path, resource in catalog.resources.items()
        }

    def read(self, value: Any, grants: Grants) -> tuple[WriteStep, ...]:
        """The steps of a batch, in order.

        Raises Refused with every fault, at `operations[3].body.title`: validation_failed (422), or where the first operation with a fault
        has no route, not_found or method_not_allowed (404, 405). malformed_request (400) for an operation that says two versions;
        unauthenticated or forbidden (401, 403) for one that is granted on no row.
        """
        reading = _Reading(grants)
        for index, operation in enumerate(_read_operations(value)):
            self._read_operation(reading, index, operation)
            if len(reading.details) > DETAILS_MAX:
                break
        if reading.details:
            refusal = reading.refusal or Refused("validation_failed")
            raise Refused(refusal.code, details=reading.details[:DETAILS_MAX], hint=refusal.hint, headers=refusal.headers)
        return tuple(reading.steps)

    def _read_operation(self, reading: _Reading, index: int, value: Any) -> None:
        faults: list[Fault] = []
        operation = _read_form(value, faults)
        target = self._read_target(operation, reading, faults)
        if target is None:
            self._name(operation, {}, reading, faults)
            reading.tell(index, faults, _without_route(operation.get("method"), faults))
            return
        resource, record_id = target
        _check_granted(reading.grants, operation["method"], resource, index)
        body = self._resolve(resource, operation.get("body", ABSENT), reading, faults)
        said = body if isinstance(body, dict) else {}
        known = {"id": record_id, **{each: said[each] for each in self._mentionable[resource.path] if each in said}}
        self._name(operation, known, reading, faults)
        reading.tell(index, faults)
        if body is ABSENT and operation["method"] != "DELETE":
            return
        try:
            reading.steps.append(self._read_step(resource, operation, index, record_id, body, reading.grants))
        except Refused as refused:
            if not refused.details:
                raise  # it refuses the request, not a member
            reading.tell_body(index, refused)

    def _read_step(
        self, resource: ResourceSpec, operation: dict[str, Any], index: int, record_id: RecordId, body: Any, grants: Grants
    ) -> WriteStep:
        bodies, view = self._bodies.read_by(grants, resource), self._views[resource.path].whole(grants.visible)
        match operation["method"]:
            case "POST":
                return plan_create(grants, record_id, view, bodies.read_create(body), body)
            case "DELETE":
                expected = read_precondition(None, operation.get("version"), None, required=resource.require_version)
                return plan_delete(grants, record_id, view, expected)
            case method:
                changed = (bodies.read_replace if method == "PUT" else bodies.read_patch)(body)
                version = _agree(operation.get("version"), changed.version, index)
                expected = read_precondition(None, version, None, required=resource.require_version)
                return plan_update(grants, record_id, view, changed, expected)

    # Names

    def _name(self, operation: dict[str, Any], known: dict[str, Any], reading: _Reading, faults: list[Fault]) -> None:
        """Remember what the name of an operation stands for: the id of its record, and the references that its body says."""
        name = operation.get("as")
        if name is None:
            return
        if name in reading.names:
            faults.append(Fault(".as", "unique_conflict", "name was given to an earlier operation"))
            return
        reading.names[name] = known

    def _resolve(self, resource: ResourceSpec, body: Any, reading: _Reading, faults: list[Fault]) -> Any:
        """The body with the id and the references that it mentions."""
        if not isinstance(body, dict):
            return body
        found: dict[str, Any] = {}
        for member in self._mentionable[resource.path]:
            text = body.get(member)
            if isinstance(text, str) and text.startswith("$"):
                try:
                    found[member] = _look_up(text, reading)
                except Invalid as error:
                    faults.extend(move(f".body.{member}", error.faults))
                    found[member] = _STAND_IN
        return {**body, **found} if found else body

    # Paths

    def _read_target(self, operation: dict[str, Any], reading: _Reading, faults: list[Fault]) -> tuple[ResourceSpec, RecordId] | None:
        """The resource of an operation and the id of its record, the new one of a POST; None where that cannot be told."""
        path, method = operation.get("path"), operation.get("method")
        if path is None or method is None:
            return None
        try:
            return self._read_path(path, method, reading)
        except Invalid as error:
            faults.extend(move(".path", error.faults))
            return None

    def _read_path(self, path: str, method: str, reading: _Reading) -> tuple[ResourceSpec, RecordId]:
        _check_form(path)
        name, slash, last = path.removeprefix("/").partition("/")
        resource = self._catalog.resources.get(name)
        if resource is None:
            raise Invalid(
                [Fault("", "not_found", "names no resource", (f"/{name}", tuple(f"/{each}" for each in self._catalog.resources)))]
            )
        if slash and (not last or "/" in last):
            raise invalid("not_found", f"names nothing that a batch can change: send /{name}, or /{name}/ and an id")
        if slash and method == "POST":
            raise invalid("method_not_allowed", f"takes no POST: send it to /{name}, without an id")
        if not slash and method != "POST":
            raise invalid("method_not_allowed", f"takes no {method}: send it to /{name}/ and an id")
        if not slash:
            return resource, self._make_id(resource)
        return resource, _as_id(_look_up(last, reading)) if last.startswith("$") else _as_id(last)


def count_operations(value: Any) -> int:
    """How many operations a body holds, whatever they are; 1 where it is no batch, and no more than a batch may have."""
    operations = value.get(_PLACE) if isinstance(value, dict) else None
    return max(1, min(len(operations), BATCH_OPERATIONS_MAX)) if isinstance(operations, list) else 1


def _read_operations(value: Any) -> list[Any]:
    if not isinstance(value, dict):
        raise refusal(wrong_type("an object", value).faults)
    operations = value.get(_PLACE)
    faults = list(unknown((name for name in value if name != _PLACE), (_PLACE,)))
    if _PLACE not in value:
        faults.append(Fault(f".{_PLACE}", "required", "member is required"))
    elif not isinstance(operations, list):
        faults.extend(move(f".{_PLACE}", wrong_type("an array", operations).faults))
    elif not 1 <= len(operations) <= BATCH_OPERATIONS_MAX:
        code = "too_long" if operations else "too_short"
        faults.append(Fault(f".{_PLACE}", code, f"must have 1 to {BATCH_OPERATIONS_MAX} items, has {len(operations):,}"))
    if faults or not isinstance(operations, list):
        raise refusal(faults)
    return operations


def _read_form(value: Any, faults: list[Fault]) -> dict[str, Any]:
    """The members of one operation, as far as they are sound."""
    if not isinstance(value, dict):
        faults.extend(wrong_type("an object", value).faults)
        return {}
    operation, found = read_members(_OPERATION, value, faults)
    if found != len(value):
        faults.extend(unknown((name for name in value if name not in _MEMBERS), _MEMBERS))
    method = operation.get("method")
    if method == "POST" and operation.get("version") is not None:
        faults.append(Fault(".version", "unknown_member", "member has no place in a POST"))
    if method == "DELETE" and "body" in value:
        faults.append(Fault(".body", "unknown_member", "member has no place in a DELETE: send `version` beside the path"))
    if method is not None and method != "DELETE" and "body" not in value:
        faults.append(Fault(".body", "required", "member is required"))
    return operation


def _check_granted(grants: Grants, method: str, resource: ResourceSpec, index: int) -> None:
    try:
        grants.require(_VERBS[method], resource)
    except Refused as refused:
        raise Refused(refused.code, details=[detail(f"{_PLACE}[{index}]", refused.code)]) from None


def _agree(said: int | None, in_body: int | None, index: int) -> int | None:
    if said is not None and in_body is not None and said != in_body:
        message = f"The versions given in {_PLACE}[{index}] are not equal."
        raise Refused("malformed_request", message, hint="Send the version once: beside the path, or in the body.")
    return in_body if said is None else said


def _check_form(path: str) -> None:
    """Refuse what is no path as an operation has it, whatever it may name."""
    if path.startswith(f"{API}/"):
        raise invalid("wrong_format", f"must be without {API}: send `{path.removeprefix(API)[:60]}`")
    if not path.startswith("/"):
        raise invalid("wrong_format", "must begin with a slash: /books, or /books/ and an id")
    if "?" in path:
        raise invalid("wrong_format", "must be without a query")


def _without_route(method: str | None, faults: Iterable[Fault]) -> Refused | None:
    """What an operation is told whose path is none, or does not take its method; None if its faults are others."""
    codes = {each.code for each in faults if each.place == ".path"}
    if "not_found" in codes:
        return Refused("not_found")
    if "method_not_allowed" in codes:
        return Refused("method_not_allowed", headers={"allow": "PUT, PATCH, DELETE" if method == "POST" else "POST"})
    return None


def _look_up(text: str, reading: _Reading) -> Any:
    """What `$name.member` stands for."""
    found = _match_mention(text)
    if found is None:
        raise invalid("wrong_format", "must be `$name.member`, as in `$a.id`, where it begins with a dollar sign")
    known = reading.names.get(found[1])
    if known is None:
        names = tuple(f"${each}" for each in reading.names) if reading.is_hinting else ()
        raise Invalid([Fault("", "reference_missing", "names no earlier operation by its `as`", (f"${found[1]}", names))])
    if known and found[2] not in known:
        raise Invalid([Fault("", "reference_missing", f"asks for a member that is not known here: {', '.join(known)} can be asked for")])
    return known.get(found[2], _STAND_IN)


def _as_id(value: Any) -> RecordId:
    return (parse_uuid(value) if isinstance(value, str) else None) or ABSENT_ID
