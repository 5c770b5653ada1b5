"""The house is tidy: nothing dead, nothing unfinished, nothing of a machine in it, every test says what it proves."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
VENDORED = "src/holdfast/docs_page/"
DOORS = {"holdfast", "holdfast.__main__", "holdfast.cli.main", "holdfast.testing", "holdfast.http.asgi"}
ENTRIES = DOORS | {f"holdfast.cli.{name}" for name in COMMANDS}
"""Modules that are entered from outside: by `python -m`, the command, tests of developers, foreign servers."""

SECTIONS = ("Security", "Removed", "Deprecated", "Added", "Changed", "Fixed")
FILE_LINES_MAX = 450
"""Files aim at 100 to 300 lines; one beyond this holds more than one noun."""


def _tracked() -> list[Path]:
    """Every file that git knows and that is there, without what others wrote."""
    if not (ROOT / ".git").exists():
        pytest.skip("only git knows which files belong to the house")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and not name.startswith(VENDORED) and (ROOT / name).is_file()]


def _module(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file may import, functions included; `from a import b` may mean the module a.b."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def test_every_module_is_used() -> None:
    """Each module of the package is imported by another one, or is an entry."""
    modules = {_module(path): path for path in (SOURCE / "holdfast").rglob("*.py")}
    used = {name for own, path in modules.items() for name in _imports(path) if name != own}
    face = {f"holdfast.model.{each}" for each in ("access", "backend", "field", "ref", "resource", "rule")}  # imported by name
    packages = {name for name, path in modules.items() if path.name == "__init__.py"}

    assert sorted(set(modules) - used - ENTRIES - face - packages) == []


def test_nothing_is_left_to_do() -> None:
    """No file says that something is unfinished: that belongs into an issue."""
    mark = re.compile("|".join(rf"\b{first}{second}\b" for first, second in (("TO", "DO"), ("FIX", "ME"), ("X", "XX"), ("HA", "CK"))))

    assert _find(mark) == []


def test_no_machine_is_in_the_files() -> None:
    """No file names a folder of somebody's machine or the host of a package registry."""
    folders = "|".join(("/ro" + "ot/", "/ho" + r"me/\w", "/wo" + "rk/", "/Us" + r"ers/\w", r"[A-Z]:\\Us" + "ers"))
    hosts = "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.(?:org|com)"))

    assert _find(re.compile(f"{folders}|{hosts}")) == []


def _find(mark: re.Pattern[str]) -> list[str]:
    """Where a pattern stands in the text files of the repository: file:line."""
    found = []
    for path in _tracked():
        try:
            lines = path.read_text("utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}:{number}" for number, line in enumerate(lines, 1) if mark.search(line)]
    return found


def test_every_test_says_what_it_proves() -> None:
    """Each test function has a docstring that ends as a sentence does."""
    silent = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                says = ast.get_docstring(node) or ""
                if not says.endswith((".", "?", ")")):
                    silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")

    assert silent == []


def test_names_of_test_files_are_unique() -> None:
    """No two files of tests have one name: pytest imports them by it."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]

    assert sorted({each for each in names if names.count(each) > 1}) == []


def test_no_file_is_too_long() -> None:
    """No file of the package passes the bound at which it holds more than one noun; the message lists the longest."""
    lengths = sorted(
        ((len(path.read_text("utf-8").splitlines()), str(path.relative_to(ROOT))) for path in SOURCE.rglob("*.py")), reverse=True
    )

    assert lengths[0][0] <= FILE_LINES_MAX, lengths[:10]


def test_the_changelog_has_its_form() -> None:
    """Releases are headings of the second level, newest first; their sections stand in one order, each with entries."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    _, *releases = re.split(r"^## ", text, flags=re.MULTILINE)

    assert releases
    for release in releases:
        name = release.splitlines()[0]
        sections = re.findall(r"^### (.+)$", release, re.MULTILINE)
        assert re.fullmatch(r"Unreleased|\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", name), name
        assert sections == sorted(sections, key=SECTIONS.index), name
        assert all("\n- " in part for part in release.split("\n### ")[1:]), name


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda page: page.stem)
def test_a_decision_has_its_form(page: Path) -> None:
    """A decision says its question, choice, reasons, what was refused, and what would change our mind."""
    text = page.read_text("utf-8")

    assert text.startswith(f"# {page.name[:3]}: ")
    assert [each for each in ("Question", "Choice", "Reasons", "Refused", "What would change our mind") if f"**{each}.**" not in text] == []
