"""JSON Schema (2020-12) of every field type: as it is shown, as it may be sent, as it may be merged, as it may be asked for.

What stands here must accept what `core.validate` accepts and refuse what it refuses: both are read by clients and by fuzzers.
Patterns avoid `\\d`, `\\w` and `.`: engines disagree on what those mean beyond ASCII and line ends.
"""

import math
from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from typing import Any, assert_never

from holdfast.base.limits import EMAIL_LENGTH_MAX, TEXT_LENGTH_MAX
from holdfast.core.openapi import patterns
from holdfast.core.openapi.decimals import build_decimal_pattern
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
    Member,
    Nested,
    Number,
    Reference,
    Text,
    TextFormat,
    Time,
    Timestamp,
    Uuid,
)

Schema = dict[str, Any]
"""One JSON Schema, as it stands in the document."""

WITHOUT_NUL: Schema = {"not": {"pattern": patterns.NUL}}
"""Beside a text, never beside null, which the pattern does not ask. By `not`, because the docs page makes gibberish of a pattern where it
shows an example."""

_ONE_LABEL: Schema = {"pattern": patterns.ONE_LABEL}
_FLOAT_MAX = 1.7976931348623157e308


def refer(name: str, kind: str = "schemas") -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def refer_parameters(*names: str) -> list[Schema]:
    """References to the parameters of an operation."""
    return [refer(each, "parameters") for each in names]


def build_object(properties: Schema, required: Iterable[str] | None = None) -> Schema:
    """An object with these members and no others, of which those `required` are always there; None: all."""
    needed = list(properties if required is None else required)
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


class Use(Enum):
    """What a schema is for. MERGED is SENT within a merge patch: a document may be sent in part, null takes a member away."""

    SHOWN = "shown"
    SENT = "sent"
    MERGED = "merged"


def build_schema(kind: FieldType, use: Use) -> Schema:
    """The schema of a type in one use."""
    match kind:
        case Text():
            return _text(kind)
        case Integer():
            return _integer(kind)
        case Float():
            return _float(kind)
        case Boolean():
            return {"type": "boolean"}
        case Number():
            return _shown_number(kind) if use is Use.SHOWN else _sent_number(kind)
        case Date() | Time() | Timestamp() | Duration():
            return _moment(kind, use)
        case Uuid() | Reference():
            return {"type": "string", "format": "uuid"}
        case Choice(values):
            return {"type": "string", "enum": list(values)}
        case Items():
            return _items(kind, use)
        case Mapping():
            return _mapping(kind, use)
        case Nested():
            return _nested(kind, use)
        case _:
            assert_never(kind)


def nullable(schema: Schema) -> Schema:
    """The same schema, accepting null too."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if {"$ref", "not"} & schema.keys():
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"], **({"enum": [*schema["enum"], None]} if "enum" in schema else {})}


def maybe(schema: Schema, *, null: bool) -> Schema:
    """The schema, accepting null if `null` is set."""
    return nullable(schema) if null else schema


def _text(kind: Text) -> Schema:
    """Formats are the international ones (RFC 6531, RFC 3987), because any script is accepted."""
    schema: Schema = {"type": "string", "maxLength": kind.max_length}
    if kind.min_length:
        schema["minLength"] = kind.min_length
    if kind.format is TextFormat.PLAIN:
        schema |= WITHOUT_NUL
    elif kind.format is TextFormat.EMAIL:
        schema |= {"maxLength": min(kind.max_length, EMAIL_LENGTH_MAX), "format": "idn-email", "not": _ONE_LABEL}
    else:
        schema["format"] = "iri"
    return schema if kind.pattern is None else schema | {"pattern": kind.pattern}


def _moment(kind: Date | Time | Timestamp | Duration, use: Use) -> Schema:
    """JSON Schema has formats for dates and timestamps alone: its `time` has an offset, its `duration` has months and years."""
    match kind:
        case Date():
            return {"type": "string", "format": "date"}
        case Time():
            return {"type": "string", "pattern": patterns.SHOWN_TIME if use is Use.SHOWN else f"^{patterns.TIME}$"}
        case Timestamp():
            return {"type": "string", "format": "date-time", **({"pattern": patterns.SHOWN_TIMESTAMP} if use is Use.SHOWN else {})}
        case _:
            return {"type": "string", "pattern": patterns.SHOWN_DURATION if use is Use.SHOWN else f"^{patterns.DURATION}$"}


def _integer(kind: Integer) -> Schema:
    schema: Schema = {"type": "integer", "format": "int64", "minimum": kind.ge, "maximum": kind.le}
    return schema if kind.multiple_of is None else schema | {"multipleOf": kind.multiple_of}


def _float(kind: Float) -> Schema:
    schema: Schema = {"type": "number", "format": "double", **_bounds(kind)}
    if not {"minimum", "exclusiveMinimum"} & schema.keys():
        schema["minimum"] = -_FLOAT_MAX
    if not {"maximum", "exclusiveMaximum"} & schema.keys():
        schema["maximum"] = _FLOAT_MAX
    return schema


def _bounds(kind: Float | Number) -> Schema:
    bounds = {
        "minimum": kind.ge,
        "exclusiveMinimum": kind.gt,
        "maximum": kind.le,
        "exclusiveMaximum": kind.lt,
        "multipleOf": kind.multiple_of,
    }
    return {name: _plain(value) for name, value in bounds.items() if value is not None}


def _plain(value: float | Decimal) -> float | int:
    """A bound as a JSON number: an integer where it is one."""
    return int(value) if value == int(value) else float(value)


def _shown_number(kind: Number) -> Schema:
    whole = f"^-?[0-9]{{1,{max(kind.digits - kind.places, 1)}}}"
    return {"type": "string", "pattern": f"{whole}\\.[0-9]{{{kind.places}}}$" if kind.places else f"{whole}$"}


def _sent_number(kind: Number) -> Schema:
    """A string, exactly, or a JSON number whose text has no more digits."""
    low, high = _scaled_range(kind)
    text: Schema = {"type": "string", "pattern": build_decimal_pattern(low, high, digits=kind.digits, places=kind.places)}
    number: Schema = {"type": "number", **_bounds(kind)}
    number.setdefault("multipleOf", _plain(Decimal(1).scaleb(-kind.places)))
    if "exclusiveMinimum" not in number:
        number["minimum"] = _inside(Decimal(low).scaleb(-kind.places))
    if "exclusiveMaximum" not in number:
        number["maximum"] = _inside(Decimal(high).scaleb(-kind.places))
    return {"anyOf": [text, number]}


def _inside(bound: Decimal) -> float | int:
    """A bound as a JSON number that does not lie beyond it: 17 digits cannot say 9999999999999999.99."""
    number = _plain(bound)
    return math.nextafter(number, 0.0) if abs(Decimal(repr(number))) > abs(bound) else number


def _scaled_range(kind: Number) -> tuple[int, int]:
    """The least and the greatest value, scaled by 10**places, that bounds and digits leave."""
    unit, most = Decimal(10) ** kind.places, 10**kind.digits - 1
    low, high = -most, most
    if kind.ge is not None:
        low = max(low, -int(-kind.ge * unit // 1))
    if kind.gt is not None:
        low = max(low, int(kind.gt * unit // 1) + 1)
    if kind.le is not None:
        high = min(high, int(kind.le * unit // 1))
    if kind.lt is not None:
        high = min(high, -int(-kind.lt * unit // 1) - 1)
    return low, high


def _items(kind: Items, use: Use) -> Schema:
    """A merge patch replaces an array whole (RFC 7396), so its elements are sent, never merged."""
    inner = Use.SHOWN if use is Use.SHOWN else Use.SENT
    schema: Schema = {"type": "array", "maxItems": kind.max_length}
    if kind.min_length:
        schema["minItems"] = kind.min_length
    return schema | {"items": maybe(build_schema(kind.item, inner), null=kind.item_nullable)}


def _mapping(kind: Mapping, use: Use) -> Schema:
    schema: Schema = {"type": "object", "maxProperties": kind.max_length}
    if kind.min_length and use is not Use.MERGED:
        schema["minProperties"] = kind.min_length
    if use is not Use.SHOWN:
        schema["propertyNames"] = {"type": "string", **WITHOUT_NUL, "maxLength": TEXT_LENGTH_MAX}
    value = build_schema(kind.value, use)
    return schema | {"additionalProperties": maybe(value, null=kind.value_nullable or use is Use.MERGED)}


def _nested(kind: Nested, use: Use) -> Schema:
    """What is shown has every member, because defaults were filled in when it was written."""
    required = [each.name for each in kind.members if use is Use.SHOWN or (use is Use.SENT and each.required)]
    properties = {each.name: _member(each, use) for each in kind.members}
    schema: Schema = {"type": "object", "title": kind.name, "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def _member(member: Member, use: Use) -> Schema:
    taken_away = use is Use.MERGED and not member.required
    return maybe(build_schema(member.type, use), null=member.nullable or taken_away)
