"""Starting, pinning and watching the servers under test."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

_CORES = os.cpu_count() or 1
SERVER_CORE, SECOND_CORE, LOAD_CORE = 0, 1, 1 if _CORES < 3 else 2
SHARES_A_CORE = LOAD_CORE == SECOND_CORE
"""Whether the load runs on a core of the servers, where these have two."""

_READY_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its port and its process (with children)."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    ready_s: float

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that the load goes to."""
        return (self.port,)

    def family(self) -> list[psutil.Process]:
        """The process and everything that it started."""
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def cpu_s(self) -> float:
        """CPU seconds spent so far, user and system, by the whole family."""
        times = [each.cpu_times() for each in self.family()]
        return float(sum(each.user + each.system for each in times))

    def pss_mib(self) -> list[float]:
        """Proportional set size of each process, in MiB."""
        return [each.memory_full_info().pss / 2**20 for each in self.family()]


@dataclass(frozen=True, slots=True)
class Servers:
    """Several servers under one load."""

    name: str
    each: tuple[Server, ...]

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that the load goes to."""
        return tuple(each.port for each in self.each)

    def cpu_s(self) -> float:
        """CPU seconds spent so far by all of them."""
        return sum(each.cpu_s() for each in self.each)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _pin(*cores: int) -> None:
    os.sched_setaffinity(0, {core % _CORES for core in cores})


@contextmanager
def serve(
    name: str, command: Sequence[str], *, port: int, log: Path, environment: dict[str, str] | None = None, both_cores: bool = False
) -> Iterator[Server]:
    """Run one server on its core until the block ends; where several workers are measured, on a second one too."""
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            preexec_fn=lambda: _pin(SERVER_CORE, SECOND_CORE) if both_cores else _pin(SERVER_CORE),
            start_new_session=True,
        )
    try:
        _wait_until_listening(name, process, port, log)
        yield Server(name, port, process, time.perf_counter() - started)
    finally:
        _stop(process)


def _wait_until_listening(name: str, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.perf_counter() + _READY_WITHIN_S
    while time.perf_counter() < until:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    tail = log.read_text("utf-8", "replace")[-2_000:]
    message = f"{name} did not start:\n{tail}"
    raise RuntimeError(message)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def run_load(ports: Sequence[int], connections: int, seconds: float, requests: Path) -> bytes:
    """Run the load generator on its own core and return what it prints."""
    command = [sys.executable, "-m", "bench.load", ",".join(map(str, ports)), str(connections), str(seconds), str(requests)]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, preexec_fn=lambda: _pin(LOAD_CORE)).stdout
