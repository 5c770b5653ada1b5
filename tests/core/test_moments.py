"""Dates, times, timestamps and durations: what is read, what is refused, and that nothing is rounded."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.instant import format_datetime
from holdfast.base.limits import INT_MAX
from holdfast.core.invalid import Invalid
from holdfast.core.moments import read_date, read_duration, read_time, read_timestamp
from holdfast.model.json_form import format_duration

Read = Callable[[Any], Any]

ACCEPTED: tuple[tuple[Read, str, Any], ...] = (
    (read_date, "2024-02-29", "2024-02-29"),
    (read_date, "0001-01-01", "0001-01-01"),
    (read_date, "9999-12-31", "9999-12-31"),
    (read_time, "00:00:00", "00:00:00.000000"),
    (read_time, "23:59:59.999999", "23:59:59.999999"),
    (read_time, "13:29:00.5", "13:29:00.500000"),
    (read_time, "13:29:00.500000000000", "13:29:00.500000"),
    (read_timestamp, "2026-11-23T13:29:00Z", "2026-11-23T13:29:00.000000Z"),
    (read_timestamp, "2026-11-23T13:29:00.123456Z", "2026-11-23T13:29:00.123456Z"),
    (read_timestamp, "2026-11-23t13:29:00.1z", "2026-11-23T13:29:00.100000Z"),
    (read_timestamp, "2026-11-23T13:29:00.1234560Z", "2026-11-23T13:29:00.123456Z"),
    (read_timestamp, "2026-11-23T13:29:00+00:00", "2026-11-23T13:29:00.000000Z"),
    (read_timestamp, "2026-11-23T13:29:00-00:00", "2026-11-23T13:29:00.000000Z"),
    (read_timestamp, "2026-11-23T13:29:00.25+02:00", "2026-11-23T11:29:00.250000Z"),
    (read_timestamp, "2026-12-31T23:30:00-05:30", "2027-01-01T05:00:00.000000Z"),
    (read_timestamp, "2024-03-01T00:00:00+23:59", "2024-02-29T00:01:00.000000Z"),
    (read_timestamp, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    (read_timestamp, "0001-01-01T10:00:00+10:00", "0001-01-01T00:00:00.000000Z"),
    (read_timestamp, "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    (read_duration, "P1D", 86_400_000_000),
    (read_duration, "P2W", 14 * 86_400_000_000),
    (read_duration, "PT1H", 3_600_000_000),
    (read_duration, "PT1M", 60_000_000),
    (read_duration, "PT1S", 1_000_000),
    (read_duration, "PT0.000001S", 1),
    (read_duration, "PT1.5S", 1_500_000),
    (read_duration, "PT1.50000000S", 1_500_000),
    (read_duration, "P1DT2H3M4.000005S", 93_784_000_005),
    (read_duration, "PT36H90M", 135_000_000_000),
    (read_duration, "-P1D", -86_400_000_000),
    (read_duration, "+P1D", 86_400_000_000),
    (read_duration, "-PT0S", 0),
    (read_duration, "P106751991DT4H0M54.775807S", INT_MAX),
    (read_duration, "-P106751991DT4H0M54.775807S", -INT_MAX),
)

READERS: tuple[Read, ...] = (read_date, read_time, read_timestamp, read_duration)
NO_TEXTS: tuple[Any, ...] = (5, True, [], {}, None)

REFUSED: tuple[tuple[Read, Any, str], ...] = (
    *((read, value, "wrong_type") for read in READERS for value in NO_TEXTS),
    *((read, value, "wrong_format") for read in READERS for value in ("", "x", "2024", "-1")),
    (read_date, "2024-2-29", "wrong_format"),
    (read_date, "20240229", "wrong_format"),
    (read_date, "2024-02-29\n", "wrong_format"),
    (read_date, " 2024-02-29", "wrong_format"),
    (read_date, "2024-02-29T00:00:00Z", "wrong_format"),
    (read_date, "2024-W09-4", "wrong_format"),
    (read_date, "2024-060", "wrong_format"),
    (read_date, "٢٠٢٤-٠٢-٢٩", "wrong_format"),
    (read_date, "2023-02-29", "wrong_format"),
    (read_date, "2024-13-01", "wrong_format"),
    (read_date, "2024-00-10", "wrong_format"),
    (read_date, "2024-04-31", "wrong_format"),
    (read_date, "0000-01-01", "wrong_format"),
    (read_date, "10000-01-01", "wrong_format"),
    (read_time, "13:29", "wrong_format"),
    (read_time, "24:00:00", "wrong_format"),
    (read_time, "13:60:00", "wrong_format"),
    (read_time, "23:59:60", "wrong_format"),
    (read_time, "13:29:00Z", "wrong_format"),
    (read_time, "13:29:00+00:00", "wrong_format"),
    (read_time, "13:29:00.", "wrong_format"),
    (read_time, "13:29:00,5", "wrong_format"),
    (read_time, "T13:29:00", "wrong_format"),
    (read_time, "13:29:00.1234567", "too_many_digits"),
    (read_timestamp, "2026-11-23", "wrong_format"),
    (read_timestamp, "2026-11-23T13:29:00", "wrong_format"),
    (read_timestamp, "2026-11-23 13:29:00Z", "wrong_format"),
    (read_timestamp, "2026-11-23T13:29Z", "wrong_format"),
    (read_timestamp, "2026-11-23T13:29:00+02", "wrong_format"),
    (read_timestamp, "2026-11-23T13:29:00+0200", "wrong_format"),
    (read_timestamp, "2026-11-23T13:29:00+24:00", "wrong_format"),
    (read_timestamp, "2026-11-23T13:29:00+02:60", "wrong_format"),
    (read_timestamp, "2026-11-23T13:29:00 +02:00", "wrong_format"),
    (read_timestamp, "2026-11-23T13:29:00UTC", "wrong_format"),
    (read_timestamp, "2026-11-23T24:00:00Z", "wrong_format"),
    (read_timestamp, "2016-12-31T23:59:60Z", "wrong_format"),
    (read_timestamp, "2026-02-29T00:00:00Z", "wrong_format"),
    (read_timestamp, "0000-01-01T00:00:00Z", "wrong_format"),
    (read_timestamp, "2026-11-23T13:29:00Z\n", "wrong_format"),
    (read_timestamp, "2026-11-23T13:29:00.0000001Z", "too_many_digits"),
    (read_timestamp, "0001-01-01T00:00:00+00:01", "too_small"),
    (read_timestamp, "9999-12-31T23:59:59-00:01", "too_large"),
    (read_duration, "P", "wrong_format"),
    (read_duration, "PT", "wrong_format"),
    (read_duration, "P1DT", "wrong_format"),
    (read_duration, "P1Y", "wrong_format"),
    (read_duration, "P1M", "wrong_format"),
    (read_duration, "P1W2D", "wrong_format"),
    (read_duration, "PT1M1H", "wrong_format"),
    (read_duration, "PT1.5H", "wrong_format"),
    (read_duration, "PT.5S", "wrong_format"),
    (read_duration, "PT1,5S", "wrong_format"),
    (read_duration, "p1d", "wrong_format"),
    (read_duration, "--P1D", "wrong_format"),
    (read_duration, "P-1D", "wrong_format"),
    (read_duration, "1:30:00", "wrong_format"),
    (read_duration, "PT" + "1" * 20 + "S", "wrong_format"),
    (read_duration, "PT0.0000001S", "too_many_digits"),
    (read_duration, "P106751991DT4H0M54.775808S", "too_large"),
    (read_duration, "-P106751991DT4H0M54.775808S", "too_small"),
    (read_duration, "P9999999999999999999W", "too_large"),
)


@pytest.mark.parametrize(("read", "text", "stored"), ACCEPTED)
def test_a_moment_is_read_into_its_stored_form(read: Read, text: str, stored: Any) -> None:
    """Each accepted form has exactly one stored form."""
    assert read(text) == stored


@pytest.mark.parametrize(("read", "value", "code"), REFUSED)
def test_a_wrong_moment_is_refused(read: Read, value: Any, code: str) -> None:
    """Whatever is not a moment that exists, or not exact to the microsecond, is refused with its code."""
    with pytest.raises(Invalid) as caught:
        read(value)
    assert [code] == [fault.code for fault in caught.value.faults]


@given(st.dates())
def test_every_date_is_read_as_python_writes_it(value: date) -> None:
    """ISO dates of the years 1 to 9999 are stored as they are."""
    assert read_date(value.isoformat()) == value.isoformat()


@given(st.times())
def test_every_time_is_read_as_python_writes_it(value: time) -> None:
    """ISO times are stored with six digits."""
    assert time.fromisoformat(read_time(value.isoformat())) == value


OFFSETS = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-1439, 1439))


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=OFFSETS | st.just(UTC)))  # noqa: DTZ001  # the zone is drawn
def test_a_timestamp_of_any_offset_is_the_same_moment_in_utc(value: datetime) -> None:
    """The offset is only a way of writing: the stored form is that of the same moment."""
    assert read_timestamp(value.isoformat()) == format_datetime(value)


@given(st.integers(-INT_MAX, INT_MAX))
def test_every_duration_is_read_as_it_is_shown(microseconds: int) -> None:
    """The shown form of every 64-bit duration is read back to the microsecond."""
    assert read_duration(format_duration(timedelta(microseconds=microseconds))) == microseconds
