"""Several workers as processes: started, watched, replaced and restarted one by one. The parent listens to signals and answers nobody."""

import logging
import multiprocessing.connection
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from holdfast.base.errors import HoldfastError, Misconfigured
from holdfast.http.server import WorkerConfig, WorkerServer

_TICK_S = 0.25
_RESTART_PAUSE_S = 1.0  # between attempts to replace a worker that cannot start
_STOP_MARGIN_S = 5.0  # beyond the drain, for the service to close

_log = logging.getLogger("holdfast.http")


class StartFailed(HoldfastError):
    """No worker could start; each has told why in the log."""


class WorkerProcess(Process):
    """One worker as its supervisor sees it, and the entry point of its process."""

    config: WorkerConfig

    def __init__(self, config: WorkerConfig, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self.ready = False
        self.began_s = time.monotonic()
        self._asked_s: float | None = None

    @property
    def slot(self) -> int:
        """The number that no other living worker has."""
        return self.config.slot

    @property
    def server(self) -> WorkerServer:
        """The server of this process, made in it."""
        if self._server is None:
            self._server = WorkerServer(self.config)
        assert isinstance(self._server, WorkerServer)
        return self._server

    # In the worker

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop; exit with STARTUP_FAILURE if it never came to serve."""
        server = self.server
        threading.Thread(target=self.always_pong, daemon=True).start()
        try:
            server.run(sockets)
        except Misconfigured as error:
            _log.error("%s", error)  # the text says everything; a traceback would bury it
            sys.exit(STARTUP_FAILURE)
        except Exception:
            if server.started:
                raise
            _log.exception("a worker could not start")
            sys.exit(STARTUP_FAILURE)

    def always_pong(self) -> None:
        """Answer the supervisor until it is gone."""
        try:
            while True:
                self.pong()
        except (EOFError, OSError):
            return

    def pong(self) -> None:
        """Answer one question, once the loop has turned since: a stuck worker does not answer."""
        self.child_conn.recv()
        beat = self.server.beat
        while self.server.started and self.server.beat == beat:
            time.sleep(0.02)
        self.child_conn.send(self.server.started)

    # In the supervisor

    def is_well(self, now_s: float) -> bool:
        """Ask without waiting: False if the worker is dead, or has not answered for `worker_silence_s`."""
        if not self.process.is_alive():
            return False
        try:
            if self._asked_s is not None and self.parent_conn.poll():
                self.ready = self.parent_conn.recv()
                self._asked_s = None
            if self._asked_s is None:
                self.parent_conn.send(b"ping")
                self._asked_s = now_s
        except (OSError, EOFError):
            return False
        return now_s - self._asked_s < self.config.bounds.worker_silence_s

    def end(self, within_s: float) -> None:
        """Wait for a worker that was told to stop; kill it if it does not."""
        self.process.join(within_s)
        if self.process.exitcode is None:
            _log.error("worker %s did not stop and was killed", self.pid)
            self.process.kill()
            self.process.join()


class Supervisor(Multiprocess):
    """Keeps a number of workers alive. SIGHUP replaces each in turn, the new one serving before the old one goes."""

    config: WorkerConfig

    def __init__(self, config: WorkerConfig, sockets: list[socket.socket], on_ready: Callable[[], None]) -> None:
        super().__init__(config, sockets)
        self.processes: list[WorkerProcess] = []  # type: ignore[assignment]  # a list of uvicorn's Process there
        self._on_ready = on_ready
        self._served = False  # all workers have been ready once
        self._failed = False

    def run(self) -> None:
        """Start, watch and stop the workers. Raises StartFailed if they cannot start."""
        self.init_processes()
        while not self.should_exit.is_set():
            multiprocessing.connection.wait([each.process.sentinel for each in self.processes], _TICK_S if self._served else 0.05)
            self.handle_signals()
            self.keep_subprocess_alive()
            self._announce()
        for each in self.sockets:  # the workers have theirs; the last of them to close it answers who has connected already
            each.close()
        self.terminate_all()
        self.join_all()
        if self._failed:
            raise StartFailed("no worker could start")

    def init_processes(self) -> None:
        """Start the first workers."""
        for _ in range(self.processes_num):
            self.processes.append(self._start())

    def terminate_all(self) -> None:
        """Tell every worker to stop."""
        for each in self.processes:
            each.terminate()

    def join_all(self) -> None:
        """Wait until every worker has stopped."""
        until_s = time.monotonic() + self._stop_s
        for each in self.processes:
            each.end(max(0.0, until_s - time.monotonic()))

    def keep_subprocess_alive(self) -> None:
        """Replace what has died or is stuck, at once; one that could not even start, after a pause."""
        now_s = time.monotonic()
        for index, each in enumerate(self.processes):
            if self.should_exit.is_set() or each.is_well(now_s):
                continue
            if each.exitcode == STARTUP_FAILURE:
                if not self._served:
                    self._failed = True
                    self.should_exit.set()
                    return
                if now_s - each.began_s < _RESTART_PAUSE_S:
                    continue
            self._replace(index, each)

    def restart_all(self) -> None:
        """Replace each worker in turn; the first that does not come up ends it, and the old ones go on."""
        for index, old in enumerate(self.processes):
            new = self._start()
            if not self._await_ready(new):
                new.kill()
                new.join()
                _log.error("the new worker was not ready in time; the old ones go on")
                return
            old.terminate()
            old.end(self._stop_s)
            self.processes[index] = new

    def handle_ttin(self) -> None:
        """One worker more."""
        self.processes_num += 1
        self.processes.append(self._start())

    def _start(self) -> WorkerProcess:
        taken = {each.slot for each in self.processes}
        slot = next(each for each in range(len(taken) + 1) if each not in taken)
        process = WorkerProcess(self.config.for_slot(slot), self.sockets)
        process.start()
        return process

    def _replace(self, index: int, dead: WorkerProcess) -> None:
        dead.kill()
        dead.join()
        _log.error("worker %s ended with status %s and is replaced", dead.pid, dead.exitcode)
        process = WorkerProcess(dead.config, self.sockets)
        process.start()
        self.processes[index] = process

    def _announce(self) -> None:
        if not self._served and all(each.ready for each in self.processes):
            self._served = True
            self._on_ready()

    def _await_ready(self, process: WorkerProcess) -> bool:
        until_s = time.monotonic() + self.config.bounds.worker_silence_s
        while time.monotonic() < until_s and not {signal.SIGINT, signal.SIGTERM} & set(self.signal_queue):
            if not process.is_well(time.monotonic()):
                return False
            if process.ready:
                return True
            time.sleep(0.05)
        return False

    @property
    def _stop_s(self) -> float:
        return self.config.bounds.drain_s + _STOP_MARGIN_S
