"""Where the pages that speak of the atlas keep its data, so that it is loaded once."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of `make run`: the first page that runs it fills it."""
    return tmp_path_factory.mktemp("atlas") / "data"
