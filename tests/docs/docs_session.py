"""Follows a page as a reader does: writes its files, runs its commands in order, compares what they print.

How a page is written:

    ```console             commands begin with `$ ` and go on after a `\\` and within single quotes. What is printed stands below:
    $ holdfast routes      white space does not count, and `...` stands for anything
    ```
    ```python              runs by itself
    ```
    ```json, ```text, ```sh  is shown, not run

A block of any language whose first line is `# app.py` (or any name in .py, .toml, .csv, .jsonl) is written to that file instead.

A page begins in an empty folder that holds `examples/`. `cd` and `NAME=value` last to the end of the page. `holdfast serve`,
`holdfast dev` and `make run` go on in the background until the next of them, or the end. Port 8000 stands for a free port.
"""

import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, chdir
from pathlib import Path
from types import TracebackType
from typing import Self

from docs_pages import ROOT, Block

COMMAND_S = 120.0
START_S = 120.0
PORT = "8000"
READY = "Ctrl-C"
_SERVING = ("holdfast serve", "holdfast dev", "make run")
_LASTING = re.compile(r"(cd |[A-Z_]+=)")


class Session:
    """One reader of one page, in a folder of its own.

    atlas  the data folder of the atlas, which `make run` serves
    """

    def __init__(self, folder: Path, atlas: Path | None = None) -> None:
        self._folder, self._atlas = folder, atlas
        self._lasting: list[str] = []
        self._runs_atlas = False
        self._log = folder / "server.log"
        self._port = str(_find_port())
        self._server: subprocess.Popen[str] | None = None
        self._stack = ExitStack()
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()
        self._stack.close()

    def follow(self, block: Block) -> None:
        """Do what one block says; AssertionError where something else is printed."""
        text = block.text.replace(PORT, self._port)
        if block.file is not None:
            self._write(block.file, text)
        elif block.language == "python":
            self._run_python(text, block)
        elif block.language == "console":
            for command, expected in split_commands(text):
                printed = self.run(command)
                assert is_as_shown(printed, expected), f"line {block.line}: $ {command}\nshown:\n{expected}\nprinted:\n{printed}"

    def run(self, command: str) -> str:
        """Run one command; what it prints on both of its outputs."""
        if _LASTING.match(command) and "\n" not in command:
            self._lasting.append(command)
            command = "true"
        if command.startswith(_SERVING):
            return self._serve(command)
        done = self._start(f"{command}\n")
        try:
            return done.communicate(timeout=COMMAND_S)[0]
        except subprocess.TimeoutExpired:
            _end(done)
            raise

    def _start(self, command: str) -> "subprocess.Popen[str]":
        script = "\n".join(("set -o pipefail", *self._lasting, command))
        return subprocess.Popen(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._environment(),
            text=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "PORT", "PYTEST"))}
        if self._runs_atlas:  # commands mean the data that `make run` serves, which is ./data to a reader
            kept["HOLDFAST_DATA"] = str(self._atlas)
        return {**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOLDFAST_PORT": self._port, "COLUMNS": "100"}

    def _serve(self, command: str) -> str:
        """Start a server in place of the last one; what it prints until it is ready, or all of it where it refuses to start."""
        self._stop()
        if command == "make run":
            assert self._atlas is not None, "only a page that is marked as one of the atlas can run it"
            self._runs_atlas = True
            command = f"{sys.executable} -m examples.run_atlas --data {self._atlas}"
        self._server = server = self._start(f"exec {command} 2>'{self._log}'\n")
        assert server.stdout is not None
        self._stack.enter_context(server.stdout)
        printed = []
        for line in server.stdout:
            printed.append(line)
            if READY in line:
                return "".join(printed)
        return "".join(printed) + self._log.read_text("utf-8")

    def _stop(self) -> None:
        if self._server is not None:
            _end(self._server)
            self._server = None

    def _write(self, name: str, text: str) -> None:
        """Write a file as an editor would, in the folder that `cd` led to."""
        place = Path(self.run("pwd").strip()) / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")

    def _run_python(self, text: str, block: Block) -> None:
        place = self._folder / f"block_{block.line}.py"
        place.write_text(text, "utf-8")
        with chdir(self._folder):
            runpy.run_path(str(place), run_name=f"block_{block.line}")


def split_commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with what is shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        end = next(each for each in range(1, len(lines) + 1) if not _goes_on("\n".join(lines[:each])))
        yield "\n".join(lines[:end]), "\n".join(lines[end:])


def _goes_on(command: str) -> bool:
    """Whether a shell would wait for more: after a backslash, and within single quotes."""
    return command.endswith("\\") or command.count("'") % 2 == 1


def is_as_shown(printed: str, shown: str) -> bool:
    """Whether what was printed is what a page shows: white space does not count, `...` stands for anything."""
    pieces = ("".join(each.split()) for each in shown.split("..."))
    return re.fullmatch(".*".join(map(re.escape, pieces)), "".join(printed.split()), re.DOTALL) is not None


def _find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end(process: "subprocess.Popen[str]") -> None:
    """End a command and all that it started."""
    for sign, within_s in ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, sign)
            process.wait(within_s)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        return
