"""Ref: a field that refers to a record of another resource, by its id alone."""

from typing import Generic, TypeVar
from uuid import UUID

from holdfast.base.errors import Misused
from holdfast.model.declared import Declared

Target_co = TypeVar("Target_co", bound=Declared, covariant=True)


class Ref(Generic[Target_co]):
    """The id of a record of another resource; it loads nothing. Made by `author.ref` or `Ref(Author, id)`."""

    __slots__ = ("_target", "id")
    id: UUID

    def __init__(self, target: type[Target_co], id: UUID) -> None:  # noqa: A002  # the contract's word
        if not isinstance(id, UUID):
            raise Misused(f"The id of a Ref is a UUID, not {id!r}.", "Write Ref(Author, author.id), or author.ref.")
        self._target = target
        self.id = id

    @property
    def target(self) -> type[Target_co]:
        """The class referred to."""
        return self._target

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and (self.target, self.id) == (other.target, other.id)

    def __hash__(self) -> int:
        return hash((self.target, self.id))

    def __repr__(self) -> str:
        return f"Ref({self.target.__name__}, {str(self.id)!r})"
