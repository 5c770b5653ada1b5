"""Statements: SQL text with positional parameters, compiled once per shape and bound to the values of one plan."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, TypeVarTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

from holdfast.core.condition import Stored

Columns = TypeVarTuple("Columns")

Bound = Stored | bytes
"""The value of a parameter; bytes stand in the house's own tables alone."""


class Statement(msgspec.Struct, frozen=True, gc=False):
    """SQL text and the values of its parameters, in order."""

    text: str
    values: tuple[Bound, ...]


class Prepared:
    """A compiled text and, for each of its parameters, the position of the value that goes there."""

    __slots__ = ("_pick", "text")

    def __init__(self, text: str, positions: Sequence[int]) -> None:
        self.text = text
        self._pick = _picker(positions)

    def bind(self, values: Sequence[Bound]) -> Statement:
        """Make the statement for the values that were collected with the shape."""
        return Statement(self.text, self._pick(values))


def _picker(positions: Sequence[int]) -> Any:
    """A function from the collected values to the bound ones; itemgetter gives no tuple for fewer than two."""
    if list(positions) == list(range(len(positions))):
        count = len(positions)
        return lambda values: tuple(values[:count])
    if len(positions) == 1:
        only = positions[0]
        return lambda values: (values[only],)
    return itemgetter(*positions)


def parameter(position: int, type_: sa.types.TypeEngine[Any] | None = None) -> sa.BindParameter[Any]:
    """A parameter that takes the value at a position. Its name is a number, so that it is never the name of a column."""
    return sa.bindparam(str(position), None, type_=type_)


def given(position: int, type_: sa.types.TypeEngine[Any]) -> sa.TypeCoerce[Any]:
    """A parameter that stands for a value of a row, so it may be null: told from the values of conditions, which never are."""
    return sa.type_coerce(parameter(position, type_), type_)


def whole(position: int) -> sa.BindParameter[Any]:
    """A parameter that takes a whole number of ours: a limit, an offset."""
    return parameter(position, sa.Integer())


def constant(value: Stored) -> sa.BindParameter[Any]:
    """A value of ours (a JSON key, a divisor, the value of a check) that stands in the text itself. Never a value of a caller."""
    return sa.bindparam(None, value, literal_execute=True)


def one_if(truth: sa.ColumnElement[bool]) -> sa.Case[Any]:
    """1 where a condition holds, else 0."""
    return sa.case((truth, constant(1)), else_=constant(0))


def first(found: sa.Select[*Columns]) -> sa.Select[*Columns]:
    """The first row alone. The offset is said because SQLAlchemy would bind one of its own for SQLite."""
    return found.limit(constant(1)).offset(constant(0))


def at_most(found: sa.Select[*Columns], position: int) -> sa.Select[*Columns]:
    """No more rows than the value at a position."""
    return found.limit(whole(position)).offset(constant(0))


def prepare(element: sa.ClauseElement, dialect: sa.Dialect) -> Prepared:
    """Compile a statement. `dialect` has a positional parameter style."""
    compiled = element.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    assert isinstance(compiled, SQLCompiler)
    return Prepared(str(compiled), [int(name) for name in compiled.positiontup or ()])
