"""The words that everyone uses: problems and their families, ids, observations."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.base64url import decode_base64url, encode_base64url
from holdfast.base.errors import CATALOGUE, Family
from holdfast.base.ids import build_uuid7, parse_client_id, parse_uuid
from holdfast.base.instant import Instant, after, before
from holdfast.base.observe import Observation, Trace


@pytest.mark.parametrize(("code", "family"), [("not_found", Family.CALLER), ("unavailable", Family.TIME), ("internal_error", Family.US)])
def test_a_problem_has_a_family(code: str, family: Family) -> None:
    """By its status: whose turn it is to do something."""
    assert CATALOGUE[code].family is family


def test_instants_are_counted_in_seconds() -> None:
    """From one to another, and back."""
    assert after(Instant(5), 2) == 2_000_005
    assert before(after(Instant(5), 2), 2) == 5


def test_an_id_holds_its_millisecond_and_its_dice() -> None:
    """As a UUIDv7, which a client could have chosen; every bit of the dice counts."""
    made = build_uuid7(0x0123456789AB, 2**74 - 1)
    assert made == "01234567-89ab-7fff-bfff-ffffffffffff"
    assert parse_uuid(made) == parse_client_id(made) == made
    assert build_uuid7(0x0123456789AB, 0) == "01234567-89ab-7000-8000-000000000000"


def test_an_observation_is_of_one_request() -> None:
    """What is not said of it is nothing."""
    seen = Observation("r", Instant(0), "GET", "/", "/", 200, None, 0.1, 0.0, 0, 2, "::1")
    assert (seen.cause, seen.faults, seen.trace) == (None, (), None)
    assert Trace("a", "b", "c").span_id == "b"


@given(st.binary(max_size=10), st.text(alphabet="AQg-_+/=é \n", max_size=6))
def test_base64url_has_one_spelling(raw: bytes, text: str) -> None:
    """What is written is read; another spelling of the same bytes is not."""
    assert decode_base64url(encode_base64url(raw)) == raw
    with contextlib.suppress(ValueError):
        assert encode_base64url(decode_base64url(text)) == text
