"""Reading ahead in a process of its own, so that what is read next is ready while this process works."""

import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, SpawnContext
from typing import Any, TypeVar

from holdfast.base.errors import Broken, Misconfigured

Item = TypeVar("Item")


@contextmanager
def read_ahead(make: Callable[[], Iterable[Item]]) -> Iterator[Iterator[Item]]:
    """The items of `make()`, made by another process, which is one item ahead and waits then. It ends with this block, or with us.

    make  sent to the process, as are the items: all of them must be picklable. Begin before threads and connections are made, and the
          process has everything at hand that this one has

    Iterating raises Misconfigured as `make` does, and Broken where the process ends in any other way.
    """
    context = _context()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_all, args=(make, sender, receiver), name="holdfast-ahead", daemon=True)
    process.start()
    sender.close()
    try:
        yield _receive_all(receiver)
    finally:
        receiver.close()
        process.join()


def _context() -> ForkContext | SpawnContext:
    """How the process is started: as our copy, with all that is loaded, unless a thread of ours could hold a lock that it waits for."""
    if sys.platform == "linux" and threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("spawn")


def _receive_all(receiver: "Connection[Any, Any]") -> Iterator[Any]:
    while True:
        try:
            kind, content = receiver.recv()
        except EOFError:
            raise Broken("the process that reads ahead has ended") from None
        if kind == "end":
            return
        if kind == "misconfigured":
            raise Misconfigured(*content)
        yield content


def _send_all(make: Callable[[], Iterable[Any]], sender: "Connection[Any, Any]", receiver: "Connection[Any, Any]") -> None:
    receiver.close()  # ours is a copy: it would keep the pipe open when nobody reads it any more
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that we serve; when it ends, nobody receives
    try:
        for item in make():
            sender.send(("item", item))
        sender.send(("end", None))
    except Misconfigured as error:
        sender.send(("misconfigured", (error.place, error.problem, error.mend)))
    except BrokenPipeError:
        pass
