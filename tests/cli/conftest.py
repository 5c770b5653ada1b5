"""A folder with an app in it, which commands run in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_harness import APP, clean_environ, importing_from


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    for name in list(__import__("os").environ):
        if name not in clean_environ():
            monkeypatch.delenv(name)
    with importing_from(tmp_path):
        yield tmp_path


@pytest.fixture
def library(folder: Path) -> Path:
    """A working directory with `app.py`."""
    (folder / "app.py").write_text(APP)
    return folder
