"""Python values and their stored form (the table in model.types): for defaults, constants in rules, and records.

`to_stored` judges a value by all that its type says; `encode` only brings it into stored form, because a rule may compare with a value
that no record can have. Both raise ValueError with a sentence for people, and leave None as it is.
"""

from datetime import timedelta
from typing import Any

import msgspec

from holdfast.model.bounds import check_bounds
from holdfast.model.json_form import MICROSECOND, expect, from_json, scale, to_json, unscale
from holdfast.model.types import Boolean, Duration, FieldType, Items, Mapping, Nested, Number

Stored = str | int | float | None
"""A value in storage form."""


def to_stored(type_: FieldType, value: Any) -> Stored:
    """The stored form of a Python value that a record may hold."""
    stored = encode(type_, value)
    if value is not None:
        check_bounds(type_, value)
    return stored


def encode(type_: FieldType, value: Any) -> Stored:
    """The stored form of a Python value of the right type; bounds do not count."""
    if value is None:
        return None
    match type_:
        case Boolean():
            return int(expect(bool, value))
        case Number():
            return scale(type_, value)
        case Duration():
            return expect(timedelta, value) // MICROSECOND
        case Items() | Mapping() | Nested():
            return msgspec.json.encode(to_json(type_, value)).decode()
        case _:
            stored: Stored = to_json(type_, value)
            return stored


def to_python(type_: FieldType, stored: Stored) -> Any:
    """The Python value of a stored form; a Reference becomes the UUID of its target."""
    match type_, stored:
        case _, None:
            return None
        case Boolean(), _:
            return bool(stored)
        case Number(), int():
            return unscale(type_, stored)
        case Duration(), int():
            return stored * MICROSECOND
        case Items() | Mapping() | Nested(), str():
            return from_json(type_, msgspec.json.decode(stored))
        case _:
            return from_json(type_, stored)
