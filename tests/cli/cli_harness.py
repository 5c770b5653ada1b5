"""What the command line's tests share: an app to work on, and two ways to run a command."""

import contextlib
import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.cli.main import run

APP = '''
"""A small library."""

from datetime import date
from decimal import Decimal
from typing import Literal

from holdfast import Access, Backend, Email, Ref, Resource, anyone, field

everyone = Access(read=anyone, write=anyone)


class Author(Resource):
    """People who write."""

    name: str = field(min_length=1, max_length=20, search=True)
    email: Email | None = field(default=None, unique=True)
    mentor: Ref["Author"] | None = field(default=None, on_delete="set_null", reverse="students")
    rank: int | None = field(default=None, ge=1)
    fee: Decimal | None = field(default=None, places=2)
    alive: bool = True
    born: date | None = None
    kind: Literal["novels", "poems"] = "novels"
    tags: list[str] = field(default_factory=list[str])
    secret_word: str | None = field(default=None, secret="hashed")

    access = everyone


class Book(Resource, path="books"):
    title: str = field(min_length=1, max_length=40)
    author: Ref[Author]

    access = everyone


backend = Backend(Author, Book, title="Library")
'''


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left behind."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


def call(*arguments: str) -> Result:
    """Run a command in this process; quick."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(arguments)
    return Result(status, out.buffer.getvalue().decode(), err.getvalue())


def start(*arguments: str, cwd: Path, **environ: str) -> "subprocess.Popen[str]":
    """Start a command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "holdfast", *arguments],
        cwd=cwd,
        env=clean_environ() | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@contextlib.contextmanager
def importing_from(folder: Path) -> Iterator[None]:
    """What is imported from a folder in here is forgotten afterwards, and so is the way to it."""
    path, before = sys.path[:], set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]


def clean_environ() -> dict[str, str]:
    """The environment without anything that would change settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_") and name not in {"PORT", "NO_COLOR"}}


class Running:
    """A server process, what it has said so far, and its port."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=each, daemon=True) for each in ((process.stdout, self.out), (process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(source: io.TextIOBase, into: list[str]) -> None:
        into.extend(source)

    def wait_for(self, pattern: str, within_s: float = 60.0) -> "re.Match[str]":
        """Wait until the process has said something, on either stream."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            found = re.search(pattern, "".join(self.out + self.err))
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"{pattern!r} was not said:\n{''.join(self.out + self.err)}")

    def port(self) -> int:
        """The port it serves on, once it does."""
        return int(self.wait_for(r"is served at http://127\.0\.0\.1:(\d+)")[1])

    def get(self, path: str, port: int, **headers: str) -> tuple[int, str]:
        """One request; its status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it gracefully; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(60)
        self.hear_out()
        return status

    def hear_out(self) -> None:
        """Read what a process that has ended still said."""
        for reader in self._readers:
            reader.join(10)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


@contextlib.contextmanager
def running(*arguments: str, cwd: Path, **environ: str) -> Iterator[Running]:
    """A command that runs until the block ends; nothing of it is left then."""
    process = start(*arguments, cwd=cwd, **environ)
    server = Running(process)
    try:
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM if process.poll() is None else signal.SIGKILL)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)
        server.hear_out()
