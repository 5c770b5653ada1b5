"""Every page of the documentation is followed to the letter: its files written, its commands run, what they print compared."""

import shutil
from pathlib import Path

import pytest
from docs_pages import PAGES, ROOT, read_blocks
from docs_session import Session, is_as_shown, split_commands

README = ROOT / "README.md"


def _case(page: Path) -> object:
    """One page; those of the atlas run in one worker, which loads it once."""
    marks = [pytest.mark.xdist_group("atlas")] if "$ make run" in page.read_text("utf-8") else []
    return pytest.param(page, id=str(page.relative_to(ROOT)), marks=marks)


@pytest.mark.parametrize("page", [_case(page) for page in PAGES])
def test_what_a_page_shows_is_what_happens(page: Path, tmp_path: Path, atlas: Path) -> None:
    """Each command of a page, run in order in a fresh folder, prints what the page shows, and each Python block runs."""
    if page == README:
        shutil.rmtree(atlas, ignore_errors=True)  # the README shows the first start
    with Session(tmp_path / "reader", atlas) as session:
        for block in read_blocks(page):
            session.follow(block)


def test_make_run_is_what_the_session_runs() -> None:
    """The command that stands for `make run` in these tests is the one of the Makefile."""
    assert "$(BIN)/python -m examples.run_atlas --data $(DATA)\n" in (ROOT / "Makefile").read_text("utf-8")


def test_shown_output_is_compared() -> None:
    """White space does not count, dots stand for anything, and everything else must be equal."""
    assert is_as_shown('{"a":1,"b":2}\n', '{\n  "a": 1, ...}')
    assert not is_as_shown('{"a":1}', '{"a": 2}')
    assert not is_as_shown("one\ntwo", "one")


def test_commands_are_cut_out_of_a_block() -> None:
    """A command goes on after a backslash and within single quotes; what stands below it is its output."""
    block = "$ holdfast dump \\\n    books\none\ntwo\n$ echo 'a\nb'\na\nb\n$ true\n"

    assert list(split_commands(block)) == [("holdfast dump \\\n    books", "one\ntwo"), ("echo 'a\nb'", "a\nb"), ("true", "")]
