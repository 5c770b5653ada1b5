"""The shape of a JSON query: which members it has and of which JSON types. What they say is read by their own rooms."""

from collections.abc import Callable, Mapping
from typing import Any

from holdfast.base.errors import Detail, Refused, detail
from holdfast.base.hint import suggest
from holdfast.core.validate import parse_value
from holdfast.model.types import Integer

_INTEGER = Integer()


def read_shape(value: Any, members: tuple[str, ...]) -> dict[str, Any]:
    """The members of a JSON query; refuses 422 validation_failed with every wrong one in details.

    members  those of MEMBERS that this resource knows
    """
    if not isinstance(value, Mapping):
        raise Refused("validation_failed", details=[detail("", "wrong_type", "A query is an object.")])
    read: dict[str, Any] = {}
    details: list[Detail] = []
    for name, inner in value.items():
        if name not in members:
            details.append(detail(name, "unknown_member", f"This member is unknown. {suggest(name, members)}"))
            continue
        try:
            read[name] = MEMBERS[name](inner)
        except ValueError as error:
            details.append(detail(name, "wrong_type", f"This {error}."))
    if details:
        raise Refused("validation_failed", details=details)
    return read


def _read_object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise ValueError("must be an object")


def _read_names(value: Any) -> list[str]:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise ValueError("must be an array of strings")


def _read_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("must be a string")


def _read_number(value: Any) -> int:
    try:
        number = parse_value(_INTEGER, value)
    except ValueError as error:
        raise ValueError("must be a whole number") from error
    assert isinstance(number, int)
    return number


MEMBERS: Mapping[str, Callable[[Any], Any]] = {
    "filter": _read_object,
    "sort": _read_names,
    "page": _read_number,
    "limit": _read_number,
    "count": _read_text,
    "fields": _read_names,
    "include": _read_names,
    "q": _read_text,
    "after": _read_text,
}
"""Every member of a JSON query, and how its JSON type is read."""
