"""Readers of what has parts: the members of a body or of a nested object, lists and mappings. Every fault of every part at once.

Inside a document values stand in their JSON form ("12.50", true), not in their stored form (1250, 1): a document is shown as it is kept.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from holdfast.base.limits import BODY_BYTES_MAX
from holdfast.core.invalid import Fault, Invalid, invalid, is_full, move, shorten, unknown, wrong_type
from holdfast.core.values import Reader, scalar_reader
from holdfast.model.json_form import to_json
from holdfast.model.stored import to_python
from holdfast.model.types import Boolean, Document, Duration, FieldType, Items, Mapping, Member, Nested, Number

ABSENT: Any = object()
"""No such member was sent."""

REQUIRED: Any = object()
"""As the default of a Slot: the member must be sent."""

KEEP: Any = object()
"""As the default of a Slot: a member that is not sent stays as it is."""


class Slot(NamedTuple):
    """One member that may be sent.

    null     None: null is accepted; else the code and predicate with which it is refused
    default  what stands where nothing was sent, or REQUIRED, or KEEP
    factory  makes the default anew each time; wins over `default`
    """

    member: str
    read: Reader
    null: tuple[str, str] | None
    default: Any = REQUIRED
    factory: Callable[[], Any] | None = None


Slots = tuple[tuple[str, Reader, tuple[str, str] | None, Any, Callable[[], Any] | None], ...]
"""Slots made ready: plain tuples, because a loop takes a NamedTuple apart at less than half their speed."""

NULL_REFUSED = ("null_not_allowed", "may not be null")


def make_ready(slots: Iterable[Slot]) -> Slots:
    """Slots as read_members takes them."""
    return tuple((slot.member, slot.read, slot.null, slot.default, slot.factory) for slot in slots)


def read_members(slots: Slots, members: dict[str, Any], faults: list[Fault]) -> tuple[dict[str, Any], int]:
    """Read every slot of an object, adding to `faults`; gives the values and how many slots were sent."""
    values: dict[str, Any] = {}
    found = 0
    for member, read, null, default, factory in slots:
        value = members.get(member, ABSENT)
        if value is ABSENT:
            if factory is not None:
                values[member] = factory()
            elif default is REQUIRED:
                faults.append(Fault(f".{member}", "required", "member is required"))
            elif default is not KEEP:
                values[member] = default
            continue
        found += 1
        if value is None:
            if null is None:
                values[member] = None
            else:
                faults.append(Fault(f".{member}", *null))
            continue
        try:
            values[member] = read(value)
        except Invalid as error:
            faults.extend(move(f".{member}", error.faults))
    return values, found


def field_reader(kind: FieldType, *, merged: bool = False) -> Reader:
    """The reader of any type; it gives the stored form.

    merged  the value is a stored document with a merge patch applied: what the patch took away becomes its default, or null
    """
    return document_reader(kind, merged=merged) if isinstance(kind, Document) else scalar_reader(kind)


def document_reader(kind: Document, *, merged: bool = False) -> Reader:
    """The reader of a document; it gives minified JSON text of at most BODY_BYTES_MAX bytes."""
    read_part = _part_reader(kind, merged=merged)

    def read(value: Any) -> str:
        encoded = _encode(read_part(value))
        if len(encoded) > BODY_BYTES_MAX:
            raise invalid("too_long", f"must be at most {BODY_BYTES_MAX:,} bytes of JSON, has {len(encoded):,}")
        return encoded.decode()

    return read


def patch_reader(kind: Mapping | Nested) -> Reader:
    """The reader of a merge patch (RFC 7396) for a document; it gives the patch with every value in its JSON form.

    What can be judged without the stored document is judged: unknown members, values of the wrong kind, nulls that cannot be.
    """
    return _mapping_patch_reader(kind) if isinstance(kind, Mapping) else _nested_patch_reader(kind)


_encode = msgspec.json.Encoder().encode


def _part_reader(kind: FieldType, *, merged: bool) -> Reader:
    """The reader of a value within a document; it gives the JSON form."""
    match kind:
        case Items():
            return _items_reader(kind, merged=merged)
        case Mapping():
            return _mapping_reader(kind, merged=merged)
        case Nested():
            return _nested_reader(kind, merged=merged)
        case Boolean() | Number() | Duration():
            read = scalar_reader(kind)
            return lambda value: to_json(kind, to_python(kind, read(value)))
        case _:
            return scalar_reader(kind)


def _items_reader(kind: Items, *, merged: bool) -> Reader:
    read_item, nullable = _part_reader(kind.item, merged=merged), kind.item_nullable

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise wrong_type("an array", value)
        _check_count(len(value), kind, "items")
        items: list[Any] = []
        faults: list[Fault] = []
        for index, item in enumerate(value):
            try:
                items.append(_read_part(read_item, item, nullable=nullable))
            except Invalid as error:
                faults.extend(move(f"[{index}]", error.faults))
                if is_full(faults):
                    break
        if faults:
            raise Invalid(faults)
        return items

    return read


def _mapping_reader(kind: Mapping, *, merged: bool) -> Reader:
    read_value, nullable = _part_reader(kind.value, merged=merged), kind.value_nullable
    return lambda value: _read_mapping(kind, value, lambda part: _read_part(read_value, part, nullable=nullable))


def _mapping_patch_reader(kind: Mapping) -> Reader:
    read_value = _patch_part_reader(kind.value)
    # null takes a member away (RFC 7396), so it is always accepted; the least length is judged after the merge.
    any_length = Mapping(kind.value, max_length=kind.max_length)
    return lambda value: _read_mapping(any_length, value, lambda part: _read_part(read_value, part, nullable=True))


def _read_mapping(kind: Mapping, value: Any, read_value: Reader) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong_type("an object", value)
    _check_count(len(value), kind, "members")
    faults: list[Fault] = []
    members: dict[str, Any] = {}
    for name, part in value.items():
        try:
            members[_read_name(name)] = read_value(part)
        except Invalid as error:
            faults.extend(move(f".{shorten(name)}", error.faults))
            if is_full(faults):
                break
    if faults:
        raise Invalid(faults)
    return members


def _nested_reader(kind: Nested, *, merged: bool) -> Reader:
    return object_reader([_slot(member, merged=merged) for member in kind.members])


def _nested_patch_reader(kind: Nested) -> Reader:
    return object_reader([_patch_slot(member) for member in kind.members])


def object_reader(slots: Sequence[Slot]) -> Reader:
    """The reader of an object with these members and no others; it gives their values."""
    known = frozenset(slot.member for slot in slots)
    ready = make_ready(slots)

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise wrong_type("an object", value)
        faults: list[Fault] = []
        members, found = read_members(ready, value, faults)
        if found != len(value):
            faults.extend(unknown((name for name in value if name not in known), known))
        if faults:
            raise Invalid(faults)
        return members

    return read


def _slot(member: Member, *, merged: bool) -> Slot:
    null = None if member.nullable else NULL_REFUSED
    read = _part_reader(member.type, merged=merged)
    if member.required:
        return Slot(member.name, read, null, None if merged and member.nullable else REQUIRED)
    make = member.factory
    if make is not None:
        return Slot(member.name, read, null, factory=lambda: _json_default(member, make()))
    return Slot(member.name, read, null, _json_default(member, member.default))


def _patch_slot(member: Member) -> Slot:
    accepts_null = member.nullable or not member.required  # null takes the member away: its default stands again
    return Slot(member.name, _patch_part_reader(member.type), None if accepts_null else NULL_REFUSED, KEEP)


def _patch_part_reader(kind: FieldType) -> Reader:
    return patch_reader(kind) if isinstance(kind, Mapping | Nested) else _part_reader(kind, merged=False)


def _json_default(member: Member, value: Any) -> Any:
    return None if value is None else to_json(member.type, value)


def _read_part(read: Reader, value: Any, *, nullable: bool) -> Any:
    if value is not None:
        return read(value)
    if not nullable:
        raise invalid(*NULL_REFUSED)
    return None


def _read_name(name: str) -> str:
    if "\0" in name:
        raise invalid("nul_character", "name may not hold the character U+0000")
    return name


def _check_count(count: int, kind: Items | Mapping, noun: str) -> None:
    if count < kind.min_length:
        raise invalid("too_short", f"must have at least {kind.min_length:,} {noun}, has {count:,}")
    if count > kind.max_length:
        raise invalid("too_long", f"must have at most {kind.max_length:,} {noun}, has {count:,}")
