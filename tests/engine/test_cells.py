"""CSV: what is a cell, and what is none."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.engine.cells import CELL_CHARACTERS_MAX, CsvError, CsvReader, write_row

_TEXTS = st.text(alphabet="ab \",\r\n'\\東\x00\x1f\u2028", max_size=8)


def _read(text: str) -> list[list[str | None]]:
    return list(CsvReader(io.StringIO(text, newline="\n")))


@given(st.lists(st.lists(st.none() | _TEXTS, min_size=2, max_size=5), max_size=5))
@example([["", None], [None, ""], [None, None], ["", ""]])
def test_what_is_written_is_read(rows: list[list[str | None]]) -> None:
    """Any text, and no text: neither is taken for the other. Other readers see the same, with an empty cell for either."""
    written = "".join(map(write_row, rows))
    assert _read(written) == rows
    others = csv.reader(io.StringIO(written, newline=""), strict=True)
    assert list(others) == [["" if cell is None else cell for cell in row] for row in rows]


@given(st.lists(st.lists(_TEXTS, min_size=2, max_size=5), max_size=5), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_others_write_is_read(rows: list[list[str]], end: str, quoted: bool) -> None:  # noqa: FBT001  # drawn
    """Whether they quote everything or what must be, and whichever way their lines end."""
    # Python's writer does not quote a CR where its own lines do not end with one
    rows = [[each if end == "\r\n" else each.replace("\r", "") for each in row] for row in rows]
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL).writerows(rows)
    assert [[cell or "" for cell in row] for row in _read(file.getvalue())] == rows


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("\n\r\n", []),
        ('a,"",\n', [["a", "", None]]),
        ('"",\r\n,""', [["", None], [None, ""]]),
        ('5" pipe,a""b\n', [['5" pipe', 'a""b']]),
        (' "a", b \n', [[' "a"', " b "]]),
        ('"a\r\nb""\n"\n', [['a\r\nb"\n']]),
        ('"a,"",""",b\n', [['a,","', "b"]]),
    ],
)
def test_a_cell_is_what_stands_between_commas(text: str, expected: list[list[str | None]]) -> None:
    """A quote opens a cell at its beginning alone; within, two of them are one, and lines go on."""
    assert _read(text) == expected


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ('a\n"b"c,d\n', "a comma must follow a quoted cell", 2),
        ('a\n"b\nc\n', "a quoted cell does not end", 3),
        ("a\rb\rc", "a carriage return stands outside of quotes", 1),
        ('"a",b\rc', "a carriage return stands outside of quotes", 1),
        ('"a"\rc', "a comma must follow a quoted cell", 1),
        ("a" * (CELL_CHARACTERS_MAX + 1), "a cell has more than 1,048,576 characters", 1),
        ('"' + "\n" * (CELL_CHARACTERS_MAX + 1), "a cell has more than 1,048,576 characters", CELL_CHARACTERS_MAX + 1),
    ],
)
def test_what_is_no_csv_is_refused_with_its_line(text: str, said: str, line: int) -> None:
    """Nothing doubtful is read, and no cell without a bound."""
    reader = CsvReader(io.StringIO(text, newline="\n"))
    with pytest.raises(CsvError, match=said):
        list(reader)
    assert reader.line == line
