"""The tables of a catalog: one for each resource, and the house's own, whose names begin with hf_."""

from hashlib import blake2s

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from holdfast.model.catalog import Catalog, FieldSpec, ResourceSpec
from holdfast.model.types import Boolean
from holdfast.store.sql.account_tables import build_account_tables
from holdfast.store.sql.columns import BLOB, INTEGER, TEXT, column_type
from holdfast.store.sql.dialect import Dialect
from holdfast.store.sql.rows import Row, TableRow

ROW = "hf_row"
"""The integer key of every resource table; never shown. No member can have this name."""

NAME_LENGTH_MAX = 60  # PostgreSQL cuts names at 63 bytes, and says nothing


class Tables:
    """Every table of a catalog, as SQLAlchemy sees them. Checks are added by `schema`, which is where they are needed."""

    def __init__(self, catalog: Catalog, dialect: Dialect) -> None:
        self.metadata = sa.MetaData()
        self.journal = _journal(self.metadata, dialect)
        self.seal = _seal(self.metadata, dialect)
        self.gone = _gone(self.metadata, dialect)
        self.meta = _meta(self.metadata, dialect)
        self.idempotency = _idempotency(self.metadata, dialect)
        self.mark = _mark(self.metadata, dialect)
        self.accounts = build_account_tables(self.metadata, dialect)
        self.house = (self.meta, self.journal, self.seal, self.gone, self.idempotency, self.mark, *self.accounts)
        self._resources = {each.path: _resource_table(self.metadata, catalog, each, dialect) for each in catalog.resources.values()}

    def table(self, resource: ResourceSpec) -> sa.Table:
        """The table of a resource."""
        return self._resources[resource.path]

    def row(self, resource: ResourceSpec) -> TableRow:
        """A row of the table itself."""
        return TableRow(resource, self.table(resource))

    def beside(self, resource: ResourceSpec, name: str) -> TableRow:
        """A row under a name of its own, to be joined to the row that a statement is about."""
        return TableRow(resource, self.table(resource).alias(quoted(f"hf_{name}")))

    def below(self, resource: ResourceSpec, row: Row) -> TableRow:
        """A row that a subquery is about, under a name that no row around it has."""
        depth = row.depth + 1
        return TableRow(resource, self.table(resource).alias(f"hf_{depth}"), depth)


def quoted(name: str) -> quoted_name:
    """A developer's name, quoted always: the keywords of databases are many, and grow."""
    return quoted_name(name, quote=True)


def object_name(table: str, members: tuple[str, ...], kind: str) -> str:
    """The name of an index or constraint: table, members, kind; the end of a long one is a hash of the whole."""
    name = "_".join((table, *members, kind))
    if len(name.encode()) <= NAME_LENGTH_MAX:
        return name
    start = name.encode()[: NAME_LENGTH_MAX - 13].decode(errors="ignore")
    return f"{start}_{blake2s(name.encode(), digest_size=6).hexdigest()}"


def _resource_table(metadata: sa.MetaData, catalog: Catalog, resource: ResourceSpec, dialect: Dialect) -> sa.Table:
    columns = [_column(catalog, each) for each in resource.fields]
    table = sa.Table(
        quoted(resource.table),
        metadata,
        sa.Column(ROW, INTEGER, primary_key=True),
        *columns,
        *(_truth_check(resource, each) for each in resource.fields if isinstance(each.type, Boolean)),
        **dialect.table_options(),
    )
    for members in resource.unique:
        sa.Index(quoted(object_name(resource.table, members, "unique")), *(table.c[each] for each in members), unique=True)
    for members in _indexed(resource):
        # id comes last in every index, because it comes last in every order: so the index serves the filter and the order at once.
        sa.Index(quoted(object_name(resource.table, members, "index")), *(table.c[each] for each in (*members, "id")))
    return table


def _column(catalog: Catalog, field: FieldSpec) -> sa.Column[object]:
    references = []
    if field.reference is not None:
        target = quoted(catalog.target(field).table)
        # RESTRICT always: cascade and set_null are written as steps of their own, so that the journal has them.
        references.append(sa.ForeignKey(f"{target}.id", ondelete="RESTRICT", link_to_name=True))
    return sa.Column(
        quoted(field.member), column_type(field.type), *references, nullable=field.nullable, unique=field.member == "id" or None
    )


def _truth_check(resource: ResourceSpec, field: FieldSpec) -> sa.CheckConstraint:
    column = sa.column(quoted(field.member), INTEGER)
    name = quoted(object_name(resource.table, (field.member,), "bool"))
    return sa.CheckConstraint(column.in_((sa.literal_column("0"), sa.literal_column("1"))), name=name)


def _indexed(resource: ResourceSpec) -> tuple[tuple[str, ...], ...]:
    """What has an index: what asks for one, and every reference."""
    references = ((each.member,) for each in resource.fields if each.reference is not None)
    return tuple(dict.fromkeys((*resource.index, *references)))


def _journal(metadata: sa.MetaData, dialect: Dialect) -> sa.Table:
    table = sa.Table(
        "hf_journal",
        metadata,
        sa.Column("seq", INTEGER, primary_key=True),
        sa.Column("resource", TEXT, nullable=False),
        sa.Column("record_id", TEXT, nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.Column("operation", TEXT, nullable=False),
        sa.Column("actor_id", TEXT),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("before_hash", BLOB),
        sa.Column("after_hash", BLOB),
        # The payloads come last: who reads the heads alone never follows a long row to its end.
        sa.Column("before", TEXT),
        sa.Column("after", TEXT),
        **dialect.table_options(),
    )
    sa.Index("hf_journal_record", table.c.record_id, table.c.seq)
    return table


def _seal(metadata: sa.MetaData, dialect: Dialect) -> sa.Table:
    return sa.Table(
        "hf_seal",
        metadata,
        sa.Column("last_seq", INTEGER, primary_key=True),
        sa.Column("first_seq", INTEGER, nullable=False),
        sa.Column("entries", INTEGER, nullable=False),
        sa.Column("seal", BLOB, nullable=False),
        sa.Column("folded", BLOB),
        **dialect.table_options(),
    )


def _gone(metadata: sa.MetaData, dialect: Dialect) -> sa.Table:
    return sa.Table(
        "hf_gone",
        metadata,
        sa.Column("resource", TEXT, primary_key=True),
        sa.Column("record_id", TEXT, primary_key=True),
        sa.Column("version", INTEGER, nullable=False),
        **dialect.table_options(clustered=True),
    )


def _idempotency(metadata: sa.MetaData, dialect: Dialect) -> sa.Table:
    """The idempotency keys of late. What the answer was follows from the journal up to `last_seq`, unless it is kept here.

    By row, not by key: rows of an index in random order would double the cost of a write.
    """
    return sa.Table(
        "hf_idempotency",
        metadata,
        sa.Column("row", INTEGER, primary_key=True),
        sa.Column("key_hash", BLOB, nullable=False, unique=True),
        sa.Column("fingerprint", BLOB, nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),  # microseconds since 1970; before the body, so that it is read without it
        sa.Column("last_seq", INTEGER, nullable=False),
        sa.Column("status", INTEGER),
        sa.Column("headers", TEXT),
        sa.Column("body", BLOB),
        **dialect.table_options(),
    )


def _meta(metadata: sa.MetaData, dialect: Dialect) -> sa.Table:
    return sa.Table(
        "hf_meta",
        metadata,
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("value", TEXT, nullable=False),
        **dialect.table_options(),
    )


def _mark(metadata: sa.MetaData, dialect: Dialect) -> sa.Table:
    """Numbers of the house that move: see store.sql.marks."""
    return sa.Table(
        "hf_mark",
        metadata,
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("value", INTEGER, nullable=False),
        **dialect.table_options(clustered=True),
    )
