"""field(...): the options of one field, and the marked text types Email and Url."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, TypedDict, TypeVar, Unpack, overload

from holdfast.model.rule import Rule
from holdfast.model.types import TextFormat

T = TypeVar("T")

Email = Annotated[str, TextFormat.EMAIL]
"""Text that is an e-mail address."""

Url = Annotated[str, TextFormat.URL]
"""Text that is an absolute http or https URL."""


class FieldOptions(TypedDict, total=False):
    """Everything that can be said of a field beside its type, its default and `readonly`."""

    min_length: int
    max_length: int
    pattern: str
    ge: float | Decimal
    gt: float | Decimal
    le: float | Decimal
    lt: float | Decimal
    multiple_of: float | Decimal
    digits: int
    places: int
    unique: bool
    index: bool
    search: bool
    secret: Literal["hashed", "encrypted"]
    immutable: bool
    readable_by: Rule
    writable_by: Rule
    was: str
    on_delete: Literal["restrict", "cascade", "set_null"]
    reverse: str
    description: str
    examples: list[Any] | tuple[Any, ...]
    deprecated: bool


OPTION_NAMES = frozenset({*FieldOptions.__annotations__, "default", "default_factory", "readonly"})
"""Every keyword that field(...) knows."""


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """What field(...) was given, unjudged: the names may be unknown and the values wrong until the class is frozen."""

    given: Mapping[str, Any]


@overload
def field(*, default: T, readonly: Literal[True], init: Literal[False] = False, **options: Unpack[FieldOptions]) -> T: ...
@overload
def field(
    *, default_factory: Callable[[], T], readonly: Literal[True], init: Literal[False] = False, **options: Unpack[FieldOptions]
) -> T: ...
@overload
def field(*, readonly: Literal[True], init: Literal[False] = False, **options: Unpack[FieldOptions]) -> Any: ...
@overload
def field(*, default: T, readonly: Literal[False] = False, **options: Unpack[FieldOptions]) -> T: ...
@overload
def field(*, default_factory: Callable[[], T], readonly: Literal[False] = False, **options: Unpack[FieldOptions]) -> T: ...
@overload
def field(*, readonly: Literal[False] = False, **options: Unpack[FieldOptions]) -> Any: ...
def field(**options: Any) -> Any:
    """Say more of a field than its type.

    default, default_factory          makes the field optional at creation; a list or dict needs the factory
    min_length, max_length            characters of a text, elements of a list, members of a dict
    pattern                           a regular expression that is searched in the text
    ge, gt, le, lt, multiple_of       bounds of a number; in a list or dict they bind its elements
    digits, places                    of a Decimal: digits in all (default and most 18), and after the point (required)
    unique, index, search             no two records alike (nulls are distinct); found fast; looked into by `q` (text only)
    secret                            "hashed" or "encrypted": write-only text, never returned, filtered, journaled or logged
    readonly, immutable               set by the server alone; set at creation alone
    readable_by, writable_by          rules for this field alone
    was                               the old name of a renamed field
    on_delete                         of a Ref: "restrict" (default), "cascade" or "set_null"
    reverse                           of a Ref: the name of the nested route; default: the path of this resource
    description, examples, deprecated for the documentation

    A wrong option is refused by Backend(...) with Misconfigured, which names class, field and mend.
    """
    return Options(options)


def made_at_creation(*, default: object) -> Any:
    """Declare a system field that the constructor takes and nobody has to give (`id`)."""
    return dataclasses.field(default=default)


def made_by_holdfast(*, init: Literal[False] = False) -> Any:
    """Declare a system field that only Holdfast sets."""
    return dataclasses.field(init=init)
