"""Where a recorded schema and the declared classes differ, and the statements that make a database fit, where these lose nothing. Pure."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa

from holdfast.model.catalog import Catalog, FieldSpec, ResourceSpec
from holdfast.model.stored import Stored, to_stored
from holdfast.model.types import Number
from holdfast.store.sql.columns import column_type
from holdfast.store.sql.dialect import Dialect
from holdfast.store.sql.schema import add_checks, table_texts
from holdfast.store.sql.tables import Tables, object_name, quoted

Description = dict[str, Any]
"""A recorded schema: for each table what the database must know of it. Plain JSON."""

_OR_NULL = " or null"
_REFERENCE_TO = "reference to "


class Mend(NamedTuple):
    """What makes a database fit, and loses nothing.

    done        what will have been done, in words
    statements  in order; none where the database has what it needs already
    refills     the resource whose full-text index is to be filled anew after them
    """

    done: str
    statements: tuple[str, ...]
    refills: ResourceSpec | None = None


class Difference(NamedTuple):
    """Something in which a database does not fit the classes, in words; `mend` is None where none is without loss."""

    says: str
    mend: Mend | None = None


def describe(catalog: Catalog) -> Description:
    """What a database must know of each table: columns, references, keys, checks and the searched members."""
    return {each.table: _describe_table(catalog, each) for each in catalog.resources.values()}


def _describe_table(catalog: Catalog, resource: ResourceSpec) -> Description:
    return {
        "columns": {each.member: _describe_column(catalog, each) for each in resource.fields},
        "unique": sorted(", ".join(members) for members in resource.unique),
        "index": sorted(", ".join(members) for members in resource.index),
        "check": sorted(each.name for each in resource.checks),
        "search": sorted(each.member for each in resource.search_fields),
    }


def _describe_column(catalog: Catalog, spec: FieldSpec) -> str:
    """The type of a column in words, as far as it changes what is stored: "number(2)", "text or null", "reference to authors"."""
    kind = type(spec.type).__name__.lower()
    if isinstance(spec.type, Number):
        kind = f"number({spec.type.places})"
    elif spec.reference is not None:
        kind = f"{_REFERENCE_TO}{catalog.target(spec).table}"
    secret = "" if spec.secret is None else f", {spec.secret.value}"
    return f"{kind}{secret}{_OR_NULL if spec.nullable else ''}"


class Comparison:
    """Compares one catalog with recorded schemas, for one database."""

    def __init__(self, catalog: Catalog, dialect: Dialect) -> None:
        self._catalog, self._dialect = catalog, dialect
        self._tables = Tables(catalog, dialect)
        add_checks(self._tables, catalog, dialect)
        self._declared = describe(catalog)

    def compare(self, recorded: Description) -> Iterator[Difference]:
        """Every difference, in an order in which they can be mended: tables, columns, what stands on columns."""
        resources = {each.table: each for each in self._catalog.resources.values()}
        for table, resource in resources.items():
            if table not in recorded:
                texts = tuple(table_texts(self._tables, resource, self._dialect))
                yield Difference(f"it lacks table {table}", Mend(f"table {table} added", texts))
        yield from (Difference(f"it has table {table}, which no class declares") for table in recorded if table not in self._declared)
        for table, resource in resources.items():
            if table in recorded:
                yield from self._compare_columns(resource, recorded[table]["columns"])
                yield from self._compare_indexes(resource, recorded[table])
                yield from self._compare_checks(resource, recorded[table]["check"])
                yield from self._compare_search(resource, recorded[table]["search"])

    def _compare_columns(self, resource: ResourceSpec, here: dict[str, str]) -> Iterator[Difference]:
        wanted = self._declared[resource.table]["columns"]
        for spec in resource.fields:
            name = f"{resource.table}.{spec.member}"
            if spec.member not in here:
                yield Difference(f"it lacks column {name}", self._add_column(resource, spec))
            elif here[spec.member] != wanted[spec.member]:
                says = f"column {name} is {here[spec.member]}, declared as {wanted[spec.member]}"
                yield Difference(says, self._alter_column(resource, spec, here[spec.member], wanted[spec.member]))
        for member in here:
            if member not in wanted:
                yield Difference(f"it has column {resource.table}.{member}, which no field declares")

    def _add_column(self, resource: ResourceSpec, spec: FieldSpec) -> Mend | None:
        """None where the records that are there could get no value: there is neither null nor one default for all of them."""
        try:
            stored = _value_of_old_records(spec)
        except LookupError:
            return None
        table = self._tables.table(resource)
        default = None if stored is None else sa.literal(stored, column_type(spec.type))
        column = sa.Column(quoted(spec.member), column_type(spec.type), nullable=spec.nullable, server_default=default)
        target = None if spec.reference is None else self._tables.table(self._catalog.target(spec))
        statements = [self._dialect.add_column(table, column, target)]
        truth = object_name(resource.table, (spec.member,), "bool")
        statements += [self._dialect.ddl(sa.schema.AddConstraint(each)) for each in _checks(table) if each.name == truth]
        if target is not None and (spec.member,) not in resource.index:
            statements.append(self._create_index(resource, (spec.member,), "index"))
        return Mend(f"column {resource.table}.{spec.member} added", tuple(statements))

    def _alter_column(self, resource: ResourceSpec, spec: FieldSpec, here: str, wanted: str) -> Mend | None:
        """To take null, or to take it no longer, is all that can be altered; the database refuses the second where a null is there."""
        if here.removesuffix(_OR_NULL) != wanted.removesuffix(_OR_NULL):
            return None
        statement = self._dialect.alter_null(self._tables.table(resource), spec.member, nullable=spec.nullable)
        return Mend(f"column {resource.table}.{spec.member} made {wanted}", (statement,))

    def _compare_indexes(self, resource: ResourceSpec, recorded: Description) -> Iterator[Difference]:
        """A reference has its index whether it asks for one or not, so there may be nothing to do."""
        declared = self._declared[resource.table]
        for kind in ("unique", "index"):
            for each in (name for name in recorded[kind] if name not in declared[kind]):
                what, stays = f"{kind} ({each}) of {resource.table}", kind == "index" and _has_reference(declared, each)
                gone = sa.Index(quoted(object_name(resource.table, tuple(each.split(", ")), kind)))
                texts = () if stays else (self._dialect.ddl(sa.schema.DropIndex(gone)),)
                yield Difference(f"it has {what}, which nothing declares", Mend(f"{what} removed", texts))
            for each in (name for name in declared[kind] if name not in recorded[kind]):
                what, is_there = f"{kind} ({each}) of {resource.table}", kind == "index" and _has_reference(recorded, each)
                text = self._create_index(resource, tuple(each.split(", ")), kind)
                yield Difference(f"it lacks {what}", Mend(f"{what} added", () if is_there else (text,)))

    def _create_index(self, resource: ResourceSpec, members: tuple[str, ...], kind: str) -> str:
        name = object_name(resource.table, members, kind)
        index = next(each for each in self._tables.table(resource).indexes if each.name == name)
        return self._dialect.ddl(sa.schema.CreateIndex(index))

    def _compare_checks(self, resource: ResourceSpec, recorded: list[str]) -> Iterator[Difference]:
        table, declared = self._tables.table(resource), self._declared[resource.table]["check"]
        by_name = {str(each.name): each for each in _checks(table)}
        for name in (each for each in recorded if each not in declared):
            what = f"check ({name}) of {resource.table}"
            gone = sa.CheckConstraint("", name=quoted(name), table=sa.Table(table.name, sa.MetaData()))
            text = self._dialect.ddl(sa.schema.DropConstraint(gone))
            yield Difference(f"it has {what}, which nothing declares", Mend(f"{what} removed", (text,)))
        for name in (each for each in declared if each not in recorded):
            what = f"check ({name}) of {resource.table}"
            yield Difference(f"it lacks {what}", Mend(f"{what} added", (self._dialect.ddl(sa.schema.AddConstraint(by_name[name])),)))

    def _compare_search(self, resource: ResourceSpec, recorded: list[str]) -> Iterator[Difference]:
        declared = self._declared[resource.table]["search"]
        if recorded == declared:
            return
        here, wanted = (", ".join(each) or "nothing" for each in (recorded, declared))
        drop = self._dialect.search_drop(resource) if recorded else ()
        create = self._dialect.search_schema(resource) if declared else ()
        mend = Mend(f"search of {resource.table} made by {wanted}", (*drop, *create), resource if declared else None)
        yield Difference(f"{resource.table} is searched by {here}, declared as by {wanted}", mend)


def _value_of_old_records(spec: FieldSpec) -> Stored:
    """What the records that are there get in a new field, in stored form. Raises LookupError where nothing is right for all of them."""
    if spec.required:
        value = None
    elif spec.factory is None:
        value = to_stored(spec.type, spec.default)
    else:  # one that makes another value each time is no default for records that are there
        made, again = (to_stored(spec.type, spec.factory()) for _ in range(2))
        value = made if made == again else None
    if (value is None and not spec.nullable) or (value is not None and spec.secret is not None):
        raise LookupError(spec.member)
    return value


def _has_reference(described: Description, member: str) -> bool:
    """Whether the member is a reference, which has an index whether it asks for one or not."""
    return str(described["columns"].get(member, "")).startswith(_REFERENCE_TO)


def _checks(table: sa.Table) -> list[sa.CheckConstraint]:
    return [each for each in table.constraints if isinstance(each, sa.CheckConstraint)]
