"""Python values, their stored form and their JSON form: exact both ways, or refused."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import Ref, Resource
from holdfast.base.limits import INT_MAX, INT_MIN
from holdfast.model import json_form
from holdfast.model.json_form import format_duration, parse_duration
from holdfast.model.stored import Stored, encode, to_python, to_stored
from holdfast.model.types import (
    Boolean,
    Choice,
    Date,
    Duration,
    FieldType,
    Float,
    Integer,
    Items,
    Mapping,
    Member,
    Nested,
    Number,
    Reference,
    Text,
    TextFormat,
    Time,
    Timestamp,
    Uuid,
)


class Author(Resource):
    name: str


class Size(StrEnum):
    SMALL = "small"


@dataclass
class Place:
    street: str
    since: date | None = None


AN_ID = UUID("0190A0A0-0000-7000-8000-000000000001")
PLACE = Nested("Place", (Member("street", Text()), Member("since", Date(), nullable=True, required=False)), Place)
ALL_TYPES: tuple[type[Any], ...] = get_args(FieldType)

FORMS: list[tuple[FieldType, Any, Stored]] = [
    (Text(), "Zürich", "Zürich"),
    (Integer(), INT_MIN, INT_MIN),
    (Float(), 0.5, 0.5),
    (Float(), 3, 3.0),
    (Boolean(), True, 1),
    (Number(2), Decimal("9.9"), 990),
    (Number(2), Decimal("-0.01"), -1),
    (Number(2), Decimal("-0"), 0),
    (Number(2), Decimal("1E+3"), 100000),
    (Number(2), Decimal("0E+999999"), 0),
    (Number(0), 7, 7),
    (Date(), date(2026, 1, 2), "2026-01-02"),
    (Time(), time(3, 4), "03:04:00.000000"),
    (Timestamp(), datetime(2026, 1, 2, 3, 4, 5, 6, UTC), "2026-01-02T03:04:05.000006Z"),
    (Timestamp(), datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=5))), "2026-01-01T22:00:00.000000Z"),
    (Duration(), timedelta(days=-1, microseconds=1), -86_399_999_999),
    (Uuid(), AN_ID, "0190a0a0-0000-7000-8000-000000000001"),
    (Choice(("small",)), "small", "small"),
    (Choice(("small",), Size), Size.SMALL, "small"),
    (Reference("authors"), Ref(Author, AN_ID), str(AN_ID)),
    (Reference("authors"), AN_ID, str(AN_ID)),
    (Items(Number(2)), [Decimal(1), Decimal("2.5")], '["1.00","2.50"]'),
    (Items(Text(), item_nullable=True), ["ü", None], '["ü",null]'),
    (Mapping(Duration()), {"a": timedelta(hours=1)}, '{"a":"P0DT1H0M0.000000S"}'),
    (Mapping(Boolean(), value_nullable=True), {"a": None}, '{"a":null}'),
    (PLACE, Place("Gasse"), '{"street":"Gasse","since":null}'),
    (Items(PLACE), [Place("Gasse", date(2026, 1, 2))], '[{"street":"Gasse","since":"2026-01-02"}]'),
]


@pytest.mark.parametrize(("type_", "value", "stored"), FORMS, ids=[f"{type(each[0]).__name__} {each[1]!r}" for each in FORMS])
def test_stored_form(type_: FieldType, value: Any, stored: Stored) -> None:
    """Each type has the stored form that model.types says, and reads back to an equal value."""
    assert (to_stored(type_, value), type(to_stored(type_, value))) == (stored, type(stored))
    assert to_python(type_, stored) == (value.id if isinstance(value, Ref) else value)


def test_every_type_has_a_json_form() -> None:
    """No type of the closed set is forgotten, in either direction."""
    assert set(json_form._TO_JSON) == set(json_form._FROM_JSON) == set(ALL_TYPES)


@pytest.mark.parametrize("type_", [Text(), Number(2), Boolean(), Items(Text())])
def test_none_stays_none(type_: FieldType) -> None:
    """Whether null is accepted is the field's to say, not the type's."""
    assert to_stored(type_, None) is None
    assert to_python(type_, None) is None


@pytest.mark.parametrize(
    ("type_", "value", "says"),
    [
        (Text(), 1, "1 is not of type str"),
        (Text(), "a\0", "U+0000 is not accepted"),
        (Text(), "\ud800", "lone surrogate"),
        (Text(min_length=2), "a", "'a' is shorter than 2"),
        (Text(max_length=2), "abc", "longer than 2"),
        (Text(pattern="^a$"), "b", "does not match the pattern ^a$"),
        (Text(pattern=r"^\d$"), "٣", "does not match the pattern"),
        (Text(format=TextFormat.EMAIL), "a", "'a' is not written as email"),
        (Text(format=TextFormat.URL), "example.org", "is not written as uri"),
        (Integer(), True, "True is not of type int"),
        (Integer(), INT_MAX + 1, "does not fit in 64 bits"),
        (Integer(ge=3), 2, "2 is less than 3"),
        (Integer(le=3), 4, "4 is greater than 3"),
        (Integer(multiple_of=5), 7, "7 is not a multiple of 5"),
        (Float(), "1", "'1' is not of type float"),
        (Float(), True, "True is not of type int"),
        (Float(), float("nan"), "nan is not a finite number"),
        (Float(gt=1.0), 1.0, "1.0 is not greater than 1.0"),
        (Float(lt=1.0), 1.0, "1.0 is not less than 1.0"),
        (Float(multiple_of=0.1), 0.25, "0.25 is not a multiple of 0.1"),
        (Boolean(), 1, "1 is not of type bool"),
        (Number(2), 0.5, '0.5 is not a Decimal; write Decimal("0.5")'),
        (Number(2), True, "True is not a Decimal"),
        (Number(2), Decimal("NaN"), "NaN is not a finite number"),
        (Number(2), Decimal("0.001"), "more than 2 decimal places"),
        (Number(2), Decimal("1E-999999"), "more than 2 decimal places"),
        (Number(2, digits=4), Decimal(100), "100 has more than 4 digits"),
        (Number(2), Decimal("1E+999999"), "more than 18 digits"),
        (Number(2, gt=Decimal(1)), Decimal(1), "1 is not greater than 1"),
        (Date(), datetime(2026, 1, 1, tzinfo=UTC), "is a datetime, not a date"),
        (Date(), "2026-01-01", "is not of type date"),
        (Time(), time(1, tzinfo=UTC), "has a zone"),
        (Timestamp(), datetime(2026, 1, 1), "has no zone"),  # noqa: DTZ001  # the mistake under test
        (Timestamp(), datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))), "outside the years 1 to 9999"),
        (Duration(), 5, "5 is not of type timedelta"),
        (Uuid(), str(AN_ID), "is not of type UUID"),
        (Choice(("a", "b")), "c", "'c' is not one of a, b"),
        (Reference("authors"), "x", "'x' is not of type UUID"),
        (Items(Text()), "abc", "'abc' is not of type list"),
        (Items(Text()), [None], "None is not accepted inside"),
        (Items(Text(max_length=1)), ["ab"], "longer than 1"),
        (Items(Text(), max_length=1), ["a", "b"], "longer than 1"),
        (Mapping(Integer()), {1: 1}, "1 is not of type str"),
        (Mapping(Integer(ge=0)), {"a": -1}, "-1 is less than 0"),
        (Mapping(Integer(), min_length=1), {}, "{} is shorter than 1"),
        (PLACE, {"street": "x"}, "is not of type Place"),
        (Nested("Place", (Member("street", Text(min_length=9)),), Place), Place("x"), "'x' is shorter than 9"),
    ],
)
def test_wrong_value_is_refused(type_: FieldType, value: Any, says: str) -> None:
    """A value that a record may not hold is refused with a sentence that says why."""
    with pytest.raises(ValueError, match=r".") as caught:
        to_stored(type_, value)

    assert says in str(caught.value)


def test_encode_takes_values_out_of_bounds() -> None:
    """A rule may compare with a value that no record can have, so bounds do not count there."""
    assert encode(Integer(le=3), 4) == 4
    assert encode(Text(max_length=1), "abc") == "abc"


def test_list_elements_and_optional_members_may_be_null() -> None:
    """Null inside a document keeps its place and is bound by nothing."""
    assert to_stored(Items(Text(min_length=3), item_nullable=True), [None]) == "[null]"


def test_missing_member_of_an_old_document_gets_its_default() -> None:
    """A document that was stored before a member was declared can still be read."""
    assert to_python(PLACE, '{"street":"Gasse"}') == Place("Gasse")


@given(st.timedeltas(timedelta(days=-9999), timedelta(days=9999)))
def test_duration_reads_back(value: timedelta) -> None:
    """Every duration is written exactly, sign in front."""
    assert parse_duration(format_duration(value)) == value


def test_duration_text() -> None:
    """The text of a duration always has all its parts, so that it sorts out for people and parsers alike."""
    assert format_duration(timedelta(days=1, hours=2, minutes=3, seconds=4, microseconds=5)) == "P1DT2H3M4.000005S"
    assert format_duration(-timedelta(microseconds=1)) == "-P0DT0H0M0.000001S"
    with pytest.raises(ValueError, match="'PT1H' is not a duration"):
        parse_duration("PT1H")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**16) + 1, max_value=10**16 - 1, places=2))
def test_decimal_is_exact(value: Decimal) -> None:
    """A decimal within its digits is stored as an integer and reads back with exactly its places."""
    stored = to_stored(Number(2), value)

    assert isinstance(stored, int)
    assert to_python(Number(2), stored) == value
    assert to_python(Number(2), stored).as_tuple().exponent == -2


@given(st.datetimes(timezones=st.just(UTC)))
def test_timestamp_reads_back(value: datetime) -> None:
    """Every instant is written with 27 characters and reads back."""
    stored = to_stored(Timestamp(), value)

    assert isinstance(stored, str)
    assert len(stored) == 27
    assert to_python(Timestamp(), stored) == value


@given(st.lists(st.text().filter(lambda text: "\0" not in text)))
def test_lists_of_any_text_read_back(value: list[str]) -> None:
    """Text of every script survives the way through a document; lone surrogates cannot be written."""
    clean = [each for each in value if each.encode(errors="ignore").decode() == each]

    assert to_python(Items(Text()), to_stored(Items(Text()), clean)) == clean
