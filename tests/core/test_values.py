"""Numbers, booleans, UUIDs and choices: exact or refused, every bound at its limit and one beyond."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.limits import INT_MAX, INT_MIN
from holdfast.core.invalid import Invalid
from holdfast.core.values import scalar_reader
from holdfast.model.json_form import to_json
from holdfast.model.stored import to_python
from holdfast.model.types import (
    Boolean,
    Choice,
    Date,
    Duration,
    Float,
    Integer,
    Number,
    Reference,
    Scalar,
    Text,
    Time,
    Timestamp,
    Uuid,
)

ID = "018f3a2e-7c4b-7d10-8a5e-3b1c9d2e4f60"
MONEY = Number(places=2, digits=10)
SMALL = Number(places=2, digits=2)
WHOLE = Number(places=0, digits=3)
PRICE = Number(places=2, digits=6, ge=Decimal(0), le=Decimal("99.99"))
OPEN = Number(places=2, digits=6, gt=Decimal(0), lt=Decimal("99.995"), multiple_of=Decimal("0.05"))

ACCEPTED: tuple[tuple[Scalar, Any, Any], ...] = (
    (Integer(), 0, 0),
    (Integer(), INT_MAX, INT_MAX),
    (Integer(), INT_MIN, INT_MIN),
    (Integer(), Decimal("5.0"), 5),
    (Integer(), Decimal("5e0"), 5),
    (Integer(), Decimal("1.5e1"), 15),
    (Integer(), Decimal("-0.0"), 0),
    (Integer(), Decimal("0e999999"), 0),
    (Integer(), Decimal("9223372036854775807.000"), INT_MAX),
    (Integer(), 5.0, 5),
    (Integer(ge=1, le=9), 1, 1),
    (Integer(ge=1, le=9), 9, 9),
    (Integer(multiple_of=5), -10, -10),
    (Float(), 1, 1.0),
    (Float(), Decimal("1.5"), 1.5),
    (Float(), 1.5, 1.5),
    (Float(), Decimal("-0.0"), 0.0),
    (Float(), -0.0, 0.0),
    (Float(), Decimal("1e-999"), 0.0),
    (Float(), Decimal("1.7976931348623157e308"), 1.7976931348623157e308),
    (Float(), 2**64, 18446744073709551616.0),
    (Float(ge=0, le=5), 0, 0.0),
    (Float(ge=0, le=5), 5, 5.0),
    (Float(gt=0, lt=5), Decimal("0.001"), 0.001),
    (Float(gt=0, lt=5), Decimal("4.999"), 4.999),
    (Float(multiple_of=0.1), Decimal("0.3"), 0.3),
    (Float(multiple_of=0.1), Decimal("1e300"), 1e300),
    (Boolean(), True, 1),
    (Boolean(), False, 0),
    (MONEY, "12.50", 1250),
    (MONEY, "12.5", 1250),
    (MONEY, "12", 1200),
    (MONEY, "-12.50", -1250),
    (MONEY, "0", 0),
    (MONEY, "-0", 0),
    (MONEY, "-0.00", 0),
    (MONEY, "99999999.99", 9999999999),
    (MONEY, 12, 1200),
    (MONEY, 12.5, 1250),
    (MONEY, Decimal("12.50"), 1250),
    (MONEY, Decimal("1.25e1"), 1250),
    (MONEY, Decimal("1250e-2"), 1250),
    (MONEY, Decimal("9.999999999e7"), 9999999999),
    (MONEY, Decimal("0e999999999"), 0),
    (MONEY, Decimal("0.00"), 0),
    (MONEY, Decimal("-0.00"), 0),
    (MONEY, -99999999, -9999999900),
    (SMALL, "0.99", 99),
    (SMALL, Decimal("-0.99"), -99),
    (WHOLE, "999", 999),
    (WHOLE, Decimal("9.99e2"), 999),
    (WHOLE, Decimal(5), 5),
    (WHOLE, Decimal("50e-0"), 50),
    (Number(places=18, digits=18), "0.999999999999999999", 999999999999999999),
    (Number(places=18, digits=18), Decimal("-0.000000000000000001"), -1),
    (Number(places=0, digits=18), "999999999999999999", 999999999999999999),
    (PRICE, "0", 0),
    (PRICE, "99.99", 9999),
    (OPEN, "0.05", 5),
    (OPEN, "99.95", 9995),
    (Uuid(), ID, ID),
    (Uuid(), ID.upper(), ID),
    (Uuid(), "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"),
    (Reference("authors"), ID.upper(), ID),
    (Choice(("draft", "published")), "draft", "draft"),
    (Choice(("",)), "", ""),
    (Text(), "a", "a"),
    (Date(), "2024-02-29", "2024-02-29"),
    (Time(), "01:02:03", "01:02:03.000000"),
    (Timestamp(), "2024-02-29T01:02:03Z", "2024-02-29T01:02:03.000000Z"),
    (Duration(), "PT1S", 1_000_000),
)

NUMBERS: tuple[Scalar, ...] = (Integer(), Float(), MONEY)
NO_NUMBERS: tuple[Any, ...] = (True, False, None, [], {}, float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity"))
TEXTS: tuple[Scalar, ...] = (Uuid(), Reference("authors"), Choice(("1", "true")))
NO_TEXTS: tuple[Any, ...] = (1, 1.0, Decimal(1), True, None, [], {})
NO_BOOLEANS: tuple[Any, ...] = (0, 1, "true", "", None, [], Decimal(1))
NO_DECIMALS = ("", "x", "+5", "5.", ".5", "05", "5e1", "1_000", "1,5", " 5", "5 ", "5\n", "--5", "NaN", "Infinity", "٥", "0x5", "- 5")
NO_UUIDS = (
    "",
    "x",
    ID[:-1],
    ID + "0",
    ID.replace("-", ""),
    f"{{{ID}}}",
    f"urn:uuid:{ID}",
    ID + "\n",
    ID.replace("0", "g"),
    ID.replace("0", "０"),
)

REFUSED: tuple[tuple[Scalar, Any, str], ...] = (
    *((kind, value, "wrong_type") for kind in NUMBERS for value in NO_NUMBERS),
    *((kind, value, "wrong_type") for kind in TEXTS for value in NO_TEXTS),
    *((Boolean(), value, "wrong_type") for value in NO_BOOLEANS),
    *((MONEY, value, "wrong_format") for value in NO_DECIMALS),
    *((Uuid(), value, "wrong_format") for value in NO_UUIDS),
    (Integer(), "5", "wrong_type"),
    (Integer(), Decimal("5.5"), "wrong_type"),
    (Integer(), Decimal("1e-999999999"), "wrong_type"),
    (Integer(), 5.5, "wrong_type"),
    (Integer(), INT_MAX + 1, "too_large"),
    (Integer(), INT_MIN - 1, "too_small"),
    (Integer(), Decimal("9223372036854775808.0"), "too_large"),
    (Integer(), Decimal("1e999999999999"), "too_large"),
    (Integer(), Decimal("-1e999999999999"), "too_small"),
    (Integer(), 10**4299, "too_large"),
    (Integer(ge=1, le=9), 0, "too_small"),
    (Integer(ge=1, le=9), 10, "too_large"),
    (Integer(multiple_of=5), 11, "not_multiple"),
    (Float(), "1.5", "wrong_type"),
    (Float(), Decimal("1e309"), "too_large"),
    (Float(), Decimal("-1e999999999999"), "too_small"),
    (Float(), 10**4299, "too_large"),
    (Float(), -(10**4299), "too_small"),
    (Float(ge=0, le=5), Decimal("-1e-300"), "too_small"),
    (Float(ge=0, le=5), Decimal("5.000000000000001"), "too_large"),
    (Float(gt=0, lt=5), 0, "too_small"),
    (Float(gt=0, lt=5), 5, "too_large"),
    (Float(multiple_of=0.1), Decimal("0.35"), "not_multiple"),
    (MONEY, "1.234", "too_many_digits"),
    (MONEY, "1.230", "too_many_digits"),
    (MONEY, "100000000", "too_many_digits"),
    (MONEY, "-100000000", "too_many_digits"),
    (MONEY, "9" * 5000, "too_many_digits"),
    (MONEY, "0." + "0" * 5000, "too_many_digits"),
    (MONEY, 100000000, "too_many_digits"),
    (MONEY, 10**4299, "too_many_digits"),
    (MONEY, Decimal("1.234"), "too_many_digits"),
    (MONEY, Decimal("12.500"), "too_many_digits"),
    (MONEY, Decimal("12500e-3"), "too_many_digits"),
    (MONEY, Decimal("0.000"), "too_many_digits"),
    (MONEY, Decimal("0e-999999999"), "too_many_digits"),
    (MONEY, Decimal("0.001"), "too_many_digits"),
    (MONEY, Decimal("1e999999999"), "too_many_digits"),
    (MONEY, Decimal("1e-999999999"), "too_many_digits"),
    (MONEY, Decimal("99999999.995"), "too_many_digits"),
    (MONEY, 0.1 + 0.2, "too_many_digits"),
    (SMALL, "1", "too_many_digits"),
    (SMALL, "1.00", "too_many_digits"),
    (WHOLE, "5.0", "too_many_digits"),
    (WHOLE, Decimal("5.0"), "too_many_digits"),
    (WHOLE, "1000", "too_many_digits"),
    (PRICE, "-0.01", "too_small"),
    (PRICE, "100.00", "too_large"),
    (OPEN, "0", "too_small"),
    (OPEN, "100", "too_large"),
    (OPEN, "0.07", "not_multiple"),
    (Choice(("draft", "published")), "Draft", "not_in_choices"),
    (Choice(("draft", "published")), "", "not_in_choices"),
)


def faults_of(kind: Scalar, value: Any) -> list[tuple[str, str]]:
    """The codes and predicates with which a value is refused."""
    with pytest.raises(Invalid) as caught:
        scalar_reader(kind)(value)
    return [(fault.code, fault.predicate) for fault in caught.value.faults]


@pytest.mark.parametrize(("kind", "value", "stored"), ACCEPTED, ids=lambda part: repr(part)[:60])
def test_a_value_is_read_into_its_stored_form(kind: Scalar, value: Any, stored: Any) -> None:
    """Each accepted value has one stored form, of one Python type, with zero never negative."""
    read = scalar_reader(kind)(value)
    assert (type(read), str(read)) == (type(stored), str(stored))


@pytest.mark.parametrize(("kind", "value", "code"), REFUSED, ids=lambda part: repr(part)[:60])
def test_a_wrong_value_is_refused(kind: Scalar, value: Any, code: str) -> None:
    """Nothing is coerced, rounded or cut: a value that does not fit is refused with its code."""
    assert [code] == [each for each, _ in faults_of(kind, value)]


@pytest.mark.parametrize(
    ("kind", "value", "predicate"),
    [
        (Integer(ge=1), 0, "must be at least 1"),
        (Integer(le=9), 10, "must be at most 9"),
        (Integer(multiple_of=5), 1, "must be a multiple of 5"),
        (Integer(), "5", "must be a whole number, is a string"),
        (Integer(), Decimal("5.5"), "must be a whole number, has a fraction"),
        (Integer(), Decimal("1e99"), "must fit in 64 bits"),
        (Float(), Decimal("1e999"), "must fit in a double"),
        (Float(gt=0.5), Decimal("0.5"), "must be greater than 0.5"),
        (Float(lt=0.5), Decimal("0.5"), "must be less than 0.5"),
        (PRICE, "-1", "must be at least 0"),
        (PRICE, "100", "must be at most 99.99"),
        (PRICE, "1.234", "must have at most 2 digits after the point"),
        (PRICE, Decimal("1.234"), "must have at most 2 digits after the point"),
        (PRICE, "12345", "must have at most 4 digits before the point"),
        (PRICE, Decimal("1e99"), "must have at most 4 digits before the point"),
        (Number(places=1, digits=2), "1.23", "must have at most 1 digit after the point"),
        (WHOLE, "5.0", "must have no digits after the point"),
        (SMALL, "1", "must have no digits but a zero before the point"),
        (MONEY, True, "must be a decimal number, as a string or a number, is a boolean"),
        (Boolean(), "true", "must be true or false, is a string"),
        (Choice(("draft", "published")), "x", "must be one of: draft, published"),
        (
            Choice(tuple("abcdefghijklmnopqrstuvwxyz")),
            "1",
            "must be one of: a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, ...",
        ),
    ],
)
def test_a_refusal_names_the_bound(kind: Scalar, value: Any, predicate: str) -> None:
    """The predicate says what would be right, and never repeats the value."""
    assert [predicate] == [each for _, each in faults_of(kind, value)]


STORED: tuple[tuple[Scalar, st.SearchStrategy[Any]], ...] = (
    (Text(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
    (Integer(), st.integers(INT_MIN, INT_MAX)),
    (Float(), st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)),
    (Boolean(), st.sampled_from([0, 1])),
    (Number(places=0), st.integers(1 - 10**18, 10**18 - 1)),
    (Number(places=2), st.integers(1 - 10**18, 10**18 - 1)),
    (Number(places=18), st.integers(1 - 10**18, 10**18 - 1)),
    (Date(), st.dates().map(str)),
    (Time(), st.times().map(lambda value: value.isoformat(timespec="microseconds"))),
    (Timestamp(), st.datetimes().map(lambda value: value.isoformat(timespec="microseconds") + "Z")),
    (Duration(), st.integers(-INT_MAX, INT_MAX)),
    (Uuid(), st.uuids().map(str)),
    (Reference("authors"), st.uuids().map(str)),
    (Choice(("draft", "published")), st.sampled_from(["draft", "published"])),
)


@pytest.mark.parametrize(("kind", "values"), STORED, ids=[repr(kind)[:30] for kind, _ in STORED])
@given(data=st.data())
def test_what_is_shown_can_be_sent_back(kind: Scalar, values: st.SearchStrategy[Any], data: st.DataObject) -> None:
    """The JSON form of every stored value is read into the same stored value."""
    stored = data.draw(values)
    assert scalar_reader(kind)(to_json(kind, to_python(kind, stored))) == stored


@given(st.decimals(allow_nan=False, allow_infinity=False) | st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_decimal_is_exact_or_refused(number: Any) -> None:
    """Whatever number is sent for a Decimal, what is stored is equal to it."""
    try:
        scaled = scalar_reader(MONEY)(number)
    except Invalid:
        return
    exact = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    assert Decimal(scaled) / 100 == exact
