"""A real server with its workers, to be killed and started again."""

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import psutil

from chaos.report import ROOT
from chaos.store import Failed

WORKERS = 2
READY_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.02


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`holdfast serve` on a data folder. What it says goes to server.log beside it."""

    def __init__(self, folder: Path, workers: int = WORKERS) -> None:
        self.port = free_port()
        self.data = folder / "data"
        self._folder, self._workers = folder, workers
        self._process: subprocess.Popen[bytes] | None = None
        self._groups: list[int] = []

    def start(self) -> None:
        """Start it; it may not be ready yet."""
        command = [*_HOLDFAST, "serve", str(_APP), "--port", str(self.port), "--workers", str(self._workers), "--data", str(self.data)]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self._folder, env={**_environ(), "HOLDFAST_RATE_LIMIT": "off"}, start_new_session=True
            )
        self._groups.append(self._process.pid)

    def worker_pids(self) -> list[int]:
        """The processes that serve."""
        assert self._process is not None
        with suppress(psutil.Error):
            children = psutil.Process(self._process.pid).children()
            return sorted(each.pid for each in children if _is_worker(each))
        return []

    def kill_worker(self, index: int) -> None:
        """kill -9 one worker; none where all have just been killed."""
        pids = self.worker_pids()
        if pids:
            os.kill(pids[index % len(pids)], signal.SIGKILL)

    def kill_supervisor(self) -> None:
        """kill -9 the supervisor; its workers find out by themselves."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def kill_all(self) -> None:
        """kill -9 supervisor and workers at the same time."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    async def await_ready(self, *, again: bool = False, whole: bool = True) -> float:
        """Wait until it is ready and has all its workers; the seconds until it was ready. Raises Failed.

        again  start it again whenever it has ended, as whoever keeps services alive does (its orphans may still hold the port)
        whole  False: do not wait for all its workers, so that the next kill may meet one that is just starting, or the last one
        """
        began = time.monotonic()
        ready_s: float | None = None
        while time.monotonic() < began + READY_WITHIN_S:
            if again and (self._process is None or self._process.poll() is not None):
                self.start()
            has_workers = len(self.worker_pids()) == self._workers
            if ready_s is None and (has_workers or not again) and await asyncio.to_thread(self._is_ready):
                ready_s = time.monotonic() - began  # an orphan of the one before may answer too, but its successor is what counts
            if ready_s is not None and (has_workers or not whole):
                return ready_s
            await asyncio.sleep(_LOOK_EVERY_S)
        raise Failed(f"not ready after {READY_WITHIN_S} s:\n{self.log_tail()}")

    def stop(self) -> None:
        """Stop it gracefully. Raises Failed if that is not a success."""
        assert self._process is not None
        self._process.terminate()
        status = self._process.wait(60)
        if status:
            raise Failed(f"the server ended with status {status}:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """The last of what it said."""
        return (self._folder / "server.log").read_text("utf-8", "replace")[-4_000:]

    def destroy(self) -> None:
        """Leave no process behind."""
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/readyz", headers={"connection": "close"})
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


_HOLDFAST = (sys.executable, "-m", "holdfast")
_APP = ROOT / "chaos" / "backend.py"


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_") and name != "PORT"}


def _is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE and any("spawn_main" in each for each in process.cmdline())
    return False


@contextmanager
def run_server(folder: Path) -> Iterator[Server]:
    """A server that is started; whatever happens, no process of it is left."""
    server = Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.destroy()


def verify_data(data: Path) -> None:
    """Run `holdfast verify` on a data folder that nobody writes to. Raises Failed."""
    done = subprocess.run(
        (*_HOLDFAST, "verify", "--app", str(_APP), "--data", str(data), "--json"),
        capture_output=True,
        text=True,
        env=_environ(),
        cwd=data.parent,
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise Failed(f"holdfast verify: status {done.returncode}:\n{done.stdout[-4_000:]}{done.stderr[-2_000:]}")
