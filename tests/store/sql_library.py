"""A small catalog with every type, a database in memory to run rendered SQL on, and an oracle that judges conditions in Python."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apsw
import msgspec

from holdfast.base.ids import RecordId
from holdfast.core import condition as c
from holdfast.core.journal import digest_secrets
from holdfast.core.plan import Create, Order
from holdfast.core.search import fold_case, fold_fields
from holdfast.core.view import View
from holdfast.model.catalog import AccessSpec, Catalog, CheckSpec, FieldSpec, ResourceSpec, Secret
from holdfast.model.rule import Constant, anyone, owner, this
from holdfast.model.types import (
    Boolean,
    Choice,
    Date,
    Duration,
    FieldType,
    Float,
    Integer,
    Items,
    Number,
    Reference,
    Text,
    Time,
    Timestamp,
    Uuid,
)
from holdfast.model.types import (
    Mapping as MappingType,
)
from holdfast.store.sql.render import Renderer
from holdfast.store.sql.statement import Statement

ACCESS = AccessSpec(anyone, anyone, anyone, anyone, anyone, anyone)
NOW = "2026-11-23T13:29:00.000000Z"
SYSTEM: Mapping[str, c.Stored] = {"version": 1, "created_at": NOW, "updated_at": NOW, "created_by_id": None}

Record = Mapping[str, c.Stored]


def resource(name: str, path: str, *fields: FieldSpec, **more: Any) -> ResourceSpec:
    """A resource with the system fields around its own."""
    first = (FieldSpec("id", "id", Uuid(), system=True), FieldSpec("version", "version", Integer(), system=True))
    last = (
        FieldSpec("created_at", "created_at", Timestamp(), system=True),
        FieldSpec("updated_at", "updated_at", Timestamp(), system=True),
        FieldSpec("created_by", "created_by_id", Uuid(), nullable=True, system=True),
    )
    more.setdefault("access", ACCESS)
    return ResourceSpec(name, path, path.replace("-", "_"), "", (*first, *fields, *last), **more)


TYPES: Mapping[str, FieldType] = {
    "text": Text(),
    "integer": Integer(),
    "real": Float(),
    "truth": Boolean(),
    "number": Number(places=2),
    "whole": Number(places=0),
    "day": Date(),
    "clock": Time(),
    "moment": Timestamp(),
    "span": Duration(),
    "uuid": Uuid(),
    "choice": Choice(("draft", "published")),
    "words": Items(Text()),
    "sums": Items(Number(places=2)),
    "facts": MappingType(Integer()),
}

MAKERS = resource(
    "Maker",
    "makers",
    FieldSpec("name", "name", Text(), nullable=True, search=True),
    FieldSpec("boss", "boss_id", Reference("makers"), nullable=True),
    FieldSpec("open", "open", Boolean()),
    index=(("name",),),
)
THINGS = resource(
    "Thing",
    "things",
    *(FieldSpec(name, name, type_, nullable=True, search=name == "text") for name, type_ in TYPES.items()),
    FieldSpec("order", "order", Integer()),
    FieldSpec("title", "title", Text(), search=True),
    FieldSpec("maker", "maker_id", Reference("makers"), nullable=True),
    FieldSpec("key", "key", Text(), nullable=True, secret=Secret.HASHED),
    access=AccessSpec(anyone, anyone, anyone, owner, anyone, anyone),
    unique=(("maker_id", "order"),),
    index=(("integer",), ("choice",), ("title",), ("created_by_id",)),
    checks=(CheckSpec("things_span_check", ~(this.span < Constant(-(2**62))), ("span",)),),
)
CATALOG = Catalog({"makers": MAKERS, "things": THINGS})


class Database:
    """A renderer and a database in memory with its schema."""

    def __init__(self, catalog: Catalog = CATALOG) -> None:
        self.render = Renderer(catalog)
        self.connection = apsw.Connection(":memory:")
        self.connection.pragma("foreign_keys", value=True)
        self.connection.create_scalar_function("hf_fold", _fold, 1, deterministic=True)
        self.connection.create_scalar_function("hf_digest", _digest, deterministic=True)
        for text in self.render.schema():
            self.connection.execute(text)

    def run(self, statement: Statement) -> list[tuple[Any, ...]]:
        """Run a statement to its end; its rows."""
        return self.connection.execute(statement.text, statement.values).fetchall()

    def explain(self, statement: Statement) -> str:
        """How SQLite means to run a statement."""
        rows = self.connection.execute("EXPLAIN QUERY PLAN " + statement.text, statement.values).fetchall()
        return "\n".join(str(row[3]) for row in rows)

    def create(self, spec: ResourceSpec, record: Record) -> int:
        """Insert a record, members left out null, with its search text; its row."""
        values = {each.member: record.get(each.member) for each in spec.fields if not each.system}
        system = {name: record.get(name, SYSTEM[name]) for name in SYSTEM}
        step = Create(RecordId(str(record["id"])), View(spec, spec.fields), values)
        self.run(self.render.insert(step, system))
        row = self.connection.last_insert_rowid()
        if spec.search_fields:
            texts = [record.get(each.member) for each in spec.search_fields]
            folded = fold_fields(None if text is None else str(text) for text in texts)
            self.run(self.render.search_insert(spec, row, folded))
        return row

    def ids(self, spec: ResourceSpec, where: c.Condition, many: Iterable[str]) -> set[str]:
        """Which of the ids the condition holds for, asked one by one."""
        return {each for each in many if self.run(self.render.exists(spec, each, where))}

    def image(self, spec: ResourceSpec, id_: str) -> tuple[int, str] | None:
        """The row and image of a record."""
        rows = self.run(self.render.image(spec, id_, c.ALWAYS))
        return (rows[0][0], rows[0][2]) if rows else None

    def journal(self, spec: ResourceSpec, id_: str, operation: str, before: str | None, after: str | None) -> None:
        """Write an entry."""
        self.run(
            self.render.journal_insert(
                resource=spec,
                record_id=id_,
                version=1,
                operation=operation,
                before=before,
                after=after,
                actor_id=None,
                request_id="r",
                at=NOW,
            )
        )


def _digest(*named: Any) -> str | None:
    return digest_secrets(*named)


def _fold(*arguments: Any) -> Any:
    (text,) = arguments
    return None if text is None else fold_case(text)


def field_path(spec: ResourceSpec, member: str, *steps: c.Step) -> c.Path:
    """A path to a member of a resource."""
    return c.Path(spec.by_member[member], steps)


def thing(member: str) -> c.Path:
    """A path to a member of a thing."""
    return field_path(THINGS, member)


def maker(member: str, guard: c.Condition | None = None) -> c.Path:
    """A path from a thing to a member of its maker."""
    return field_path(MAKERS, member, c.Step(THINGS.by_name["maker"], MAKERS, guard))


def boss(member: str, guard: c.Condition | None = None) -> c.Path:
    """A path from a thing to a member of its maker's boss; the guard stands at both steps."""
    first, second = c.Step(THINGS.by_name["maker"], MAKERS, guard), c.Step(MAKERS.by_name["boss"], MAKERS, guard)
    return field_path(MAKERS, member, first, second)


class Oracle:
    """Judges conditions on records in Python, by the words of core.condition."""

    def __init__(self, records: Mapping[str, Mapping[str, Record]]) -> None:
        self._records = records

    def holds(self, condition: c.Condition, record: Record) -> bool:
        """Whether the condition holds for the record."""
        match condition:
            case c.All(parts):
                return all(self.holds(part, record) for part in parts)
            case c.Any(parts):
                return any(self.holds(part, record) for part in parts)
            case c.Not(part):
                return not self.holds(part, record)
            case c.IsNull(path):
                return self.value(path, record) is None
            case c.OneOf(path, values):
                return self.value(path, record) in values
            case c.Test(path, operator, c.Path() as other):
                return _test(self.value(path, record), operator, self.value(other, record), path.field)
            case c.Test(path, operator, value):
                assert not isinstance(value, c.Path)
                return _test(self.value(path, record), operator, value, path.field)
            case c.Matches():
                raise TypeError("the oracle cannot search")

    def value(self, path: c.Path, record: Record) -> c.Stored:
        """The value at the end of a path."""
        for step in path.steps:
            target = self._records[step.target.path].get(str(record[step.field.member]))
            if target is None or (step.guard is not None and not self.holds(step.guard, target)):
                return None
            record = target
        return record.get(path.field.member)

    def sorted(self, records: Iterable[Record], order: Sequence[Order]) -> list[Record]:
        """The records in order: nulls lowest, text by code point."""
        found = list(records)
        for key in reversed(order):
            path = key.path
            found.sort(key=lambda record: _sort_key(self.value(path, record)), reverse=key.descending)
        return found


def _sort_key(value: c.Stored) -> tuple[bool, Any]:
    return (value is not None, 0 if value is None else value)


def _test(left: Any, operator: c.Operator, right: Any, field: FieldSpec) -> bool:
    if operator is c.Operator.EQUALS:
        return bool(left == right)
    if operator is c.Operator.DIFFERS:
        return bool(left != right)
    if left is None or right is None:
        return False
    match operator:
        case c.Operator.LESS:
            return bool(left < right)
        case c.Operator.AT_MOST:
            return bool(left <= right)
        case c.Operator.GREATER:
            return bool(left > right)
        case c.Operator.AT_LEAST:
            return bool(left >= right)
        case c.Operator.CONTAINS if isinstance(field.type, Items):
            wanted = f"{right / 100:.2f}" if isinstance(right, int) else right
            return wanted in msgspec.json.decode(left)
        case c.Operator.CONTAINS:
            return right in left
        case c.Operator.CONTAINS_FOLDED:
            return fold_case(right) in fold_case(left)
        case c.Operator.STARTS_WITH:
            return bool(left.startswith(right))
        case _:
            return bool(left.endswith(right))
