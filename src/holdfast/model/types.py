"""The closed set of field types, as plain descriptions.

Each type says three things elsewhere, and nowhere else: how a JSON value becomes a stored value (`core.validate`), how it is
stored and shown (`store.sql.columns`), and how it is documented (`core.openapi`).

JSON form and stored form of each:

    type        JSON                               stored
    Text        string                             text
    Integer     number, 64 bit                     integer
    Float       number, finite                     real
    Boolean     true, false                        integer 0, 1
    Number      string with exactly `places`       integer, scaled by 10**places
    Date        YYYY-MM-DD                         text, the same
    Time        HH:MM:SS.ffffff                    text, the same
    Timestamp   RFC 3339, UTC, six digits, Z       text, the same (27 characters)
    Duration    PnDTnHnMn.nnnnnnS                  integer, microseconds
    Uuid        lower-case text                    text
    Choice      string                             text
    Reference   id of the target                   text
    Items       array                              JSON text, minified
    Mapping     object                             JSON text, minified
    Nested      object                             JSON text, minified
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal as PythonDecimal
from enum import Enum
from typing import Any

from holdfast.base.limits import DECIMAL_DIGITS_DEFAULT, INT_MAX, INT_MIN, LIST_ITEMS_MAX, TEXT_LENGTH_MAX


class TextFormat(Enum):
    """What a text must look like beyond its length."""

    PLAIN = "plain"
    EMAIL = "email"
    URL = "uri"


@dataclass(frozen=True, slots=True)
class Text:
    """str, Email, Url. Lengths count code points; `pattern` is searched, as in JSON Schema.

    lower   kept in lower case
    not_at  a domain whose e-mail addresses are not for callers to give; needs `lower`
    """

    min_length: int = 0
    max_length: int = TEXT_LENGTH_MAX
    pattern: str | None = None
    format: TextFormat = TextFormat.PLAIN
    lower: bool = False
    not_at: str | None = None


@dataclass(frozen=True, slots=True)
class Integer:
    """int: 64 bit, signed."""

    ge: int = INT_MIN
    le: int = INT_MAX
    multiple_of: int | None = None


@dataclass(frozen=True, slots=True)
class Float:
    """float: IEEE double; NaN and infinities are refused."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    multiple_of: float | None = None


@dataclass(frozen=True, slots=True)
class Boolean:
    """bool."""


@dataclass(frozen=True, slots=True)
class Number:
    """Decimal: exact, `digits` in all, `places` after the point; too many digits are an error, never rounded."""

    places: int
    digits: int = DECIMAL_DIGITS_DEFAULT
    ge: PythonDecimal | None = None
    gt: PythonDecimal | None = None
    le: PythonDecimal | None = None
    lt: PythonDecimal | None = None
    multiple_of: PythonDecimal | None = None


@dataclass(frozen=True, slots=True)
class Date:
    """date."""


@dataclass(frozen=True, slots=True)
class Time:
    """time of day, without a zone."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """datetime, always UTC inside."""


@dataclass(frozen=True, slots=True)
class Duration:
    """timedelta."""


@dataclass(frozen=True, slots=True)
class Uuid:
    """UUID of any version."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Literal["a", "b"] or a string Enum; `python` turns a stored text back into the developer's value."""

    values: tuple[str, ...]
    python: Callable[[str], Any] = str


@dataclass(frozen=True, slots=True)
class Reference:
    """Ref[Other]: `target` is the path of the other resource in the catalog ("authors")."""

    target: str


@dataclass(frozen=True, slots=True)
class Items:
    """list[T]."""

    item: "FieldType"
    item_nullable: bool = False
    min_length: int = 0
    max_length: int = LIST_ITEMS_MAX


@dataclass(frozen=True, slots=True)
class Mapping:
    """dict[str, T]; lengths count members."""

    value: "FieldType"
    value_nullable: bool = False
    min_length: int = 0
    max_length: int = LIST_ITEMS_MAX


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a nested object. `default` counts only where `required` is false; `factory` wins over it."""

    name: str
    type: "FieldType"
    nullable: bool = False
    required: bool = True
    default: Any = None
    factory: Callable[[], Any] | None = None


@dataclass(frozen=True, slots=True)
class Nested:
    """A nested dataclass or msgspec.Struct; unknown members are refused."""

    name: str
    members: tuple[Member, ...]
    python: type[Any]


Scalar = Text | Integer | Float | Boolean | Number | Date | Time | Timestamp | Duration | Uuid | Choice | Reference
"""The types that are one value."""

Document = Items | Mapping | Nested
"""The types that are stored as JSON text."""

FieldType = Scalar | Document
"""Every type there is. A `match` over it ends with assert_never."""
