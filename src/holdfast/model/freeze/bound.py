"""How the bounds of field(...) become part of a text, number, list or dict type; a bound that does not fit is refused."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from holdfast.base.errors import Misconfigured
from holdfast.base.limits import (
    BODY_BYTES_MAX,
    DECIMAL_DIGITS_DEFAULT,
    DECIMAL_DIGITS_MAX,
    EMAIL_LENGTH_MAX,
    INT_MAX,
    INT_MIN,
    LIST_ITEMS_MAX,
    TEXT_LENGTH_MAX,
)
from holdfast.model.json_form import scale
from holdfast.model.pattern import PatternError, compile_pattern
from holdfast.model.types import Float, Integer, Number, Text, TextFormat

Bounds = Mapping[str, Any]
"""The bounds that were given, by their keyword."""

LENGTHS = ("min_length", "max_length")
RANGE = ("ge", "gt", "le", "lt", "multiple_of")
DECIMALS = ("digits", "places")
BOUND_NAMES = (*LENGTHS, "pattern", *RANGE, *DECIMALS)


def freeze_text(place: str, bounds: Bounds, form: TextFormat) -> Text:
    """A text type."""
    refuse_other_bounds(place, bounds, (*LENGTHS, "pattern"), "text")
    longest = EMAIL_LENGTH_MAX if form is TextFormat.EMAIL else TEXT_LENGTH_MAX
    least, most = freeze_lengths(place, bounds, default=longest)
    return Text(least, most, _freeze_pattern(place, bounds.get("pattern")), form)


def freeze_integer(place: str, bounds: Bounds) -> Integer:
    """An integer type: exclusive bounds become inclusive ones."""
    refuse_other_bounds(place, bounds, RANGE, "int")
    _check_range(place, bounds, int)
    least = bounds["gt"] + 1 if "gt" in bounds else bounds.get("ge", INT_MIN)
    most = bounds["lt"] - 1 if "lt" in bounds else bounds.get("le", INT_MAX)
    if least > most:
        raise Misconfigured(place, f"No int is from {least} to {most}.", "Widen the bounds.")
    if least < INT_MIN or most > INT_MAX:
        raise Misconfigured(place, "A bound does not fit in 64 bits.", f"Keep it from {INT_MIN} to {INT_MAX}.")
    return Integer(least, most, bounds.get("multiple_of"))


def freeze_float(place: str, bounds: Bounds) -> Float:
    """A float type."""
    refuse_other_bounds(place, bounds, RANGE, "float")
    _check_range(place, bounds, (int, float))
    return Float(**{name: float(value) for name, value in bounds.items()})


def freeze_number(place: str, bounds: Bounds) -> Number:
    """A decimal type: `places` must be said, because it is part of what is stored."""
    refuse_other_bounds(place, bounds, (*RANGE, *DECIMALS), "Decimal")
    if "places" not in bounds:
        raise Misconfigured(place, "A Decimal needs its number of decimal places.", "Write field(places=2).")
    digits = _count(place, "digits", bounds.get("digits", DECIMAL_DIGITS_DEFAULT), 1, DECIMAL_DIGITS_MAX)
    places = _count(place, "places", bounds["places"], 0, digits)
    limits = {name: _to_decimal(place, name, bounds[name]) for name in RANGE if name in bounds}
    _check_range(place, limits, Decimal)
    number = Number(places, digits, **limits)
    for name, value in limits.items():
        try:
            scale(number, value)
        except ValueError as error:
            raise Misconfigured(place, f"{name} is no such number: {error}.", f"Keep {name} within digits and places.") from None
    return number


def freeze_lengths(place: str, bounds: Bounds, *, default: int = LIST_ITEMS_MAX) -> tuple[int, int]:
    """min_length and max_length."""
    least = _count(place, "min_length", bounds.get("min_length", 0), 0, BODY_BYTES_MAX)
    most = _count(place, "max_length", bounds.get("max_length", max(default, least)), 0, BODY_BYTES_MAX)
    if least > most:
        raise Misconfigured(place, f"min_length {least} is above max_length {most}.", "Swap or mend the two.")
    return least, most


def refuse_other_bounds(place: str, bounds: Bounds, allowed: Collection[str], kind: str) -> None:
    """Refuse the first bound that says nothing of this kind of type."""
    for name in bounds:
        if name not in allowed:
            fitting = f"it takes {', '.join(allowed)}" if allowed else "it takes no bounds"
            raise Misconfigured(place, f"{name} does not apply to {kind}.", f"Leave {name} out; {fitting}.")


def _freeze_pattern(place: str, pattern: object) -> str | None:
    if pattern is None:
        return None
    if not isinstance(pattern, str):
        raise Misconfigured(place, "The pattern is no text.", 'Write pattern=r"^[a-z]+$".')
    try:
        compile_pattern(pattern)
    except PatternError as error:
        mend = "Mend the regular expression; look-around, back-references and repetitions above 1,000 are not to be had."
        raise Misconfigured(place, f"The pattern {pattern!r} does not compile: {error}.", mend) from None
    return pattern


def _count(place: str, name: str, value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Misconfigured(place, f"{name} is {value!r}.", f"Give a whole number from {least} to {most}.")
    return value


def _to_decimal(place: str, name: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Misconfigured(place, f"{name} is {value!r}, which is no number.", f"Write {name}=Decimal(...).")
    return Decimal(str(value))


def _check_range(place: str, bounds: Bounds, kind: type[Any] | tuple[type[Any], ...]) -> None:
    """Refuse bounds of the wrong type and bounds that contradict each other."""
    for name in (each for each in RANGE if each in bounds):
        value = bounds[name]
        if isinstance(value, bool) or not isinstance(value, kind) or not abs(value) < float("inf"):
            problem = f"{name} is {value!r}, which is no bound of this type."
            raise Misconfigured(place, problem, f"Give {name} a number of the field's type.")
    for pair in (("ge", "gt"), ("le", "lt")):
        if all(name in bounds for name in pair):
            raise Misconfigured(place, f"It has both {pair[0]} and {pair[1]}.", "Keep the narrower one.")
    least, most = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    if least is not None and most is not None and (least > most or (least == most and ("gt" in bounds or "lt" in bounds))):
        raise Misconfigured(place, f"No value lies between {least} and {most}.", "Swap or mend the two bounds.")
    if bounds.get("multiple_of", 1) <= 0:
        raise Misconfigured(place, "multiple_of is not above 0.", "Give the step as a number above 0.")
