"""The operators of filters: which type takes which, and the condition that each makes.

`ne` and `nin` include rows without a value; every other operator leaves them out, `null` aside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, assert_never

from holdfast.base.errors import Refused
from holdfast.base.hint import quote, suggest
from holdfast.base.limits import IN_VALUES_MAX
from holdfast.core.condition import All as AllOf
from holdfast.core.condition import Condition, IsNull, Not, OneOf, Operator, Path, Stored, Test
from holdfast.core.invalid import without_kind
from holdfast.model.json_form import to_json
from holdfast.model.stored import to_python
from holdfast.model.types import (
    Boolean,
    Choice,
    Date,
    Document,
    Duration,
    FieldType,
    Float,
    Integer,
    Items,
    Mapping,
    Nested,
    Number,
    Reference,
    Text,
    Time,
    Timestamp,
    Uuid,
)

_SAME = ("eq", "ne", "in", "nin", "null")
_ORDERED = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "between", "null")
SUBSTRING = ("contains", "icontains", "startswith", "endswith")
_NULL_WORDS = frozenset({"", "null", "none", "nil"})
_ASKS_NULL_URL, _ASKS_NULL_JSON = "`[null]=true`", '`{"null": true}`'
_WITH_ORDER = frozenset({"gt", "gte", "lt", "lte", "between"})

OPERATORS = (*_ORDERED[:-1], *SUBSTRING, "null")
"""Every operator there is."""


def operators_of(kind: FieldType) -> tuple[str, ...]:
    """The operators that a field of this type takes."""
    match kind:
        case Text() | Choice():
            return OPERATORS
        case Integer() | Float() | Number() | Date() | Time() | Timestamp() | Duration() | Uuid() | Reference():
            return _ORDERED
        case Boolean():
            return _SAME
        case Items(item):
            return ("null",) if isinstance(item, Document) else ("contains", "null")
        case Mapping() | Nested():
            return ("null",)
        case _:
            assert_never(kind)


def is_ordered(kind: FieldType) -> bool:
    """Whether rows can be sorted by a field of this type: all but documents."""
    return not isinstance(kind, Document)


@dataclass(frozen=True, slots=True)
class Reading:
    """How raw values are read: from a query string or from JSON. Each function raises ValueError with a predicate ("must be a number").

    one   a single value of a type
    many  the values of `in`, `nin`, `between`
    flag  the value of `null`
    in_url  whether the values are texts of a URL, for messages
    """

    one: Callable[[FieldType, Any], Stored]
    many: Callable[[Any], list[Any]]
    flag: Callable[[Any], bool]
    in_url: bool


def build_test(path: Path, operator: str, raw: Any, reading: Reading) -> Condition:
    """The condition that one operator makes of a path and a raw value; refuses invalid_filter, naming the field."""
    allowed = operators_of(path.field.type)
    if operator not in allowed:
        raise _refuse_operator(path, operator, allowed)
    try:
        return _build(path, operator, raw, reading)
    except ValueError as error:
        place = path if operator == "eq" else f"{path}[{operator}]"
        predicate = without_kind(str(error)) if reading.in_url else str(error)
        hint = _hint(operator, path.field.type, raw, in_url=reading.in_url)
        raise Refused("invalid_filter", f"`{place}` {predicate}.", hint=hint) from error


def _build(path: Path, operator: str, raw: Any, reading: Reading) -> Condition:
    match operator:
        case "null":
            return IsNull(path) if reading.flag(raw) else Not(IsNull(path))
        case "in":
            return _build_one_of(path, raw, reading)
        case "nin":
            return Not(_build_one_of(path, raw, reading))
        case "between":
            return _build_between(path, raw, reading)
        case _:
            return Test(path, Operator(operator), _read(path, operator, raw, reading))


def _build_one_of(path: Path, raw: Any, reading: Reading) -> OneOf:
    values = reading.many(raw)
    if len(values) > IN_VALUES_MAX:
        raise ValueError(f"takes at most {IN_VALUES_MAX} values, has {len(values):,}")
    return OneOf(path, tuple(_read(path, "in", each, reading) for each in values))


def _build_between(path: Path, raw: Any, reading: Reading) -> Condition:
    values = reading.many(raw)
    if len(values) != 2:
        raise ValueError(f"takes two values, has {len(values):,}")
    low, high = (_read(path, "between", each, reading) for each in values)
    return AllOf((Test(path, Operator.AT_LEAST, low), Test(path, Operator.AT_MOST, high)))


def _read(path: Path, operator: str, raw: Any, reading: Reading) -> Stored:
    """One value in storage form."""
    kind = asked_type(path.field.type, operator)
    value = reading.one(kind, raw)
    if isinstance(path.field.type, Items) and isinstance(kind, Number | Duration):
        value = to_json(kind, to_python(kind, value))  # within a document values stand in their JSON form
    if value is None and (operator in _WITH_ORDER or operator in SUBSTRING):
        raise ValueError("must not be null")
    return value


def asked_type(kind: FieldType, operator: str) -> FieldType:
    """The type of an operand: an element of a list, any text for a part of a text, else the field's own; its bounds never count."""
    if isinstance(kind, Items):
        return without_bounds(kind.item)
    return _ANY_TEXT if operator in SUBSTRING else without_bounds(kind)


def without_bounds(kind: FieldType) -> FieldType:
    """The type as filters take it: a bound on what may be written is no bound on what may be asked for."""
    match kind:
        case Text():
            return _LOWER_TEXT if kind.lower else _ANY_TEXT
        case Integer():
            return _ANY_INTEGER
        case Float():
            return _ANY_FLOAT
        case Number(places):
            return Number(places)
        case _:
            return kind


_ANY_TEXT = Text()
_LOWER_TEXT = Text(lower=True)
_ANY_INTEGER = Integer()
_ANY_FLOAT = Float()


def _refuse_operator(path: Path, operator: str, allowed: tuple[str, ...]) -> Refused:
    known = ", ".join(allowed)
    if operator in OPERATORS:
        return Refused("invalid_filter", f"`{path}` does not take `{operator}`.", hint=f"It takes: {known}.")
    return Refused(
        "invalid_filter", f"The operator {quote(operator)} is unknown.", hint=f"{suggest(operator, allowed)} `{path}` takes: {known}."
    )


def _hint(operator: str, kind: FieldType, raw: Any, *, in_url: bool) -> str | None:
    """What may help with a value that was not understood; None where the message says all."""
    match operator:
        case "null":
            return "`null` takes true or false."
        case "in" | "nin":
            return _hint_many(operator, raw, in_url=in_url)
        case "between":
            return f"`between` takes the lowest and the highest value, {'parted by a comma' if in_url else 'in an array'}."
        case _ if in_url and isinstance(kind, Timestamp) and " " in raw:
            return "Write `+` as %2B: in a URL it stands for a space."
        case _ if _means_null(raw):
            return f"{_ASKS_NULL_URL if in_url else _ASKS_NULL_JSON} asks for rows without a value."
        case _:
            return None


def _hint_many(operator: str, raw: Any, *, in_url: bool) -> str | None:
    if in_url:
        return "Values are parted by commas; write `\\,` for a comma within one."
    return None if isinstance(raw, list) else f'`{operator}` takes an array: {{"{operator}": [..., ...]}}.'


def _means_null(raw: Any) -> bool:
    return raw is None or (isinstance(raw, str) and raw.lower() in _NULL_WORDS)
