"""Rows: what each format makes of a file."""

import io
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest

from holdfast import Access, Backend, Email, Resource, anyone, field
from holdfast.base.errors import Misconfigured
from holdfast.engine.rows import FileRow, Position, Rejected, format_of, read_rows, write_cell


class Thing(Resource):
    name: str
    note: str | None = None
    size: int = 3
    ratio: float | None = None
    flag: bool = False
    tags: list[str] | None = None
    label: str = "new"
    title: str | None = None
    code: str | None = field(default=None, min_length=1)
    mail: Email | None = None
    kind: Literal["", "a"] | None = None

    access = Access(read=anyone, write=anyone)


THINGS = Backend(Thing).catalog.resources["things"]


def _read(text: bytes, file_format: str) -> list[FileRow | Rejected]:
    position = Position()
    rows = list(read_rows(io.BytesIO(text), file_format, THINGS, position))
    assert position.bytes_read == len(text)
    return rows


def _value(text: bytes) -> object:
    (row,) = _read(text, "csv")
    assert isinstance(row, FileRow)
    return row.value


@pytest.mark.parametrize(("name", "expected"), [("a.jsonl", "jsonl"), ("a.NDJSON", "jsonl"), ("a.csv", "csv"), ("a.b.json", "json")])
def test_the_name_says_the_format(name: str, expected: str) -> None:
    """The ending names the format, in any case."""
    assert format_of(Path(name)) == expected


def test_a_name_that_says_nothing_is_refused() -> None:
    """Without a known ending there is no guess."""
    with pytest.raises(Misconfigured, match=r"Name it \.jsonl"):
        format_of(Path("a.txt"))


def test_lines_keep_their_numbers() -> None:
    """Empty lines are passed by but counted; a line that is no JSON is rejected, and reading goes on."""
    rows = _read(b'\n{"name": "a"}\r\n{\n[1]', "jsonl")

    assert [(each.line, type(each).__name__) for each in rows] == [(2, "FileRow"), (3, "Rejected"), (4, "FileRow")]


def test_an_array_counts_its_elements() -> None:
    """A JSON array gives its elements in order, each judged by the same strict reader; an empty one gives none."""
    rows = _read(b'[{"name": "a"}, {"name": "a", "name": "b"}]', "json")

    assert [(each.line, type(each).__name__) for each in rows] == [(1, "FileRow"), (2, "Rejected")]
    assert list(read_rows(io.BytesIO(b"[]"), "json", THINGS, Position())) == []


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (b"name,size\na,7\n", {"name": "a", "size": 7}),
        (b"name,size\na,\n", {"name": "a"}),
        (b"name,note,tags\n,,\n", {"name": "", "note": None, "tags": None}),
        (b'name,note,tags,size,ratio\n"","","","",""\n', {"name": "", "note": "", "tags": None, "ratio": None}),
        (b'name,label,title,mail,kind\nx,,"","",""\n', {"name": "x", "title": "", "mail": None, "kind": ""}),
        (b'name,label,code\nx,"",""\n', {"name": "x", "label": "", "code": None}),
        (b"name,ratio\n a ,1.50\n", {"name": " a ", "ratio": Decimal("1.50")}),
        (b"name,ratio\na,true\n", {"name": "a", "ratio": "true"}),
        (b"name,size\na,x\n", {"name": "a", "size": "x"}),
        (b"name,flag\na,TRUE\n", {"name": "a", "flag": True}),
        (b"name,flag\na,0\n", {"name": "a", "flag": False}),
        (b"name,flag\na,maybe\n", {"name": "a", "flag": "maybe"}),
        (b'name,tags\na,"[""x""]"\n', {"name": "a", "tags": ["x"]}),
        (b"\xef\xbb\xbfname , other\r\na,b\r\n", {"name": "a", "other": "b"}),
        ('name,note\n"東\n京",x\n'.encode(), {"name": "東\n京", "note": "x"}),
    ],
)
def test_a_cell_becomes_what_its_field_asks_for(cells: bytes, expected: dict[str, object]) -> None:
    """Numbers, booleans and documents are read, texts stay as they are.

    Empty cells are null, the default, or an empty text; with quotes they are an empty text where there can be one.
    """
    assert _value(cells) == expected


def test_a_broken_csv_ends_with_its_line() -> None:
    """Bytes that are no UTF-8, and quotes that never close, end the reading with the line they stand in."""
    for text in (b"name\na\n\xff\nb\n", b'name\na\n"b\n'):
        rows = _read(text, "csv") if b'"' in text else list(read_rows(io.BytesIO(text), "csv", THINGS, Position()))
        assert isinstance(rows[0], FileRow)
        assert isinstance(rows[-1], Rejected)
        assert "cannot be read on from here" in rows[-1].details[0].message


def test_an_empty_csv_has_no_rows() -> None:
    """Neither an empty file nor a header alone is a fault; empty lines are passed by."""
    assert _read(b"", "csv") == []
    assert _read(b"name\n\n", "csv") == []


@pytest.mark.parametrize(
    ("value", "cell"), [(None, None), ("", ""), ("a,b", "a,b"), (True, "true"), (1.5, "1.5"), (["東", {"a": 1}], '["東",{"a":1}]')]
)
def test_cells_are_written_as_they_are_read(value: object, cell: str) -> None:
    """null is nothing, texts are themselves, everything else is compact JSON."""
    assert write_cell(value) == cell
