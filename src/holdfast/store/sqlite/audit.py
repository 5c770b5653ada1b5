"""The audit (ports.Audit) of a SQLite database, on one connection of its own that only reads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw

from holdfast.core.journal import EntryHead, Seal, take_seals
from holdfast.model.catalog import Catalog, FieldSpec, ResourceSpec
from holdfast.ports.audit import AuditedRow, AuditFault, Break, Entry
from holdfast.store.sql.audit import AuditStatements
from holdfast.store.sql.statement import Statement
from holdfast.store.sqlite.connection import check_file, check_folder, open_reader
from holdfast.store.sqlite.fingerprint import FINGERPRINT
from holdfast.store.sqlite.schema import DATABASE_NAME, check_schema

FINDINGS_PER_TABLE_MAX = 20


class SqliteAudit:
    """Reads `holdfast.db` in a data folder. Each statement is a snapshot of its own: no writer waits and the log can be emptied.

    Raises Misconfigured where the folder or file is none, or (later) where the schema is another.
    """

    def __init__(self, catalog: Catalog, data_dir: Path) -> None:
        self._statements = AuditStatements(catalog)
        self._catalog = catalog
        self._path = data_dir / DATABASE_NAME
        self._connection: apsw.Connection | None = None
        check_folder(data_dir)
        check_file(self._path, create=False)

    def close(self) -> None:
        """Release the connection."""
        if self._connection is not None:
            self._connection.close(force=True)

    def key_fingerprint(self) -> str | None:
        """The fingerprint of the key that belongs to the database."""
        found = self._fetch(Statement("SELECT value FROM hf_meta WHERE key = ?", (FINGERPRINT,)))
        return str(found[0][0]) if found else None

    def last_seq(self) -> int:
        """The sequence of the last entry."""
        return int(self._fetch(self._statements.last_seq())[0][0])

    def sealed(self, seq: int) -> Seal | None:
        """The seal that ends at a sequence."""
        found = self._fetch(self._statements.sealed(seq))
        return Seal(*found[0]) if found else None

    def sealed_before(self, seq: int) -> Seal | None:
        """The last seal that ends before a sequence."""
        found = self._fetch(self._statements.sealed_before(seq))
        return Seal(*found[0]) if found else None

    def chain(self, after: int, seals_max: int, entries_max: int) -> tuple[Sequence[Seal], Sequence[Entry]]:
        """Seals and their entries, from one snapshot: the writer may fold them meanwhile."""
        self._fetch(Statement("BEGIN", ()))
        try:
            found = self._fetch(self._statements.journal.seals_after(after, seals_max))
            seals = take_seals([Seal(*row) for row in found], entries_max)
            rows = self._fetch(self._statements.entries(after, seals[-1].last_seq)) if seals else []
        finally:
            self._fetch(Statement("COMMIT", ()))
        return seals, [Entry(EntryHead._make(row[:-2]), row[-2], row[-1]) for row in rows]

    def unsealed(self, limit: int) -> Sequence[int]:
        """Sequences above the last seal."""
        return [seq for (seq,) in self._fetch(self._statements.unsealed(limit))]

    def after_image(self, seq: int) -> str | None:
        """The payload `after` of one entry."""
        found = self._fetch(self._statements.after_image(seq))
        return found[0][0] if found else None

    def rows(self, resource: ResourceSpec, after: int, limit: int) -> Sequence[AuditedRow]:
        """Rows beside what the journal says of them."""
        return [AuditedRow(*row) for row in self._fetch(self._statements.rows(resource, after, limit))]

    def lost(self, resource: ResourceSpec, after: int, upto: int) -> Sequence[tuple[int, str]]:
        """Records that the journal leaves alive and that are not there."""
        return [(seq, record_id) for seq, record_id in self._fetch(self._statements.lost(resource, after, upto))]

    def forgotten(self, resource: ResourceSpec, after: int, upto: int) -> Sequence[tuple[int, str]]:
        """Deleted records whose id is not remembered."""
        return [(seq, record_id) for seq, record_id in self._fetch(self._statements.forgotten(resource, after, upto))]

    def breaks(self, resource: ResourceSpec, after: int, upto: int) -> Sequence[Break]:
        """Entries that found another row than the entry before had left."""
        return [Break._make(row) for row in self._fetch(self._statements.breaks(resource, after, upto))]

    def dangling(self, resource: ResourceSpec, member: FieldSpec, after: int, upto: int) -> Sequence[tuple[int, str]]:
        """Rows whose member refers to nothing."""
        return [(row, record_id) for row, record_id in self._fetch(self._statements.dangling(resource, member, after, upto))]

    def unsearchable(self, resource: ResourceSpec, after: int, upto: int) -> Sequence[tuple[int, str | None]]:
        """Rows that only the table has, or only the index."""
        return [(row, record_id) for row, record_id in self._fetch(self._statements.unsearchable(resource, after, upto))]

    def last_row(self, resource: ResourceSpec) -> int:
        """The highest row number."""
        return int(self._fetch(self._statements.last_row(resource))[0][0])

    def tables(self) -> Sequence[str]:
        """Every table of the file."""
        return [str(name) for (name,) in self._fetch(Statement("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name", ()))]

    def integrity(self, table: str) -> Sequence[str]:
        """What SQLite's own check finds in one table and its indexes: structure, constraints, uniqueness."""
        statement = Statement("SELECT integrity_check FROM pragma_integrity_check(?) LIMIT ?", (table, FINDINGS_PER_TABLE_MAX))
        return [str(text) for (text,) in self._fetch(statement) if text != "ok"]

    def _fetch(self, statement: Statement) -> list[tuple[Any, ...]]:
        try:
            connection = self._connection or self._open()
            return connection.execute(statement.text, statement.values).fetchall()
        except (apsw.Error, UnicodeDecodeError) as error:
            raise AuditFault(f"{type(error).__name__}: {error}") from error

    def _open(self) -> apsw.Connection:
        self._connection = open_reader(self._path)
        check_schema(self._connection, self._path, self._catalog)
        return self._connection
