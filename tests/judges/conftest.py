"""The judges look from outside: each app is served by `holdfast serve` in a process of its own, on a free port."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = {"library": ROOT / "examples/library.py", "everything": ROOT / "tests/judges/everything.py"}

_ADDRESS = re.compile(r"is served at (http://\S+)")
_STOP_S = 20


@contextmanager
def serve(app: Path, data: Path) -> Iterator[str]:
    """Serve an app on a data folder of its own; gives its base address, and stops it in the end."""
    command = [sys.executable, "-m", "holdfast", "serve", str(app), "--port", "0", "--data", str(data)]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, "HOLDFAST_RATE_LIMIT": "off"}
        ) as server,
    ):
        try:
            assert server.stdout is not None
            found = next(filter(None, map(_ADDRESS.search, server.stdout)), None)
            errors.seek(0)
            assert found is not None, f"{app.name} was not served: {errors.read()[-2000:]}"
            yield found[1]
        finally:
            server.terminate()
            server.wait(_STOP_S)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """`served("library")` starts the app, once for each module, and gives its base address."""
    with ExitStack() as running:
        addresses: dict[str, str] = {}

        def address_of(app: str) -> str:
            if app not in addresses:
                addresses[app] = running.enter_context(serve(APPS[app], tmp_path_factory.mktemp(app)))
            return addresses[app]

        yield address_of
