"""Readers of single values: a JSON value to its stored form, or Invalid. One closure for each type, prepared at start.

There is no coercion between kinds: "5" is no number and 1 is no boolean. JSON does not tell 5.0 from 5, so a whole number may be
written either way; of a Decimal every digit counts, as it does in a string. Numbers with a fraction arrive as Decimal, with every digit
that was sent (core.document).
"""

import math
import operator
import re
from collections.abc import Callable
from decimal import Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction
from functools import partial
from typing import Any, assert_never

from holdfast.base.ids import parse_uuid
from holdfast.base.limits import INT_MAX
from holdfast.core.invalid import Fault, Invalid, invalid, wrong_type
from holdfast.core.moments import read_date, read_duration, read_time, read_timestamp
from holdfast.core.texts import text_reader
from holdfast.model.types import (
    Boolean,
    Choice,
    Date,
    Duration,
    Float,
    Integer,
    Number,
    Reference,
    Scalar,
    Text,
    Time,
    Timestamp,
    Uuid,
)

Reader = Callable[[Any], Any]
"""Takes a JSON value that is not null; gives a stored value, or the JSON form where it stands in a document. Raises Invalid."""

_WHOLE_DIGITS_MAX = len(str(INT_MAX))  # beyond it no number fits into 64 bits, and to compute it may take all memory (1e999999999)
_EXACT = Context(prec=64, traps=[Inexact, InvalidOperation])
_CHOICES_SHOWN_MAX = 20
_CHOICES_COMPARED_MAX = 200  # to look for the nearest of thousands takes milliseconds for each value

_match_decimal = re.compile(r"(-?(?:0|[1-9][0-9]*))(?:\.([0-9]+))?").fullmatch


def scalar_reader(kind: Scalar) -> Reader:
    """The reader of a type that is not a document; it gives the stored form."""
    match kind:
        case Text():
            return text_reader(kind)
        case Integer():
            return _integer_reader(kind)
        case Float():
            return _float_reader(kind)
        case Boolean():
            return _read_boolean
        case Number():
            return _number_reader(kind)
        case Date():
            return read_date
        case Time():
            return read_time
        case Timestamp():
            return read_timestamp
        case Duration():
            return read_duration
        case Uuid() | Reference():
            return _read_uuid
        case Choice():
            return _choice_reader(kind)
        case _:
            assert_never(kind)


def _integer_reader(kind: Integer) -> Reader:
    low, high, step = kind.ge, kind.le, kind.multiple_of

    def read(value: Any) -> int:
        number = value if type(value) is int else _read_whole(value)
        if number < low:
            raise invalid("too_small", f"must be at least {low}")
        if number > high:
            raise invalid("too_large", f"must be at most {high}")
        if step is not None and number % step:
            raise invalid("not_multiple", f"must be a multiple of {step}")
        return number

    return read


def _read_whole(value: Any) -> int:
    """Read a whole number that was written with a point or an exponent."""
    exact = _exact(value)
    if exact is None:
        raise wrong_type("a whole number", value)
    if exact.adjusted() >= _WHOLE_DIGITS_MAX:
        raise _overflow(exact, "64 bits")
    if exact != exact.to_integral_value():
        raise invalid("wrong_type", "must be a whole number, has a fraction")
    return int(exact)


def _float_reader(kind: Float) -> Reader:
    checks = _bound_checks(kind, _same)
    step = None if kind.multiple_of is None else Fraction(repr(kind.multiple_of))

    def read(value: Any) -> float:
        number = _read_float(value)
        for broken, code, predicate in checks:
            if broken(number):
                raise invalid(code, predicate)
        if step is not None and (Fraction(repr(number)) / step).denominator != 1:
            raise invalid("not_multiple", f"must be a multiple of {kind.multiple_of}")
        return number

    return read


def _read_float(value: Any) -> float:
    if not _is_number(value):
        raise wrong_type("a number", value)
    try:
        number = float(value)
    except OverflowError:  # a whole number; a Decimal becomes infinite
        number = math.inf if value > 0 else -math.inf
    if math.isinf(number):
        raise _overflow(value, "a double")
    return number + 0.0  # turns -0.0 into 0.0, as the database does


def _number_reader(kind: Number) -> Reader:
    places, limit = kind.places, 10**kind.digits
    checks = _bound_checks(kind, lambda bound: bound.scaleb(places, _EXACT))
    step = None if kind.multiple_of is None else Fraction(kind.multiple_of) * 10**places
    too_long = _too_many_digits(kind.digits - places, "before")

    def read(value: Any) -> int:
        scaled = _scale_text(value, places) if isinstance(value, str) else _scale_number(value, places)
        if scaled is None or not -limit < scaled < limit:
            raise invalid(*too_long)
        for broken, code, predicate in checks:
            if broken(scaled):
                raise invalid(code, predicate)
        if step is not None and (scaled / step).denominator != 1:
            raise invalid("not_multiple", f"must be a multiple of {kind.multiple_of}")
        return scaled

    return read


def _scale_text(text: str, places: int) -> int | None:
    """A decimal text as an integer of its last place; None if it has more digits before its point than could ever be kept."""
    found = _match_decimal(text)
    if not found:
        raise invalid("wrong_format", "must be a decimal number, such as 12.50")
    whole, fraction = found.groups(default="")
    if len(fraction) > places:
        raise invalid(*_too_many_digits(places, "after"))
    return None if len(whole) > _WHOLE_DIGITS_MAX else int(whole + fraction.ljust(places, "0"))


def _scale_number(value: Any, places: int) -> int | None:
    """A JSON number as an integer of its last place; None if it has more digits before its point than could ever be kept."""
    if not _is_number(value):
        raise wrong_type("a decimal number, as a string or a number", value)
    exact = _as_decimal(value)
    exponent = exact.as_tuple().exponent
    assert isinstance(exponent, int), "a NaN or an infinity is no number"
    if exponent < -places:  # digits after the point, be they zeros: "12.500" has three, and so has 12.500
        raise invalid(*_too_many_digits(places, "after"))
    if not exact:
        return 0
    return None if exact.adjusted() >= _WHOLE_DIGITS_MAX else int(exact.scaleb(places, _EXACT))


def _too_many_digits(most: int, side: str) -> tuple[str, str]:
    """The code and predicate of a number that has more digits on one side of its point than it may have there."""
    if most:
        return "too_many_digits", f"must have at most {most} digit{'s' if most > 1 else ''} {side} the point"
    return "too_many_digits", f"must have no digits {'but a zero ' if side == 'before' else ''}{side} the point"


def _bound_checks(kind: Float | Number, scale: Callable[[Any], Any]) -> list[tuple[Callable[[Any], bool], str, str]]:
    """For each bound that is set: whether a number breaks it, the code, the predicate. `scale` makes a bound comparable."""
    bounds = (
        (kind.ge, operator.gt, "too_small", "at least"),
        (kind.gt, operator.ge, "too_small", "greater than"),
        (kind.le, operator.lt, "too_large", "at most"),
        (kind.lt, operator.le, "too_large", "less than"),
    )
    # The bound comes first: partial(gt, 5)(number) asks whether 5 > number.
    return [(partial(breaks, scale(bound)), code, f"must be {words} {bound}") for bound, breaks, code, words in bounds if bound is not None]


def _same(bound: Any) -> Any:
    return bound


def _exact(value: Any) -> Decimal | None:
    """A JSON number as a Decimal, zero always as 0; None if the value is no number."""
    if not _is_number(value):
        return None
    return _as_decimal(value) or Decimal(0)


def _as_decimal(number: Any) -> Decimal:
    """A number with all the digits that were written."""
    return Decimal(repr(number)) if type(number) is float else Decimal(number)


def _is_number(value: Any) -> bool:
    """Whether a value is a number of JSON: a bool is none, nor is a NaN or an infinity that comes from Python."""
    kind = type(value)
    return kind is int or (kind is Decimal and value.is_finite()) or (kind is float and math.isfinite(value))


def _overflow(number: Decimal | int, room: str) -> Invalid:
    return invalid("too_large" if number > 0 else "too_small", f"must fit in {room}")


def _read_boolean(value: Any) -> int:
    if value is True:
        return 1
    if value is False:
        return 0
    raise wrong_type("true or false", value)


def _read_uuid(value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    uuid = parse_uuid(value)
    if uuid is None:
        raise invalid("wrong_format", "must be a UUID, such as 018f3a2e-7c4b-7d10-8a5e-3b1c9d2e4f60")
    return uuid


def _choice_reader(kind: Choice) -> Reader:
    choices = frozenset(kind.values)
    shown = ", ".join(kind.values[:_CHOICES_SHOWN_MAX])
    predicate = f"must be one of: {shown}{', ...' if len(kind.values) > _CHOICES_SHOWN_MAX else ''}"
    likely = kind.values[:_CHOICES_COMPARED_MAX]

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise wrong_type("a string", value)
        if value not in choices:
            raise Invalid([Fault("", "not_in_choices", predicate, (value, likely))])
        return value

    return read
