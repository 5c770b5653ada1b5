"""Points in time as the house writes them: microseconds since 1970 inside, RFC 3339 in UTC with six digits and `Z` outside.

Nothing here reads a clock; `ports.Clock` does.
"""

from datetime import UTC, datetime, timedelta
from typing import NewType

Instant = NewType("Instant", int)
"""Microseconds since 1970-01-01T00:00:00Z."""

SECOND_US = 1_000_000
"""A second, in microseconds."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # in UTC, like all that is counted from it; without a zone it is written without one


def after(at: Instant, seconds: int) -> Instant:
    """The instant so many seconds later."""
    return Instant(at + seconds * SECOND_US)


def before(at: Instant, seconds: int) -> Instant:
    """The instant so many seconds earlier."""
    return Instant(at - seconds * SECOND_US)


def format_instant(at: Instant) -> str:
    """Write an instant as `2026-11-23T13:29:00.000000Z` (27 characters, sorts by code point)."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds") + "Z"


def format_datetime(value: datetime) -> str:
    """Write an aware datetime in the house form; any offset becomes UTC."""
    utc = value.astimezone(UTC)
    return f"{utc.year:04d}-{utc.month:02d}-{utc.day:02d}T{utc.hour:02d}:{utc.minute:02d}:{utc.second:02d}.{utc.microsecond:06d}Z"
