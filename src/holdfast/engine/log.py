"""The log: one JSON line for each request, and one for each thing that the house or a library has to say.

Every line is an object with `at` (RFC 3339, UTC), `level` and `event`; a request's line has the request id that its answer carries.
Lines go to standard error and to files of each worker under `<data>/log`: `requests-<slot>.jsonl` for all, `errors-<slot>.jsonl` for
what failed on our side, so that busy hours do not push an error out before it is read. `holdfast explain` reads both.
"""

import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from holdfast.base.instant import Instant, format_instant
from holdfast.base.observe import Observation
from holdfast.engine.redact import escape_line, escape_terminal, redact
from holdfast.engine.sink import Descriptor, RotatingFile, Sink

FOLDER = "log"


class RequestLine(msgspec.Struct, omit_defaults=True):
    """One finished request; times in milliseconds. `cause` is the full context of a failure on our side, `faults` what was wrong.

    The ids of the trace stand in the lines of requests that came with one; `span_id` is that of the request itself.
    """

    at: str
    level: str
    event: str
    request_id: str
    method: str
    route: str
    path: str
    status: int
    elapsed_ms: float
    store_ms: float
    bytes_in: int
    bytes_out: int
    peer: str
    worker: int
    code: str | None = None
    cause: str | None = None
    faults: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None


class EventLine(msgspec.Struct, omit_defaults=True):
    """Something else that happened. `source` is the library that says so, or "holdfast"."""

    at: str
    level: str
    event: str
    source: str
    message: str
    worker: int
    facts: dict[str, Any] = {}
    cause: str | None = None


_encoder = msgspec.json.Encoder()


class Log:
    """Writes the lines of one worker.

    folder   <data>; None: standard error alone
    slot     the worker's number
    now      the wall clock, for lines that are not requests
    text     standard error gets short lines for people instead of JSON
    """

    def __init__(
        self, *, folder: Path | None, slot: int, now: Callable[[], Instant], text: bool = False, colour: bool = False, descriptor: int = 2
    ) -> None:
        self._slot, self._now, self._text, self._colour = slot, now, text, colour
        self._second, self._second_text = -1, ""
        self._stderr = Sink(Descriptor(descriptor), name="stderr", notice=self._notice)
        self._files: tuple[Sink, Sink] | None = None
        if folder is not None:
            place = folder / FOLDER
            self._files = (
                Sink(RotatingFile(place / f"requests-{slot}.jsonl"), name="requests", notice=self._json_notice),
                Sink(RotatingFile(place / f"errors-{slot}.jsonl"), name="errors", notice=self._json_notice),
            )

    @property
    def dropped(self) -> int:
        """Lines lost so far, over all sinks."""
        return self._stderr.dropped + sum(sink.dropped for sink in self._files or ())

    def take(self, batch: Sequence[Observation]) -> None:
        """Write a batch of requests."""
        failed = [each for each in batch if each.status >= 500]
        self._write(batch if not failed else [each for each in batch if each.status < 500], keep=False)
        if failed:
            self._write(failed, keep=True)

    def beat(self) -> None:
        """Nothing is due: lines never wait here."""

    def say(self, level: str, message: str, *, source: str = "holdfast", cause: str | None = None, **facts: Any) -> None:
        """Write one line that is no request; `level` is debug, info, warning or error. From any thread."""
        line = EventLine(
            format_instant(self._now()),
            level,
            "log",
            source,
            escape_line(redact(message)),
            self._slot,
            facts,
            None if cause is None else escape_line(redact(cause)),
        )
        lines = _encoder.encode(line) + b"\n"
        keep = level == "error"
        self._stderr.put(self._event_text(line) if self._text else lines, 1, keep=keep)
        if self._files is not None:
            self._files[keep].put(lines, 1, keep=keep)

    def close(self) -> None:
        """Write what waits and release the files. Idempotent."""
        for sink in (self._stderr, *(self._files or ())):
            sink.close()

    def _write(self, batch: Sequence[Observation], *, keep: bool) -> None:
        lines = [self._line(each) for each in batch]
        encoded = _encoder.encode_lines(lines)
        self._stderr.put(b"".join(map(self._request_text, lines)) if self._text else encoded, len(lines), keep=keep)
        if self._files is not None:
            self._files[keep].put(encoded, len(lines), keep=keep)

    def _line(self, seen: Observation) -> RequestLine:
        status = seen.status
        return RequestLine(
            self._stamp(seen.at),
            "info" if status < 400 else "warning" if status < 500 else "error",
            "request",
            seen.request_id,
            seen.method if seen.method.isascii() else escape_line(seen.method),
            seen.route,
            seen.path if seen.path.isascii() and "=" not in seen.path else escape_line(redact(seen.path)),
            status,
            int(seen.elapsed_s * 1e6) / 1e3,  # whole microseconds, in a third of the time of round()
            int(seen.store_s * 1e6) / 1e3,
            seen.bytes_in,
            seen.bytes_out,
            seen.peer,
            self._slot,
            seen.code,
            None if seen.cause is None else escape_line(redact(seen.cause)),
            seen.faults and tuple(escape_line(redact(fault)) for fault in seen.faults),
            seen.parameters and tuple(escape_line(redact(name)) for name in seen.parameters),
            *(seen.trace or ()),
        )

    def _stamp(self, at: int) -> str:
        second, micros = divmod(at, 1_000_000)
        if second != self._second:
            self._second, self._second_text = second, format_instant(Instant(second * 1_000_000))[:20]
        return f"{self._second_text}{micros:06d}Z"

    def _notice(self, lost: int) -> bytes:
        return f"{lost} log lines were lost here: nobody took them.\n".encode() if self._text else self._json_notice(lost)

    def _json_notice(self, lost: int) -> bytes:
        message = f"{lost} log lines were lost here: nobody took them."
        line = EventLine(format_instant(self._now()), "warning", "log_lost", "holdfast", message, self._slot, {"lines": lost})
        return _encoder.encode(line) + b"\n"

    def _request_text(self, line: RequestLine) -> bytes:
        status = f"{_COLOURS.get(line.status // 100, '')}{line.status}\x1b[0m" if self._colour else str(line.status)
        rest = f"{line.method:<7} {line.elapsed_ms:>7.1f} ms  {line.path}"
        if line.code is not None:
            rest += f"  {line.code}"
        if line.faults:
            rest += f": {'; '.join(line.faults)}"
        if line.status >= 500:
            rest += f"  request {line.request_id}"
        return f"{line.at[11:19]} {status} {escape_terminal(rest + _indent(line.cause))}\n".encode()

    @staticmethod
    def _event_text(line: EventLine) -> bytes:
        return f"{line.at[11:19]} {escape_terminal(line.message + _indent(line.cause))}\n".encode()


_COLOURS = {2: "\x1b[32m", 3: "\x1b[36m", 4: "\x1b[33m", 5: "\x1b[1;31m"}


def _indent(cause: str | None) -> str:
    return "" if cause is None else "\n    " + cause.rstrip().replace("\n", "\n    ")


class LibraryHandler(logging.Handler):
    """Routes what libraries log into the same lines."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a broken record is told, never raised."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        cause = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else None
        level = "error" if record.levelno >= logging.ERROR else "warning" if record.levelno >= logging.WARNING else "info"
        self._log.say(level, message, source=record.name, cause=cause)


def route_libraries(log: Log, *, level: int = logging.INFO) -> Callable[[], None]:
    """Send the standard library's logging into `log`; the result puts everything back."""
    root = logging.getLogger()
    handler = LibraryHandler(log)
    before = (root.handlers[:], root.level)
    root.handlers[:] = [handler]
    root.setLevel(level)

    def restore() -> None:
        root.handlers[:] = before[0]
        root.setLevel(before[1])

    return restore


def wants_colour(descriptor: int = 2) -> bool:
    """Whether a descriptor is a terminal on which colour is welcome (https://no-color.org)."""
    return os.isatty(descriptor) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and sys.platform != "win32"
