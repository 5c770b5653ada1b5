"""One worker under uvicorn, which keeps the sockets and the loop; the protocol, the lifespan and the graceful stop are ours."""

import asyncio
import contextlib
import copy
import errno
import gc
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Generator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from uvicorn.config import Config
from uvicorn.server import HANDLED_SIGNALS, Server, ServerState

from holdfast.base.errors import Misconfigured
from holdfast.base.limits import VANISHED_S
from holdfast.http.bounds import Bounds
from holdfast.http.door import Door
from holdfast.http.protocol import Connection
from holdfast.http.runner import Runner, ServiceFactory

_BACKLOG = 2048
_FILES_BESIDE_CONNECTIONS = 256  # databases, logs, metrics

_log = logging.getLogger("holdfast.http")


class UvicornConnection(Connection):
    """The connection in the form in which uvicorn makes it."""

    __slots__ = ()

    def __init__(
        self,
        config: Config,  # noqa: ARG002  # the four names are uvicorn's
        server_state: ServerState,  # noqa: ARG002
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(app_state["door"])


class WorkerConfig(Config):
    """uvicorn's configuration of one worker. Picklable, for a worker may be a process of its own."""

    def __init__(self, make_service: ServiceFactory, bounds: Bounds, *, workers: int = 1, slot: int = 0) -> None:
        self.make_service, self.bounds, self.slot = make_service, bounds, slot
        super().__init__(
            app=_no_app,
            http=UvicornConnection,
            ws="none",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            workers=workers,
            backlog=_BACKLOG,
        )

    def for_slot(self, slot: int) -> "WorkerConfig":
        """The same for another worker."""
        other = copy.copy(self)
        other.slot = slot
        return other


class WorkerServer(Server):
    """One worker: opens the service, listens, and stops without losing what is under way.

    beat  counts the turns of the loop, so that a supervisor can tell a busy worker from a stuck one
    """

    config: WorkerConfig

    def __init__(self, config: WorkerConfig) -> None:
        super().__init__(config)
        self.beat = 0
        self._stack = AsyncExitStack()
        self._runner: Runner | None = None
        self._door: Door | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the service, then listen: nobody is answered before everything is ready."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_handle_loop_error)
        self._watch_parent(loop)
        try:
            runner = await self._stack.enter_async_context(self.config.make_service(self.config.slot))
            door = Door(runner.service, self.config.bounds)
            door.start()
            self._runner, self._door = runner, door
            self.lifespan.state["door"] = door
            gc.collect()
            gc.freeze()  # what lives as long as the worker is never looked at again
            await super().startup(sockets)
        except BaseException:
            await self._stack.aclose()
            raise

    async def on_tick(self, counter: int) -> bool:
        """Show that the loop turns; True when it is time to stop."""
        self.beat += 1
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Readiness first, then a quiet time in which connections may still bring a request, then drain, then stop."""
        assert self._runner is not None
        assert self._door is not None
        bounds, until_s = self.config.bounds, time.monotonic() + self.config.bounds.drain_s
        self._runner.draining()
        self._door.draining = True
        if self._door.connections and not self.force_exit:
            await asyncio.sleep(min(bounds.drain_quiet_s, bounds.drain_s))
        await self._stop_listening(self._door, sockets or [])
        if not await self._door.drain(until_s):
            _log.warning("requests still running after %s seconds were cut off", bounds.drain_s)
        self._door.stop()
        await asyncio.sleep(0)  # the cancellations of what was cut off
        await self._stack.aclose()

    async def _stop_listening(self, door: Door, sockets: list[socket.socket]) -> None:
        """Take in whoever has connected already: closing the listener would reset them."""
        # not each.dup(): that would switch the shared listener to blocking, for every worker, until it is switched back
        listeners = [socket.socket(fileno=os.dup(each.fileno())) for each in sockets]
        for server in self.servers:
            server.close()
        for each in sockets:
            each.close()
        await asyncio.sleep(0.01)  # the loop closes its listeners a turn later; then ours are the last
        connected = [each for listener in listeners for each in _accept_all(listener)]
        loop = asyncio.get_running_loop()
        for each in connected:
            await loop.connect_accepted_socket(lambda: Connection(door), each)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin the graceful stop; a second SIGINT ends it."""
        super().handle_exit(sig, frame)
        if self.force_exit and self._door is not None:
            self._door.stop()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Handle signals while serving. Unlike uvicorn's they are not raised again afterwards: a graceful stop is a success."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _watch_parent(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop when the supervisor is gone: an orphan would hold the port against its successor."""
        parent = multiprocessing.parent_process()
        if parent is not None and sys.platform != "win32":
            loop.add_reader(parent.sentinel, self._orphaned, loop, parent.sentinel)

    def _orphaned(self, loop: asyncio.AbstractEventLoop, sentinel: int) -> None:
        loop.remove_reader(sentinel)
        self.should_exit = True


def bind_sockets(host: str, port: int) -> list[socket.socket]:
    """Bind every address of a host; port 0 takes any free one, the same for all.

    Raises Misconfigured if the name is unknown or the port is taken or not allowed.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise Misconfigured(f"host {host}", "It has no address.", "Name an address of this machine, for example 127.0.0.1.") from error
    bound: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((each[0], each[4]) for each in found):
            bound.append(_bind(family, (address[0], port, *address[2:])))
            port = bound[0].getsockname()[1]
    except OSError as error:
        for each in bound:
            each.close()
        raise _explain_bind_error(host, port, error) from error
    return bound


def fit_to_open_files(bounds: Bounds) -> Bounds:
    """Raise the limit of open files as far as allowed, and keep connections below it: an accept that fails would spin."""
    if sys.platform == "win32":
        return bounds
    import resource  # noqa: PLC0415  # there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = bounds.connections_max + _FILES_BESIDE_CONNECTIONS
    if soft < wanted and soft != resource.RLIM_INFINITY:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return replace(bounds, connections_max=max(1, min(bounds.connections_max, soft - _FILES_BESIDE_CONNECTIONS)))
    return bounds


def _bind(family: int, address: tuple[Any, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if sys.platform == "linux":  # its connections inherit it; elsewhere the system's own time holds, some minutes
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(VANISHED_S * 1_000))
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def _accept_all(listener: socket.socket) -> list[socket.socket]:
    """Accept whoever waits, then close the listener at once: who is served between the two may come back, and then be reset."""
    accepted: list[socket.socket] = []
    with listener, contextlib.suppress(OSError):  # nobody waits any more
        while True:
            connected, _ = listener.accept()
            connected.setblocking(False)  # noqa: FBT003  # the standard library has no name for it
            accepted.append(connected)
    return accepted


def _explain_bind_error(host: str, port: int, error: OSError) -> Misconfigured:
    if error.errno == errno.EADDRINUSE:
        return Misconfigured(f"port {port}", "Something else listens there already.", "Stop it, or choose another with --port.")
    if error.errno == errno.EACCES:
        return Misconfigured(f"port {port}", "Ports below 1024 need more rights.", "Choose one above with --port.")
    return Misconfigured(f"host {host}", f"It cannot be listened on ({error.strerror}).", "Name an address of this machine.")


def _handle_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a network does to a connection is no defect of ours."""
    if isinstance(context.get("exception"), OSError) and "transport" in context:
        _log.debug("a connection broke: %r", context["exception"])
    else:
        loop.default_exception_handler(context)


async def _no_app(scope: object, receive: object, send: object) -> None:
    """uvicorn wants an ASGI application; our protocol never calls it."""
