"""How a value of each type is written in a query string: as a schema for one value, as a pattern for one of several."""

import re
from typing import assert_never

from holdfast.core.openapi import patterns
from holdfast.core.openapi.decimals import build_decimal_pattern
from holdfast.core.openapi.schema import WITHOUT_NUL, Schema, Use, build_schema
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

_SYNTAX = re.compile(r"[\^$\\.*+?()\[\]{}|/]")


def build_text_schema(kind: Scalar) -> Schema:
    """The schema of one value of an asked type. A text is bounded by the length of the URL alone, so it has no maxLength here."""
    match kind:
        case Text():
            return {"type": "string", **WITHOUT_NUL}
        case Number():
            return {"type": "string", "pattern": f"^{text_pattern(kind)}$"}
        case _:
            return build_schema(kind, Use.SENT)


def text_pattern(kind: Scalar) -> str:
    """The pattern of one value between commas, without anchors."""
    match kind:
        case Text():
            return "([^,\\\\\\x00]|\\\\[,\\\\])*"
        case Integer():
            return patterns.INTEGER
        case Number(places, digits):
            return build_decimal_pattern(1 - 10**digits, 10**digits - 1, digits=digits, places=places)[1:-1]
        case Float():
            return patterns.FLOAT
        case Boolean():
            return "(true|false)"
        case Date():
            return patterns.DATE
        case Time():
            return patterns.TIME
        case Timestamp():
            return patterns.TIMESTAMP
        case Duration():
            return patterns.DURATION
        case Uuid() | Reference():
            return patterns.UUID
        case Choice(values):
            return f"({'|'.join(_literal(each.replace(chr(92), chr(92) * 2).replace(',', chr(92) + ',')) for each in values)})"
        case _:
            assert_never(kind)


def _literal(text: str) -> str:
    """A text as a pattern of itself. Not re.escape: ECMA 262 refuses an escape before a character that needs none."""
    return _SYNTAX.sub(r"\\\g<0>", text)
