"""Where the values of a row come from: a table, an image of the row in the journal, or what a write is about to make of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from holdfast.model.catalog import ResourceSpec
from holdfast.store.sql.dialect import Dialect, Element


class Row(Protocol):
    """One row of a resource, as a condition sees it. `depth` counts the subqueries around it, so that each names its row afresh."""

    @property
    def depth(self) -> int:
        """0 for the row that a statement is about."""
        ...

    @property
    def resource(self) -> ResourceSpec:
        """The resource that the row belongs to."""
        ...

    def value(self, member: str) -> Element:
        """The stored value of a member."""
        ...


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a resource's table, or of an alias of it. `hf_row` is a member here too."""

    resource: ResourceSpec
    table: sa.FromClause
    depth: int = 0

    def value(self, member: str) -> Element:
        """The column of a member."""
        return self.table.c[member]


@dataclass(frozen=True, slots=True)
class ImageRow:
    """A row as an image of the journal holds it: JSON text in storage form."""

    resource: ResourceSpec
    image: Element
    dialect: Dialect
    depth: int = 0

    def value(self, member: str) -> Element:
        """The member taken out of the image; null where there is no image."""
        return self.dialect.image_member(self.image, self.resource.by_member[member])


@dataclass(frozen=True, slots=True)
class GivenRow:
    """A row as it would be: the values that a write gives, above those of the row as it is. `under` is None where there is none yet."""

    resource: ResourceSpec
    given: Mapping[str, Element]
    under: Row | None = None
    depth: int = 0

    def value(self, member: str) -> Element:
        """The value that is given, or that stays."""
        if self.under is not None and member not in self.given:
            return self.under.value(member)
        return self.given[member]
