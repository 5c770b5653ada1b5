"""A program that serves the echo service, for tests that need processes and signals.

    python http_app.py WORKERS MODE [DRAIN_S]

Prints `ready PORT` once, and a line for each thing that happens in a worker. MODE: good, misconfigured, broken,
watched (a worker may be silent for 3 s only), or `fragile:FILE`, where a worker that begins while FILE exists cannot start.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from http_harness import FIXED, EchoService

from holdfast.base.errors import HoldfastError, Misconfigured
from holdfast.core.exchange import Exchange, Head, Reply
from holdfast.http.bounds import Bounds
from holdfast.http.serve import run


def tell(text: str) -> None:
    """Say something on standard output, in one write."""
    os.write(1, f"{text}\n".encode())


class WorkerService(EchoService):
    """The echo service, which also says who it is, blocks its loop and dies on demand."""

    slot = 0
    ready = True

    def open(self, head: Head) -> Exchange | Reply:
        """Answer the special paths; leave the rest to the echo."""
        match head.target:
            case "/who":
                return Reply(200, f"{os.getpid()} {self.slot} {self.ready}".encode(), (), FIXED)
            case "/die":
                os._exit(1)
            case "/block":
                time.sleep(3_600)
        return super().open(head)


@dataclass
class App:
    """The ServiceFactory."""

    mode: str

    def __call__(self, slot: int) -> AbstractAsyncContextManager["Runner"]:
        """Open it."""
        return _open(self.mode, slot)


@dataclass
class Runner:
    """The running service."""

    service: WorkerService

    def draining(self) -> None:
        """Say so."""
        self.service.ready = False
        tell(f"draining {self.service.slot}")


@asynccontextmanager
async def _open(mode: str, slot: int) -> AsyncIterator[Runner]:
    kind, _, path = mode.partition(":")
    if kind == "misconfigured":
        raise Misconfigured("port", "is wrong.", "Mend it.")
    if kind == "broken" or (kind == "fragile" and os.access(path, os.F_OK)):
        raise RuntimeError("it broke")
    service = WorkerService()
    service.slot = slot
    await asyncio.sleep(0)
    tell(f"open {slot}")
    yield Runner(service)
    tell(f"closed {slot}")


def announce(addresses: Sequence[tuple[str, int]]) -> None:
    """Say where."""
    tell(f"ready {addresses[0][1]}")


def main() -> int:
    """Serve as the arguments say."""
    workers, mode = int(sys.argv[1]), sys.argv[2]
    drain_s = float(sys.argv[3]) if len(sys.argv) > 3 else 10.0
    silence_s = 3.0 if mode == "watched" else 30.0
    bounds = Bounds(drain_s=drain_s, drain_quiet_s=0.3, sweep_s=0.1, worker_silence_s=silence_s)
    try:
        run(App(mode), port=0, workers=workers, bounds=bounds, on_ready=announce)
    except HoldfastError as error:
        tell(f"failed {type(error).__name__}")
        return 1
    tell("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
