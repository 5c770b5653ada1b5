"""The fields of a resource as slots of a body: what may be sent for each, and what stands where nothing was sent."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from holdfast.base.errors import Broken
from holdfast.core.condition import Stored
from holdfast.core.invalid import Invalid, invalid
from holdfast.core.structure import KEEP, NULL_REFUSED, REQUIRED, Slot, field_reader
from holdfast.core.values import Reader
from holdfast.model.catalog import FieldSpec, ResourceSpec
from holdfast.model.stored import to_stored
from holdfast.model.types import Text

SET_BY_SERVER = ("read_only", "member is set by the server")
NOT_YOURS = ("read_only", "is not yours to set")
_KEPT = ("read_only", "may not be changed")


class Bodies(NamedTuple):
    """Which members of a resource a caller cannot simply write; equal for callers of one kind.

    unknown  may neither be seen nor written: a body that holds one is told that there is no such member
    fixed    may be seen and not written: a body may hold them as they are
    kept     may be seen or written in some rows alone: a full update that leaves them out leaves them as they are
    """

    unknown: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()


FREE = Bodies()
"""Every member that can be written at all may be."""


def let_keys(resource: ResourceSpec) -> ResourceSpec:
    """The resource for whoever may give addresses of keys: who makes a key, or makes a dumped one again."""
    return replace(resource, fields=tuple(map(let_key, resource.fields)))


def let_key(spec: FieldSpec) -> FieldSpec:
    """The field where it may hold the address of a key: one that it holds already (core.change.doubt_address) may be sent back."""
    return replace(spec, type=replace(spec.type, not_at=None)) if isinstance(spec.type, Text) and spec.type.not_at else spec


def create_slot(resource: ResourceSpec, spec: FieldSpec, *, restoring: bool = False) -> Slot:
    """The slot of a creation: what is not sent gets its default. Where a record is restored, what the server has set may be sent."""
    slot = _slot(spec, field_reader(spec.type), *_default(resource, spec))
    return slot._replace(read=_refuse_set_by_server, null=SET_BY_SERVER) if spec.readonly and not restoring else slot


def replace_slot(resource: ResourceSpec, spec: FieldSpec, *, keep: bool = False) -> Slot:
    """The slot of a full update: what is not sent gets its default, but stays where it is a secret, or for this kind of caller."""
    if spec.secret or keep:  # not shown, so nobody can send back what it was
        return _slot(spec, field_reader(spec.type), KEEP)
    return _slot(spec, field_reader(spec.type), *_default(resource, spec))


def patch_slot(spec: FieldSpec, read: Reader) -> Slot:
    """The slot of a merge patch: what is not sent stays."""
    return _slot(spec, read, KEEP)


def equal_slot(spec: FieldSpec) -> Slot:
    """The slot of a member that may be sent back but not changed."""
    return Slot(spec.member, equal_reader(spec), None if spec.nullable and not spec.secret else _KEPT, KEEP)


def equal_reader(spec: FieldSpec) -> Reader:
    """The reader of a member that may be sent back but not changed; what cannot be a stored value cannot be equal to it."""
    read = field_reader(spec.type)

    def read_equal(value: Any) -> Stored:
        if spec.secret:  # it was never shown
            raise invalid(*_KEPT)
        try:
            return read_nullable(spec, read, value)
        except Invalid:
            raise invalid(*_KEPT) from None

    return read_equal


def read_nullable(spec: FieldSpec, read: Reader, value: Any) -> Stored:
    """Read a value that may be null where the field says so."""
    if value is not None:
        return read(value)  # type: ignore[no-any-return]  # a Reader of a field gives a stored value
    if not spec.nullable:
        raise invalid(*NULL_REFUSED)
    return None


def _slot(spec: FieldSpec, read: Reader, default: Any, factory: Callable[[], Stored] | None = None) -> Slot:
    return Slot(spec.member, read, None if spec.nullable else NULL_REFUSED, default, factory)


def _default(resource: ResourceSpec, spec: FieldSpec) -> tuple[Any, Callable[[], Stored] | None]:
    """The default and the factory of a slot, both in stored form."""
    if spec.required:
        return REQUIRED, None
    make = spec.factory
    if make is None:
        return to_stored(spec.type, spec.default), None
    return None, lambda: _make_default(resource, spec, make)


def _make_default(resource: ResourceSpec, spec: FieldSpec, make: Callable[[], Any]) -> Stored:
    try:
        return to_stored(spec.type, make())
    except ValueError as error:
        raise Broken(f"{resource.name}.{spec.name}: default_factory made a value that is not valid: {error}") from error


def _refuse_set_by_server(_value: Any) -> Stored:
    raise invalid(*SET_BY_SERVER)
