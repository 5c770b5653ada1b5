"""The observer: takes one Observation a request at the cost of a list append, and hands them on in batches."""

from collections.abc import Callable, Sequence
from typing import Protocol

from holdfast.base.observe import Observation

FLUSH_S = 0.15  # so long a line may wait for others
BATCH_MAX = 256
BEAT_S = 1.0


class Cancellable(Protocol):
    """What a loop gives for a later call."""

    def cancel(self) -> None:
        """Do not call."""
        ...


class Listener(Protocol):
    """Reads batches: log, metrics."""

    def take(self, batch: Sequence[Observation]) -> None:
        """Read a batch, on the loop, quickly; never raises for a full disk or pipe."""
        ...

    def beat(self) -> None:
        """Called once a second, traffic or not."""
        ...

    def close(self) -> None:
        """Write what is held back. Idempotent."""
        ...


class Observer:
    """Gathers Observations for its listeners. For the loop's thread only.

    call_later  the loop's own (seconds, call) -> handle
    """

    def __init__(self, listeners: Sequence[Listener], call_later: Callable[[float, Callable[[], None]], Cancellable]) -> None:
        self._listeners = tuple(listeners)
        self._call_later = call_later
        self._batch: list[Observation] = []
        self._timer: Cancellable | None = None
        self._beat: Cancellable = call_later(BEAT_S, self.beat)

    def tell(self, observation: Observation) -> None:
        """Take one finished request. Errors of ours and of time are handed on at once, the others with their batch."""
        batch = self._batch
        batch.append(observation)
        if observation.status >= 500 or len(batch) >= BATCH_MAX:
            self.flush()
        elif self._timer is None:
            self._timer = self._call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Hand on what was gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._batch:
            batch, self._batch = self._batch, []
            for listener in self._listeners:
                listener.take(batch)

    def beat(self) -> None:
        """Let the listeners do what is due, and come again in a second."""
        for listener in self._listeners:
            listener.beat()
        self._beat = self._call_later(BEAT_S, self.beat)

    def close(self) -> None:
        """Hand on the last batch and close the listeners. Idempotent."""
        self._beat.cancel()
        self.flush()
        for listener in self._listeners:
            listener.close()
