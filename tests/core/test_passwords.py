"""Passwords: what is long enough, what is guessed first, what belongs to whom."""

from collections.abc import Mapping

import pytest

from holdfast.base.errors import Refused
from holdfast.base.limits import PASSWORD_LENGTH_MAX
from holdfast.core.invalid import Invalid
from holdfast.core.passwords import PasswordRules

RULES = PasswordRules({"correct horse battery staple", "letmein", "qwertyuiop"}.__contains__)
GOOD = "a phrase that nobody guesses"


def fault_of(value: object) -> str:
    """The code of what is wrong with a password."""
    with pytest.raises(Invalid) as caught:
        RULES.read(value)
    (fault,) = caught.value.faults
    return fault.code


def test_a_good_password_is_normalized() -> None:
    """However a letter is composed, it is one password."""
    assert RULES.read("cafe\u0301 au lait, please") == RULES.read("caf\u00e9 au lait, please") == "caf\u00e9 au lait, please"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "wrong_type"),
        (123456789012345, "wrong_type"),
        ("short", "too_short"),
        ("e\u0301" * 14, "too_short"),
        ("x" * (PASSWORD_LENGTH_MAX + 1), "too_long"),
        ("a phrase\0that nobody guesses", "nul_character"),
        ("Correct Horse Battery Staple", "too_common"),
        ("letmeinletmeinletmein", "too_common"),
        ("qwertyuiop1234567!", "too_common"),
        ("aaaaaaaaaaaaaaaaaaaa", "too_common"),
        ("abcdabcdabcdabcdabcd", "too_common"),
        ("abcdefghijklmnopq", "too_common"),
        ("qponmlkjihgfedcba", "too_common"),
        ("012345678901234567", "too_common"),
        ("987654321098765432", "too_common"),
    ],
)
def test_what_will_not_do_is_refused(value: object, code: str) -> None:
    """By its length in characters, or because it is guessed first: common, repeated, a run."""
    assert fault_of(value) == code


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"password": GOOD, "email": "ann@example.org"}, None),
        ({"password": GOOD}, None),
        ({"password": None, "email": "ann@example.org"}, None),
        ({"email": "ann@example.org"}, None),
        ({"password": "Mirabelle and the garden", "email": "mirabelle@example.org"}, "too_common"),
        ({"password": "anna and the garden", "email": "ann@example.org"}, None),
        ({"password": "short", "email": "ann@example.org"}, "too_short"),
    ],
)
def test_a_user_is_judged_by_what_is_sent(values: Mapping[str, object], code: str | None) -> None:
    """The name in the address counts where it is long enough to tell; what is not sent is not judged."""
    if code is None:
        RULES.judge_user(values)
        return
    with pytest.raises(Refused) as caught:
        RULES.judge_user(values)
    assert [(each.field, each.code) for each in caught.value.details] == [("password", code)]
