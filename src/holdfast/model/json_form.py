"""Python values and their JSON form (the table in model.types), as they stand inside a document. Errors are ValueError, for people."""

import math
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

from holdfast.base.instant import format_datetime
from holdfast.base.limits import INT_MAX, INT_MIN
from holdfast.model.ref import Ref
from holdfast.model.types import (
    Boolean,
    Choice,
    Date,
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

T = TypeVar("T")

MICROSECOND = timedelta(microseconds=1)

_DURATION = re.compile(r"(-?)P(\d+)DT(\d+)H(\d+)M(\d+)\.(\d{6})S\Z")


def to_json(type_: FieldType, value: Any) -> Any:
    """The JSON form of a Python value; its bounds do not count."""
    return _TO_JSON[type(type_)](type_, value)


def from_json(type_: FieldType, value: Any) -> Any:
    """The Python value of a JSON form that Holdfast wrote."""
    return _FROM_JSON[type(type_)](type_, value)


def format_duration(value: timedelta) -> str:
    """Write a duration as `P1DT2H3M4.000005S`, with the sign in front."""
    seconds, microseconds = divmod(abs(value) // MICROSECOND, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    sign = "-" if value < timedelta() else ""
    return f"{sign}P{days}DT{hour}H{minute}M{second}.{microseconds:06d}S"


def parse_duration(text: str) -> timedelta:
    """Read what format_duration wrote."""
    found = _DURATION.match(text)
    if found is None:
        raise ValueError(f"{text!r} is not a duration")
    days, hours, minutes, seconds, microseconds = (int(part) for part in found.groups()[1:])
    value = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)
    return -value if found[1] else value


def scale(type_: Number, value: Any) -> int:
    """A decimal as an integer of its last place; exact or refused."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise ValueError(f'{value!r} is not a Decimal; write Decimal("{value}")')  # noqa: TRY004  # one error for every wrong value
    sign, digits, exponent = Decimal(value).as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"{value} is not a finite number")  # noqa: TRY004  # NaN is a value, not a type
    number, shift = int("".join(map(str, digits))), exponent + type_.places
    if number and len(digits) + shift > type_.digits:
        raise ValueError(f"{value} has more than {type_.digits} digits")
    scaled = _shift(number, shift)
    if scaled is None:
        raise ValueError(f"{value} has more than {type_.places} decimal places")
    return -scaled if sign else scaled


def _shift(number: int, places: int) -> int | None:
    """The number times 10**places, if that is an integer."""
    if places >= 0 or number == 0:
        return number * 10**places if number else 0
    if -places > len(str(number)):
        return None  # also keeps a huge exponent from being computed
    quotient, rest = divmod(number, 10**-places)
    return None if rest else quotient


def unscale(type_: Number, value: int) -> Decimal:
    """The decimal of a scaled integer, with exactly its places."""
    sign = 1 if value < 0 else 0
    return Decimal((sign, tuple(int(digit) for digit in str(abs(value))), -type_.places))


def expect(kind: type[T], value: Any) -> T:
    """The value, if it is of the kind; a bool is no int."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{value!r} is not of type {kind.__name__}")  # one error for every wrong value
    return value


def _text(_: Any, value: Any) -> str:
    text = expect(str, value)
    if "\0" in text:
        raise ValueError("U+0000 is not accepted in text")
    if not text.isascii():
        _refuse_surrogates(text)
    return str(text)


def _refuse_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("the text holds a lone surrogate") from None


def _integer(_: Any, value: Any) -> int:
    number = expect(int, value)
    if not INT_MIN <= number <= INT_MAX:
        raise ValueError(f"{number} does not fit in 64 bits")
    return number


def _float(_: Any, value: Any) -> float:
    number = float(expect(int, value) if isinstance(value, int) else expect(float, value))
    if not math.isfinite(number):
        raise ValueError(f"{number} is not a finite number")
    return number


def _date(_: Any, value: Any) -> str:
    if isinstance(value, datetime):
        raise ValueError(f"{value!r} is a datetime, not a date")  # noqa: TRY004  # one error for every wrong value
    return expect(date, value).isoformat()


def _time(_: Any, value: Any) -> str:
    if expect(time, value).tzinfo is not None:
        raise ValueError(f"{value!r} has a zone; a time of day has none")
    return str(value.isoformat(timespec="microseconds"))


def _timestamp(_: Any, value: Any) -> str:
    if expect(datetime, value).utcoffset() is None:
        raise ValueError(f"{value!r} has no zone; write datetime(..., tzinfo=UTC)")
    try:
        return format_datetime(value)
    except OverflowError:
        raise ValueError(f"{value!r} is outside the years 1 to 9999 in UTC") from None


def _choice(type_: Choice, value: Any) -> str:
    text = value.value if isinstance(value, Enum) else value
    if text not in type_.values:
        raise ValueError(f"{value!r} is not one of {', '.join(type_.values)}")
    return str(text)


def _reference(_: Any, value: Any) -> str:
    return str(value.id if isinstance(value, Ref) else expect(UUID, value))


def _items(type_: Items, value: Any) -> list[Any]:
    return [_part(type_.item, each, nullable=type_.item_nullable) for each in expect(list, value)]


def _mapping(type_: Mapping, value: Any) -> dict[str, Any]:
    members = expect(dict, value).items()
    return {_text(None, name): _part(type_.value, each, nullable=type_.value_nullable) for name, each in members}


def _nested(type_: Nested, value: Any) -> dict[str, Any]:
    record = expect(type_.python, value)
    return {each.name: _part(each.type, getattr(record, each.name), nullable=each.nullable) for each in type_.members}


def _part(type_: FieldType, value: Any, *, nullable: bool) -> Any:
    if value is None:
        if not nullable:
            raise ValueError("None is not accepted inside")
        return None
    return to_json(type_, value)


def _read_part(type_: FieldType, value: Any) -> Any:
    return None if value is None else from_json(type_, value)


def _same(_: Any, value: Any) -> Any:
    return value


_TO_JSON: dict[type[Any], Callable[[Any, Any], Any]] = {
    Text: _text,
    Integer: _integer,
    Float: _float,
    Boolean: lambda _, value: expect(bool, value),
    Number: lambda type_, value: f"{unscale(type_, scale(type_, value)):f}",
    Date: _date,
    Time: _time,
    Timestamp: _timestamp,
    Duration: lambda _, value: format_duration(expect(timedelta, value)),
    Uuid: lambda _, value: str(expect(UUID, value)),
    Choice: _choice,
    Reference: _reference,
    Items: _items,
    Mapping: _mapping,
    Nested: _nested,
}

_FROM_JSON: dict[type[Any], Callable[[Any, Any], Any]] = {
    Text: _same,
    Integer: _same,
    Float: lambda _, value: float(value),
    Boolean: _same,
    Number: lambda _, value: Decimal(value),
    Date: lambda _, value: date.fromisoformat(value),
    Time: lambda _, value: time.fromisoformat(value),
    Timestamp: lambda _, value: datetime.fromisoformat(value),
    Duration: lambda _, value: parse_duration(value),
    Uuid: lambda _, value: UUID(value),
    Choice: lambda type_, value: type_.python(value),
    Reference: lambda _, value: UUID(value),
    Items: lambda type_, value: [_read_part(type_.item, each) for each in value],
    Mapping: lambda type_, value: {name: _read_part(type_.value, each) for name, each in value.items()},
    Nested: lambda type_, value: type_.python(
        **{each.name: _read_part(each.type, value[each.name]) for each in type_.members if each.name in value}
    ),
}
