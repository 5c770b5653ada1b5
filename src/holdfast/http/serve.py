"""Serving: one worker in this process, or several under a supervisor."""

import socket
from collections.abc import Callable, Sequence

from holdfast.http.bounds import Bounds
from holdfast.http.runner import ServiceFactory
from holdfast.http.server import WorkerConfig, WorkerServer, bind_sockets, fit_to_open_files
from holdfast.http.supervisor import Supervisor

Address = tuple[str, int]


def run(
    make_service: ServiceFactory,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
    bounds: Bounds | None = None,
    on_ready: Callable[[Sequence[Address]], None] = lambda _: None,
) -> None:
    """Serve until SIGINT or SIGTERM, then stop gracefully. Blocks; call it from the main thread.

    make_service  opens the service in each worker (runner.ServiceFactory)
    port          0 takes any free one
    workers       1 runs in this process, more as processes of their own under a supervisor
    on_ready      called once, in this process, when every worker answers, with the addresses listened on

    Raises Misconfigured (host or port), StartFailed (several workers, none could start) and, with one worker, what the factory raises.
    """
    sockets = bind_sockets(host, port)
    addresses = [_address_of(each) for each in sockets]
    try:
        config = WorkerConfig(make_service, fit_to_open_files(bounds or Bounds()), workers=workers)
        if workers > 1:
            Supervisor(config, sockets, lambda: on_ready(addresses)).run()
        else:
            _Alone(config, lambda: on_ready(addresses)).run(sockets)
    finally:
        for each in sockets:
            each.close()


class _Alone(WorkerServer):
    """The only worker, in the process of the caller."""

    def __init__(self, config: WorkerConfig, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


def _address_of(sock: socket.socket) -> Address:
    host, port = sock.getsockname()[:2]
    return str(host), int(port)
