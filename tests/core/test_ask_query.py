"""Query strings: what is read, what is refused, and with which words."""

from urllib.parse import quote, quote_plus

import pytest
from ask_library import refusal_of
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.errors import Refused
from holdfast.core.ask.query import Parameter, check_no_parameters, parse_query, take_single


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("", []),
        ("a=1", [Parameter("a", None, "1")]),
        ("a", [Parameter("a", None, "")]),
        ("a=", [Parameter("a", None, "")]),
        ("a=1&&b=2&", [Parameter("a", None, "1"), Parameter("b", None, "2")]),
        ("price[gte]=10", [Parameter("price", "gte", "10")]),
        ("price%5Bgte%5D=10", [Parameter("price", "gte", "10")]),
        ("author.name[contains]=le", [Parameter("author.name", "contains", "le")]),
        ("q=a+b%20c%2Bd", [Parameter("q", None, "a b c+d")]),
        ("q=M%C3%BCnchen", [Parameter("q", None, "München")]),
        ("a=b=c", [Parameter("a", None, "b=c")]),
        ("a=%26%3D", [Parameter("a", None, "&=")]),
        ("a=1&a=2", [Parameter("a", None, "1"), Parameter("a", None, "2")]),
    ],
)
def test_a_query_string_is_read_into_parameters(text: str, parameters: list[Parameter]) -> None:
    """Names, operators and values are decoded, in order."""
    assert parameters == parse_query(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a=%", "malformed_request"),
        ("a=%4", "malformed_request"),
        ("a=%zz", "malformed_request"),
        ("%g0=1", "malformed_request"),
        ("a=%ff", "malformed_request"),
        ("a=%c3", "malformed_request"),
        ("a=%ed%a0%80", "malformed_request"),
        ("=1", "unknown_parameter"),
        ("[gte]=1", "unknown_parameter"),
        ("a[]=1", "unknown_parameter"),
        ("a[b=1", "unknown_parameter"),
        ("ab]=1", "unknown_parameter"),
        ("a[b][c]=1", "unknown_parameter"),
        ("a[b]c=1", "unknown_parameter"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, code: str) -> None:
    """Bad escapes, bytes that are not UTF-8 and broken brackets are 400, never guessed."""
    error = refusal_of(parse_query, text)

    assert (400, code) == (error.status, error.code)


@given(st.text(), st.sampled_from([quote, quote_plus]))
def test_every_text_survives_percent_encoding(value: str, encode: "type[str]") -> None:
    """Whatever a client encodes is what is read."""
    encoded = encode(value.encode("utf-8", "ignore"))

    assert [Parameter("a", None, value.encode("utf-8", "ignore").decode())] == parse_query(f"a={encoded}")


@given(st.text(alphabet="%+&=[]ab0\x00é", max_size=20))
def test_no_query_string_breaks_the_reader(text: str) -> None:
    """Any text is read or refused with 400."""
    try:
        names = [parameter.name for parameter in parse_query(text)]
    except Refused as error:
        names = [error.code] if error.status == 400 else [""]

    assert all(names)


def test_a_parameter_given_twice_is_refused() -> None:
    """A single-valued parameter stands once; the answer names it."""
    error = refusal_of(take_single, parse_query("page=1&page=1"), ("page",))

    assert error.code == "unknown_parameter"
    assert error.message == "`page` is given twice."


def test_parameters_and_the_rest_are_parted() -> None:
    """A parameter's name with an operator is a filter, so it stays with the rest."""
    single, rest = take_single(parse_query("page=2&limit[eq]=3&x=1"), ("page", "limit"))

    assert single == {"page": "2"}
    assert [Parameter("limit", "eq", "3"), Parameter("x", None, "1")] == rest
    assert [parameter.key for parameter in rest] == ["limit[eq]", "x"]


def test_a_route_without_parameters_refuses_any() -> None:
    """A parameter where none is taken is refused, not passed over."""
    check_no_parameters("")
    error = refusal_of(check_no_parameters, "a=1")

    assert (error.code, error.hint) == ("unknown_parameter", "Leave it out.")
