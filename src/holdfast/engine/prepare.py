"""Rows of a file made ready to be loaded: validated, with the id under which each is loaded once. Needs no store.

A row without an id gets one that follows from the import's name and the row itself, so that a second run meets its own rows.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from holdfast.base.errors import Detail, Refused
from holdfast.base.ids import RecordId, parse_client_id
from holdfast.core.condition import Stored
from holdfast.core.search import fold_stored
from holdfast.core.slots import let_keys
from holdfast.core.validate import BodyReader
from holdfast.engine.rows import FileRow, Position, Rejected, read_rows
from holdfast.model.catalog import FieldSpec, ResourceSpec

BATCH_ROWS = 1_000
"""Rows of one write: as many as a bulk request has. A larger write would hold the turn longer than a server beside it likes."""

_SET_ANEW = frozenset({"version", "created_at", "updated_at", "created_by_id"})
"""What a dump holds and a new record gets anew."""


class PreparedRow(NamedTuple):
    """A row that could be read.

    id          the id that it has or will have
    key         its value of the field that tells records apart, if there is one
    values      the stored value of every declared member; None where `details` say what is wrong
    index_text  what is searched in it (core.plan.Create)
    """

    line: int
    id: RecordId
    key: Stored
    values: Mapping[str, Stored] | None
    index_text: str | None = None
    details: tuple[Detail, ...] = ()


class PreparedRows(NamedTuple):
    """Rows of one write, and how many bytes of the file were read up to its end."""

    bytes_read: int
    rows: list[PreparedRow | Rejected]


@dataclass(slots=True)
class Preparer:
    """Prepares rows for one resource.

    name  names the import; rows of the same name and content are the same rows
    key   a unique field: a row whose value of it exists already is passed by
    """

    resource: ResourceSpec
    name: str
    key: FieldSpec | None = None
    _reader: BodyReader = field(init=False)
    _searched: tuple[str, ...] = field(init=False)
    _seen: Counter[bytes] = field(init=False, default_factory=Counter)

    def __post_init__(self) -> None:
        self._reader = BodyReader(let_keys(self.resource), restoring=True)
        self._searched = tuple(each.member for each in self.resource.search_fields)

    def prepare(self, row: FileRow) -> PreparedRow:
        """Validate a row and give it its id. Asked for the rows of a file in order: alike rows are counted."""
        value = row.value
        record_id, key = self._id_of(row), _key_of(row, self.key)
        if isinstance(value, dict) and not _SET_ANEW.isdisjoint(value):
            value = {name: each for name, each in value.items() if name not in _SET_ANEW}
        try:
            created = self._reader.read_create(value)
        except Refused as refused:
            return PreparedRow(row.line, record_id, key, None, details=refusal_details(refused))
        text = fold_stored(created.values, self._searched) if self._searched else None
        return PreparedRow(row.line, created.id or record_id, key, created.values, text)

    def _id_of(self, row: FileRow) -> RecordId:
        given = row.value.get("id") if isinstance(row.value, dict) else None
        chosen = parse_client_id(given) if isinstance(given, str) else None
        return self._derive_id(row) if chosen is None else chosen

    def _derive_id(self, row: FileRow) -> RecordId:
        """The id of a row without one: the same for the n-th row of this content in imports of this name."""
        content = hashlib.blake2b(b"\0".join((self.resource.path.encode(), self.name.encode(), row.raw)), digest_size=16).digest()
        self._seen[content] += 1
        digest = hashlib.blake2b(content + self._seen[content].to_bytes(8, "big"), digest_size=16).hexdigest()
        return RecordId(f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}")


def prepare_file(path: Path, file_format: str, resource: ResourceSpec, key: FieldSpec | None) -> Iterator[PreparedRows]:
    """Every row of a file, batch by batch; the import is named after the file. Raises Misconfigured where it cannot be read at all."""
    position = Position()
    with path.open("rb") as file:
        rows = read_rows(file, file_format, resource, position)
        yield from prepare_rows(rows, Preparer(resource, path.name, key), position)


def prepare_rows(rows: Iterable[FileRow | Rejected], preparer: Preparer, position: Position) -> Iterator[PreparedRows]:
    """Rows as batches of BATCH_ROWS at most."""
    source = iter(rows)
    while taken := list(islice(source, BATCH_ROWS)):
        batch = [preparer.prepare(each) if isinstance(each, FileRow) else each for each in taken]
        yield PreparedRows(position.bytes_read, batch)


def refusal_details(refused: Refused) -> tuple[Detail, ...]:
    """Everything that is wrong with a refused row."""
    return refused.details or (Detail("", refused.code, refused.message),)


def _key_of(row: FileRow, key: FieldSpec | None) -> Stored:
    value = row.value.get(key.member) if key is not None and isinstance(row.value, dict) else None
    return value if isinstance(value, (str, int)) and not isinstance(value, bool) else None
