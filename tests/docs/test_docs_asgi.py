"""The applications of docs/operate.md are served as the page says, by uvicorn, and stop although somebody listens."""

import http.client
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from docs_pages import DOCS, ROOT, read_blocks

BLOCKS = tuple(read_blocks(DOCS / "operate.md"))
COMMAND = next(each.text for each in BLOCKS if each.text.startswith("uvicorn asgi:app"))
GRACE = "--timeout-graceful-shutdown 10"
STOP_S = 60.0


@contextmanager
def _serving(folder: Path, command: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a command of the page, on a free port and with a short grace: its process, and the port once it serves."""
    assert command.count("--port 8000") == command.count(GRACE) == 1
    words = shlex.split(command.replace("8000", "0").replace(GRACE, GRACE[:-1]))
    log = folder / "server.log"
    with log.open("w") as into, subprocess.Popen([sys.executable, "-m", *words], cwd=folder, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            for line in server.stderr:
                into.write(line)
                if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", line):
                    yield server, int(found[1])
                    return
            pytest.fail(log.read_text())
        finally:
            server.kill()


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    """The folder of a reader who wrote down the files of the page."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    for each in BLOCKS:
        if each.file is not None:
            (tmp_path / each.file).write_text(each.text, "utf-8")
    return tmp_path


def _get(connection: http.client.HTTPConnection, path: str, **headers: str) -> http.client.HTTPResponse:
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


@pytest.mark.parametrize(("module", "prefix"), [("asgi", ""), ("whole", "/library")])
def test_an_application_of_the_page_serves_and_stops(reader: Path, module: str, prefix: str) -> None:
    """By itself and mounted: it answers, tells who listens, and ends with its server, whose patience with listeners is set."""
    with _serving(reader, COMMAND.replace("asgi:app", f"{module}:app")) as (server, port):
        ready, stream = (http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(2))
        with closing(ready), closing(stream):
            assert _get(ready, f"{prefix}/readyz").status == 200
            listening = _get(stream, f"{prefix}/api/v1/changes", accept="text/event-stream")
            assert (listening.status, listening.readline()) == (200, b"retry: 2000\n")
            server.terminate()
            _, said = server.communicate(timeout=STOP_S)
    assert "Application shutdown complete." in said
