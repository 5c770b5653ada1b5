"""Codes of the second factor: the examples of RFC 6238, and what around them counts."""

import pytest

from holdfast.base.instant import Instant
from holdfast.core.totp import STEP_S, build_code, build_uri, find_step

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # noqa: S105  # of the RFC, "12345678901234567890" in base32


@pytest.mark.parametrize(
    ("at_s", "code"), [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
)
def test_the_examples_of_the_standard(at_s: int, code: str) -> None:
    """The last six digits of its eight; a blank between them is no fault."""
    now = Instant(at_s * 1_000_000)
    assert build_code(SECRET, at_s // STEP_S) == code
    assert find_step(SECRET, f"{code[:3]} {code[3:]}", now) == at_s // STEP_S


def test_a_step_before_and_after_counts() -> None:
    """And no other; what is no code is none."""
    step = 40_000_000
    now = Instant(step * STEP_S * 1_000_000)
    found = [find_step(SECRET, build_code(SECRET, step + around), now) for around in (-2, -1, 0, 1, 2)]
    assert found == [None, step - 1, step, step + 1, None]
    assert find_step(SECRET, "", now) is None


def test_what_an_authenticator_reads() -> None:
    """Names are escaped."""
    assert (
        build_uri("ABC", "ann@example.org", "My Shop: A")
        == "otpauth://totp/My%20Shop%3A%20A:ann%40example.org?secret=ABC&issuer=My%20Shop%3A%20A"
    )
