"""Reload: runs the server as a child, watches the developer's files, and starts it again when one changes.

Files are watched by their times of change, twice a second: no dependency, and it works on every kind of disk.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import click

from holdfast.cli.failure import HOLDS
from holdfast.find import check_file
from holdfast.http.server import bind_sockets
from holdfast.settings import FILE, Settings

LOOK_EVERY_S = 0.4
STOP_WITHIN_S = 10.0
_PASSED_BY = frozenset({"__pycache__", "node_modules", "data", "venv", "site-packages"})

Times = dict[str, int]


def run_reloading(settings: Settings) -> int:
    """Serve until told to stop, with a new process after each change; the result is the exit status.

    What is wrong in the app's file is waited for, since somebody writes it. Raises Misconfigured where there is no such file.
    """
    check_file(settings.app)
    port = _find_port(settings)
    folder = _folder_of(settings.app)
    command = [sys.executable, "-m", "holdfast", "dev", "--no-reload", settings.app, "--port", str(port), "--data", str(settings.data)]
    if settings.database:
        command += ["--database", settings.database]
    signal.signal(signal.SIGTERM, _interrupt)
    seen = read_times(folder)
    child = subprocess.Popen(command)  # noqa: S603 - our own command
    try:
        while True:
            changed, seen = _await_change(child, folder, seen)
            click.echo(f"{changed} changed: starting again.", err=True)
            _stop(child)
            child = subprocess.Popen(command)  # noqa: S603 - our own command
    except KeyboardInterrupt:
        _stop(child)
        return HOLDS


def read_times(folder: Path) -> Times:
    """When each watched file was changed last, in nanoseconds."""
    times: Times = {}
    for path in (*_python_files(folder), Path.cwd() / FILE):
        with contextlib.suppress(OSError):
            times[str(path)] = path.stat().st_mtime_ns
    return times


def _await_change(child: "subprocess.Popen[bytes]", folder: Path, seen: Times) -> tuple[str, Times]:
    told = False
    while True:
        time.sleep(LOOK_EVERY_S)
        if not told and child.poll() is not None:
            click.echo("Not serving. Waiting for a change...", err=True)
            told = True
        now = read_times(folder)
        if now != seen:
            changed = min(path for path, _ in now.items() ^ seen.items())
            return os.path.relpath(changed), now


def _python_files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if each not in _PASSED_BY and not each.startswith(".")]
        yield from (Path(place, each) for each in files if each.endswith(".py"))


def _folder_of(app: str) -> Path:
    place = app.partition(":")[0]
    return Path(place).resolve().parent if place.endswith(".py") else Path.cwd()


def _find_port(settings: Settings) -> int:
    """The port that every child will take; Misconfigured if it is not free."""
    found = bind_sockets(settings.host, settings.port)
    port = int(found[0].getsockname()[1])
    for each in found:
        each.close()
    return port


def _stop(child: "subprocess.Popen[bytes]") -> None:
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
