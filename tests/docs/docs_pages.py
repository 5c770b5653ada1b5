"""Reads the documentation: the blocks of code of a page, its tables, its headings and its links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
"""The pages for users, the README first."""

TEXTS = (*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md", *sorted((DOCS / "decisions").glob("*.md")))
"""Everything that is written for people."""

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CELL_BREAK = re.compile(r"(?<!\\)\|")
_FILE_NAME = re.compile(r"# ([\w./-]+\.(?:py|toml|csv|jsonl))\n")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, the line of its fence, and the file that its first line names (`# app.py`)."""

    language: str
    text: str
    line: int
    file: str | None


def read_blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order."""
    text = page.read_text("utf-8")
    for found in _BLOCK.finditer(text):
        named = _FILE_NAME.match(found[2])
        yield Block(found[1], found[2], text.count("\n", 0, found.start()) + 1, named[1] if named else None)


def read_tables(text: str) -> Iterator[list[str]]:
    """The cells of every table row of a text, header and rule left out, without the backticks around a whole cell."""
    lines = _BLOCK.sub("", text).splitlines()
    for before, line in pairwise(lines):
        if line.startswith("|") and before.startswith("|") and not line.startswith("|-"):
            yield [_plain(each) for each in _CELL_BREAK.split(line.strip()[1:-1])]


def read_links(page: Path) -> Iterator[str]:
    """The targets of every link of a page, outside its blocks."""
    yield from _LINK.findall(_BLOCK.sub("", page.read_text("utf-8")))


def read_anchors(page: Path) -> set[str]:
    """What `#...` of a link may name in a page."""
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in _HEADING.findall(_BLOCK.sub("", page.read_text("utf-8")))}


def read_section(page: Path, heading: str) -> str:
    """The text below one heading of the second level."""
    _, _, rest = page.read_text("utf-8").partition(f"\n## {heading}\n")
    assert rest, f"{page.name} has no section {heading}"
    return rest.partition("\n## ")[0]


def _plain(cell: str) -> str:
    text = cell.strip().replace("\\|", "|")
    return text[1:-1] if text.count("`") == 2 and text[0] == text[-1] == "`" else text
