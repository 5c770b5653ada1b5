"""The judges look from outside: each app is served by `holdfast serve` in a process of its own, on a free port."""

import itertools
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
APPS = {"library": ROOT / "examples/library.py", "everything": ROOT / "tests/judges/everything.py"}


class Served(NamedTuple):
    """A served app: where it is, and its data folder."""

    address: str
    data: Path


_ADDRESS = re.compile(r"is served at (http://\S+)")
_STOP_S = 20
_numbers = itertools.count(1)


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


def add_key(app: Path, data: Path) -> str:
    """Make a new key of an admin."""
    name = f"judge-{next(_numbers)}"
    command = [sys.executable, "-m", "holdfast", "key", "add", name, "--role", "admin", "--app", str(app), "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Served]]:
    """`running("library")` starts the app, once for each module."""
    with ExitStack() as apps:
        started: dict[str, Served] = {}

        def start(app: str) -> Served:
            if app not in started:
                data = tmp_path_factory.mktemp(app)
                started[app] = Served(apps.enter_context(serve(APPS[app], data)), data)
            return started[app]

        yield start


@pytest.fixture(scope="module")
def served(running: Callable[[str], Served]) -> Callable[[str], str]:
    """`served("library")` starts the app, once for each module, and gives its base address."""
    return lambda app: running(app).address


@pytest.fixture(scope="module")
def admin_key(running: Callable[[str], Served]) -> Callable[[str], str]:
    """`admin_key("library")` is a new key of an admin of the app: a judge may sign out, and so end its own."""
    return lambda app: add_key(APPS[app], running(app).data)
