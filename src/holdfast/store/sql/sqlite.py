"""The words of SQLite: STRICT tables, its JSON functions, FTS5. A connection must bring two functions along: `hf_fold`, `hf_digest`."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.sql.elements import quoted_name

from holdfast.core.search import match_expression, start_expression
from holdfast.model.catalog import FieldSpec, ResourceSpec
from holdfast.model.types import Boolean, Duration, FieldType, Items, Mapping, Nested, Number
from holdfast.store.sql.columns import column_type
from holdfast.store.sql.dialect import Element, Truth
from holdfast.store.sql.statement import Prepared, constant, prepare

FOLD_FUNCTION = "hf_fold"
"""SQL function of one text: core.search.fold_case. Deterministic; null for null."""

DIGEST_FUNCTION = "hf_digest"
"""SQL function of names and texts in turn: core.journal.digest_secrets. Deterministic."""

_US_PER_S = 1_000_000
_NO_MEMBER = '$.""'


class Sqlite:
    """SQLite 3.53 or later. Nulls are lowest and text is compared by code point (BINARY) unless told otherwise: it is not."""

    def __init__(self) -> None:
        self._dialect = SQLiteDialect(paramstyle="qmark")

    def prepare(self, statement: sa.ClauseElement) -> Prepared:
        """Compile a statement once."""
        return prepare(statement, self._dialect)

    def ddl(self, element: sa.schema.ExecutableDDLElement) -> str:
        """The text of a statement that creates or drops."""
        return str(element.compile(dialect=self._dialect)).strip()

    def add_column(self, table: sa.Table, column: sa.Column[Any], target: sa.Table | None) -> str:
        """ALTER TABLE ... ADD COLUMN: one that refers to a table must begin as null."""
        quote = self._dialect.identifier_preparer.quote
        text = f"ALTER TABLE {quote(table.name)} ADD COLUMN {sa.schema.CreateColumn(column).compile(dialect=self._dialect)}"
        return text if target is None else f"{text} REFERENCES {quote(target.name)} (id) ON DELETE RESTRICT"

    def alter_null(self, table: sa.Table, member: str, *, nullable: bool) -> str:
        """ALTER TABLE ... ALTER COLUMN, which SQLite knows from 3.53 on."""
        quote = self._dialect.identifier_preparer.quote
        change = "DROP NOT NULL" if nullable else "SET NOT NULL"
        return f"ALTER TABLE {quote(table.name)} ALTER COLUMN {quote(table.c[member].name)} {change}"

    def table_options(self, *, clustered: bool = False) -> dict[str, Any]:
        """STRICT always; WITHOUT ROWID where the rows live in the primary key."""
        return {"sqlite_strict": True, "sqlite_with_rowid": not clustered}

    def json_object(self, members: Iterable[tuple[str, Element]]) -> Element:
        """A JSON object, its members in the order given."""
        arguments: list[Element] = []
        for name, element in members:
            arguments += (constant(name), element)
        return sa.func.json_object(*arguments, type_=sa.Text())

    def json_masked(self, members: Iterable[tuple[str, Element]], masks: Iterable[tuple[str, Truth]]) -> Element:
        """A JSON object without the members whose mask does not hold; where one holds, a member is removed that no object has."""
        paths = [sa.case((holds, constant(_NO_MEMBER)), else_=constant(f'$."{name}"')) for name, holds in masks]
        return sa.func.json_remove(self.json_object(members), *paths, type_=sa.Text())

    def json_text(self, element: Element) -> Element:
        """JSON text as JSON: without json() SQLite takes it for a string."""
        return sa.func.json(element, type_=sa.Text())

    def shown(self, type_: FieldType, stored: Element) -> Element:
        """The JSON form of a stored value."""
        match type_:
            case Boolean():
                text = sa.case((stored == constant(1), constant("true")), (stored == constant(0), constant("false")))
                return self.json_text(text)
            case Number():
                return _decimal_text(stored, type_.places)
            case Duration():
                return _duration_text(stored)
            case Items() | Mapping() | Nested():
                return self.json_text(stored)
            case _:
                return stored

    def image_member(self, image: Element, field: FieldSpec) -> Element:
        """The stored value of a field in an image; null where there is no image."""
        path = constant(f'$."{field.member}"')
        return sa.func.json_extract(image, path, type_=column_type(field.type))

    def digest(self, secrets: Iterable[tuple[str, Element]]) -> Element:
        """The digest of secrets, each with its name: core.journal.digest_secrets."""
        return sa.func.hf_digest(*(part for name, value in secrets for part in (constant(name), value)), type_=sa.Text())

    def has_part(self, text: Element, part: Element) -> Truth:
        """The text has the part in it, case and all."""
        return sa.func.instr(text, part, type_=sa.Integer()) > constant(0)

    def folded(self, text: Element) -> Element:
        """The text folded by case; null for null."""
        return sa.func.hf_fold(text, type_=sa.Text())

    def starts_with(self, text: Element, start: Element) -> Truth:
        """The text starts with another text of the row; with a value it is a range instead, which an index can serve."""
        size = sa.func.length(start, type_=sa.Integer())
        return sa.func.substr(text, constant(1), size, type_=sa.Text()) == start

    def ends_with(self, text: Element, end: Element) -> Truth:
        """Counted from the front, because substr(x, -0) would be the whole text. A longer end never equals what is left."""
        start = sa.func.length(text, type_=sa.Integer()) - sa.func.length(end, type_=sa.Integer()) + constant(1)
        return sa.func.substr(text, start, type_=sa.Text()) == end

    def has_item(self, items: Element, item: Element) -> Truth:
        """The stored list has the item in it; an item that is a document is known by its minified text."""
        each = sa.func.json_each(items).table_valued("value").alias()
        return sa.exists(sa.select(constant(1)).select_from(each).where(each.c.value == item).correlate_except(each))

    def ordered(self, element: Element, *, descending: bool) -> sa.UnaryExpression[Any]:
        """A sort key; nulls lowest and code points are what SQLite does by itself."""
        return element.desc() if descending else element.asc()

    def match_expression(self, words: Sequence[str]) -> str:
        """The FTS5 expression for folded words."""
        return match_expression(words)

    def start_expression(self, words: Sequence[str]) -> str:
        """The FTS5 expression for texts that begin with folded words."""
        return start_expression(words)

    def matches(self, resource: ResourceSpec, row: Element, expression: Element) -> Truth:
        """The index text of the row matches the expression."""
        index = _search_table(resource)
        return row.in_(sa.select(index.c.rowid).where(index.c.text.match(expression)))

    def search_schema(self, resource: ResourceSpec) -> tuple[str, ...]:
        """A contentless FTS5 table beside the resource's own."""
        return (self.ddl(_CreateSearchTable(_search_table(resource).name)),)

    def search_drop(self, resource: ResourceSpec) -> tuple[str, ...]:
        """The virtual table takes its own tables with it."""
        return (f"DROP TABLE {self._dialect.identifier_preparer.quote(_search_table(resource).name)}",)

    def search_rows(self, resource: ResourceSpec) -> Element:
        """The row numbers, as the full-text table keeps them: to ask it itself would leave its structure of now with the connection."""
        column = sa.column("id", sa.Integer())
        return sa.table(quoted_name(f"hf_search_{resource.table}_docsize", quote=True), column).c.id

    def search_insert(self, resource: ResourceSpec, row: Element, text: Element) -> sa.ClauseElement:
        """Put the index text of a row into the full-text index."""
        return sa.insert(_search_table(resource)).values(rowid=row, text=text)

    def search_delete(self, resource: ResourceSpec, row: Element) -> sa.ClauseElement:
        """Take the index text of a row out of the full-text index."""
        index = _search_table(resource)
        return sa.delete(index).where(index.c.rowid == row)


def _decimal_text(scaled: Element, places: int) -> Element:
    """A scaled integer as a decimal with exactly `places` digits after the point; null stays null."""
    sign = _sign(scaled)
    size = sa.func.abs(scaled, type_=sa.Integer())
    if places == 0:
        return sign.concat(_text(size))
    whole = size // constant(10**places)
    return sign.concat(_text(whole)).concat(constant(".")).concat(_digits(size, places))


def _duration_text(microseconds: Element) -> Element:
    """Microseconds as `P1DT2H3M4.000005S`, the sign in front; null stays null."""
    size = sa.func.abs(microseconds, type_=sa.Integer())
    parts: tuple[Element, ...] = (
        constant("P"),
        _text(size // constant(86_400 * _US_PER_S)),
        constant("DT"),
        _text(size // constant(3_600 * _US_PER_S) % constant(24)),
        constant("H"),
        _text(size // constant(60 * _US_PER_S) % constant(60)),
        constant("M"),
        _text(size // constant(_US_PER_S) % constant(60)),
        constant("."),
        _digits(size, 6),
        constant("S"),
    )
    text: Element = _sign(microseconds)
    for part in parts:
        text = text.concat(part)
    return text


def _sign(number: Element) -> Element:
    return sa.case((number < constant(0), constant("-")), else_=constant(""))


def _text(number: Element) -> Element:
    return sa.cast(number, sa.Text())


def _digits(size: Element, count: int) -> Element:
    """The last `count` digits: a one put before them keeps their leading zeros and is cut off again."""
    step = constant(10**count)
    return sa.func.substr(size % step + step, constant(2), type_=sa.Text())


def _search_table(resource: ResourceSpec) -> sa.TableClause:
    name = quoted_name(f"hf_search_{resource.table}", quote=True)
    return sa.table(name, sa.column("rowid", sa.Integer()), sa.column("text", sa.Text()))


class _CreateSearchTable(sa.schema.ExecutableDDLElement):
    """CREATE VIRTUAL TABLE ... USING fts5: contentless, because the text is in the row; `ascii`, because core.search has cut the words."""

    def __init__(self, name: str) -> None:
        self.name = name


@compiles(_CreateSearchTable, "sqlite")
def _visit_create_search_table(element: _CreateSearchTable, compiler: DDLCompiler, **_: Any) -> str:
    name = compiler.preparer.quote(element.name)
    return f"CREATE VIRTUAL TABLE {name} USING fts5(text, content='', contentless_delete=1, tokenize='ascii')"
