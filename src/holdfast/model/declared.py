"""Declared classes: how a class body becomes a keyword-only dataclass that remembers what was declared.

Only what would break the class itself is refused here; everything else is judged when the Backend freezes it, so that all mistakes are
told at once.
"""

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Never, dataclass_transform

from holdfast.base.errors import Misconfigured
from holdfast.model.field import Options, field, made_at_creation, made_by_holdfast
from holdfast.model.rule import Rule

Names = list[str | tuple[str, ...]] | tuple[str | tuple[str, ...], ...]
"""Fields, alone or together: ["slug", ("author", "title")]."""

Checks = list[Rule] | tuple[Rule, ...]
"""Conditions between the fields of a row: [this.ends > this.starts]."""


@dataclasses.dataclass(frozen=True, slots=True)
class Keywords:
    """What stands beside the base class: `class Book(Resource, path="books", unique=[("author", "title")])`."""

    path: str | None
    unique: Names
    index: Names
    check: Checks
    was: str | None
    require_version: bool | None
    cache: str | None
    unknown: Mapping[str, object]
    description: str


KEYWORD_NAMES = frozenset({"path", "unique", "index", "check", "was", "require_version", "cache"})
"""Every class keyword there is."""


@dataclass_transform(kw_only_default=True, field_specifiers=(field, made_at_creation, made_by_holdfast))
class Declared:
    """The base below Resource: it makes every class a keyword-only dataclass and keeps its keywords."""

    __holdfast__: ClassVar[Keywords]

    def __init_subclass__(
        cls,
        *,
        path: str | None = None,
        unique: Names = (),
        index: Names = (),
        check: Checks = (),
        was: str | None = None,
        require_version: bool | None = None,
        cache: str | None = None,
        **unknown: Never,
    ) -> None:
        super().__init_subclass__()
        description = inspect.cleandoc(cls.__doc__ or "")  # read before dataclass() writes a signature there
        cls.__holdfast__ = Keywords(path, unique, index, check, was, require_version, cache, unknown, description)
        _prepare_fields(cls)
        dataclasses.dataclass(kw_only=True, eq=False, repr=False)(cls)


def _prepare_fields(cls: type[Declared]) -> None:
    """Turn what the class body assigned into dataclass fields; what has no type cannot be one."""
    typed = inspect.get_annotations(cls)
    for name, value in tuple(vars(cls).items()):
        if name in typed:
            setattr(cls, name, _dataclass_field(f"{cls.__name__}.{name}", value))
        elif isinstance(value, Options):
            raise Misconfigured(f"{cls.__name__}.{name}", "The field has no type.", f"Write `{name}: str = field(...)` with its type.")


def _dataclass_field(place: str, value: Any) -> Any:
    if isinstance(value, dataclasses.Field):
        return value
    options = value if isinstance(value, Options) else Options({"default": value})
    given = {key: options.given[key] for key in ("default", "default_factory") if key in options.given}
    if len(given) == 2:
        raise Misconfigured(place, "It has both a default and a default_factory.", "Keep one of them.")
    if "default" in given and type(given["default"]).__hash__ is None:
        raise Misconfigured(place, "All records would share the default.", "Write field(default_factory=...) instead.")
    return dataclasses.field(**given, init=options.given.get("readonly") is not True, metadata={Options: options})
