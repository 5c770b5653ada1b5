"""Validation: what a caller sent for a record, read into stored values, with every invalid field at once.

A BodyReader is prepared once for each resource; a request only runs through its slots. It knows types and bounds and nothing of rows:
what must be compared with the stored record (`equal`, `merge`) is handed on and settled in the transaction by `core.change`.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from holdfast.base.errors import Detail, Refused
from holdfast.base.ids import RecordId, parse_client_id
from holdfast.base.limits import BULK_ROWS_MAX
from holdfast.core.condition import Stored
from holdfast.core.invalid import Fault, Invalid, details_of, invalid, is_full, move, refusal, unknown, wrong_type
from holdfast.core.slots import (
    FREE,
    NOT_YOURS,
    SET_BY_SERVER,
    Bodies,
    create_slot,
    equal_slot,
    let_key,
    patch_slot,
    read_nullable,
    replace_slot,
)
from holdfast.core.structure import KEEP, NULL_REFUSED, Slot, field_reader, make_ready, patch_reader, read_members
from holdfast.core.values import Reader, scalar_reader
from holdfast.model.catalog import FieldSpec, ResourceSpec
from holdfast.model.types import Boolean, Document, FieldType, Float, Integer, Mapping, Nested, Scalar

_READERS_MAX = 4_096  # kept ready; a large backend has some hundred fields
_match_number = re.compile(r"-?(?:0|[1-9][0-9]{0,307})(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?").fullmatch


_NEEDS_MORE = Fault("", "required", "needs a member that is not yours to set")


class Created(NamedTuple):
    """A record to be made: the id if the caller chose one, and the stored value of every declared member."""

    id: RecordId | None
    values: dict[str, Stored]


class Changed(NamedTuple):
    """A change to a record, as core.plan.Update takes it.

    assign   member -> new stored value
    merge    member -> JSON merge patch for a stored document, its values in their JSON form
    equal    member -> stored value that the record must hold already, else 422 read_only
    version  the version that the caller has read, if the body says it
    """

    assign: dict[str, Stored]
    merge: dict[str, dict[str, Any]]
    equal: dict[str, Stored]
    version: int | None


class InvalidBody(Refused):
    """A body with faults: validation_failed (422), all of them in `details`.

    created, changed  what of the body is sound, for what only the database can judge
    """

    def __init__(self, faults: list[Fault], *, created: Sequence[Created] = (), changed: Changed | None = None) -> None:
        refused = refusal(faults)
        super().__init__(refused.code, refused.message, details=refused.details)
        self.created, self.changed = created, changed


class BodyReader:
    """Reads the bodies of one resource, from callers of one kind. Every method raises InvalidBody with all faults in `details`.

    restoring  records that were there before are made again: their readonly members are taken as they were
    """

    def __init__(self, resource: ResourceSpec, bodies: Bodies = FREE, *, restoring: bool = False) -> None:
        declared = [spec for spec in resource.fields if not spec.system]
        known = [spec for spec in resource.fields if spec.member not in bodies.unknown]
        self._fixed = bodies.fixed
        self._hidden = frozenset(f".{member}" for member in bodies.unknown)
        self._withheld = bodies.unknown | bodies.fixed
        writable = [spec for spec in declared if not (spec.readonly or spec.immutable or spec.member in self._withheld)]
        self._create = make_ready(create_slot(resource, spec, restoring=restoring) for spec in declared)
        self._replace = make_ready(replace_slot(resource, let_key(spec), keep=spec.member in bodies.kept) for spec in writable)
        self._patch = make_ready(
            patch_slot(spec, field_reader(let_key(spec).type)) for spec in writable if not isinstance(spec.type, Mapping | Nested)
        )
        self._merge = make_ready(patch_slot(spec, patch_reader(spec.type)) for spec in writable if isinstance(spec.type, Mapping | Nested))
        self._equal = make_ready(
            equal_slot(spec)
            for spec in known
            if (spec.system or spec not in writable) and spec.member != "version"  # that is the precondition
        )
        self._set_by_server = tuple(spec.member for spec in resource.fields if spec.system and spec.member != "id")
        settable = (spec.member for spec in declared if restoring or not spec.readonly)
        self._creatable = ("id", *(member for member in settable if member not in self._withheld))
        self._changeable = ("version", *(spec.member for spec in writable))
        self._included = {spec.name: spec.member for spec in known if spec.reference}
        self._known = frozenset((*(spec.member for spec in known), *self._included))

    def read_create(self, value: Any) -> Created:
        """Read the body of a creation: the id, if the caller chooses it, and every declared member."""
        faults: list[Fault] = []
        created = self._read_create(_as_object(value), faults)
        if faults:
            raise InvalidBody(faults, created=[created])
        return created

    def read_bulk(self, value: Any) -> list[Created]:
        """Read the body of a bulk creation: 1 to BULK_ROWS_MAX objects. Details are at `[3].title`."""
        if not isinstance(value, list):
            raise refusal(wrong_type("an array", value).faults)
        if not 1 <= len(value) <= BULK_ROWS_MAX:
            code = "too_long" if value else "too_short"
            raise refusal([Fault("", code, f"must have 1 to {BULK_ROWS_MAX:,} items, has {len(value):,}")])
        created: list[Created] = []
        faults: list[Fault] = []
        for index, item in enumerate(value):
            found: list[Fault] = [] if isinstance(item, dict) else wrong_type("an object", item).faults
            created.append(Created(None, {}) if found else self._read_create(item, found))
            faults.extend(move(f"[{index}]", found))
            if is_full(faults):
                break
        if faults:
            raise InvalidBody(faults, created=created)
        return created

    def read_replace(self, value: Any) -> Changed:
        """Read the body of a full update (PUT): an optional member that is left out gets its default.

        Secret, immutable and readonly members that are left out keep their value.
        """
        faults: list[Fault] = []
        members = _as_object(value)
        assign, found = read_members(self._replace, members, faults)
        equal, version = ({}, None) if found == len(members) else self._read_beside_change(members, faults)
        changed = Changed(assign, {}, equal, version)
        if faults:
            raise InvalidBody(faults, changed=changed)
        return changed

    def read_patch(self, value: Any) -> Changed:
        """Read a merge patch (RFC 7396): what is left out stays, null empties an optional member, objects are merged, lists replaced."""
        faults: list[Fault] = []
        members = _as_object(value)
        assign, found = read_members(self._patch, members, faults)
        merge, merged = read_members(self._merge, members, faults)
        equal, version = ({}, None) if found + merged == len(members) else self._read_beside_change(members, faults)
        assign.update({member: None for member, patch in merge.items() if patch is None})
        changed = Changed(assign, {member: patch for member, patch in merge.items() if patch is not None}, equal, version)
        if faults:
            raise InvalidBody(faults, changed=changed)
        return changed

    def _read_create(self, members: dict[str, Any], faults: list[Fault]) -> Created:
        values, found = read_members(self._create, self._without_withheld(members), faults)
        if faults and self._hidden:  # they can only be missing
            faults[:] = [_NEEDS_MORE if each.place in self._hidden else each for each in faults]
        chosen = None if found == len(members) else self._read_beside_create(members, faults)
        return Created(chosen, values)

    def _without_withheld(self, members: dict[str, Any]) -> dict[str, Any]:
        """The members without those that this kind of caller cannot set, which are judged beside them and get their defaults."""
        if self._withheld.isdisjoint(members):
            return members
        return {name: value for name, value in members.items() if name not in self._withheld}

    def _read_beside_create(self, members: dict[str, Any], faults: list[Fault]) -> RecordId | None:
        """Read what is no declared member: the id of the caller's choice; everything else is a fault."""
        chosen = _read_into(faults, "id", _read_client_id, members["id"]) if "id" in members else None
        faults.extend(Fault(f".{name}", *SET_BY_SERVER) for name in self._set_by_server if name in members)
        faults.extend(Fault(f".{name}", *NOT_YOURS) for name in members if name in self._fixed)
        faults.extend(self._unknown(members, self._creatable))
        return chosen

    def _read_beside_change(self, members: dict[str, Any], faults: list[Fault]) -> tuple[dict[str, Stored], int | None]:
        """Read what may be sent back but not changed, and the version; everything else is a fault."""
        values, _ = read_members(_VERSION_ALONE, members, faults)
        equal, _ = read_members(self._equal, members, faults)
        faults.extend(self._unknown(members, self._changeable))
        return equal, values.get("version")

    def _unknown(self, members: dict[str, Any], meant: tuple[str, ...]) -> Iterable[Fault]:
        for name, member in self._included.items():
            if name in members:
                yield Fault(f".{name}", "unknown_member", f"is an included record, which is not written here: send `{member}`")
        yield from unknown((name for name in members if name not in self._known), meant)


def peek_version(value: Any) -> int | None:
    """The version that a body says, before the body is judged; None where it says none, or nothing that is a version."""
    version = value.get("version") if isinstance(value, dict) else None
    try:
        return None if version is None else int(_read_version(version))
    except Invalid:
        return None


def read_version_alone(value: Any) -> int | None:
    """Read a body that may say the version and nothing else, as that of DELETE; raises Refused like a BodyReader."""
    faults: list[Fault] = []
    members, found = read_members(_VERSION_ALONE, _as_object(value), faults)
    if found != len(value):
        faults.extend(unknown((name for name in value if name != "version"), ("version",)))
    if faults:
        raise refusal(faults)
    return members.get("version")


def validate_merged(spec: FieldSpec, json_value: Any, path: str) -> Stored | list[Detail]:
    """Judge a stored document after a merge patch was applied to it: its new stored form, or everything that is wrong with it.

    json_value  the merged value, decoded; members that the patch took away get their default, or null where null is accepted
    path        where the field stands in the body ("address")
    """
    try:
        return _read_merged(spec)(json_value)  # type: ignore[no-any-return]  # a Reader of a field gives a stored value
    except Invalid as error:
        return details_of(move(f".{path}", error.faults))


def parse_value(kind: FieldType, json_value: Any) -> Stored:
    """The stored form of one JSON value that is not null; raises ValueError with a predicate for people ("must be a number, ...")."""
    # A document is read anew each time: its type may hold defaults that cannot be hashed.
    read = field_reader(kind) if isinstance(kind, Document) else _scalar_reader(kind)
    return read(json_value)  # type: ignore[no-any-return]  # a Reader of a field gives a stored value


def parse_text(kind: FieldType, text: str) -> Stored:
    """The stored form of a value written as plain text, as in a query string: `10`, `true`, `2024-01-01`; raises ValueError likewise."""
    return parse_value(kind, _from_text(kind, text))


def _from_text(kind: FieldType, text: str) -> Any:
    """The JSON value that a plain text stands for; a text that cannot stand for the type is left to its reader to refuse."""
    match kind:
        case Boolean():
            return {"true": True, "false": False}.get(text, text)
        case Integer() | Float():
            found = _match_number(text)
            if not found:
                return text
            return int(text) if found[1] is None and found[2] is None else Decimal(text)
        case _:
            return text


@lru_cache(_READERS_MAX)
def _scalar_reader(kind: Scalar) -> Reader:
    return scalar_reader(kind)


@lru_cache(_READERS_MAX)
def _read_merged(spec: FieldSpec) -> Reader:
    read = field_reader(spec.type, merged=True)
    return lambda value: read_nullable(spec, read, value)


def _as_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise refusal(wrong_type("an object", value).faults)
    return value


def _read_into(faults: list[Fault], name: str, read: Reader, value: Any) -> Any:
    try:
        return read(value)
    except Invalid as error:
        faults.extend(move(f".{name}", error.faults))
        return None


def _read_client_id(value: Any) -> RecordId:
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    chosen = parse_client_id(value)
    if chosen is None:
        raise invalid("wrong_format", "must be a UUID of version 4 or 7")
    return chosen


_read_version = field_reader(Integer(ge=1))
_VERSION_ALONE = make_ready([Slot("version", _read_version, NULL_REFUSED, KEEP)])
