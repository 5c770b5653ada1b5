"""How each field type is stored: its column type on every database (the table in model.types)."""

from typing import Any

import sqlalchemy as sa

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

# A STRICT table of SQLite knows INTEGER, REAL, TEXT and BLOB alone; its INTEGER has 64 bits.
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REAL: sa.types.TypeEngine[Any] = sa.Double().with_variant(sa.REAL(), "sqlite")
TEXT = sa.Text()
BLOB = sa.LargeBinary()


def column_type(type_: FieldType) -> sa.types.TypeEngine[Any]:
    """The column type of a field type."""
    match type_:
        case Integer() | Boolean() | Number() | Duration():
            return INTEGER
        case Float():
            return REAL
        case Text() | Date() | Time() | Timestamp() | Uuid() | Choice() | Reference() | Items() | Mapping() | Nested():
            return TEXT
