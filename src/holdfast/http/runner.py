"""How a service is brought to life in a worker, so that this room need not know what it is made of."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from holdfast.core.exchange import Service


class Runner(Protocol):
    """A service that runs in a worker's loop."""

    @property
    def service(self) -> Service:
        """What answers requests."""
        ...

    def draining(self) -> None:
        """The graceful stop has begun: readiness turns false, event streams end. Requests are still answered until the stop."""
        ...


class ServiceFactory(Protocol):
    """Opens a service. Several workers are processes of their own, so the factory must be picklable: a function of a module, or a
    dataclass of plain values with `__call__`.
    """

    def __call__(self, slot: int) -> AbstractAsyncContextManager[Runner]:
        """Open the service in the running loop, close it on leaving.

        slot  0 up to the number of workers: no two living workers have the same, and a new worker takes a free one (during a rolling
              restart one more than there are workers is in use). For files that belong to one worker, such as those of its metrics.

        May raise Misconfigured, and whatever else prevents the start.
        """
        ...
