"""Rates: what GCRA gives, against the plain meaning of a quota, and who counts as one caller."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.rate import Rate, Verdict, limit_key, parse_rate

SECOND_NS = 1_000_000_000
MINUTE = Rate.of(600, 60)


def rates() -> st.SearchStrategy[Rate]:
    """Any rate of the settings."""
    return st.builds(Rate.of, st.integers(1, 2_000), st.sampled_from([1, 60, 3_600]))


@given(rates(), st.lists(st.tuples(st.integers(0, 5 * SECOND_NS), st.integers(1, 50)), max_size=60))
def test_no_more_than_the_quota_and_what_was_earned_since(rate: Rate, takings: list[tuple[int, int]]) -> None:
    """Between any two moments no more than a quota and what the time between them earned; what is refused costs nothing."""
    now_ns, due_ns = 10**15, 0
    allowed: list[tuple[int, int]] = []
    for pause_ns, cost in takings:
        now_ns += pause_ns
        before_ns = due_ns
        due_ns, verdict = rate.take(due_ns, now_ns, cost)
        if verdict.allowed:
            allowed.append((now_ns, cost))
        else:
            assert due_ns == max(before_ns, now_ns)
    for first, (begin_ns, _) in enumerate(allowed):
        for last in range(first, len(allowed)):
            taken = sum(cost for _, cost in allowed[first : last + 1])
            assert taken <= rate.quota + (allowed[last][0] - begin_ns) / rate.step_ns


@given(rates(), st.integers(0, 10**12), st.integers(0, 10**12))
def test_what_is_said_to_remain_can_be_taken_and_no_more(rate: Rate, due_ns: int, now_ns: int) -> None:
    """`remaining` requests are allowed at once, one more is not; after `retry_s` it is."""
    _, asked = rate.take(due_ns, now_ns, 0)
    due_ns, all_of_it = rate.take(due_ns, now_ns, asked.remaining)
    _, more = rate.take(due_ns, now_ns, 1)
    _, later = rate.take(due_ns, now_ns + more.retry_s * SECOND_NS, 1)

    assert (all_of_it.allowed, all_of_it.remaining, more.allowed, later.allowed) == (True, 0, False, True)
    assert more.retry_s == more.reset_s >= 1


def test_the_whole_quota_may_be_taken_at_once() -> None:
    """600 requests in one moment, not 601; a tenth of a second earns the next."""
    due_ns, verdict = MINUTE.take(0, 10**15, 600)
    assert verdict == Verdict(allowed=True, remaining=0, reset_s=60, retry_s=0)

    assert MINUTE.take(due_ns, 10**15, 1) == (due_ns, Verdict(allowed=False, remaining=0, reset_s=1, retry_s=1))
    assert MINUTE.take(due_ns, 10**15 + SECOND_NS // 10, 1)[1].allowed


def test_what_another_rate_left_is_a_used_up_quota() -> None:
    """After a change of the setting nobody waits longer than the new rate asks."""
    _, verdict = Rate.of(10, 1).take(10**15 + 3_600 * SECOND_NS, 10**15, 1)

    assert verdict == Verdict(allowed=False, remaining=0, reset_s=1, retry_s=1)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("off", None),
        ("600/minute", Rate(600, 60, 100_000_000, 60_000_000_000)),
        ("1/second", Rate(1, 1, SECOND_NS, SECOND_NS)),
        ("7/hour", Rate(7, 3_600, 514_285_714_286, 3_600_000_000_002)),
    ],
)
def test_a_rate_is_read(text: str, rate: Rate | None) -> None:
    """In the form of the settings; a step that is no whole number is rounded up."""
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::1", True),
        ("", "192.0.2.1", False),
        ("no address", "another", False),
    ],
)
def test_an_address_is_one_caller(left: str, right: str, *, same: bool) -> None:
    """IPv6 by its /64, because one customer has all of it; IPv4 within IPv6 as IPv4."""
    assert (limit_key(None, left) == limit_key(None, right)) is same


def test_a_signed_in_caller_is_counted_wherever_he_is() -> None:
    """By his id alone, which no address can be."""
    assert limit_key("7", "192.0.2.1") == limit_key("7", "2001:db8::1") != limit_key(None, "user:7")
