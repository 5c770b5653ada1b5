"""The audit: what `verify` reads, each call one short snapshot of its own, so that writers are never held up."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from holdfast.core.journal import EntryHead, Seal
from holdfast.model.catalog import FieldSpec, ResourceSpec


class Entry(NamedTuple):
    """An entry of the journal with its payloads; None where there is none, or where it was erased."""

    head: EntryHead
    before: str | None
    after: str | None


class AuditedRow(NamedTuple):
    """A row beside the last entry about its record: `seq`, `operation` and `after_hash` are None where the journal has none."""

    row: int
    record_id: str
    image: str
    seq: int | None
    operation: str | None
    after_hash: bytes | None


class Break(NamedTuple):
    """An entry that found another row than the entry before it had left. `left` and `found` are None where they were erased."""

    seq: int
    record_id: str
    before_seq: int
    left: str | None
    found: str | None


class AuditFault(Exception):
    """What was asked for could not be read: the file is damaged there. The text is the database's own."""


class Audit(Protocol):
    """Reads a database without changing it. Every method but `tables` may raise AuditFault."""

    def key_fingerprint(self) -> str | None:
        """The fingerprint of the key that seals are made with (core.journal.fingerprint_of); None where none is known."""
        ...

    def last_seq(self) -> int:
        """The sequence of the last entry; 0 if there is none."""
        ...

    def sealed(self, seq: int) -> Seal | None:
        """The seal that ends at a sequence."""
        ...

    def sealed_before(self, seq: int) -> Seal | None:
        """The last seal that ends before a sequence."""
        ...

    def chain(self, after: int, seals_max: int, entries_max: int) -> tuple[Sequence[Seal], Sequence[Entry]]:
        """The next seals that end after a sequence, in order, and the entries after it that they are made over, from one snapshot.

        As many as have no more entries than `entries_max`; at least one if there is one.
        """
        ...

    def unsealed(self, limit: int) -> Sequence[int]:
        """Sequences above the last seal, which no commit of ours leaves behind."""
        ...

    def after_image(self, seq: int) -> str | None:
        """The payload `after` of one entry."""
        ...

    def rows(self, resource: ResourceSpec, after: int, limit: int) -> Sequence[AuditedRow]:
        """The rows of a resource after a row number, in order, each with what the journal says of it."""
        ...

    def lost(self, resource: ResourceSpec, after: int, upto: int) -> Sequence[tuple[int, str]]:
        """(seq, id) of the entries with after < seq <= upto that are the last about their record and leave it alive, where no row is."""
        ...

    def forgotten(self, resource: ResourceSpec, after: int, upto: int) -> Sequence[tuple[int, str]]:
        """(seq, id) of the deletions with after < seq <= upto that are the last about their record, whose id is not remembered."""
        ...

    def breaks(self, resource: ResourceSpec, after: int, upto: int) -> Sequence[Break]:
        """The entries of a resource with after < seq <= upto whose hash before is another than that after the entry before it."""
        ...

    def dangling(self, resource: ResourceSpec, member: FieldSpec, after: int, upto: int) -> Sequence[tuple[int, str]]:
        """(row, id) of the rows with after < row <= upto whose member refers to a record that does not exist."""
        ...

    def unsearchable(self, resource: ResourceSpec, after: int, upto: int) -> Sequence[tuple[int, str | None]]:
        """(row, id) of the rows with after < row <= upto that the full-text index lacks; without an id, those that it has too many."""
        ...

    def last_row(self, resource: ResourceSpec) -> int:
        """The highest row number of a resource; 0 if it has none."""
        ...

    def tables(self) -> Sequence[str]:
        """Every table that the database itself can check."""
        ...

    def integrity(self, table: str) -> Sequence[str]:
        """What the database finds wrong with the structure, constraints and indexes of a table."""
        ...
