"""The observer: batches, errors at once, one beat a second."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from holdfast.base.observe import Observation
from holdfast.engine.observer import BATCH_MAX, BEAT_S, FLUSH_S, Observer

SEEN = Observation("r", 0, "GET", "/x", "/x", 200, None, 0.001, 0.0, 0, 2, "127.0.0.1")


class Timer:
    """A later call that the test makes itself."""

    def __init__(self, after_s: float, call: Callable[[], None]) -> None:
        self.after_s, self.call, self.cancelled = after_s, call, False

    def cancel(self) -> None:
        """Do not call."""
        self.cancelled = True


class Ear:
    """A listener that writes down what it hears."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.beats = self.closed = 0

    def take(self, batch: Sequence[Observation]) -> None:
        """Hear a batch."""
        self.batches.append(len(batch))

    def beat(self) -> None:
        """Hear a beat."""
        self.beats += 1

    def close(self) -> None:
        """Hear the end."""
        self.closed += 1


class Stage:
    """An observer with its listener and the timers that it set."""

    def __init__(self) -> None:
        self.ear = Ear()
        self.timers: list[Timer] = []
        self.observer = Observer([self.ear], self._later)

    def _later(self, after_s: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(after_s, call))
        return self.timers[-1]

    def due(self, after_s: float) -> list[Timer]:
        """The timers of one kind that still stand."""
        return [each for each in self.timers if each.after_s == after_s and not each.cancelled]


def test_requests_are_told_in_batches() -> None:
    """Ordinary requests wait for one timer, then come together."""
    stage = Stage()
    for _ in range(3):
        stage.observer.tell(SEEN)
    assert stage.ear.batches == []
    (timer,) = stage.due(FLUSH_S)

    timer.call()

    assert stage.ear.batches == [3]
    assert timer.cancelled


def test_a_failure_is_told_at_once() -> None:
    """A request with a status of 500 or more takes its batch along immediately."""
    stage = Stage()
    stage.observer.tell(SEEN)
    stage.observer.tell(replace(SEEN, status=503))

    assert stage.ear.batches == [2]
    assert stage.due(FLUSH_S) == []


def test_a_batch_is_bounded() -> None:
    """A batch never grows over its bound."""
    stage = Stage()
    for _ in range(BATCH_MAX * 2 + 1):
        stage.observer.tell(SEEN)

    assert stage.ear.batches == [BATCH_MAX, BATCH_MAX]


def test_it_beats_without_traffic() -> None:
    """Listeners get a beat each second, whether or not there are requests."""
    stage = Stage()
    for _ in range(3):
        stage.due(BEAT_S)[-1].call()

    assert stage.ear.beats == 3
    assert stage.ear.batches == []


def test_close_tells_the_rest() -> None:
    """Close hands on the last batch, ends the beat and closes the listeners; an empty flush is silent."""
    stage = Stage()
    stage.observer.tell(SEEN)
    stage.observer.close()
    stage.observer.flush()

    assert (stage.ear.batches, stage.ear.closed) == ([1], 1)
    assert stage.due(BEAT_S) == []
