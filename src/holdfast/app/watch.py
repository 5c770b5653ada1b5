"""What is seen of a worker while it runs: its log, its metrics, and the observer that feeds both."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from holdfast.core.journal import Seal
from holdfast.engine.anchors import MESSAGE, Anchors
from holdfast.engine.forwarded import ForwardedWatch
from holdfast.engine.log import Log, route_libraries, wants_colour
from holdfast.engine.metrics import Metrics, WorkerCounts, read_all_counts
from holdfast.engine.observer import Listener, Observer
from holdfast.settings import Settings
from holdfast.world.clock import SystemClock


@dataclass(frozen=True, slots=True)
class Watch:
    """The observer of one worker, its metrics, and its log; None: there is no log."""

    observer: Observer
    metrics: Metrics
    log: Log | None
    data: Path

    @property
    def say(self) -> Callable[..., None]:
        """engine.log.Log.say; nothing where there is no log."""
        return _say_nothing if self.log is None else self.log.say

    def counts(self) -> tuple[tuple[WorkerCounts, ...], float]:
        """The counts of every worker, the others' from their files, this one's as they stand; and when, in seconds since 1970."""
        self.observer.flush()
        own = self.metrics.counts()
        others = (each for each in read_all_counts(self.data) if each.slot != own.slot)
        return (own, *others), _now_s(SystemClock())

    def note_forwarded(self, *, since_s: float) -> Callable[[str], None]:
        """What is told of forwarding headers that do not count."""
        if self.log is None:
            return _say_nothing
        return ForwardedWatch(self.data, since_s=since_s, now_s=partial(_now_s, SystemClock()), warn=partial(self.log.say, "warning")).note


@contextmanager
def open_watch(
    settings: Settings,
    *,
    slot: int | None,
    development: bool,
    gauges: Mapping[str, Callable[[], float]],
    last_seal: Callable[[], Seal | None],
    listeners: Sequence[Listener],
) -> Iterator[Watch]:
    """Watch a worker, in the running loop.

    slot       its number; None: without a log, and without files of counts
    gauges     what its metrics tell as it stands
    last_seal  the newest seal of the journal, which is told to the log now and then
    listeners  who else takes the Observation of every request
    """
    clock = SystemClock()
    folder = None if slot is None else settings.data
    log = None if slot is None else Log(folder=folder, slot=slot, now=clock.now, **_log_style(settings, development=development))
    metrics = Metrics(
        folder=folder,
        slot=slot or 0,
        now_s=partial(_now_s, clock),
        gauges=gauges,
        counters={"log_lines_dropped": lambda: log.dropped if log else 0},
    )
    with ExitStack() as stack:
        if log is not None:
            stack.callback(route_libraries(log))
        observer = Observer([metrics, *([log] if log else []), *listeners], asyncio.get_running_loop().call_later)
        stack.callback(observer.close)
        if log is not None:
            stack.callback(Anchors(last_seal, partial(_say_seal, log)).close)
        yield Watch(observer, metrics, log, settings.data)


def _now_s(clock: SystemClock) -> float:
    return clock.now() / 1e6


def _log_style(settings: Settings, *, development: bool) -> dict[str, bool]:
    text = settings.log == "text" or (settings.log == "auto" and development and sys.stderr.isatty())
    return {"text": text, "colour": text and wants_colour()}


def _say_nothing(*_: Any, **__: Any) -> None:
    """Where there is no log."""


def _say_seal(log: Log, seal: Seal) -> None:
    log.say("info", MESSAGE, seq=seal.last_seq, seal=seal.seal.hex())
