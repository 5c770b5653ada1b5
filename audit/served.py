"""A real server on loopback, with people of several roles and some records."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ADDRESS = re.compile(r"is served at (http://\S+)")
_COMMAND_S = 60
_STOP_S = 20
ROLES: Mapping[str, tuple[str, ...]] = {"admin": ("admin",), "editor": ("editor",), "reader": ()}


@dataclass(frozen=True)
class Served:
    """A served app.

    keys  "admin", "editor", "reader" -> the API key of one
    ids   "author", "book" -> the id of a record
    log   what the server logged
    pid   of the server
    """

    address: str
    keys: dict[str, str]
    ids: dict[str, str]
    log: Path
    pid: int

    def ask(self, method: str, path: str, body: Any = None, *, who: str = "admin") -> Any:
        """Send a request that must succeed; its data."""
        headers = {"authorization": f"Bearer {self.keys[who]}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}{path}", data, headers, method=method)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=_COMMAND_S) as answer:  # noqa: S310 - our own server
            return json.load(answer)["data"]


@contextmanager
def serving(app: Path, folder: Path, roles: Mapping[str, tuple[str, ...]] = ROLES) -> Iterator[Served]:
    """Serve an app on a data folder of its own, with a key for each name in `roles`, and stop it in the end."""
    data, log = folder / "data", folder / "server.log"
    keys = {name: _add_key(app, data, name, held) for name, held in roles.items()}
    command = [sys.executable, "-m", "holdfast", "serve", str(app), "--port", "0", "--data", str(data)]
    environ = {**os.environ, "HOLDFAST_RATE_LIMIT": "off", "HOLDFAST_LOGIN_RATE_LIMIT": "off"}
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environ, cwd=folder) as server,
    ):
        try:
            assert server.stdout is not None
            found = next(filter(None, map(_ADDRESS.search, server.stdout)), None)
            assert found is not None, f"{app.name} was not served: {log.read_text()[-2000:]}"
            served = Served(found[1], keys, {}, log, server.pid)
            yield served
        finally:
            server.terminate()
            server.wait(_STOP_S)


def fill(served: Served) -> None:
    """Make some records of the library."""
    for index in range(3):
        author = served.ask("POST", "/api/v1/authors", {"name": f"Author {index}", "email": f"author{index}@example.org"})
        book = {"title": f"Book {index}", "author_id": author["id"], "price": "10.00", "status": "published", "cost": "3.00"}
        served.ids.update(author=author["id"], book=served.ask("POST", "/api/v1/books", book)["id"])


def _add_key(app: Path, data: Path, name: str, roles: tuple[str, ...]) -> str:
    command = [sys.executable, "-m", "holdfast", "key", "add", name, "--app", str(app), "--data", str(data)]
    command += [part for role in roles for part in ("--role", role)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=_COMMAND_S, cwd=data.parent).stdout.strip()
