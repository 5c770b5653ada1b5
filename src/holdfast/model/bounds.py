"""Whether a Python value keeps the bounds of its type. Errors are ValueError, for people; wrong types are `json_form`'s to tell."""

import re
from collections.abc import Sized
from decimal import Decimal
from typing import Any

from holdfast.model.pattern import compile_pattern
from holdfast.model.types import FieldType, Float, Integer, Items, Mapping, Nested, Number, Text, TextFormat

_FORMS = {TextFormat.PLAIN: r"", TextFormat.EMAIL: r"\A[^@\s]+@[^@\s]+\Z", TextFormat.URL: r"\Ahttps?://[^\s]+\Z"}


def check_bounds(type_: FieldType, value: Any) -> None:
    """Raise ValueError if a value of the right type is out of the bounds of the type, or anything inside it is."""
    match type_:
        case Text():
            _check_length(type_, value)
            _check_form(type_, value)
        case Integer() | Float() | Number():
            _check_range(type_, value)
        case Items():
            _check_length(type_, value)
            _check_parts(type_.item, value)
        case Mapping():
            _check_length(type_, value)
            _check_parts(type_.value, value.values())
        case Nested():
            for member in type_.members:
                _check_parts(member.type, [getattr(value, member.name)])
        case _:
            return


def _check_form(type_: Text, value: str) -> None:
    """Patterns know ASCII classes alone, as in JSON Schema; the exact grammar of addresses is `core.texts`'s to keep."""
    if type_.pattern is not None and not compile_pattern(type_.pattern)(value):
        raise ValueError(f"{value!r} does not match the pattern {type_.pattern}")
    if not re.search(_FORMS[type_.format], value):
        raise ValueError(f"{value!r} is not written as {type_.format.value}")


def _check_parts(type_: FieldType, values: Any) -> None:
    for value in values:
        if value is not None:
            check_bounds(type_, value)


def _check_length(type_: Text | Items | Mapping, value: Sized) -> None:
    if len(value) < type_.min_length:
        raise ValueError(f"{value!r} is shorter than {type_.min_length}")
    if len(value) > type_.max_length:
        raise ValueError(f"the value is longer than {type_.max_length}")


def _check_range(type_: Integer | Float | Number, value: Any) -> None:
    if type_.ge is not None and value < type_.ge:
        raise ValueError(f"{value} is less than {type_.ge}")
    if type_.le is not None and value > type_.le:
        raise ValueError(f"{value} is greater than {type_.le}")
    if not isinstance(type_, Integer):
        _check_open_range(type_, value)
    if type_.multiple_of is not None and Decimal(str(value)) % Decimal(str(type_.multiple_of)):
        raise ValueError(f"{value} is not a multiple of {type_.multiple_of}")


def _check_open_range(type_: Float | Number, value: Any) -> None:
    if type_.gt is not None and value <= type_.gt:
        raise ValueError(f"{value} is not greater than {type_.gt}")
    if type_.lt is not None and value >= type_.lt:
        raise ValueError(f"{value} is not less than {type_.lt}")
