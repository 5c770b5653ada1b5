"""What the house tells about itself: one Observation for each request, made once, read by log, metrics and `explain`."""

from typing import NamedTuple

import msgspec


class Trace(NamedTuple):
    """The W3C trace that a request is part of, in hexadecimal digits.

    span_id    the request's own span
    parent_id  the caller's span
    """

    trace_id: str
    span_id: str
    parent_id: str


class Observation(msgspec.Struct, frozen=True, gc=False):
    """One finished request. Durations are seconds on the monotonic clock; `at` is microseconds since 1970.

    route    the template ("/api/v1/books/{id}"), or "" where no route matched: never the concrete path, so that label sets stay bounded
    path     the concrete path, cut at 256 characters, for the log alone
    code     the error code, or None
    faults   of a refusal: what was wrong ("price: too_small"), without any value of the caller's; for the log alone
    parameters  of a refusal: the names in its query string, without their values; for the log alone
    trace    the trace of the caller, if he sent one
    cause    for errors of ours and of time: the full context (exception with traceback, SQL, plan); for the log alone
    """

    request_id: str
    at: int
    method: str
    route: str
    path: str
    status: int
    code: str | None
    elapsed_s: float
    store_s: float
    bytes_in: int
    bytes_out: int
    peer: str
    cause: str | None = None
    faults: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    trace: Trace | None = None
