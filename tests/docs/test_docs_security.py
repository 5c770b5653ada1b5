"""The checklist of docs/security.md names tests that are there."""

import re
from pathlib import Path

import pytest

_PAGE = Path(__file__).parents[2] / "docs/security.md"
_NAMED = re.findall(r"\[`(test_\w+)`\]\(([^)]+)\)", _PAGE.read_text())
_ITEMS = ("validation", "authentication", "authorization", "rate limits", "CORS", "secrets", "errors")


@pytest.mark.parametrize(("name", "file"), _NAMED, ids=[name for name, _ in _NAMED])
def test_a_named_test_is_there(name: str, file: str) -> None:
    """The file of each line has the test of that name."""
    assert f"def {name}(" in (_PAGE.parent / file).read_text()


def test_every_item_has_a_test() -> None:
    """None of the seven items is without one."""
    rows = [line for line in _PAGE.read_text().splitlines() if line.startswith("| ") and "`test_" in line]
    assert [item for item in _ITEMS if not any(row.startswith(f"| {item} |") for row in rows)] == []
