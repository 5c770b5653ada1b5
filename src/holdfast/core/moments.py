"""Readers of dates, times, timestamps and durations: JSON text to stored value.

Only the forms that RFC 3339 and ISO 8601 share are accepted, and what cannot be kept to the microsecond is refused, never rounded.
"""

import re
from datetime import date, datetime, timedelta
from typing import Any

from holdfast.base.limits import INT_MAX
from holdfast.core.invalid import Invalid, invalid, wrong_type
from holdfast.model.json_form import MICROSECOND, format_duration

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_FRACTION = r"(?:\.([0-9]+))?"
_OFFSET = "(?:[Zz]|([-+](?:[01][0-9]|2[0-3]):[0-5][0-9]))"

_match_day = re.compile(_DAY).fullmatch
_match_clock = re.compile(f"({_CLOCK}){_FRACTION}").fullmatch
_match_timestamp = re.compile(f"({_DAY})[Tt]({_CLOCK}){_FRACTION}{_OFFSET}").fullmatch
_COUNT = "([0-9]{1,19})"  # a 64-bit number has no more digits
_match_duration = re.compile(
    rf"([-+]?)P(?!\Z)(?:{_COUNT}W|(?:{_COUNT}D)?(?:T(?!\Z)(?:{_COUNT}H)?(?:{_COUNT}M)?(?:{_COUNT}{_FRACTION}S)?)?)"
).fullmatch

_WEEK_S, _DAY_S, _HOUR_S, _MINUTE_S = 604_800, 86_400, 3_600, 60
_MICROSECONDS = 1_000_000


def read_date(value: Any) -> str:
    """Read `YYYY-MM-DD`; raises Invalid wrong_type or wrong_format."""
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    if not _match_day(value):
        raise _not_a_date()
    _check_day(value)
    return value


def read_time(value: Any) -> str:
    """Read `HH:MM:SS`, with a fraction or without, never with an offset."""
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    found = _match_clock(value)
    if not found:
        raise invalid("wrong_format", "must be a time of day without an offset, such as 13:29:00")
    clock, fraction = found.groups()
    return f"{clock}.{_microseconds(fraction)}"


def read_timestamp(value: Any) -> str:
    """Read an RFC 3339 date-time of any offset into UTC with six digits and `Z`; leap seconds are refused."""
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    found = _match_timestamp(value)
    if not found:
        raise invalid("wrong_format", "must be a date and time with an offset, such as 2026-11-23T13:29:00Z")
    day, clock, fraction, offset = found.groups()
    _check_day(day)
    local = f"{day}T{clock}"
    return f"{local if offset is None else _shift(local, offset)}.{_microseconds(fraction)}Z"


def read_duration(value: Any) -> int:
    """Read `PnDTnHnMn.nS` or `PnW`, with a sign in front or without, into microseconds."""
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    found = _match_duration(value)
    if not found:
        raise invalid("wrong_format", "must be an ISO 8601 duration of days, hours, minutes and seconds, such as P1DT2H30M0.5S")
    sign, weeks, days, hours, minutes, seconds, fraction = found.groups(default="0")
    whole_s = int(weeks) * _WEEK_S + int(days) * _DAY_S + int(hours) * _HOUR_S + int(minutes) * _MINUTE_S + int(seconds)
    microseconds = whole_s * _MICROSECONDS + int(_microseconds(fraction))
    if microseconds > INT_MAX:
        code, bound = ("too_small", "least -") if sign == "-" else ("too_large", "most ")
        raise invalid(code, f"must be at {bound}{format_duration(INT_MAX * MICROSECOND)}")
    return -microseconds if sign == "-" else microseconds


def _not_a_date() -> Invalid:
    return invalid("wrong_format", "must be a date, such as 2026-11-23")


def _check_day(day: str) -> None:
    try:
        date.fromisoformat(day)
    except ValueError:
        raise invalid("wrong_format", "must be a date that exists, in the years 1 to 9999") from None


def _microseconds(fraction: str | None) -> str:
    """The six digits of a fraction of a second. More digits are fine as long as they are zeros."""
    if fraction is None:
        return "000000"
    if fraction[6:].strip("0"):
        raise invalid("too_many_digits", "must have at most 6 digits in the fraction of a second")
    return fraction[:6].ljust(6, "0")


def _shift(local: str, offset: str) -> str:
    """A local time at an offset (`+02:00`) as the same moment in UTC."""
    shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
    moment = datetime.fromisoformat(local)
    try:
        return (moment + shift if offset[0] == "-" else moment - shift).isoformat()
    except OverflowError:
        code = "too_small" if moment.year == 1 else "too_large"
        raise invalid(code, "must be in the years 1 to 9999 when it is turned into UTC") from None
