"""What the house tells about itself: one Observation for each request, made once, read by log, metrics and `explain`."""

import msgspec


class Observation(msgspec.Struct, frozen=True, gc=False):
    """One finished request. Durations are seconds on the monotonic clock; `at` is microseconds since 1970.

    route    the template ("/api/v1/books/{id}"), or "" where no route matched: never the concrete path, so that label sets stay bounded
    path     the concrete path, cut at 256 characters, for the log alone
    code     the error code, or None
    faults   of a refusal: what was wrong ("price: too_small"), without any value of the caller's; for the log alone
    parameters  of a refusal: the names in its query string, without their values; for the log alone
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
