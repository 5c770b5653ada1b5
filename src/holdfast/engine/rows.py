"""Rows of a file to be loaded: JSON lines, CSV with a header, or one JSON array.

Every row knows its line (of a JSON array: its number), so that what is wrong can be found again. A CSV cell is text; it becomes the
JSON value that its field asks for, and the one validation of `core.validate` judges it like any other.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from holdfast.base.errors import Detail, Misconfigured, Refused, detail
from holdfast.core.document import parse_json
from holdfast.engine.cells import CsvError, CsvReader
from holdfast.model.catalog import FieldSpec, ResourceSpec
from holdfast.model.types import Boolean, Choice, Document, FieldType, Float, Integer, Text, TextFormat

FORMATS = ("jsonl", "csv", "json")


class FileRow(NamedTuple):
    """One row as it was read: where it stands, the text that makes it this row, its JSON value."""

    line: int
    raw: bytes
    value: Any


class Rejected(NamedTuple):
    """One row that was not loaded, and everything that is wrong with it."""

    line: int
    details: tuple[Detail, ...]


@dataclass(slots=True)
class Position:
    """How many bytes of the file have been read."""

    bytes_read: int = 0


def format_of(path: Path) -> str:
    """The format that a file's name says; Misconfigured where it says none."""
    suffix = path.suffix.lower().removeprefix(".")
    suffix = "jsonl" if suffix == "ndjson" else suffix
    if suffix not in FORMATS:
        raise Misconfigured(str(path), "Its name does not say what it holds.", "Name it .jsonl, .csv or .json.")
    return suffix


def read_rows(file: BinaryIO, file_format: str, resource: ResourceSpec, position: Position) -> Iterator[FileRow | Rejected]:
    """Read every row of an open file; `position` follows the reading."""
    readers: dict[str, Callable[[], Iterator[FileRow | Rejected]]] = {
        "jsonl": lambda: _read_lines(file, position),
        "csv": lambda: _read_csv(file, resource, position),
        "json": lambda: _read_array(file, position),
    }
    return readers[file_format]()


def _read_lines(file: BinaryIO, position: Position) -> Iterator[FileRow | Rejected]:
    for number, line in enumerate(file, 1):
        position.bytes_read += len(line)
        raw = line.strip()
        if raw:
            yield _parse(number, raw)


def _read_array(file: BinaryIO, position: Position) -> Iterator[FileRow | Rejected]:
    body = file.read()
    try:
        elements = msgspec.json.decode(body, type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise Misconfigured(
            getattr(file, "name", "the file"), f"It is not one JSON array: {error}.", "Correct it, or use .jsonl."
        ) from None
    for number, element in enumerate(elements, 1):
        raw = bytes(element)
        position.bytes_read = round(len(body) * number / len(elements))
        yield _parse(number, raw)


def _parse(line: int, raw: bytes) -> FileRow | Rejected:
    try:
        return FileRow(line, raw, parse_json(raw))
    except Refused as refused:
        return Rejected(line, (Detail("", refused.code, refused.message),))


def _read_csv(file: BinaryIO, resource: ResourceSpec, position: Position) -> Iterator[FileRow | Rejected]:
    reader = CsvReader(_decode_lines(file, position))
    header: list[str] | None = None
    try:
        for cells in reader:
            if header is None:
                header = _check_header([(each or "").strip() for each in cells], getattr(file, "name", "the file"))
            else:
                yield _read_cells(reader.line, header, cells, resource)
    except (CsvError, UnicodeDecodeError) as error:
        yield Rejected(reader.line, (Detail("", "wrong_format", f"The file cannot be read on from here: {error}."),))


def _decode_lines(file: BinaryIO, position: Position) -> Iterator[str]:
    for number, line in enumerate(file):
        position.bytes_read += len(line)
        yield line.decode("utf-8-sig" if number == 0 else "utf-8")


def _check_header(names: list[str], place: str) -> list[str]:
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise Misconfigured(f"{place}:1", f"The header names {', '.join(twice)} twice.", "Give every column one name.")
    return names


def _read_cells(line: int, header: list[str], cells: list[str | None], resource: ResourceSpec) -> FileRow | Rejected:
    if len(cells) != len(header):
        return Rejected(line, (Detail("", "wrong_format", f"This row has {len(cells)} cells, the header {len(header)}."),))
    value: dict[str, Any] = {}
    faults = []
    for name, cell in zip(header, cells, strict=True):
        spec = resource.by_member.get(name)
        try:
            value |= {name: cell or ""} if spec is None else _read_cell(spec, cell)
        except (ValueError, Refused):
            faults.append(detail(name, "wrong_format"))
    return Rejected(line, tuple(faults)) if faults else FileRow(line, _raw(cells), value)


def _raw(cells: list[str | None]) -> bytes:
    return "\x1f".join("" if each is None else each or '""' for each in cells).encode("utf-8", "surrogatepass")


def _read_cell(spec: FieldSpec, cell: str | None) -> dict[str, Any]:
    """The member that a cell stands for; none where an empty cell leaves the default."""
    if cell == "" and _takes_empty(spec.type):
        return {spec.member: ""}
    if not cell:
        return _read_empty(spec)
    match spec.type:
        case Boolean():
            return {spec.member: {"true": True, "1": True, "false": False, "0": False}.get(cell.strip().lower(), cell)}
        case Integer() | Float():
            return {spec.member: _read_number(cell)}
        case kind if isinstance(kind, Document):
            return {spec.member: parse_json(cell.encode())}
        case _:
            return {spec.member: cell}


def _read_empty(spec: FieldSpec) -> dict[str, Any]:
    if spec.nullable:
        return {spec.member: None}
    return {spec.member: ""} if spec.required and isinstance(spec.type, Text) else {}


def _takes_empty(kind: FieldType) -> bool:
    """Whether an empty text can be a value. Where it cannot, quotes around nothing mean nothing: some writers quote every cell."""
    match kind:
        case Text(min_length=0, format=TextFormat.PLAIN):
            return True
        case Choice():
            return "" in kind.values
        case _:
            return False


def _read_number(cell: str) -> Any:
    """A number as JSON writes it; anything else stays text, for the validation to refuse by name."""
    try:
        value = parse_json(cell.strip().encode())
    except Refused:
        return cell
    return value if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else cell


def write_cell(value: Any) -> str | None:
    """The cell of a JSON value, so that `_read_cell` reads it back: null is no text, documents are JSON."""
    match value:
        case None | str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
