"""CSV as RFC 4180 has it, where an empty cell that is quoted is an empty text, and one that is not holds nothing.

Python's own csv does not tell them apart before 3.12.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

CELL_CHARACTERS_MAX = 1024 * 1024

_ENDS = ("", "\n", "\r\n")
_SPECIAL = re.compile(r'[",\r\n]')


class CsvError(Exception):
    """The text is no CSV."""


class CsvReader:
    """Reads rows of cells, each a text or None, from lines with their ends. Lines that are empty are passed by.

    line  the number of the line that was read last
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.line = 0

    def __iter__(self) -> Iterator[list[str | None]]:
        """The rows in order. Raises CsvError."""
        while (text := self._next_line()) is not None:
            if text not in _ENDS:
                yield self._read_row(text)

    def _next_line(self) -> str | None:
        text = next(self._lines, None)
        self.line += text is not None
        return text

    def _read_row(self, text: str) -> list[str | None]:
        if '"' not in text:
            return [_check_plain(each) for each in _without_end(text).split(",")]
        cells: list[str | None] = []
        cell: str | None
        start = 0
        while True:
            if text.startswith('"', start):
                cell, text, end = self._read_quoted(text, start + 1)
            else:
                comma = text.find(",", start)
                end = len(_without_end(text)) if comma < 0 else comma
                cell = _check_plain(text[start:end])
            cells.append(cell)
            if text.startswith(",", end):
                start = end + 1
            elif text[end:] in _ENDS:
                return cells
            else:
                raise CsvError("a comma must follow a quoted cell")

    def _read_quoted(self, text: str, start: int) -> tuple[str, str, int]:
        """The cell behind an opening quote, the line in which it ends, and the place behind its closing quote there."""
        parts: list[str] = []
        size = 0
        while True:
            end = _find_closing(text, start)
            parts.append(text[start:end])
            size += end - start
            if size > CELL_CHARACTERS_MAX:
                raise _too_long()
            if end < len(text):
                return "".join(parts).replace('""', '"'), text, end + 1
            more = self._next_line()
            if more is None:
                raise CsvError("a quoted cell does not end")
            text, start = more, 0


def write_row(cells: Sequence[str | None]) -> str:
    """The line of some cells, at least two, ended by LF: as CsvReader reads it."""
    return ",".join("" if each is None else _quote(each) for each in cells) + "\n"


def _quote(cell: str) -> str:
    return cell if cell and not _SPECIAL.search(cell) else '"' + cell.replace('"', '""') + '"'


def _find_closing(text: str, start: int) -> int:
    """The place of the quote that closes a cell, which is no pair; the end of the line where there is none."""
    end = text.find('"', start)
    while end >= 0 and text.startswith('""', end):
        end = text.find('"', end + 2)
    return len(text) if end < 0 else end


def _without_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _check_plain(cell: str) -> str | None:
    """A cell without quotes around it; None if it is empty."""
    if "\r" in cell:
        raise CsvError("a carriage return stands outside of quotes")
    if len(cell) > CELL_CHARACTERS_MAX:
        raise _too_long()
    return cell or None


def _too_long() -> CsvError:
    return CsvError(f"a cell has more than {CELL_CHARACTERS_MAX:,} characters")
