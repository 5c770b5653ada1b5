"""Reading ahead in a process of its own, so that what is read next is ready while this process works."""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from holdfast.base.errors import Broken, Misconfigured

Item = TypeVar("Item")


@contextmanager
def read_ahead(make: Callable[[], Iterable[Item]]) -> Iterator[Iterator[Item]]:
    """The items of `make()`, made by another process, which is one item ahead and waits then. It ends with this block, or with us.

    make  sent to the process, as are the items: all of them must be picklable

    Iterating raises Misconfigured as `make` does, and Broken where the process ends in any other way.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_all, args=(make, sender), name="holdfast-ahead", daemon=True)
    process.start()
    sender.close()
    try:
        yield _receive_all(receiver)
    finally:
        receiver.close()
        process.join()


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


def _send_all(make: Callable[[], Iterable[Any]], sender: "Connection[Any, Any]") -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that we serve; when it ends, nobody receives
    try:
        for item in make():
            sender.send(("item", item))
        sender.send(("end", None))
    except Misconfigured as error:
        sender.send(("misconfigured", (error.place, error.problem, error.mend)))
    except BrokenPipeError:
        pass
