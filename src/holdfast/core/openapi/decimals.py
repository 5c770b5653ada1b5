"""The pattern of a decimal text between two bounds, so that the document says of a string what `minimum` says of a number.

Values are scaled integers here, as they are stored: 12.50 with two places is 1250.
"""

from collections.abc import Callable, Iterator


def build_decimal_pattern(low: int, high: int, *, digits: int, places: int) -> str:
    """The pattern of every decimal text from `low` to `high`, both scaled by 10**places and inclusive.

    digits  digits in all; the integer part has at most digits - places of them, and at least one
    places  digits after the point, at most; the point and trailing zeros may be left out
    """
    width = max(digits - places, 1)
    below = _magnitude(max(-high, 0), -low, width, places) if low < 0 else ""
    above = _magnitude(max(low, 0), high, width, places) if high >= 0 else ""
    if below == above:
        return f"^-?{above}$"
    return f"^{_one_of([each for each in (below and '-' + below, above) if each])}$"


def _magnitude(low: int, high: int, width: int, places: int) -> str:
    """Texts of an unsigned number, without leading zeros: one branch for each length of the integer part."""
    unit = 10**places
    branches, free = [], []
    for length in range(1, width + 1):
        smallest, largest = (10 ** (length - 1) * unit if length > 1 else 0), 10**length * unit - 1
        if low <= smallest and largest <= high and length > 1:
            free.append(length)
        elif max(low, smallest) <= min(high, largest):
            branches.append(_integer(max(low, smallest), min(high, largest), length, places))
    if free:
        branches.append(f"[1-9][0-9]{_times(free[0] - 1, free[-1] - 1)}{_point(0, unit - 1, places)}")
    return _one_of(branches)


def _integer(low: int, high: int, length: int, places: int) -> str:
    """Texts of `length` more integer digits and an optional fraction, from `low` to `high`."""
    unit = 10**places
    if length == 0:
        return _point(low, high, places)
    if low == 0 and high == 10**length * unit - 1:
        return f"[0-9]{_times(length, length)}{_point(0, unit - 1, places)}"
    step = 10 ** (length - 1) * unit
    return _one_of(list(_by_digit(low, high, step, lambda first, last: _integer(first, last, length - 1, places))))


def _point(low: int, high: int, places: int) -> str:
    """A point and its fraction; both may be left out where zero is inside."""
    if places == 0:
        return ""
    step = 10 ** (places - 1)
    some = "\\." + _one_of(list(_by_digit(low, high, step, lambda first, last: _fraction(first, last, places - 1))))
    return f"({some})?" if low == 0 else some


def _fraction(low: int, high: int, places: int) -> str:
    """Up to `places` more digits of a fraction; they may be left out where zero is inside."""
    if low == 0 and high == 10**places - 1:
        return f"[0-9]{_times(0, places)}" if places else ""
    step = 10 ** (places - 1)
    some = _one_of(list(_by_digit(low, high, step, lambda first, last: _fraction(first, last, places - 1))))
    return f"({some})?" if low == 0 else some


def _by_digit(low: int, high: int, step: int, rest: Callable[[int, int], str]) -> Iterator[str]:
    """One branch for each run of leading digits that goes on in the same way; `step` is what a leading digit is worth."""
    runs: list[tuple[str, int, int]] = []
    for digit in range(10):
        first, last = max(low - digit * step, 0), min(high - digit * step, step - 1)
        if first > last:
            continue
        tail = rest(first, last)
        if runs and runs[-1][0] == tail:
            runs[-1] = (tail, runs[-1][1], digit)
        else:
            runs.append((tail, digit, digit))
    for tail, first_digit, last_digit in runs:
        yield (f"{first_digit}" if first_digit == last_digit else f"[{first_digit}-{last_digit}]") + tail


def _times(low: int, high: int) -> str:
    if low == high:
        return "" if low == 1 else f"{{{low}}}"
    return f"{{{low},{high}}}"


def _one_of(branches: list[str]) -> str:
    return branches[0] if len(branches) == 1 else f"({'|'.join(branches)})"
