"""Resource: the class that a developer derives from to declare what is kept and served."""

import dataclasses
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from holdfast.model.declared import Declared
from holdfast.model.field import Options, made_at_creation, made_by_holdfast
from holdfast.model.ref import Ref

_UNSET = object()
"""The id of a record that was given none: it has none until it is stored."""


class Resource(Declared):
    """One kind of record: its typed fields become the members of a JSON API and the columns of a table.

    Every class is a keyword-only dataclass. `id` may be passed to the constructor; version, created_at, updated_at and created_by_id
    exist once the record is stored. A class that is not given to a Backend is a mixin: it lends its fields to those below it.
    Class keywords: path unique index check was require_version cache.
    """

    id: UUID = made_at_creation(default=_UNSET)
    version: int = made_by_holdfast()
    created_at: datetime = made_by_holdfast()
    updated_at: datetime = made_by_holdfast()
    created_by_id: UUID | None = made_by_holdfast()

    @property
    def ref(self) -> Ref[Self]:
        """A reference to this record."""
        return Ref(type(self), self.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resource) and type(self) is type(other) and _values(self) == _values(other)

    __hash__ = None  # type: ignore[assignment]  # a record can change

    def __repr__(self) -> str:
        secret = {each.name for each in dataclasses.fields(self) if Options in each.metadata and "secret" in each.metadata[Options].given}
        shown = ", ".join(f"{name}={'***' if name in secret else repr(value)}" for name, value in _values(self).items())
        return f"{type(self).__name__}({shown})"


class _Unstored:
    """A system field before the record is stored: reading it says so instead of giving a made-up value."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, record: Resource | None, owner: type[Resource]) -> Any:
        if record is None:
            return self
        if self.name not in vars(record):
            raise AttributeError(f"This {owner.__name__} is not stored yet, so it has no {self.name}.")
        return vars(record)[self.name]

    def __set__(self, record: Resource, value: Any) -> None:
        if value is not _UNSET:
            vars(record)[self.name] = value


for _field in dataclasses.fields(Resource):
    setattr(Resource, _field.name, _Unstored(_field.name))


def _values(record: Resource) -> dict[str, Any]:
    """The values that the record has: system fields are left out until it is stored."""
    return {each.name: getattr(record, each.name) for each in dataclasses.fields(record) if hasattr(record, each.name)}
