"""How an annotation becomes a type of the closed set (model.types)."""

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, get_args, get_origin
from uuid import UUID

import msgspec

from holdfast.base.errors import Misconfigured
from holdfast.model.declared import Declared
from holdfast.model.field import Options
from holdfast.model.freeze.bound import (
    BOUND_NAMES,
    LENGTHS,
    Bounds,
    freeze_float,
    freeze_integer,
    freeze_lengths,
    freeze_number,
    freeze_text,
    refuse_other_bounds,
)
from holdfast.model.freeze.default import check_default
from holdfast.model.freeze.hint import read_hint, show_hint, split_annotated, split_optional
from holdfast.model.ref import Ref
from holdfast.model.types import (
    Boolean,
    Choice,
    Date,
    Duration,
    FieldType,
    Items,
    Mapping,
    Member,
    Nested,
    Reference,
    TextFormat,
    Time,
    Timestamp,
    Uuid,
)

_PLAIN: dict[Any, FieldType] = {
    bool: Boolean(),
    date: Date(),
    time: Time(),
    datetime: Timestamp(),
    timedelta: Duration(),
    UUID: Uuid(),
}

_NUMBERS: dict[Any, Callable[[str, Bounds], FieldType]] = {int: freeze_integer, float: freeze_float, Decimal: freeze_number}

KNOWN = (
    "str, int, float, bool, Decimal, date, datetime, time, timedelta, UUID, Email, Url, Literal[...], a string Enum, X | None, list[T], "
    "dict[str, T], a dataclass, a msgspec.Struct or Ref[Other]"
)


class TypeReader:
    """Reads annotations. `paths` tells the path of each served class, `beside` the class of each name that may stand in quotes."""

    def __init__(self, paths: AnyMapping[type[Any], str], beside: AnyMapping[str, type[Any]]) -> None:
        self._paths = paths
        self._beside = beside
        self._reading: list[type[Any]] = []

    def read(self, place: str, hint: Any, bounds: Bounds) -> FieldType:
        """The type of an annotation without `| None`."""
        kind, notes = split_annotated(hint)
        given = {**_noted_bounds(notes), **bounds}
        if kind in _PLAIN:
            refuse_other_bounds(place, given, (), show_hint(kind))
            return _PLAIN[kind]
        if kind is str:
            return freeze_text(place, given, next((each for each in notes if isinstance(each, TextFormat)), TextFormat.PLAIN))
        if kind in _NUMBERS:
            return _NUMBERS[kind](place, given)
        if get_origin(kind) is list:
            return self._items(place, kind, given)
        if get_origin(kind) is dict:
            return self._mapping(place, kind, given)
        refuse_other_bounds(place, given, (), show_hint(kind))
        return self._other(place, kind)

    def _other(self, place: str, kind: Any) -> FieldType:
        if get_origin(kind) is Literal:
            return _literal(place, get_args(kind))
        if get_origin(kind) is Ref:
            return self._reference(place, get_args(kind)[0])
        if isinstance(kind, type) and issubclass(kind, Enum):
            return _enum(place, kind)
        if isinstance(kind, type) and issubclass(kind, Declared):
            raise Misconfigured(place, f"A record holds no other {kind.__name__}.", f"Write Ref[{kind.__name__}].")
        if dataclasses.is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
            return self._nested(place, kind)
        raise Misconfigured(place, f"{show_hint(kind)} is not a type that can be kept.", f"Use {KNOWN}.")

    def _items(self, place: str, kind: Any, bounds: Bounds) -> Items:
        item, nullable = split_optional(get_args(kind)[0])
        return Items(self._part(place, item, bounds), nullable, *freeze_lengths(place, bounds))

    def _mapping(self, place: str, kind: Any, bounds: Bounds) -> Mapping:
        key, value = get_args(kind)
        if key is not str:
            raise Misconfigured(place, f"The keys are {show_hint(key)}; JSON knows only text.", "Write dict[str, ...].")
        value, nullable = split_optional(value)
        return Mapping(self._part(place, value, bounds), nullable, *freeze_lengths(place, bounds))

    def _part(self, place: str, hint: Any, bounds: Bounds) -> FieldType:
        """The type inside a list or dict: all bounds but the lengths are meant for it."""
        part = self.read(place, hint, {name: value for name, value in bounds.items() if name not in LENGTHS})
        if isinstance(part, Reference):
            raise Misconfigured(place, "A list or dict holds no Ref.", "Declare a resource of its own for the relation.")
        return part

    def _reference(self, place: str, target: Any) -> Reference:
        if target not in self._paths:
            name = show_hint(target)
            raise Misconfigured(place, f"It refers to {name}, which is not served.", f"Give {name} to the Backend: Backend(..., {name}).")
        return Reference(self._paths[target])

    def _nested(self, place: str, kind: Any) -> Nested:
        if kind in self._reading:
            raise Misconfigured(place, f"{kind.__name__} holds itself.", "Declare a resource and refer to it by Ref.")
        self._reading.append(kind)
        try:
            return Nested(kind.__name__, tuple(self._members(place, kind)), kind)
        finally:
            self._reading.pop()

    def _members(self, place: str, kind: Any) -> list[Member]:
        parts = _struct_parts(place, kind) if issubclass(kind, msgspec.Struct) else _dataclass_parts(place, kind)
        return [self._member(f"{place}.{name}", kind, name, default, factory) for name, default, factory in parts]

    def _member(self, place: str, kind: Any, name: str, default: Any, factory: Any) -> Member:
        hint, nullable = split_optional(read_hint(kind, name, self._beside))
        type_ = self._part(place, hint, {})
        if default is _ABSENT and factory is None:
            return Member(name, type_, nullable)
        check_default(place, type_, default, factory, nullable=nullable)
        return Member(name, type_, nullable, required=False, default=None if default is _ABSENT else default, factory=factory)


_ABSENT = object()


def _dataclass_parts(place: str, kind: Any) -> list[tuple[str, Any, Any]]:
    parts = []
    for each in dataclasses.fields(kind):
        if not each.init:
            raise Misconfigured(
                f"{place}.{each.name}", "It is not taken by the constructor.", "Leave out init=False, or make it a property."
            )
        default = _ABSENT if each.default is dataclasses.MISSING else each.default
        parts.append((each.name, default, None if each.default_factory is dataclasses.MISSING else each.default_factory))
    return parts


def _struct_parts(place: str, kind: Any) -> list[tuple[str, Any, Any]]:
    parts = []
    for each in msgspec.structs.fields(kind):
        if each.encode_name != each.name:
            raise Misconfigured(
                f"{place}.{each.name}", f"It is renamed to {each.encode_name}.", "Leave out rename=; the name is the JSON name."
            )
        default = _ABSENT if each.default is msgspec.NODEFAULT else each.default
        parts.append((each.name, default, None if each.default_factory is msgspec.NODEFAULT else each.default_factory))
    return parts


def _literal(place: str, values: tuple[Any, ...]) -> Choice:
    if not all(isinstance(each, str) for each in values):
        raise Misconfigured(place, "A Literal here holds only text.", 'Write Literal["draft", "published"].')
    return Choice(values)


def _enum(place: str, kind: type[Enum]) -> Choice:
    values = tuple(each.value for each in kind)
    if not values or not all(isinstance(each, str) for each in values):
        raise Misconfigured(place, f"The values of {kind.__name__} are not all text.", f"Write class {kind.__name__}(StrEnum).")
    return Choice(values, kind)


def _noted_bounds(notes: tuple[Any, ...]) -> dict[str, Any]:
    """The bounds that `Annotated` gives: by field(...) or by msgspec.Meta(...)."""
    bounds: dict[str, Any] = {}
    for note in notes:
        if isinstance(note, Options):
            bounds.update(note.given)
        elif isinstance(note, msgspec.Meta):
            bounds.update({name: getattr(note, name) for name in BOUND_NAMES if getattr(note, name, None) is not None})
    return bounds
