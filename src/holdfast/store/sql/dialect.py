"""What one database says differently, as a Protocol. Everything else in this room is the same SQL on all of them."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from holdfast.model.catalog import FieldSpec, ResourceSpec
from holdfast.model.types import FieldType
from holdfast.store.sql.statement import Prepared

Element = sa.ColumnElement[Any]
"""A value in SQL."""

Truth = sa.ColumnElement[bool]
"""A condition in SQL; unknown counts as false."""


class Dialect(Protocol):
    """One database's words. Elements come in storage form; parameters are already elements."""

    def prepare(self, statement: sa.ClauseElement) -> Prepared:
        """Compile a statement once."""
        ...

    def ddl(self, element: sa.schema.ExecutableDDLElement) -> str:
        """The text of a statement that creates or drops."""
        ...

    def add_column(self, table: sa.Table, column: sa.Column[Any], target: sa.Table | None) -> str:
        """The text that adds a column to a table; `target` is what it refers to."""
        ...

    def alter_null(self, table: sa.Table, member: str, *, nullable: bool) -> str:
        """The text that makes a column take null, or refuse it."""
        ...

    def table_options(self, *, clustered: bool = False) -> dict[str, Any]:
        """Keyword arguments for every sa.Table; `clustered` keeps the rows in the primary key itself, where that exists."""
        ...

    def json_object(self, members: Iterable[tuple[str, Element]]) -> Element:
        """A JSON object, its members in the order given."""
        ...

    def json_masked(self, members: Iterable[tuple[str, Element]], masks: Iterable[tuple[str, Truth]]) -> Element:
        """A JSON object, its members in the order given, without those whose mask does not hold."""
        ...

    def json_text(self, element: Element) -> Element:
        """JSON text as JSON, null as null."""
        ...

    def shown(self, type_: FieldType, stored: Element) -> Element:
        """The JSON form of a stored value."""
        ...

    def image_member(self, image: Element, field: FieldSpec) -> Element:
        """The stored value of a field in an image; null where there is no image."""
        ...

    def digest(self, secrets: Iterable[tuple[str, Element]]) -> Element:
        """The digest of secrets, each with its name: core.journal.digest_secrets."""
        ...

    def has_part(self, text: Element, part: Element) -> Truth:
        """The text has the part in it, case and all."""
        ...

    def folded(self, text: Element) -> Element:
        """The text folded by case; null for null."""
        ...

    def starts_with(self, text: Element, start: Element) -> Truth:
        """The text starts with another."""
        ...

    def ends_with(self, text: Element, end: Element) -> Truth:
        """The text ends with the end; an empty end ends every text."""
        ...

    def has_item(self, items: Element, item: Element) -> Truth:
        """The stored list has the item in it."""
        ...

    def ordered(self, element: Element, *, descending: bool) -> sa.UnaryExpression[Any]:
        """A sort key with nulls lowest and text by code point."""
        ...

    def match_expression(self, words: Sequence[str]) -> str:
        """What a full-text search for folded words is asked with."""
        ...

    def start_expression(self, words: Sequence[str]) -> str:
        """What is asked for index texts that begin with the words, as one phrase."""
        ...

    def matches(self, resource: ResourceSpec, row: Element, expression: Element) -> Truth:
        """The index text of the row (its hf_row) matches the expression."""
        ...

    def search_schema(self, resource: ResourceSpec) -> tuple[str, ...]:
        """The CREATE statements of a resource's full-text index."""
        ...

    def search_drop(self, resource: ResourceSpec) -> tuple[str, ...]:
        """The statements that remove the full-text index of a resource."""
        ...

    def search_rows(self, resource: ResourceSpec) -> Element:
        """The column of rows that the full-text index knows."""
        ...

    def search_insert(self, resource: ResourceSpec, row: Element, text: Element) -> sa.ClauseElement:
        """Put the index text of a row into the full-text index."""
        ...

    def search_delete(self, resource: ResourceSpec, row: Element) -> sa.ClauseElement:
        """Take the index text of a row out of the full-text index."""
        ...
