"""The pattern of a decimal text between bounds, against every text there is."""

import random
import re
from collections.abc import Iterator

import pytest

from holdfast.core.openapi.decimals import build_decimal_pattern


def _texts(digits: int, places: int) -> Iterator[tuple[str, int]]:
    """Every decimal text of so many digits with its scaled value; each fraction in every length."""
    for whole in range(10 ** max(digits - places, 1)):
        yield str(whole), whole * 10**places
        for length in range(1, places + 1):
            for fraction in range(10**length):
                yield f"{whole}.{fraction:0{length}d}", whole * 10**places + fraction * 10 ** (places - length)


@pytest.mark.parametrize(("digits", "places"), [(1, 0), (1, 1), (2, 0), (2, 2), (3, 0), (3, 1), (3, 2), (4, 2)])
def test_a_pattern_matches_exactly_the_texts_between_its_bounds(digits: int, places: int) -> None:
    """A text of either sign matches if and only if its value lies within the bounds; seeds are the parameters."""
    dice = random.Random(digits * 10 + places)  # noqa: S311 - dice of a test
    most = 10**digits - 1
    edges = [(-most, most), (0, most), (1, most), (-most, -1), (-most, 0), (0, 0)]
    ranges = edges + [(min(pair), max(pair)) for pair in ((dice.randint(-most, most), dice.randint(-most, most)) for _ in range(12))]
    texts = list(_texts(digits, places))
    for low, high in ranges:
        pattern = re.compile(build_decimal_pattern(low, high, digits=digits, places=places))
        for text, value in texts:
            assert bool(pattern.fullmatch(text)) == (low <= value <= high), (low, high, text, pattern.pattern)
            if value:  # minus zero is zero, whichever way it is written
                assert bool(pattern.fullmatch(f"-{text}")) == (low <= -value <= high), (low, high, f"-{text}", pattern.pattern)


def test_a_pattern_refuses_leading_zeros_and_stray_signs() -> None:
    """One number has one integer part, and a plus sign or a bare point is no decimal text."""
    pattern = re.compile(build_decimal_pattern(-9999, 9999, digits=4, places=2))
    assert [text for text in ("01", "00.5", "+1", ".5", "1.", "1.234", "123", "") if pattern.fullmatch(text)] == []


def test_equal_halves_share_one_pattern() -> None:
    """Bounds that mirror each other are written once, with an optional sign."""
    assert build_decimal_pattern(-99, 99, digits=2, places=0) == "^-?([0-9]|[1-9][0-9])$"
